#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layout generic: any pair or kubeconfig that the administrator lists, with its units, commands and
# copies; and no more.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

listed() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

# A web server with a CA of its own, and somebody's kubeconfig.
host v1.28.7/ecdsa-p256
mkdir -p "$ROOT/srv/tls" "$ROOT/srv/proxy" "$ROOT/etc/kube-renewd"
mv "$ROOT/etc/kubernetes/pki/ca".* "$ROOT/etc/kubernetes/pki/apiserver."* "$ROOT/etc/kubernetes/scheduler.conf" "$ROOT/srv/tls"
rm -r "$ROOT/etc/kubernetes"
cat "$ROOT/srv/tls/apiserver.crt" "$ROOT/srv/tls/apiserver.key" >"$ROOT/srv/proxy/all.pem"
cat >"$ROOT/etc/kube-renewd/kube-renewd.conf" <<'END'
[agent]
Layout=generic
[layout]
BaseDirectory=/srv/tls
[ca site]
Certificate=%b/ca.crt
Key=%b/ca.key
[certificate web]
Certificate=%b/apiserver.crt
Key=%b/apiserver.key
CA=site
[kubeconfig robot]
Path=%b/scheduler.conf
CA=site
[component nginx]
Unit=nginx.service
Uses=%b/apiserver.crt %b/apiserver.key
[component robot]
RestartCommand=/usr/local/bin/robot restart
Uses=%b/scheduler.conf /srv/proxy/all.pem
[copy proxy]
Source=web
Path=/srv/proxy/all.pem
Content=bundle
END
tap_status 0 "what is effective" listed config
tap_like "$OUTPUT" '^Layout=generic +# /etc/kube-renewd/kube-renewd.conf:2$' "has the layout"
tap_status 1 "what is listed" listed check --at="$TEN_DAYS" --output=json
tap_is "$(jq -r '.[] | .name + " " + .status' <<<"$OUTPUT" | xargs)" "web EXPIRING robot EXPIRING site OK" "is judged, and nothing else"
tap_status 75 "a pass" listed run --at="$TEN_DAYS"
tap_like "$OUTPUT" '^web: renewed' "renews the pair"
tap_like "$OUTPUT" '^robot: renewed' "and the kubeconfig"
tap_ok "a CA of the site has signed it" openssl verify -no_check_time -CAfile "$ROOT/srv/tls/ca.crt" "$ROOT/srv/tls/apiserver.crt"
tap_ok "the copy follows" cmp "$ROOT/srv/proxy/all.pem" <(cat "$ROOT/srv/tls/apiserver.crt" "$ROOT/srv/tls/apiserver.key")
tap_is "$(find "$ROOT/var/lib/kube-renewd/owed" -name '*.json' -printf '%f\n' | sort | xargs)" "nginx.json robot.json" \
        "the unit and the command are owed"

# By itself it is nothing, and no host is taken for one.
printf '[agent]\nLayout=generic\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 78 "without a list" listed plan
tap_is "$OUTPUT" "kube-renewd: layout 'generic' lists no certificate; there is nothing to look after" "that is said"
sed -i 's/Layout=.*/Layout=/' "$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 78 "without its name" listed plan
tap_like "$OUTPUT" '^kube-renewd: no layout fits this host; .*generic.*; it has none of .*/etc/kubernetes/manifests/kube-apiserver.yaml' \
        "no layout is found, and what was looked for is said"
tap_done

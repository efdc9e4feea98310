#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Adding a layout needs no C: a distribution that nobody has heard of, as one file, has all that the
# others have, from the first certificate on.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

acme() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}
rows() { acme check --at="$1" --output=json | jq -r '.[] | .name + " " + .status' | xargs; }

ROOT=$SCRATCH/host
mkdir -p "$ROOT/opt/acme/etc" "$ROOT/opt/acme/tls" "$ROOT/etc/kube-renewd/layouts" "$ROOT/home/acme"
touch "$ROOT/opt/acme/etc/acme.toml"
cat >"$ROOT/etc/kube-renewd/layouts/acme.conf" <<'END'
[layout]
Description=ACME Kubernetes
Detect=/opt/acme/etc/acme.toml
BaseDirectory=/var/acme/tls /opt/acme/tls
[renewal]
RenewBefore=30d
KeyAlgorithm=ECDSA-P256
RecreateMissing=yes
[host]
ServiceAddress=10.1.0.1
[ca acme]
Name=acme-root
Certificate=%b/root.pem
Key=%b/root-key.pem
CommonName=ACME root
[certificate api]
Certificate=%b/api.pem
Key=%b/api-key.pem
CA=acme
CommonName=acme-api
SANs=DNS:%H DNS:acme.example IP:%S
Usage=server
[certificate agent]
Certificate=%b/agent.pem
Key=%b/agent-key.pem
CA=acme
CommonName=acme:agent:%H
Organization=acme:agents
Usage=client
RenewBefore=60d
[kubeconfig operator]
Path=%b/operator.kubeconfig
CA=acme
CommonName=acme:operator
Organization=system:masters
Server=https://acme.example:7443
[component acmed]
Unit=acmed.service
Uses=%b/api.pem %b/api-key.pem
Order=10
[component acme-agent]
Unit=acme-agent.service
Uses=%b/agent.pem
Order=20
[copy operator]
Source=operator
Path=/home/*/acme.kubeconfig
END

tap_status 0 "its first certificates" acme init --at=2026-01-01T00:00:00Z --node-name=cp-7
tap_status 0 "are judged" acme check --at=2026-01-02T00:00:00Z --output=json
tap_is "$(jq -r '.[0].sans | join(" ")' <<<"$OUTPUT")" "DNS:cp-7 DNS:acme.example IP:10.1.0.1" "as the layout has them"
tap_is "$(rows 2026-01-02T00:00:00Z)" "api OK agent OK operator OK acme-root OK" "by its names"
cp "$ROOT/opt/acme/tls/operator.kubeconfig" "$ROOT/home/acme/acme.kubeconfig"

tap_status 0 "the plan, 45 days before the end" acme plan --at=2026-11-17T00:00:00Z --output=json
tap_is "$(jq -r '.steps[].certificate' <<<"$OUTPUT" | xargs)" agent "has what the layout renews first"
tap_status 0 "the configuration" acme config
tap_like "$OUTPUT" '^Layout=acme +# /etc/kube-renewd/layouts/acme.conf:3$' "says which layout is in use, and why"
tap_like "$OUTPUT" '^RenewBefore=30d +# /etc/kube-renewd/layouts/acme.conf:6$' "and what it has made a default"
tap_status 0 "the drop-in" acme config --drop-in
tap_like "$OUTPUT" '^ReadWritePaths=-?/opt/acme/tls$' "lets the service write there"

tap_status 75 "a pass, 10 days before the end" acme run --at=2026-12-22T00:00:00Z
tap_is "$(rows 2026-12-22T00:00:00Z)" "api OK agent OK operator OK acme-root OK" "renews everything"
tap_ok "a user's copy too" cmp "$ROOT/opt/acme/tls/operator.kubeconfig" "$ROOT/home/acme/acme.kubeconfig"
tap_is "$(find "$ROOT/var/lib/kube-renewd/owed" -name '*.json' -printf '%f\n' | sort | xargs)" "acme-agent.json acmed.json" \
        "its services are owed a restart"
rm "$ROOT"/opt/acme/tls/agent*.pem
tap_status 75 "what was lost" acme run --at=2026-12-23T00:00:00Z
tap_is "$(rows 2026-12-23T00:00:00Z)" "api OK agent OK operator OK acme-root OK" "is made anew"
tap_is "$(openssl x509 -in "$ROOT/opt/acme/tls/agent.pem" -noout -subject -nameopt RFC2253)" \
        "subject=CN=acme:agent:$(uname -n | tr '[:upper:]' '[:lower:]'),O=acme:agents" "for whom the layout says"
tap_is "$(grep -aoi "acme" "$KUBE_RENEWD" | head -n 1)" "" "and the program has never heard of it"
tap_done

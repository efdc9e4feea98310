#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Renewals that are asked for by a file in STATE/renew-requested, which becomes the receipt; whoever asks for
# what will never be is told so once, and nothing that lies there holds up a pass.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

LATER=2026-12-02T00:00:00Z
REQUESTS=

# asking TREE NAME...: a host where these are asked for.
asking() {
        host "$1"
        shift
        REQUESTS=$ROOT/var/lib/kube-renewd/renew-requested
        mkdir -p "$REQUESTS"
        chmod 711 "${REQUESTS%/*}"
        chmod 700 "$REQUESTS"
        (cd "$REQUESTS" && touch "$@")
        digests >"$SCRATCH/before"
}

# pass TIME: what it says of requests, and all else.
pass() {
        SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=warning renewd run --at="$1"
}

receipt() {
        cat "$REQUESTS/$1"
}

# K2: a request, its receipt, and another request.
asking v1.28.7/ecdsa-p256 apiserver admin.conf
tap_status 0 "who only looks" renewd check --at="$NEW" --output=json
tap_is "$(jq -r '.[] | select(.dueReason != "") | .name + " " + .dueReason' <<<"$OUTPUT" | xargs)" \
        "apiserver requested admin.conf requested" "sees that they are due, and why"
tap_status 0 "a dry run" renewd renew --dry-run --at="$NEW"
tap_empty "$(receipt apiserver)" "answers nothing"
tap_status 75 "K2 the pass that is asked" pass "$NEW"
tap_is "$(changed | xargs)" "etc/kubernetes/admin.conf etc/kubernetes/pki/apiserver.crt etc/kubernetes/pki/apiserver.key" \
        "K2 renews what was asked for, and nothing else"
tap_is "$(receipt apiserver) $(receipt admin.conf)" "$NEW $NEW" "K2 the receipt is the time of it"
tap_is "$(stat -c %a "$REQUESTS/apiserver")" 600 "and is root's alone"
digests >"$SCRATCH/before"
pass "$LATER" >/dev/null 2>&1
tap_is "$(changed)" "" "K2 a receipt asks for nothing"
tap_is "$(receipt apiserver)" "$NEW" "and stays"
: >"$REQUESTS/apiserver"
pass "$LATER" >/dev/null 2>&1
tap_is "$(changed | xargs)" "etc/kubernetes/pki/apiserver.crt etc/kubernetes/pki/apiserver.key" "an empty one asks again"
tap_is "$(receipt apiserver)" "$LATER" "and has a receipt of its own"

# Whatever renews it has done what was asked for.
asking v1.28.7/ecdsa-p256 apiserver scheduler.conf
tap_status 75 "renewed by hand" renewd renew --at="$NEW" apiserver
tap_is "$(receipt apiserver)$(receipt scheduler.conf)" "$NEW" "it has its receipt, and what was not renewed has none"

# What nobody will ever renew here is told once.
asking v1.28.7/ecdsa-p256 apisrever ca kubelet.conf front-proxy-client
rm "$ROOT/etc/kubernetes/pki/front-proxy-ca.key"
cp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/etc/kubernetes/kubelet.conf"
tap_status 0 "names that are none" pass "$NEW"
tap_like "$OUTPUT" "'apisrever': no certificate is called 'apisrever'; did you mean 'apiserver'\?" "with the nearest that is one"
tap_is "$(grep -c 'Requested renewal of' <<<"$OUTPUT")" 4 "each is told"
tap_like "$(receipt apisrever)" "^$NEW refused: no certificate is called" "its file says so, too"
tap_like "$(receipt ca)" "^$NEW refused: 'ca' is a CA certificate" "so does that of a CA"
tap_like "$(receipt kubelet.conf)" "^$NEW refused: somebody else renews it" "of what is only watched"
tap_like "$(receipt front-proxy-client)" "^$NEW refused: the key of its CA is not on this host" "and of what is signed elsewhere"
tap_status 0 "the next pass" pass "$LATER"
tap_unlike "$OUTPUT" 'Requested renewal' "has nothing more to say"

# What cannot be done today is asked for still tomorrow.
asking v1.28.7/ecdsa-p256 apiserver
mv "$ROOT/etc/kubernetes/pki/ca.key" "$SCRATCH/ca.key"
echo garbage >"$ROOT/etc/kubernetes/pki/ca.key"
tap_status 1 "a CA key that cannot be used" pass "$NEW"
tap_empty "$(receipt apiserver)" "leaves the request as it is"
mv "$SCRATCH/ca.key" "$ROOT/etc/kubernetes/pki/ca.key"
tap_status 75 "with the key" pass "$LATER"
tap_is "$(receipt apiserver)" "$LATER" "it is met"

# Nobody but root may ask.
for path in . .. apiserver; do
        asking v1.28.7/ecdsa-p256 apiserver
        chmod o+w "$REQUESTS/$path"
        pass "$NEW" >"$SCRATCH/output" 2>&1
        tap_is "$(changed)" "" "where others could write ($path), nobody is heard"
        tap_empty "$(receipt apiserver)" "nor answered"
        tap_like "$(cat "$SCRATCH/output")" '(any|other)' "and that is told"
done

# Nothing that lies there hangs, is followed, or holds up what is asked for.
asking v1.28.7/ecdsa-p256 scheduler.conf
mkfifo "$REQUESTS/apiserver" "$REQUESTS/fifo"
ln -s ../../../../etc/kubernetes/admin.conf "$REQUESTS/admin.conf"
ln -s loop "$REQUESTS/loop"
mkdir "$REQUESTS/etcd-server"
head -c 5000000 /dev/zero >"$REQUESTS/front-proxy-client"
printf '2026-13-01T00:00:00Z\n' >"$REQUESTS/etcd-peer"
printf 'sha256:%064d %s\n' 0 "$NEW" >"$REQUESTS/etcd-healthcheck-client"
touch "$REQUESTS/"$'a\nname\e[31m' "$REQUESTS/$(printf '%0255d' 0)" "$REQUESTS/a%2Fb"
tap_status 75 "what is no request" timeout 60 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm run --at="$NEW"
tap_is "$(changed | grep -c -e 'admin.conf' -e 'pki/apiserver[.]' -e etcd/server)" 0 "is none"
tap_is "$(changed | grep '[.]\(crt\|conf\)$' | xargs)" \
        "etc/kubernetes/pki/etcd/healthcheck-client.crt etc/kubernetes/pki/etcd/peer.crt etc/kubernetes/pki/front-proxy-client.crt etc/kubernetes/scheduler.conf" \
        "what is no receipt is a request"
tap_is "$(for name in scheduler.conf front-proxy-client etcd-peer etcd-healthcheck-client; do receipt $name; done | sort -u)" "$NEW" \
        "and is answered"
tap_ok "no link was followed" test -L "$REQUESTS/admin.conf"
tap_like "$(receipt a%2Fb)" '^2026-12-01T00:00:00Z refused' "odd names are answered, too"

asking v1.28.7/ecdsa-p256 apiserver
(cd "$REQUESTS" && seq -f 'nobody-%g' 33000 | xargs touch)
tap_status 75 "thousands of names that are none" pass "$NEW"
tap_is "$(receipt apiserver)" "$NEW" "keep nobody from being heard"
tap_is "$(grep -c 'Requested renewal' <<<"$OUTPUT")" 1 "and are told in one line"
tap_like "$OUTPUT" 'holds more than [0-9]+ names' "which says how many they are"
find "$REQUESTS" -name '*[1-9][0-9]' -delete
tap_status 75 "still too many to be told at once" pass "$LATER"
tap_is "$(grep -c 'Requested renewal' <<<"$OUTPUT")" 64 "are told some at a time"
tap_done

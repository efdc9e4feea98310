#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# recover, and passes that meet: what an interrupted pass left is said, finished once, and one pass at
# a time acts.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

state=var/lib/kube-renewd

# mismatched: pairs of $ROOT whose key and certificate do not belong together.
mismatched() {
        local certificate

        find "$ROOT/etc/kubernetes/pki" -name '*.crt' | while read -r certificate; do
                [ "$(openssl x509 -noout -pubkey -in "$certificate")" = \
                        "$(openssl pkey -pubout -in "${certificate%.crt}.key")" ] || echo "$certificate"
        done
}

host v1.28.7/ecdsa-p256
tap_status 0 "nothing to recover" renewd recover --at="$TEN_DAYS"
tap_is "$OUTPUT" "Nothing was unfinished." "says so"

if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
        (strace -f -o /dev/null -e trace=renameat2 -e inject=renameat2:signal=KILL:when=5 \
                "$KUBE_RENEWD" --root="$ROOT" renew --at="$TEN_DAYS") >/dev/null 2>&1
        tap_status 1 "T36 after a kill in the middle of the swaps" renewd check --at="$TEN_DAYS" ca apiserver-etcd-client
        tap_like "$OUTPUT" "^kube-renewd: a transaction is unfinished.*'kube-renewd recover'" "T36 check says so"
        tap_status 0 "T36 recover" renewd recover --at="$TEN_DAYS"
        tap_like "$OUTPUT" '^interrupted transaction [0-9a-f]+: had been committed, finished now' "T36 finishes it"
        tap_empty "$(mismatched)" "T36 every pair belongs together"
        tap_empty "$(find "$ROOT" -name '.*' -type f)" "T36 nothing staged is left"
        tap_status 0 "T36 once" renewd recover --at="$TEN_DAYS"
        tap_is "$OUTPUT" "Nothing was unfinished." "T36 and only once"
        tap_status 75 "T36 the next pass" renewd run --at="$TEN_DAYS"
        tap_unlike "$OUTPUT" ': renewed' "T36 has nothing left to renew"
else
        tap_skip "T36 a kill in the middle" "strace is not installed or not allowed"
fi

host v1.28.7/ecdsa-p256
tap_status 0 "a state directory" renewd recover --at="$TEN_DAYS"
digests >"$SCRATCH/before"
for verb in run renew recover; do
        tap_status 75 "T19 '$verb' while another pass acts" flock "$ROOT/$state/lock" \
                "$KUBE_RENEWD" --root="$ROOT" "$verb" --at="$TEN_DAYS"
        tap_like "$OUTPUT" '^kube-renewd: .*(lock|another|held)' "T19 '$verb' says why"
done
tap_is "$(changed)" "" "T19 and nothing changed"
tap_status 1 "T19 check needs no lock" flock "$ROOT/$state/lock" "$KUBE_RENEWD" --root="$ROOT" check --at="$TEN_DAYS"

echo garbage >"$ROOT/$state/transaction.committed"
tap_status 1 "a record that cannot be read" renewd recover --at="$TEN_DAYS"
tap_like "$OUTPUT" '^kube-renewd: .*transaction' "is named"
tap_is "$(changed)" "" "and nothing is touched by guessing"
tap_done

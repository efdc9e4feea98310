#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# recover, and passes that meet: what an interrupted pass left is said, finished once, and one pass at
# a time acts.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

state=var/lib/kube-renewd

# interrupt: a pass over $ROOT that is killed in the middle of the swaps. Fails where nobody can do that.
interrupt() {
        command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null || return
        (strace -f -o /dev/null -e trace=renameat2 -e inject=renameat2:signal=KILL:when=5 \
                "$KUBE_RENEWD" --root="$ROOT" renew --at="$TEN_DAYS" || true) >/dev/null 2>&1
}

# configured LINE...: all there is of a configuration.
configured() {
        mkdir -p "$ROOT/etc/kube-renewd"
        printf '%s\n' "$@" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# recover: without --layout=, as the units do it.
recover() {
        "$KUBE_RENEWD" --root="$ROOT" recover --at="$TEN_DAYS"
}

host v1.28.7/ecdsa-p256
tap_status 0 "nothing to recover" renewd recover --at="$TEN_DAYS"
tap_is "$OUTPUT" "Nothing was unfinished." "says so"

if interrupt; then
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

# A configuration that cannot be used: what was begun is finished all the same.

# finished WHAT LINE...: in spite of such lines.
finished() {
        local what=$1

        shift
        host v1.28.7/ecdsa-p256
        interrupt || { tap_skip "$what" "strace is not installed or not allowed"; return; }
        configured "$@"
        tap_status 78 "$what: a pass ends" "$KUBE_RENEWD" --root="$ROOT" renew --at="$TEN_DAYS"
        tap_status 0 "$what: recover does not" recover
        tap_like "$OUTPUT" '^kube-renewd: warning: the configuration cannot be used: .*kube-renewd.conf:' \
                "$what: and says why a pass would"
        tap_like "$OUTPUT" '^interrupted transaction [0-9a-f]+: had been committed, finished now' "$what: T36 it is finished"
        tap_empty "$(mismatched)" "$what: T36 every pair belongs together"
        tap_empty "$(find "$ROOT" -name '.*' -type f)" "$what: T36 nothing staged is left"
}

finished "a broken line" '[renewal'
finished "a bad value" '[renewal]' 'RenewBefore=soon'
finished "a layout that is not there" '[agent]' 'Layout=nowhere'
finished "a state directory that is none" '[agent]' 'StateDirectory=not/absolute'
tap_status 78 "where something may be unfinished elsewhere" recover
tap_like "$OUTPUT" "^kube-renewd: nothing is unfinished in '/var/lib/kube-renewd', but the configuration may name another" \
        "that is said"
configured '[agent]' 'StateDirectory=/srv/state' '[renewal'
mkdir -p "$ROOT/srv"
tap_status 0 "a state directory above a broken line" recover
tap_ok "is looked at" test -e "$ROOT/srv/state/lock"

# What somebody else wrote in between is judged by the CAs of this host's layout.
host v1.28.7/ecdsa-p256
ours=$ROOT pair=etc/kubernetes/pki/front-proxy-client
cp -R "$ROOT" "$SCRATCH/theirs"
ROOT=$SCRATCH/theirs
renewd renew --at="$TEN_DAYS" front-proxy-client >/dev/null 2>&1
ROOT=$ours
if interrupt; then
        cp "$SCRATCH/theirs/$pair".{crt,key} "$ROOT/etc/kubernetes/pki"
        configured '[renewal'
        tap_status 0 "T19 a pair of somebody else, and a broken line" recover
        tap_like "$OUTPUT" 'front-proxy-client.(crt|key) was written by somebody else: it stays' "T19 is found whole"
        tap_ok "T19 and left alone" cmp "$ROOT/$pair.crt" "$SCRATCH/theirs/$pair.crt"
else
        tap_skip "T19 a pair of somebody else" "strace is not installed or not allowed"
fi

# The file that was moved out is the only one by which the layout is detected.
host v1.28.7/ecdsa-p256
manifests=$ROOT/etc/kubernetes/manifests
mkdir -p "$ROOT/$state/parked"
mv "$manifests/kube-apiserver.yaml" "$manifests/.kube-apiserver.yaml.kube-renewd"
rm "$manifests"/*.yaml
echo '{"schema_version": 1, "manifest": "/etc/kubernetes/manifests/kube-apiserver.yaml"}' >"$ROOT/$state/parked/kube-apiserver.json"
tap_status 0 "a host that no layout fits any more" recover
tap_ok "gets its manifest back" test -e "$manifests/kube-apiserver.yaml"

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

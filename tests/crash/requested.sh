#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T36: whoever is killed while a certificate is renewed because somebody has asked for it has renewed it once in
# the end, and not once more; and the request has its receipt.

. "$(dirname "$0")/sweep-lib.sh" || exit 99
sweep_ready
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}

ROOT=$TMPDIR/root
request=$ROOT/var/lib/kube-renewd/renew-requested/front-proxy-client
pair=$ROOT/etc/kubernetes/pki/front-proxy-client
calls=fsync,renameat,renameat2,unlinkat

renewd() {
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm "$@"
}

host() {
        tree_make v1.28.7/ecdsa-p256 "$ROOT"
        mkdir -p "${request%/*}"
        chmod 711 "$ROOT/var/lib/kube-renewd"
        : >"$request"
        cp -a "$ROOT" "$ROOT.asked"
}

# killed NUMBER: the pass, killed at that call; false if there are not so many.
killed() {
        {
                strace -qq -f -o /dev/null -e "trace=$calls" -e "inject=$calls:signal=KILL:when=$1" \
                        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm run --at=2026-12-01
        } >/dev/null 2>&1
        [ $? = 137 ]
}

leaf() {
        openssl x509 -noout -serial -in "$pair.crt"
}

# once: what is wrong after that, and after each of the next two passes.
once() {
        local after

        renewd recover >/dev/null 2>&1
        [ "$(openssl x509 -noout -pubkey -in "$pair.crt")" = "$(openssl pkey -pubout -in "$pair.key")" ] || echo "no pair"
        after=$(leaf)
        [ "$after" = "$old" ] || renewed=$((renewed + 1))
        renewd run --at=2026-12-02 >/dev/null 2>&1
        [ "$(leaf)" != "$old" ] || echo "not renewed"
        [ "$after" = "$old" ] || [ "$(leaf)" = "$after" ] || echo "renewed twice"
        [ "$after" = "$old" ] && expected=2026-12-02 || expected=2026-12-01
        [ "$(cat "$request")" = "${expected}T00:00:00Z" ] || echo "the receipt is: $(cat "$request")"
        after=$(leaf)
        renewd run --at=2026-12-03 >/dev/null 2>&1
        [ "$(leaf)" = "$after" ] || echo "renewed once more"
}

host
old=$(leaf) renewed=0 n=0 wrong=''
while :; do
        rm -rf "$ROOT"
        cp -a "$ROOT.asked" "$ROOT"
        n=$((n + 1))
        killed $n || break
        once >"$SCRATCH/wrong"
        wrong+=$(sed "s/^/$n: /" "$SCRATCH/wrong")
        [ -n "${SWEEP:-}" ] || n=$((n + 3 + RANDOM % 5))
done
tap_empty "$wrong" "T36 killed at up to $n calls: renewed once, with a receipt"
tap_ok "T36 there were some" test "$n" -gt 20
tap_ok "T36 also behind the commit" test "$renewed" -gt 0
tap_done

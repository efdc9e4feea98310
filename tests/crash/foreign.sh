#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T19: somebody else writes between inventory and swap. The program is held at one system call (strace delays it)
# while another writer acts; whatever comes of it, no pair is ever mixed and nothing of his is lost.
. "${SRCDIR:-$(dirname "$0")/../..}/tests/tap.sh" || exit 99

command -v strace >/dev/null || tap_skip_all "strace is not installed"
[ -x "$KUBE_RENEWD" ] || tap_skip_all "'$KUBE_RENEWD' is not built"

at=2027-11-11T23:26:00Z
state=var/lib/kube-renewd
pki=etc/kubernetes/pki

renewd() {
        "$KUBE_RENEWD" --root="$root" --layout=kubeadm --at=$at "$@"
}

# new_root NAME: a fresh tree in $root, everything due.
new_root() {
        root=$SCRATCH/$1
        tree_make v1.28.7/ecdsa-p256 "$root"
}

# held CALL NUMBER FILE: starts renew, held for a second before its NUMBERth CALL, and waits for FILE to appear.
held() {
        strace -f -qq -o /dev/null -e "inject=$1:delay_enter=1500000:when=$2" \
                "$KUBE_RENEWD" --root="$root" --layout=kubeadm --at=$at renew >"$SCRATCH/output" 2>&1 &
        holder=$!
        for _ in $(seq 100); do
                [ -e "$root/$3" ] && return 0
                sleep 0.02
        done
        return 1
}

# matches CERTIFICATE KEY: they belong together.
matches() {
        [ "$(openssl x509 -in "$1" -noout -pubkey)" = "$(openssl pkey -in "$2" -pubout)" ]
}

# other_pair: what another tool would write: the same tree renewed elsewhere.
other_pair() {
        local mine=$root

        root=$SCRATCH/other
        [ -d "$root" ] || tree_make v1.28.7/ecdsa-p256 "$root"
        renewd renew apiserver >/dev/null 2>&1
        root=$mine
}

all_pairs_match() {
        local certificate

        while read -r certificate; do
                matches "$certificate" "${certificate%.crt}.key" || return 1
        done < <(find "$root/$pki" -name '*.crt')
}

no_leftovers() {
        [ -z "$(find "$root" -name '.kube-renewd-*')" ] && [ ! -e "$root/$state/transaction.prepared" ] &&
                [ ! -e "$root/$state/transaction.committed" ]
}

# 1. A whole pair by somebody else, while ours is staged and not committed.
new_root whole-before
other_pair
held renameat 1 $state/transaction.prepared
cp "$SCRATCH/other/$pki/apiserver.crt" "$SCRATCH/other/$pki/apiserver.key" "$root/$pki/"
wait $holder
tap_ok "T19 a whole foreign pair before the commit: its certificate stands" \
        cmp "$SCRATCH/other/$pki/apiserver.crt" "$root/$pki/apiserver.crt"
tap_ok "T19 ... and its key" cmp "$SCRATCH/other/$pki/apiserver.key" "$root/$pki/apiserver.key"
tap_ok "T19 ... every pair matches" all_pairs_match
tap_ok "T19 ... and nothing is left over" no_leftovers

# 2. The same after the commit point, before our first swap.
new_root whole-after
held renameat2 1 $state/transaction.committed
cp "$SCRATCH/other/$pki/apiserver.crt" "$SCRATCH/other/$pki/apiserver.key" "$root/$pki/"
wait $holder
tap_ok "T19 a whole foreign pair after the commit stands" \
        cmp "$SCRATCH/other/$pki/apiserver.crt" "$root/$pki/apiserver.crt"
tap_ok "T19 ... every pair matches" all_pairs_match
tap_ok "T19 ... and an alarm tells" test -e "$root/$state/public/alarms/foreign-change@apiserver.json" -o \
        -e "$root/$state/public/alarms/foreign-change@%2Fetc%2Fkubernetes%2Fpki%2Fapiserver.crt.json"

# 3. Half a pair after the commit point: returned as a whole, the foreign half kept in the backup.
new_root half-after
held renameat2 1 $state/transaction.committed
cp "$SCRATCH/other/$pki/apiserver.key" "$root/$pki/"
wait $holder
tap_ok "T19 half a foreign pair: every pair matches" all_pairs_match
tap_ok "T19 ... and the foreign half is kept" \
        grep -rqF "$(sed -n 2p "$SCRATCH/other/$pki/apiserver.key")" "$root/$state/backups"
tap_ok "T19 ... and nothing is left over" no_leftovers

# 4. A kubeconfig that somebody edits: his edit is never lost without trace.
new_root edited
held renameat2 1 $state/transaction.committed
sed -i '1i # edited by hand' "$root/etc/kubernetes/admin.conf"
wait $holder
tap_ok "T19 an edited kubeconfig is there, or in the backup" \
        grep -rqF '# edited by hand' "$root/etc/kubernetes/admin.conf" "$root/$state/backups"
tap_ok "T19 ... every pair matches" all_pairs_match
renewd check admin.conf >"$SCRATCH/check"
tap_ok "T19 ... and the kubeconfig is whole" test $? -le 1

# 5. Edited between inventory and the record: only that file waits for the next pass.
new_root edited-early
held fsync 1 $state/lock
sed -i '1i # edited by hand' "$root/etc/kubernetes/admin.conf"
wait $holder
tap_ok "T19 edited early: the edit stands" grep -q '# edited by hand' "$root/etc/kubernetes/admin.conf"
tap_ok "T19 ... the others were renewed" renewd check apiserver
renewd renew >/dev/null 2>&1
tap_ok "T19 ... and the next pass renews it, edit and all" renewd check admin.conf
tap_ok "T19 ... the edit is still there" grep -q '# edited by hand' "$root/etc/kubernetes/admin.conf"
tap_done

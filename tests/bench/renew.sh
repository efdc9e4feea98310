#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# renew.sh: what `renew --all` costs on a kubeadm tree (10 keys of RSA-2048), next to `kubeadm certs renew all`, and
# how much of it is the making of keys. What the same tree takes when ECDSA keys are asked for, which cost next
# to nothing, is everything else. RSA keys differ by a factor of ten in what they take; so these are means. The
# figures also go to tests/bench/results/renew.txt.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/bench/bench.sh
. "$SRCDIR/tests/bench/bench.sh" || exit 99
bench_idle

runs=${BENCH_RUNS:-50}
BENCH_STATISTIC=mean
root=$SCRATCH/root
renew=("$KUBE_RENEWD" "--root=$root" --at=2026-12-01 renew --all)
ended=0,75 # 75: nothing runs in this tree that could be restarted
names=(apiserver apiserver-kubelet-client apiserver-etcd-client front-proxy-client
        etcd-server etcd-peer etcd-healthcheck-client)
kubeconfigs=(admin.conf controller-manager.conf scheduler.conf)

# ask_for_ecdsa ROOT: every new key shall be one.
ask_for_ecdsa() {
        local directory=$1/etc/kube-renewd/kube-renewd.conf.d name

        mkdir -p "$directory"
        {
                for name in "${names[@]}"; do printf '[certificate %s]\nKeyAlgorithm=ECDSA-P256\n' "$name"; done
                for name in "${kubeconfigs[@]}"; do printf '[kubeconfig %s]\nKeyAlgorithm=ECDSA-P256\n' "$name"; done
        } >"$directory/keys.conf"
}

# Three trees: as kubeadm makes it, the same with that configuration, and one that has nothing but ECDSA keys
# (kubeadm 1.28 makes RSA keys in kubeconfigs, so a first renewal changes those).
tree_make v1.28.7/rsa2048-default "$SCRATCH/rsa"
tree_make v1.28.7/rsa2048-default "$SCRATCH/asked"
ask_for_ecdsa "$SCRATCH/asked"
tree_make v1.28.7/ecdsa-p256 "$SCRATCH/ecdsa"
ask_for_ecdsa "$SCRATCH/ecdsa"
"$KUBE_RENEWD" "--root=$SCRATCH/ecdsa" --at=2026-11-30 renew --all >"$SCRATCH/output" 2>&1 || [ $? = 75 ] ||
        { cat "$SCRATCH/output" >&2; exit 1; }
rm -rf "$SCRATCH/ecdsa/etc/kube-renewd" "$SCRATCH/ecdsa/var"
mkdir -p "$root"

# fresh TREE: the command that makes $root that tree. A pass would take many renewals in a row for a loop.
fresh() {
        echo "rm -rf '$root/etc' '$root/var' && cp -a '$SCRATCH/$1/etc' '$root/' && sync -f '$root'"
}

bench_take "$runs" 'kube-renewd renew --all' $ended "$(fresh rsa)" "${renew[@]}"
if bench_kubeadm "$root"; then
        bench_take "$runs" 'kubeadm certs renew all --config' 0 "$(fresh rsa)" \
                chroot "$root" /kubeadm certs renew all --config /kubeadm.yaml
fi
bench_take "$runs" 'kube-renewd, new keys of ECDSA P-256' $ended "$(fresh asked)" "${renew[@]}"
bench_take "$runs" 'kube-renewd, all keys and CAs of ECDSA P-256' $ended "$(fresh ecdsa)" "${renew[@]}"

wall=$(bench_value 1 wall)
cpu=$(bench_value 1 cpu)
last=$(wc -l <"$bench_rows_file")
rest=$(bench_value $((last - 1)) cpu)
keys=$(bench_calculate "$cpu - $rest")
ecdsa=$(bench_value "$last" wall)
{
        echo "renewal of 10 certificates, 3 of them in kubeconfigs. Means of $runs runs"
        bench_host
        echo
        bench_rows
        echo
        printf '%-46s  %9.1f\n' 'CPU time of making 10 RSA-2048 keys, ms' "$keys"
        printf '%-46s  %9.2f\n' 'processors used' "$(bench_calculate "$cpu / $wall")"
        echo
        bench_aim 'making keys, per cent of CPU time' "$(bench_calculate "100 * $keys / $cpu")" 90 least
        bench_aim 'wall clock : (making keys : processors)' "$(bench_calculate "$wall * $(nproc) / $keys")" 1.15
        bench_aim 'wall clock with ECDSA alone, ms' "$ecdsa" 60
} | bench_report renew

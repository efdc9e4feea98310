#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check.sh: what `check` costs on a kubeadm tree of 13 files (10 certificates, 3 kubeconfigs), next to `kubeadm
# certs check-expiration` and to a loop of `openssl x509` over the same files; and on a machine of the test bed,
# where kubeadm asks an API server that answers. The figures also go to tests/bench/results/check.txt.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$SRCDIR/tests/system/bed.sh" || exit 99
# shellcheck source=tests/bench/bench.sh
. "$SRCDIR/tests/bench/bench.sh" || exit 99
bench_idle

runs=${BENCH_RUNS:-50}
root=$SCRATCH/root
check=("$KUBE_RENEWD" "--root=$root" --at=2026-12-01 check)
tree_make v1.28.7/rsa2048-default "$root"

# What one would write without a program: dates of every file, embedded certificates decoded first.
cat >"$SCRATCH/loop" <<'END'
for file in $CERTIFICATES; do
        openssl x509 -in "$file" -noout -subject -issuer -enddate
done
for file in $KUBECONFIGS; do
        sed -n 's/.*client-certificate-data: //p' "$file" | base64 -d | openssl x509 -noout -subject -enddate
done
END
CERTIFICATES=$(find "$root/etc/kubernetes/pki" -name '*.crt' -exec echo {} +)
KUBECONFIGS=$(echo "$root"/etc/kubernetes/{admin,controller-manager,scheduler}.conf)
export CERTIFICATES KUBECONFIGS

# Packets to the API server of the tree go nowhere: a network whose only other host is silent.
cat >"$SCRATCH/black-hole" <<'END'
ip link add hole type bridge && ip link set hole up && ip address add 192.0.2.200/24 dev hole &&
        ip neighbour add 192.0.2.10 lladdr 02:00:00:00:00:01 dev hole && exec "$@"
END
black_hole=(unshare -n sh -e "$SCRATCH/black-hole")

# 1. The same tree for everybody. Twice without an API server: kubeadm waits for it.
bench_take "$runs" 'kube-renewd check' 0 '' "${check[@]}"
bench_take $((runs / 2)) 'openssl x509, a process for each file' 0 '' sh "$SCRATCH/loop"
if bench_kubeadm "$root"; then
        theirs=(chroot "$root" /kubeadm certs check-expiration)
        bench_take $((runs / 2)) 'kubeadm certs check-expiration --config' 0 '' "${theirs[@]}" --config /kubeadm.yaml
        bench_take 2 'the same without it, API server silent' 0 '' "${black_hole[@]}" "${theirs[@]}"
fi
{
        bench_aim 'wall clock, ms' "$(bench_value 1 wall)" 10
        bench_aim 'peak of resident memory, kB' "$(bench_value 1 peak)" 8192
        if [ -n "$bench_kubeadm_version" ]; then
                bench_aim 'kubeadm --config, times the time' "$(bench_ratio 3 wall)" 6 least
                bench_aim 'kubeadm --config, times the memory' "$(bench_ratio 3 peak)" 5 least
                bench_aim 'kubeadm, API server silent, times the time' "$(bench_ratio 4 wall)" 4000 least
        fi
} >"$SCRATCH/aims"
{
        echo "check of 13 files: 10 certificates and 3 kubeconfigs. Medians of $runs runs"
        bench_host
        printf 'openssl  %s\n' "$(openssl version | cut -d ' ' -f 2)"
        echo
        bench_rows
} >"$SCRATCH/alone"

# 2. A real control plane, with its API server up.
if reason=$(testbed check 2>&1); then
        bed_machine bench >&2
        testbed put -m "$BED" "$BUILDDIR/tests/bench/measure" /root/measure
        BENCH_MEASURE=(testbed exec -m "$BED" /root/measure)
        bench_take "$runs" 'kube-renewd check, control plane' 0 '' kube-renewd check
        bench_take $((runs / 2)) 'kubeadm certs check-expiration, API server up' 0 '' kubeadm certs check-expiration
        version="Kubernetes $(bed kubeadm version -o short)"
        bench_aim 'kubeadm, API server up, times the time' "$(bench_ratio 2 wall)" 40 least >>"$SCRATCH/aims"
else
        bench_missing 'kubeadm with an API server' "$reason"
fi
{
        cat "$SCRATCH/alone"
        echo
        echo "The same on a control plane of ${version:-?}, while it runs"
        bench_rows
        echo
        cat "$SCRATCH/aims"
} | bench_report check

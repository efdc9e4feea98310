#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check.sh PROGRAM: what `check` costs on a kubeadm tree of 13 files (10 certificates, 3 kubeconfigs),
# and how that compares with a loop of `openssl x509` over the same files in the same run. Medians of 20.
# The figures also go to tests/bench/results/check.txt.
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

runs=20
root=$SCRATCH/root
check=("$(readlink -f "$1")" "--root=$root" --at=2026-12-01 check)
tree_make v1.28.7/rsa2048-default "$root"
pki=$root/etc/kubernetes/pki
mapfile -t certificates < <(find "$pki" -name '*.crt')
kubeconfigs=("$root"/etc/kubernetes/{admin,controller-manager,scheduler}.conf)

# What one would write without a program: dates of every file, embedded certificates decoded first.
openssl_loop() {
        local file

        for file in "${certificates[@]}"; do
                openssl x509 -in "$file" -noout -subject -issuer -enddate
        done
        for file in "${kubeconfigs[@]}"; do
                sed -n 's/.*client-certificate-data: //p' "$file" | base64 -d | openssl x509 -noout -subject -enddate
        done
}

median() {
        sort -n | sed -n "$((runs / 2))p"
}

# wall COMMAND...: median of its wall clock time in microseconds.
wall() {
        local i start

        for ((i = 0; i < runs; i++)); do
                start=${EPOCHREALTIME/./}
                "$@" >/dev/null
                echo $((${EPOCHREALTIME/./} - start))
        done | median
}

# peak: median of the peak of resident memory of `check`, in kB.
peak() {
        local i

        for ((i = 0; i < runs; i++)); do
                /usr/bin/time -f %M -o "$SCRATCH/peak" "${check[@]}" >/dev/null
                tail -n 1 "$SCRATCH/peak"
        done | median
}

"${check[@]}" >/dev/null || { echo "check.sh: '${check[*]}' ends with $?" >&2; exit 1; }
ours=$(wall "${check[@]}")
theirs=$(wall openssl_loop)
memory=$(peak)

report() {
        echo "kube-renewd check, 13 files, median of $runs runs"
        printf '  wall clock          %6.1f ms   (limit 20 ms)\n' "$(bc -l <<<"$ours / 1000")"
        printf '  peak memory         %6d kB   (limit 10240 kB)\n' "$memory"
        printf '  openssl x509 loop   %6.1f ms   %.1f times as long\n' \
                "$(bc -l <<<"$theirs / 1000")" "$(bc -l <<<"$theirs / $ours")"
}

mkdir -p "$SRCDIR/tests/bench/results"
report | tee "$SRCDIR/tests/bench/results/check.txt"
if command -v hyperfine >/dev/null; then
        hyperfine --style basic --warmup 3 --shell=none "${check[*]}"
fi
[ "$ours" -le 20000 ] && [ "$memory" -le 10240 ]

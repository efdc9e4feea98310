#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# silence.sh: for how long the API server of a single control plane does not answer while all certificates are
# renewed, next to the documented way (`kubeadm certs renew all`, then the manifests are moved away for 20 s) and to
# stopping every container of the control plane over CRI. A request of /readyz every 50 ms (tests/bench/ask.c);
# the longest time without any answer, and the longest until it is ready again. On a machine of the test bed, whose
# Kubernetes 1.20 must restart its API server; 1.23 and later need not. The figures also go to
# tests/bench/results/silence.txt.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$SRCDIR/tests/system/bed.sh" || exit 99
# shellcheck source=tests/bench/bench.sh
. "$SRCDIR/tests/bench/bench.sh" || exit 99
bench_idle

runs=${BENCH_RUNS:-3}
components=(etcd kube-apiserver kube-controller-manager kube-scheduler)

# as_after_days: certificates with ten days left, and a kubelet that has forgotten its restarts, as it does
# after ten minutes without any.
as_after_days() {
        bed_age 10
        bed systemctl restart kubelet
        sleep 15
        bed_wait 60 bed kubectl get --raw /readyz
}

# others CONTAINERS: every component runs in another container than those.
others() {
        local containers name id

        containers=$(bed_containers "${components[@]}")
        while read -r name id; do
                [ -n "$id" ] && ! grep -q " $id$" <<<"$1" || return 1
        done <<<"$containers"
        : "$name"
}

# The documentation's words: "temporarily remove its manifest file and wait for 20 seconds".
documented_way() {
        local before

        before=$(bed_containers "${components[@]}")
        bed sh -ec 'kubeadm certs renew all
                mkdir -p /etc/kubernetes/moved
                mv /etc/kubernetes/manifests/*.yaml /etc/kubernetes/moved
                sleep 20
                mv /etc/kubernetes/moved/*.yaml /etc/kubernetes/manifests' && bed_wait 120 others "$before"
}

# What `crictl stop` does, of all at once.
cri_way() {
        local before ids

        before=$(bed_containers "${components[@]}")
        mapfile -t ids < <(cut -d ' ' -f 2 <<<"$before")
        bed kubeadm certs renew all &&
                bed sh -ec 'for id; do /root/kube-tool cri-stop "" "$id" 0 & done; wait' cri "${ids[@]}" &&
                bed_wait 120 others "$before"
}

our_way() {
        bed_start
        [ "$STATUS" = 0 ]
}

# silence NAME COMMAND...: adds "NAME SILENT UNREADY" to the runs: the longest time without an answer, and without
# a 200, in milliseconds.
silence() {
        local name=$1

        shift
        as_after_days
        bed systemd-run -q -u ask -p StandardOutput=truncate:/run/ask /root/ask https://127.0.0.1:6443/readyz 50
        sleep 2
        "$@" >"$SCRATCH/silence.log" 2>&1 || { cat "$SCRATCH/silence.log" >&2; bench_missing "$name" "it fails"; }
        bed_wait 120 bed kubectl get --raw /readyz
        sleep 5
        bed systemctl stop ask
        [ "$(bed_served 6443)" = "$(bed_leaf pki/apiserver.crt)" ] || bench_missing "$name" "the old certificate is served"
        bed cat /run/ask | awk -v name="$name" '
                function longer(most, since) { return since && $1 - since > most ? $1 - since : most }
                $2 != 0 { silent = longer(silent, answered); answered = $1 }
                $2 == 200 { unready = longer(unready, ready); ready = $1 }
                END { printf "%s\t%d\t%d\n", name, silent, unready }' >>"$SCRATCH/silences"
}

reason=$(testbed check 2>&1) || { bench_missing 'silence of the API server' "$reason"; exit 1; }
bed_machine bench >&2
testbed put -m "$BED" "$BUILDDIR/tests/bench/ask" /root/ask
testbed put -m "$BED" "$BUILDDIR/tests/system/kube-tool" /root/kube-tool
for ((run = 0; run < runs; run++)); do
        silence 'kube-renewd' our_way
        silence 'all containers stopped over CRI' cri_way
        silence 'manifests moved away for 20 s, as documented' documented_way
done

# rows: the median of each way, and how many times ours that is.
rows() {
        local name

        printf '%-46s  %9s  %9s  %s\n' '' 'silent' 'not ready' 'times the first'
        printf '%-46s  %9s  %9s  %7s  %9s\n' '' 's' 's' 'silent' 'not ready'
        cut -f 1 "$SCRATCH/silences" | head -n 3 | while read -r name; do
                awk -F'\t' -v name="$name" '$1 == name { print $2, $3, 0 }' "$SCRATCH/silences" | bench_statistic median |
                        sed "s/^/$name\t/"
        done | awk -F'\t' '
                NR == 1 { silent = $2; unready = $3 }
                { printf "%-46s  %9.1f  %9.1f  %7.1f  %9.1f\n", $1, $2, $3, $2 / (silent + 1e-6), $3 / (unready + 1e-6) }'
}

{
        echo "API server during a renewal of everything: Kubernetes $(bed kubeadm version -o short), one control plane"
        echo "A request every 50 ms, median of $runs"
        bench_host
        echo
        rows
        echo
        echo 'From Kubernetes 1.23 on a renewal does not restart the API server: tests/unit/test-plan.c'
        echo
        bench_aim 'silence of the API server, s' "$(rows | sed -n 's/^kube-renewd  *\([0-9.]*\) .*/\1/p')" 6
} | bench_report silence

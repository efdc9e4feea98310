#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# silence.sh ASK: for how long the API server of a single control plane does not answer while all
# certificates are renewed, next to the documented way (`kubeadm certs renew all`, then the manifests are
# moved away for 20 s). A request of /readyz every 50 ms (tests/bench/ask.c); the longest time without any
# answer, which has a limit, and the longest until it is ready again. On a machine of the test bed, whose
# Kubernetes 1.20 must restart its API server; 1.23 and later need not. The figures also go to
# tests/bench/results/silence.txt.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$SRCDIR/tests/system/bed.sh" || exit 99

ask=$(readlink -f "$1")
limit=6000

# as_after_days: certificates with ten days left, and a kubelet that has forgotten its restarts, as it does
# after ten minutes without any.
as_after_days() {
        bed_age 10
        bed systemctl restart kubelet
        sleep 15
        bed_wait 60 bed kubectl get --raw /readyz
}

# silence COMMAND...: runs it; $SILENT is the longest time without an answer, $UNREADY without a 200, in
# milliseconds. A kubelet acts up to 20 s after a manifest has changed.
silence() {
        bed systemd-run -q -u ask -p StandardOutput=truncate:/run/ask /root/ask https://127.0.0.1:6443/readyz 50
        sleep 2
        "$@" >"$SCRATCH/silence.log" 2>&1 || tap_note "$(cat "$SCRATCH/silence.log")"
        sleep 45
        bed_wait 120 bed kubectl get --raw /readyz
        sleep 2
        bed systemctl stop ask
        read -r SILENT UNREADY < <(bed cat /run/ask | awk '
                function longer(most, since) { return since && $1 - since > most ? $1 - since : most }
                $2 != 0 { silent = longer(silent, answered); answered = $1 }
                $2 == 200 { unready = longer(unready, ready); ready = $1 }
                END { print silent + 0, unready + 0 }')
}

# The documentation's words: "temporarily remove its manifest file and wait for 20 seconds".
documented_way() {
        bed sh -ec 'kubeadm certs renew all
                mkdir /etc/kubernetes/moved
                mv /etc/kubernetes/manifests/*.yaml /etc/kubernetes/moved
                sleep 20
                mv /etc/kubernetes/moved/*.yaml /etc/kubernetes/manifests'
}

reason=$(testbed check) || { echo "silence of the API server: not measured: $reason"; exit 0; }
bed_machine bench >/dev/null
testbed put -m "$BED" "$ask" /root/ask
as_after_days
silence documented_way
theirs=("$SILENT" "$UNREADY")
tap_is "$(bed_served 6443)" "$(bed_leaf pki/apiserver.crt)" "the documented way works"
as_after_days
silence bed_start
ours=("$SILENT" "$UNREADY")
tap_is "$STATUS $(bed_served 6443)" "0 $(bed_leaf pki/apiserver.crt)" "and so does ours"

# row NAME SILENT UNREADY
row() {
        printf '  %-20s %5.1f s silent   %5.1f s not ready\n' "$1" "$(bc -l <<<"$2 / 1000")" "$(bc -l <<<"$3 / 1000")"
}

report() {
        echo "API server during a full renewal: Kubernetes 1.20, one control plane, a request every 50 ms"
        row kube-renewd "${ours[@]}"
        row 'the documented way' "${theirs[@]}"
        printf '  the documented way is silent %.1f times as long (limit of ours: %d s)\n' \
                "$(bc -l <<<"${theirs[0]} / (${ours[0]} + 1)")" $((limit / 1000))
}

mkdir -p "$SRCDIR/tests/bench/results"
report | tee "$SRCDIR/tests/bench/results/silence.txt"
[ "$tap_failures" = 0 ] && [ "${ours[0]}" -le "$limit" ] && [ "${ours[1]}" -lt "${theirs[1]}" ]

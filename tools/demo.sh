#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh PROGRAM [--keep]: a night of kube-renewd, on a control plane made for it in a scratch
# directory. Touches nothing else, and leaves nothing behind without --keep.
set -u
cd "$(dirname "$0")/.." || exit 1

program=$(readlink -f "$1")
keep=${2:-}
export KUBE_RENEWD_LAYOUT_PATH=$PWD/etc/layouts
export TZ=UTC SYSTEMD_LOG_LEVEL=crit # the journal's lines would say it all a second time
root=$(mktemp -d "${TMPDIR:-/tmp}/kube-renewd-demo.XXXXXX") || exit 1
[ "$keep" = --keep ] || trap 'rm -rf -- "$root"' EXIT

say() {
        printf '\n%s\n' "$1" | fold -s -w 79 | sed 's/ *$//'
}

# step STATUSES ARGUMENT...: shows and runs `kube-renewd ARGUMENT...`; one of the statuses is right.
step() {
        local expected=$1 status

        shift
        printf '\n$ kube-renewd --root=DEMO %s\n' "$*" | fold -s -w 76 | sed '3,$s/^/        /; 2,$ { $!s/$/\\/ }'
        "$program" --root="$root" "$@" 2>&1 | fold -s -w 80 | sed 's, *$,,'
        status=${PIPESTATUS[0]}
        printf '(exit status %d)\n' "$status"
        [[ " $expected " == *" $status "* ]] || { echo "demo.sh: expected exit status $expected" >&2; exit 1; }
}

past=$(date -u -d '-25 days' +%Y-%m-%dT%H:%M:%SZ)
say "A control plane as kubeadm would make it, 25 days ago, with certificates that \
live 30 days: three CAs, the certificates of API server and etcd, and the \
kubeconfigs of administrator, controller-manager and scheduler. DEMO is \
$root."
mkdir -p "$root/etc/kubernetes"
cp -R tests/data/kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/manifests "$root/etc/kubernetes"
step 0 --at="$past" init --node-name=cp-1 --advertise-address=192.0.2.10 --validity=30d --ca-validity=10y

say "Five days are left, and ten would be a third of the lifetime: every leaf is \
inside the threshold. The exit status is a monitoring plugin's."
step '1 2' check

say "What the timer does every night. Each leaf gets a new key and the identity of \
the old one; all files are replaced as one transaction; the old ones go to a \
backup."
cas_before=$(cd "$root" && find . -name '*ca.crt' -exec sha256sum {} + | sort)
step '0 75' run

say "All leaves are new. kubelet.conf is watched only: the kubelet renews its own."
step '0 1' check

cas_after=$(cd "$root" && find . -name '*ca.crt' -exec sha256sum {} + | sort)
[ "$cas_before" = "$cas_after" ] || { echo "demo.sh: a CA has changed" >&2; exit 1; }
say "The CAs are the same, byte for byte:"
cut -c 1-16,65- <<<"$cas_after"

say "On a host the components would now be restarted, or shown to serve the new \
certificates. Below this root nothing runs, so the debt stays, and so does the \
alarm of each, until it is paid ('./dev bed' has a real control plane):"
step '0 1 2' alarms

say "The backup that 'restore' would put back, and the heartbeat that a monitoring \
agent reads without being root:"
step 0 backup list
echo
jq -c '{last_run, valid_until, alarms: (.alarms | length), certificates: (.certificates | length)}' \
        "$root/var/lib/kube-renewd/public/status.json" 2>/dev/null
[ "$keep" != --keep ] || say "Kept in $root"

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# sweep FAULTS EVERY [WHAT] [TREE]: T36 for these faults of tests/crash/sweep.c. The quick floor tries one point in
# EVERY, and fewer of what is said to neighbours, where one pair and one kubeconfig are due (WHAT: few); SWEEP=all
# tries each point with everything due, of calls that only read one in five. SWEEP_TREE=VERSION/VARIANT takes another
# tree, which VARIANT+extetcd leaves without an etcd of its own.
# sweep_ready: what every sweep wants, or the test is skipped; SWEEP_FROM and SWEEP_AT are the tree and the time.
. "${SRCDIR:-$(dirname "$0")/../..}/tests/tap.sh" || exit 99

SWEEP_FROM=$SRCDIR/tests/data/kubeadm/${SWEEP_TREE:-v1.28.7/ecdsa-p256}/etc-kubernetes
SWEEP_AT=${SWEEP_AT:-2027-11-11T23:26:00Z}

sweep_ready() {
        command -v strace >/dev/null || tap_skip_all "strace is not installed"
        strace -qq -o /dev/null -e inject=fsync:error=EIO true 2>/dev/null || tap_skip_all "strace may not trace here"
        [ -x "$KUBE_RENEWD" ] || tap_skip_all "'$KUBE_RENEWD' is not built"
        sweep_memory
}

# A memory file system where there is one: what is tested is the order of calls, not the disk.
sweep_memory() {
        if [ -w /dev/shm ]; then
                TMPDIR=$(mktemp -d /dev/shm/kube-renewd-sweep.XXXXXX)
                tap_on_exit rm -rf -- "$TMPDIR"
        else
                TMPDIR=$SCRATCH
        fi
        export TMPDIR
}

sweep_possible() {
        [ -x "$BUILDDIR/tests/bin/fake-runtime" ] ||
                tap_skip_all "there is no fake runtime (libnghttp2 was not found)"
        "$BUILDDIR/tests/crash/sweep" --possible || tap_skip_all "no process may be traced here"
}

# sweep_tree TREE: SWEEP_FROM is this one, or one made of it.
sweep_tree() {
        local data=$SRCDIR/tests/data/kubeadm from=$1

        SWEEP_FROM=$data/${from%+*}/etc-kubernetes
        [ "$from" != "${from%+*}" ] || return 0
        # What kubeadm leaves out where etcd is somebody else's.
        cp -r "$SWEEP_FROM" "$SCRATCH/etc-kubernetes"
        SWEEP_FROM=$SCRATCH/etc-kubernetes
        rm -r "$SWEEP_FROM/pki/etcd" "$SWEEP_FROM/manifests/etcd.yaml"
        cp "$data/v1.28.7/extetcd-external/etc-kubernetes/manifests/kube-apiserver.yaml" "$SWEEP_FROM/manifests/"
}

sweep() {
        local every=$2 what=${3:-few} talks=5

        sweep_possible
        sweep_memory
        sweep_tree "${SWEEP_TREE:-${4:-v1.28.7/ecdsa-p256}}"
        if [ -n "${SWEEP:-}" ]; then
                every=1 talks=1
                [ "$1" != read ] || every=5
                [ "$what" != few ] || what=$SWEEP
        fi
        "$BUILDDIR/tests/crash/sweep" --faults="$1" --every="$every" --talks="$talks" \
                --workers="${SWEEP_WORKERS:-1}" "$SWEEP_FROM" "$SWEEP_AT" "$what"
        exit $?
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# sweep FAULT: T36 for one fault. The quick floor has one pair and one kubeconfig due; SWEEP=all makes everything due,
# and SWEEP_TREE=VERSION/VARIANT takes another tree.
# sweep_ready: what every sweep wants, or the test is skipped; SWEEP_FROM and SWEEP_AT are the tree and the time.
. "${SRCDIR:-$(dirname "$0")/../..}/tests/tap.sh" || exit 99

SWEEP_FROM=$SRCDIR/tests/data/kubeadm/${SWEEP_TREE:-v1.28.7/ecdsa-p256}/etc-kubernetes
SWEEP_AT=${SWEEP_AT:-2027-11-11T23:26:00Z}

sweep_ready() {
        command -v strace >/dev/null || tap_skip_all "strace is not installed"
        strace -qq -o /dev/null -e inject=fsync:error=EIO true 2>/dev/null || tap_skip_all "strace may not trace here"
        [ -x "$KUBE_RENEWD" ] || tap_skip_all "'$KUBE_RENEWD' is not built"

        # A memory file system where there is one: what is tested is the order of calls, not the disk.
        if [ -w /dev/shm ]; then
                TMPDIR=$(mktemp -d /dev/shm/kube-renewd-sweep.XXXXXX)
                tap_on_exit rm -rf -- "$TMPDIR"
        else
                TMPDIR=$SCRATCH
        fi
        export TMPDIR
}

sweep() {
        sweep_ready
        "$BUILDDIR/tests/crash/sweep" "$KUBE_RENEWD" "$SWEEP_FROM" "$SWEEP_AT" "$1" "${SWEEP:-few}"
        exit $?
}

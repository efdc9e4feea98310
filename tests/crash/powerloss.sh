#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T36 for a loss of power (powerloss.py). The quick floor tries a sample of the states, with one pair and one kubeconfig
# due; SWEEP=few tries all of them, SWEEP=all has everything due. SWEEP_TREE=VERSION/VARIANT takes another tree.
. "$(dirname "$0")/sweep-lib.sh" || exit 99

sweep_ready
sweep_tree "${SWEEP_TREE:-v1.28.7/ecdsa-p256}"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || tap_skip_all "there is no Python 3.9"
sample=()
[ -n "${SWEEP:-}" ] || sample=(9)
PYTHONDONTWRITEBYTECODE=1 python3 "$SRCDIR/tests/crash/powerloss.py" "$KUBE_RENEWD" "$BUILDDIR/tests/crash/judge" \
        "$SWEEP_FROM" "$SWEEP_AT" "${SWEEP:-few}" "${sample[@]}"
exit $?

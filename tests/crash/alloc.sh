#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T36 for memory that is refused (alloc.py). The quick floor tries a sample, with one pair and one kubeconfig due; SWEEP=few
# refuses every request, SWEEP=all has everything due. SWEEP_TREE=VERSION/VARIANT takes another tree.
. "$(dirname "$0")/sweep-lib.sh" || exit 99

sweep_ready
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || tap_skip_all "there is no Python 3.9"
grep -q '^SANITIZE = .*-fsanitize' "$BUILDDIR/Makefile" && tap_skip_all "sanitizers bring an allocator of their own"
sample=()
[ -n "${SWEEP:-}" ] || sample=(10)
PYTHONDONTWRITEBYTECODE=1 python3 "$SRCDIR/tests/crash/alloc.py" "$KUBE_RENEWD" "$BUILDDIR/tests/crash" \
        "$SWEEP_FROM" "$SWEEP_AT" "${SWEEP:-few}" "${sample[@]}"
exit $?

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tsan.sh: the unit tests and the program's life under the thread sanitizer. Keys are generated, and many files
# read and parsed, in parallel.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/floors.sh
. tools/floors.sh || exit 1
# shellcheck source=tools/night.sh
. tools/night.sh || exit 1

export TSAN_OPTIONS='halt_on_error=1 exitcode=66'
tree_tsan || exit 1
floor_tests unit tsan
[ "$failed" = 0 ] || exit 1
night "$PWD/build/tsan/kube-renewd" env && printf '%-9s nothing found\n' kube-renewd

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench.sh [PART...]: the benchmarks of tests/bench, all of them if none is named: check, renew, scale, silence, size.
# Ratios of what is measured in one run; figures go to tests/bench/results, and from there into README.md. Ends with 1
# if something could not be measured here; an aim that is not met is only said. Nothing else should run meanwhile.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/packages.sh
. tools/packages.sh || exit 1
# shellcheck source=tools/floors.sh
. tools/floors.sh || exit 1

parts=("$@")
[ $# != 0 ] || parts=(size check renew scale silence)
export BUILDDIR=$PWD/build/plain SRCDIR=$PWD
status=0

# size: of the package as it is made from this tree.
size() {
        local package

        need deb
        package=$(tools/deb.sh --nocheck) && tests/bench/size.sh "$package"
}

tree plain CFLAGS='-O2 -g' || exit 1
make -s -C build/plain -j"$jobs" tests/bench/ask tests/bench/measure tests/system/kube-tool || exit 1
for part in "${parts[@]}"; do
        case $part in
        check | renew | scale | silence) "tests/bench/$part.sh" || status=1 ;;
        size) size || status=1 ;;
        *) echo "./dev bench: there is no '$part'" >&2; exit 2 ;;
        esac
        echo
done
tools/bench-table.sh --write || status=1
exit $status

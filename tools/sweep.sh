#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# sweep.sh [NAME...]: the tests of tests/crash that try every point (powerloss, alloc, clock, kill, error ...), in full and on several
# control planes: nothing left out, everything due. Hours; the crash floor has a sample of each.
# "ha": three control planes of one cluster, on the test bed.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/floors.sh
. tools/floors.sh || exit 1

trees=(v1.28.7/ecdsa-p256 v1.28.7/rsa2048-default v1.28.7/ecdsa-p256+extetcd v1.28.7/extetcd-external)
sweeps=(kill error on short read twice old)
failed=0

# sweep NAME TREE: one line with its points and how many failed; what did not hold is shown.
sweep() {
        local test=tests/crash/$1.sh log=build/sweep-$1-${2//\//-}.log start=$SECONDS

        [ -e "$test" ] || test=tests/crash/sweep-$1.sh
        [ -e "$test" ] || { echo "./dev sweep: there is no '$1'" >&2; exit 2; }
        BUILDDIR=$PWD/build/gcc SWEEP=all SWEEP_WORKERS=$jobs SWEEP_TREE=$2 "$test" >"$log" 2>&1 || failed=1
        grep -A 20 '^not ok' "$log"
        sed -n 's/^\(not \)\{0,1\}ok [0-9]* - T36 \(.* points\)/    \1\2/p' "$log"
        printf '%-10s %-24s %s, %d s\n' "$1" "$2" \
                "$(sed -n 's/^# \([0-9]* points.*\)/\1/p' "$log" | tail -n 1)" $((SECONDS - start))
}

tree_gcc || exit 1
make -C build/gcc -s -j"$jobs" check TESTS= >build/gcc.log 2>&1 || { show build/gcc.log; exit 1; }

# One cluster on the test bed, where that is built.
ha() {
        BUILDDIR=$PWD/build/gcc SRCDIR=$PWD SWEEP=all tests/system/ha.sh >build/sweep-ha.log 2>&1 || failed=1
        grep -A 20 '^not ok' build/sweep-ha.log
        sed -n 's/^# \(.* silent .*\)/    \1/p' build/sweep-ha.log
}

[ $# != 0 ] || set -- powerloss alloc clock "${sweeps[@]}" ha
for name; do
        [ "$name" != ha ] || { ha; continue; }
        for tree in "${trees[@]}"; do
                # The files of an etcd that is somebody else's are not replaced: to these, the trees are the same.
                [[ $tree == *extetcd* && $name =~ ^(alloc|clock)$ ]] || sweep "$name" "$tree"
        done
done
exit "$failed"

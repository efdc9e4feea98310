#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# valgrind.sh [REGEX]: memcheck over the unit tests (those whose name matches), and over the program's life. It sees
# what the sanitizers cannot: bytes that were never written, and the program with its own free().
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/floors.sh
. tools/floors.sh || exit 1
# shellcheck source=tools/night.sh
. tools/night.sh || exit 1

export SRCDIR=$PWD BUILDDIR=$PWD/build/gcc
export OPENER=$BUILDDIR/tests/memcheck/opener
memcheck=(env LD_PRELOAD="$BUILDDIR/tests/memcheck/openat2.so" valgrind -q --error-exitcode=99
        --suppressions="$SRCDIR/tests/memcheck/suppressions"
        --child-silent-after-fork=yes --leak-check=full --show-leak-kinds='definite,indirect'
        --errors-for-leak-kinds='definite,indirect')
logs=build/valgrind
bad=0

build() {
        make -C build/gcc -s -j"$jobs" check TESTS= && make -C build/gcc -s tests/memcheck/opener tests/memcheck/openat2.so
}
tree_gcc || exit 1
build >build/gcc.log 2>&1 || { show build/gcc.log; exit 1; }
rm -rf "$logs" && mkdir -p "$logs"

# 1. The unit tests. What one that fails leaves behind is no leak, and some fail there: they are slow, and their process
#    has another name.
unit_test() {
        local name=$1 errors leaks

        CMOCKA_MESSAGE_OUTPUT=TAP timeout 1200 "${@:2}" "$BUILDDIR/tests/unit/$name" >"$logs/$name" 2>&1
        errors=$(grep -cE '^==[0-9]+== (Invalid|Conditional|Use of|Syscall|Mismatched|Source|Argument|Process)' "$logs/$name")
        leaks=$(grep -c 'lost in loss record' "$logs/$name")
        if [ "$errors" != 0 ]; then
                echo "$name: $errors complaints, see $logs/$name" >"$logs/$name.bad"
        elif grep -q '^not ok' "$logs/$name"; then
                echo "$name: $(grep '^not ok' "$logs/$name" | xargs)" >"$logs/$name.other"
        elif [ "$leaks" != 0 ]; then
                echo "$name: $leaks leaks, see $logs/$name" >"$logs/$name.bad"
        fi
}
export -f unit_test
export logs
(cd build/gcc/tests/unit && ls test-*) | grep -vE '[.](o|log|trs)$' | grep -E "${1:-.}" |
        xargs -P "$jobs" -I{} bash -c 'unit_test "$@"' - {} "${memcheck[@]}"
printf '%-12s %3d programs, %d with complaints, %d that do not pass there\n' unit \
        "$(find "$logs" -name 'test-*' ! -name '*.*' | wc -l)" "$(find "$logs" -name '*.bad' | wc -l)" \
        "$(find "$logs" -name '*.other' | wc -l)"
cat "$logs"/*.bad "$logs"/*.other 2>/dev/null
[ -z "$(find "$logs" -name '*.bad')" ] || bad=1

# 2. The program.
if [ $# = 0 ]; then
        if night "$BUILDDIR/kube-renewd" "${memcheck[@]}"; then
                printf '%-12s nothing found\n' kube-renewd
        else
                bad=1
        fi
fi
exit "$bad"

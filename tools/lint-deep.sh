#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# lint-deep.sh: the analyzers that take minutes. Each says what it finds; none may find anything.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/floors.sh
. tools/floors.sh || exit 1

bad=0
mapfile -t code < <(find src tests -name '*.c' | sort)
mapfile -t flags < <(pkg-config --cflags gnutls nettle libsystemd inih yaml-0.1 jansson smartcols libcurl libprotobuf-c cmocka | xargs -n 1)
flags+=(-std=gnu11 -D_GNU_SOURCE -Isrc -Itests/unit -Itests/fuzz -Itests/bin -Ibuild/gcc -Ibuild/gcc/src
        -Ibuild/gcc/tests/system
        '-DSYSCONFDIR="/etc"' '-DPKGDATADIR="/usr/share/kube-renewd"' '-DLOCALSTATEDIR="/var"')

# analyzer NAME COMMAND...: fails loudly.
analyzer() {
        local name=$1 start=$SECONDS output

        shift
        if output=$("$@" 2>&1); then
                printf '%-12s nothing found %5d s\n' "$name" $((SECONDS - start))
        else
                bad=1
                printf '%-12s:\n%s\n' "$name" "$output"
        fi
}

# Neither of the first two knows the cleanup attribute: they see leaks where there are none, and the
# leak sanitizer sees them where there are some.
with_cppcheck() {
        cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
                --error-exitcode=1 --suppress=missingInclude --suppress=memleak --suppress=resourceLeak \
                --suppress=readdirCalled --suppress=ignoredReturnValue:tests/* --library=posix,gnu \
                -j "$jobs" -Isrc -D_GNU_SOURCE "${code[@]}"
}

with_clang_tidy() {
        printf '%s\n' "${code[@]}" |
                xargs -P "$jobs" -I{} clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null
}

# gcc 12 follows neither the cleanup attribute nor a function that ends the process.
with_gcc_analyzer() {
        printf '%s\n' "${code[@]}" | grep '^src/' |
                xargs -P "$jobs" -I{} gcc "${flags[@]}" -O1 -fanalyzer -Wno-analyzer-malloc-leak \
                        -Wno-analyzer-mismatching-deallocation -Wno-analyzer-null-dereference \
                        -Wno-analyzer-use-of-uninitialized-value -Werror -c -o /dev/null {}
}

tree_gcc || exit 1
analyzer cppcheck with_cppcheck
analyzer clang-tidy with_clang_tidy
analyzer -fanalyzer with_gcc_analyzer
exit "$bad"

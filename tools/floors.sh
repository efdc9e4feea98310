# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Builds and test floors of ./dev, and the count of what really happened. Sourced by ./dev.
#
# Every result is a line "PASS|FAIL|SKIP|ERROR|XPASS|XFAIL" of a .trs file that Automake's TAP driver
# wrote, or of a build. A floor that ends badly without a failed result is a failure of its own, and so
# is a floor without any result.

jobs=$(nproc)
passed=0
failed=0
skipped=0
skips=

# show LOG: the end of what make said, without the names of what was well.
show() {
        grep -vE '^ +(CC|CCLD|AR|GEN|RANLIB) |^make.*(directory|up to date|Nothing to be done)' "$1" | tail -n 40
}

# tree NAME CONFIGURE_ARGUMENT...: the build build/NAME is up to date. Quiet unless it fails.
tree() {
        local name=$1 log=build/$1.log

        shift
        mkdir -p "build/$name"
        {
                { [ -f Makefile.in ] && [ ! configure.ac -nt configure ]; } || autoreconf -fi
        } >"$log" 2>&1 &&
                (cd "build/$name" &&
                        { [ -f Makefile ] || ../../configure -q "$@"; } &&
                        make -s -j"$jobs" all) >>"$log" 2>&1 && return 0
        show "$log"
        return 1
}

tree_sanitize() {
        tree sanitize --enable-sanitizers --enable-werror CFLAGS='-O1 -g'
}

tree_gcc() {
        tree gcc --enable-werror CC=gcc CFLAGS='-O2 -g'
}

tree_clang() {
        tree clang --enable-werror CC=clang CFLAGS='-O2 -g'
}

tree_coverage() {
        tree coverage --enable-coverage CFLAGS='-O0 -g'
}

tree_tsan() {
        tree tsan --enable-werror CFLAGS='-O1 -g -fsanitize=thread'
}

# floor_line NAME PASSED FAILED SKIPPED SECONDS: the one line of a floor; adds to the totals.
floor_line() {
        passed=$((passed + $2))
        failed=$((failed + $3))
        skipped=$((skipped + $4))
        printf '%-9s %5d passed %3d failed %3d skipped %5d s\n' "$@"
}

# floor_build NAME: a build with every warning an error, tests included, is one result.
floor_build() {
        local start=$SECONDS

        if ! "tree_$1"; then
                floor_line "$1" 0 1 0 $((SECONDS - start))
        elif ! make -C "build/$1" -s -j"$jobs" check TESTS= >"build/$1.log" 2>&1; then
                show "build/$1.log"
                floor_line "$1" 0 1 0 $((SECONDS - start))
        else
                floor_line "$1" 1 0 0 $((SECONDS - start))
        fi
}

# count_results DIRECTORY: "PASSED FAILED SKIPPED" of the .trs files below it. A test that failed also
# ends with a status; that error is its own only where nothing else failed.
count_results() {
        find "$1" -name '*.trs' -print0 | xargs -0 awk '
                function close_file() { failed += failures ? failures : errors; failures = errors = 0 }
                FNR == 1 { close_file() }
                !/^:test-result:/ { next }
                $2 == "FAIL" || $2 == "XPASS" { failures++ }
                $2 == "ERROR" { errors++ }
                $2 == "PASS" || $2 == "XFAIL" { passed++ }
                $2 == "SKIP" { skipped++ }
                END { close_file(); print passed + 0, failed + 0, skipped + 0 }' /dev/null
}

# floor_tests NAME BUILD [AT_ONCE]: `make check-NAME` in that build, so many tests at a time.
floor_tests() {
        local name=$1 build=build/$2 log=build/$2-$1.log start=$SECONDS status=1 p f s

        mkdir -p "$build/tests/$name"
        find "$build/tests/$name" -name '*.trs' -delete
        : >"$log"
        if "tree_$2"; then
                make -C "$build" -k -j"${3:-$jobs}" "check-$name" >"$log" 2>&1
                status=$?
        fi
        read -r p f s < <(count_results "$build/tests/$name")
        skips+=$(sed -n 's/^SKIP: /  /p' "$log")$'\n'
        # A bad end without a failed result, and a floor without results, are failures too.
        if [ "$f" = 0 ] && { [ "$status" != 0 ] || [ $((p + s)) = 0 ]; }; then
                f=1
                echo "--- $name: no test failed, but make ended with $status after $((p + s)) results"
        fi
        [ "$f" = 0 ] || floor_details "$build" "$log"
        floor_line "$name" "$p" "$f" "$s" $((SECONDS - start))
}

# floor_details BUILD LOG: the failed results with their diagnostics, or the end of make's output.
floor_details() {
        local tests test

        tests=$(sed -nE 's/^(FAIL|ERROR|XPASS): ([^ ]*).*/\2/p' "$2" | sort -u)
        [ -n "$tests" ] || show "$2"
        for test in $tests; do
                echo "--- $test"
                awk '/^(not ok|Bail out|ERROR)/ { wanted = 30 }
                        /^(ok|PASS|SKIP)/ { wanted = 0 }
                        /Sanitizer/ { wanted = 60 }
                        wanted-- > 0' "$1/${test%.sh}.log" | cut -c 1-200 | head -n 200
        done
}

# floors NAME...: one line each, the reasons of all skips, the count; fails if anything failed.
floors() {
        local name

        for name; do
                case $name in
                sanitize | gcc | clang) floor_build "$name" ;;
                crash | package) floor_tests "$name" gcc ;;
                # These wait for neighbours most of the time.
                system) floor_tests "$name" gcc $((jobs + (jobs + 1) / 2)) ;;
                *) floor_tests "$name" sanitize ;;
                esac
        done
        skips=$(sort -u <<<"$skips" | sed '/^$/d')
        [ -z "$skips" ] || printf 'skipped:\n%s\n' "$skips"
        printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
        [ "$failed" = 0 ]
}

floors_all() {
        floors sanitize gcc clang lint unit cli fuzz crash package system
}

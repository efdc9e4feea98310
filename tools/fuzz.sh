#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fuzz.sh [SECONDS] [NAME]: lets libFuzzer look for inputs that break a parser. What it learns stays in
# build/fuzz/corpus/NAME, an input that breaks something in build/fuzz/broken/; a bug found becomes a
# seed of tests/fuzz/corpus first.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/floors.sh
. tools/floors.sh || exit 1

seconds=${1:-60}
only=${2:-}
found=0

tree fuzz --enable-fuzzing CC=clang CFLAGS='-O1 -g' || exit 1
make -C build/fuzz -s -j"$(nproc)" check TESTS= >>build/fuzz.log 2>&1 || { tail build/fuzz.log; exit 1; }
mkdir -p build/fuzz/broken
for source in tests/fuzz/fuzz-*.c; do
        name=$(basename "$source" .c)
        name=${name#fuzz-}
        [ -z "$only" ] || [ "$only" = "$name" ] || continue
        mkdir -p "build/fuzz/corpus/$name"
        dictionary=()
        [ ! -e "tests/fuzz/$name.dict" ] || dictionary=(-dict="tests/fuzz/$name.dict")
        log=build/fuzz/$name.log
        if "build/fuzz/tests/fuzz/fuzz-$name" -max_total_time="$seconds" -timeout=30 -rss_limit_mb=1024 \
                -artifact_prefix="build/fuzz/broken/$name-" -print_final_stats=1 "${dictionary[@]}" \
                "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
                printf '%-12s %9s inputs, nothing found\n' "$name" \
                        "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
        else
                found=1
                printf '%-12s broken:\n' "$name"
                grep -vE '^(#|INFO)' "$log" | head -n 60
        fi
done
exit "$found"

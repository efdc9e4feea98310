# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the lint tests share: which files of the tree are ours. Works in a checkout and in an unpacked
# tarball, and never looks into build directories.

# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/tap.sh"

# lint_files PATTERN...: our files whose names match one of the patterns, relative to the tree.
lint_files() {
        local names=() pattern

        for pattern; do
                names+=(-o -name "$pattern")
        done
        (cd "$SRCDIR" && find . -mindepth 1 \
                \( -path './.*' -type d -o -path './build*' -o -path './autom4te.cache' -o -path './m4' \
                -o -path ./tests/data -o -path './kube-renewd-[0-9]*' \) -prune -o \
                -type f \( -false "${names[@]}" \) -print) | sed 's,^\./,,' | sort
}

# lint_scripts: our shell scripts, by their first line or their name.
lint_scripts() {
        (cd "$SRCDIR" && lint_files '*' | grep -Ev '\.(c|h|o|a|log|trs)$|^(configure|libtool)|(^|/)(corpus|fixtures)/' |
                while read -r file; do
                        head -n 2 "$file" | grep -aEq '^#!/bin/(ba)?sh|^# shellcheck shell=' && echo "$file"
                done)
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the lint tests share: which files of the tree are ours. Works in a checkout and in an unpacked
# tarball, and never looks into build directories.

# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/tap.sh" || exit 99

# lint_files PATTERN...: our files whose names match one of the patterns, relative to the tree. What
# a build makes is not ours, tests/data belongs to kubeadm, and a corpus is meant to be odd.
lint_files() {
        local roots names=() pattern

        for pattern; do
                names+=(-o -name "$pattern")
        done
        cd "$SRCDIR" || exit 99
        roots=(.ci .clang-format .clang-tidy .gitignore .shellcheckrc HACKING.md LICENSE Makefile.am NEWS README.md SECURITY.md
                completion configure.ac dev etc man packaging share src systemd tests tools)
        find "${roots[@]}" \( -path tests/data -o -name corpus -o -name .deps -o -name .dirstamp -o -name '*.[oa58]' \
                -o -name '*.log' -o -name '*.trs' -o -name '*.pb-c.[ch]' -o -name '*~' -o -path 'systemd/*.service' \) -prune -o \
                -type f \( -false "${names[@]}" \) -print | sort
}

# lint_scripts: our shell scripts, by their first lines.
lint_scripts() {
        lint_files '*' | grep -Ev '\.[ch]$' | while read -r file; do
                head -n 2 "$SRCDIR/$file" | grep -aEq '^#!.*\<(ba)?sh$|^# shellcheck shell=' && echo "$file"
        done
}

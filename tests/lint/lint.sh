# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the lint tests share: which files of the tree are ours. Works in a checkout and in an unpacked
# tarball, and never looks into build directories.

# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/tap.sh"

# lint_files PATTERN...: our files whose names match one of the patterns, relative to the tree. What
# autotools and compilers make is not ours, and tests/data belongs to kubeadm.
lint_files() {
        local names=() pattern

        for pattern; do
                names+=(-o -name "$pattern")
        done
        (cd "$SRCDIR" && find . -mindepth 1 \
                \( -path './build*' -o -path './_build*' -o -path ./autom4te.cache -o -path ./m4 -o -path ./tests/data \
                -o -path './.git*' ! -name .gitignore -o -name .deps -o -name .libs -o -name corpus \
                -o -name aclocal.m4 -o -path './config*' ! -name configure.ac -o -name Makefile -o -name Makefile.in \
                -o -name libtool -o -name stamp-h1 -o -name '.dirstamp' -o -name '*~' -o -name '*.[oa]' \
                -o -name '*.log' -o -name '*.trs' -o -name '*.xz' -o -path './kube-renewd-[0-9]*' \) -prune -o \
                -type f \( -false "${names[@]}" \) -print) | sed 's,^\./,,' | sort
}

# lint_scripts: our shell scripts, by their first lines.
lint_scripts() {
        lint_files '*' | grep -Ev '\.[ch]$' | while read -r file; do
                head -n 2 "$SRCDIR/$file" | grep -aEq '^#!.*\<(ba)?sh$|^# shellcheck shell=' && echo "$file"
        done
}

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# size.sh PACKAGE: what the Debian package weighs, what is in it, and what it and its program need: packages, linked
# libraries, and those that a `check` really loads. The figures also go to tests/bench/results/size.txt.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/bench/bench.sh
. "$SRCDIR/tests/bench/bench.sh" || exit 99

package=$1
tree=$SCRATCH/package
program=$tree/usr/bin/kube-renewd
dpkg-deb -x "$package" "$tree" || exit 1
[ -x "$program" ] || program=$tree/usr/sbin/kube-renewd
tree_make v1.28.7/rsa2048-default "$SCRATCH/root"

# kilobytes FILE...: the sum of their sizes.
kilobytes() {
        stat -Lc %s "$@" | awk '{ sum += $1 } END { printf "%.0f\n", sum / 1024 }'
}

# row LABEL KILOBYTES [NUMBER]
row() {
        printf '%-46s  %7s kB  %s\n' "$1" "$2" "${3:-}"
}

# loaded COMMAND...: the libraries that the loader opens for it.
loaded() {
        LD_DEBUG=files "$@" 2>&1 >/dev/null | sed -n 's/.*calling init: \(.*[.]so.*\)/\1/p' | sort -u
}

mapfile -t linked < <(ldd "$program" | grep -oE '/[^ ]+[.]so[^ ]*' | sort -u)
mapfile -t checking < <(loaded "$program" "--root=$SCRATCH/root" --at=2026-12-01 check)
mapfile -t needed < <(objdump -p "$program" | sed -n 's/^ *NEEDED *//p')
[ $((${#linked[@]} * ${#checking[@]} * ${#needed[@]})) != 0 ] || bench_missing libraries "none is found"

{
        echo "kube-renewd, $(dpkg --print-architecture), built on $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
        echo
        row 'package' "$(kilobytes "$package")"
        row 'installed' "$(dpkg-deb -f "$package" Installed-Size)" "$(find "$tree" ! -type d | wc -l) files"
        row 'program' "$(kilobytes "$program")"
        find "$tree" -path '*/libexec/*' -type f -o -path '*/lib/kube-renewd/*' -type f | while read -r file; do
                row "${file#"$tree"}" "$(kilobytes "$file")"
        done
        row 'libraries that it is linked with, and theirs' "$(kilobytes "${linked[@]}")" "${#linked[@]} libraries"
        row 'libraries that check loads' "$(kilobytes "${checking[@]}")" "${#checking[@]} libraries"
        if [ -x "${KUBEADM:=${TESTBED_DIR:-/var/cache/kube-renewd-testbed}/bin/kubeadm}" ]; then
                row "for comparison: kubeadm $("$KUBEADM" version -o short)" "$(kilobytes "$KUBEADM")"
        fi
        echo
        echo 'Depends:'
        dpkg-deb -f "$package" Depends | sed 's/, /\n/g' | sort | sed 's/^/    /'
        echo
        echo 'Linked with:'
        printf '    %s\n' "${needed[@]}" | sort
        echo
        echo 'Loaded by check:'
        printf '    %s\n' "${checking[@]##*/}" | sort
} | bench_report size

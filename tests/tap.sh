# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# TAP for tests written in bash. The calling sequence:
#
#     #!/bin/bash
#     # SPDX-License-Identifier: LGPL-2.1-or-later
#     . "${SRCDIR:-$(dirname "$0")/../..}/tests/tap.sh" || exit 99
#     command -v etcd >/dev/null || tap_skip_all "etcd is not installed"
#     tree_make v1.28.7/rsa2048-default "$SCRATCH/root"
#     tap_status 2 "T03 an expired leaf is critical" "$KUBE_RENEWD" --root="$SCRATCH/root" check
#     tap_like "$OUTPUT" '^apiserver .* EXPIRED' "T03 the row says so"
#     tap_done
#
# Each assertion prints one line and goes on; a failed one adds diagnostics. A test that dies before
# tap_done has no plan, and so counts as an error. A test can be started by hand from anywhere: SRCDIR
# and BUILDDIR default to its source tree and to build/ or build/sanitize/ in it.

set -u

SRCDIR=$(cd "${SRCDIR:-$(dirname "${BASH_SOURCE[0]}")/..}" && pwd)
BUILDDIR=${BUILDDIR:-$SRCDIR/build}
[ -e "$BUILDDIR/Makefile" ] || BUILDDIR=$SRCDIR/build/sanitize
KUBE_RENEWD=${KUBE_RENEWD:-$BUILDDIR/kube-renewd} # the built program
SCRATCH=                                          # a directory of this test alone, removed at its end
OUTPUT=                                           # what the last tap_ok or tap_status command printed
export SRCDIR BUILDDIR KUBE_RENEWD LC_ALL=C TZ=UTC
export KUBE_RENEWD_LAYOUT_PATH=$SRCDIR/etc/layouts # instead of the installed ones

tap_count=0
tap_failures=0
tap_at_exit=()

# tap_on_exit COMMAND ARG...: runs it when the test ends, however it ends, the last one first.
tap_on_exit() {
        tap_at_exit=("$(printf '%q ' "$@")" "${tap_at_exit[@]}")
}

tap_exit() {
        local command

        for command in "${tap_at_exit[@]}"; do
                eval "$command"
        done
        rm -rf -- "$SCRATCH"
}

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/kube-renewd-test.XXXXXX") || exit 99
trap tap_exit EXIT
trap 'exit 130' INT TERM HUP

# tap_note TEXT: diagnostics, at most 40 lines.
tap_note() {
        printf '%s\n' "$1" | head -n 40 | sed 's/^/# /'
}

# tap_result STATUS DESCRIPTION: the line itself; 0 is ok. Returns STATUS.
tap_result() {
        tap_count=$((tap_count + 1))
        if [ "$1" = 0 ]; then
                printf 'ok %d - %s\n' "$tap_count" "${2//#/}"
        else
                tap_failures=$((tap_failures + 1))
                printf 'not ok %d - %s\n' "$tap_count" "${2//#/}"
        fi
        return "$1"
}

# tap_status EXPECTED DESCRIPTION COMMAND...: the command ends with this exit status.
tap_status() {
        local expected=$1 description=$2 status

        shift 2
        OUTPUT=$("$@" 2>&1)
        status=$?
        [ "$status" = "$expected" ]
        tap_result $? "$description" && return 0
        tap_note "exit status $status, expected $expected: $*"
        tap_note "$OUTPUT"
        return 1
}

# tap_ok DESCRIPTION COMMAND...: the command succeeds.
tap_ok() {
        tap_status 0 "$@"
}

# tap_is ACTUAL EXPECTED DESCRIPTION: the two texts are equal.
tap_is() {
        [ "$1" = "$2" ]
        tap_result $? "$3" && return 0
        tap_note "expected (-) and actual (+):"
        tap_note "$(diff -u <(printf '%s\n' "$2") <(printf '%s\n' "$1") | tail -n +4)"
        return 1
}

# tap_like TEXT REGEX DESCRIPTION: some line of the text matches the extended regular expression.
tap_like() {
        printf '%s\n' "$1" | grep -Eq -- "$2"
        tap_result $? "$3" && return 0
        tap_note "no line matches '$2' in:"
        tap_note "$1"
        return 1
}

# tap_unlike TEXT REGEX DESCRIPTION: no line matches.
tap_unlike() {
        ! printf '%s\n' "$1" | grep -Eq -- "$2"
        tap_result $? "$3" && return 0
        tap_note "this matches '$2':"
        tap_note "$(printf '%s\n' "$1" | grep -E -- "$2")"
        return 1
}

# tap_empty TEXT DESCRIPTION: there is nothing to complain about; the text is the complaints.
tap_empty() {
        [ -z "$1" ]
        tap_result $? "$2" && return 0
        tap_note "$1"
        return 1
}

# tap_skip DESCRIPTION REASON: one assertion that cannot be made here.
tap_skip() {
        tap_count=$((tap_count + 1))
        printf 'ok %d - %s # SKIP %s\n' "$tap_count" "${1//#/}" "$2"
}

# tap_skip_all REASON: the whole test cannot run here. Does not return.
tap_skip_all() {
        [ "$tap_count" = 0 ] || { tap_skip "the rest" "$1"; tap_done; }
        printf '1..0 # SKIP %s\n' "$1"
        exit 0
}

# tap_done: prints the plan and ends the test. Does not return.
tap_done() {
        printf '1..%d\n' "$tap_count"
        [ "$tap_failures" = 0 ]
        exit $?
}

# tree_make VARIANT DIR: a genuine kubeadm tree (VERSION/NAME of tests/data/kubeadm) below DIR/etc,
# with the modes that kubeadm gave its files, and the owners too when root runs the test.
tree_make() {
        local source=$SRCDIR/tests/data/kubeadm/$1 target=$2/etc/kubernetes mode owner size path

        mkdir -p "$2/etc" && cp -R "$source/etc-kubernetes" "$target" || exit 99
        if [ -d "$source/etc-etcd" ]; then
                cp -R "$source/etc-etcd" "$2/etc/etcd" || exit 99
        fi
        chmod -R u+w "$2/etc"
        while read -r mode owner size path; do
                chmod "$mode" "$target/$path" || exit 99
                [ "$(id -u)" != 0 ] || chown "$owner" "$target/$path" || exit 99
        done <"$source/etc-kubernetes.modes"
        : "$size"
}

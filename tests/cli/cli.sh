# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of the built program share. The calling sequence:
#
#     . "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh"
#     host v1.28.7/rsa2048-default                  a fresh host of that kind is $ROOT
#     tap_status 1 "some are due" renewd check --at="$TEN_DAYS"
#     golden check-rsa "the table"                  $OUTPUT equals tests/cli/golden/check-rsa
#
# Layouts are read from the source tree; nothing needs to be installed and nothing needs root.

# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/tap.sh" || exit 99
unset NO_COLOR SYSTEMD_COLORS COLUMNS

ROOT= # the host of this test
NEW=2026-12-01T00:00:00Z      # the trees of kubeadm 1.28 and 1.20 are some days old
TEN_DAYS=2027-11-11T23:26:00Z # their leaves expire in ten days and some seconds
EXPIRED=2028-01-01T00:00:00Z  # their leaves have expired, their CAs have not
export ROOT NEW TEN_DAYS EXPIRED

# host VARIANT: a fresh tree in $ROOT.
host() {
        ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX") || exit 99
        tree_make "$1" "$ROOT"
}

# renewd ARG...: the program on that host. The trees of kubeadm 1.36 have no manifests to detect.
renewd() {
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm "$@"
}

# golden NAME DESCRIPTION: $OUTPUT is tests/cli/golden/NAME. GOLDEN=write writes it instead.
golden() {
        local file=$SRCDIR/tests/cli/golden/$1

        if [ "${GOLDEN:-}" = write ]; then
                printf '%s\n' "$OUTPUT" >"$file"
        fi
        tap_is "$OUTPUT" "$(cat "$file")" "$2"
}

# digests: of every file of $ROOT but our own state.
digests() {
        (cd "$ROOT" && find etc -type f -exec sha256sum {} + | sort -k 2)
}

# changed: paths whose content is not that of $SCRATCH/before, which is what digests said.
changed() {
        diff "$SCRATCH/before" <(digests) | sed -n 's/^> [0-9a-f]*  //p'
}

# mismatched: certificates of $ROOT whose key is another's, or cannot be read.
mismatched() {
        find "$ROOT/etc/kubernetes/pki" -name '*.crt' | while read -r certificate; do
                [ "$(openssl x509 -in "$certificate" -noout -pubkey 2>&1)" = \
                        "$(openssl pkey -in "${certificate%.crt}.key" -pubout 2>&1)" ] || echo "$certificate"
        done
}

# leftovers: what a transaction should not have left in $ROOT.
leftovers() {
        find "$ROOT" -name '.kube-renewd-*' -o -name 'transaction.*'
}

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Manners: help fits 80 columns and goes to stdout, complaints go to stderr with the exit status of
# the verb, and each says what would be right.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# said FILE: what the last command wrote there.
run() {
        "$KUBE_RENEWD" "$@" >"$SCRATCH/out" 2>"$SCRATCH/err"
}

# helps DESCRIPTION ARG...: help, as help should be.
helps() {
        local description=$1

        shift
        tap_ok "$description ends with 0" run "$@"
        tap_empty "$(cat "$SCRATCH/err")" "$description says nothing on stderr"
        tap_empty "$(awk 'length > 80' "$SCRATCH/out")" "$description fits 80 columns"
        tap_like "$(cat "$SCRATCH/out")" '^Usage: kube-renewd ' "$description begins with usage"
}

# refuses STATUS REGEX ARG...: a complaint of one line on stderr, nothing on stdout.
refuses() {
        local status=$1 regex=$2

        shift 2
        tap_status "$status" "'$*' ends with $status" run "$@"
        tap_empty "$(cat "$SCRATCH/out")" "'$*' says nothing on stdout"
        tap_like "$(cat "$SCRATCH/err")" "^kube-renewd: .*$regex" "'$*' says why on stderr"
        tap_is "$(wc -l <"$SCRATCH/err")" 1 "'$*' says it in one line"
}

helps "--help" --help
mapfile -t verbs < <(sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p' "$SCRATCH/out")
tap_like "${verbs[*]}" '^check plan renew run ' "the help lists the verbs"
helps "-h" -h
for verb in "${verbs[@]}"; do
        helps "$verb --help" "$verb" --help
        tap_like "$(cat "$SCRATCH/out")" "^Usage: kube-renewd $verb " "$verb --help is about $verb"
done
helps "--help before the verb" --help check

tap_ok "--version ends with 0" run --version
tap_like "$(cat "$SCRATCH/out")" '^kube-renewd [0-9]' "--version names program and version"

refuses 2 "no verb was given.*--help"
refuses 2 "unknown verb 'frobnicate'.*--help" frobnicate
refuses 2 "unknown verb 'renw', did you mean 'renew'\?" renw
refuses 2 "unknown option '--frobnicate'" renew --frobnicate
refuses 2 "did you mean '--dry-run'\?" renew --dryrun
refuses 3 "unknown option '--frobnicate'" check --frobnicate
refuses 3 "unknown option '--frobnicate'" --frobnicate check
refuses 3 "unknown option '--frobnicate'" alarms --frobnicate
refuses 3 "no --output='xml'; it is one of table\|.*\|kubeadm-json" check --output=xml
refuses 3 "no column 'colour'.*CERTIFICATE" check --columns=certificate,colour
refuses 3 "'soon' is no time.*2027-" check --at=soon
refuses 2 "only together with --root=" renew --at=2027-11-11
refuses 2 "only together with --root=" run --root=/ --at=2027-11-11
refuses 2 "takes no names, but 'now' was given" run now
refuses 2 "write 'kube-renewd restore ID'" restore
refuses 2 "it is 'backup create', 'backup list' or 'backup verify" backup lisst

"$KUBE_RENEWD" --help >/dev/full 2>"$SCRATCH/err"
tap_is "$?" 1 "output that is lost is a failure"
tap_like "$(cat "$SCRATCH/err")" "cannot write to standard output: No space" "and said"
"$KUBE_RENEWD" check --help >/dev/full 2>/dev/null
tap_is "$?" 3 "which a monitoring agent takes for unknown"
tap_done

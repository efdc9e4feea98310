#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the oldest package (0.1.0-1) has left on a host is understood by this program: its configuration, what it
# owes, its alarms and its backups; and a pass of it that was killed in the middle is finished.
# tests/data/upgrade has both hosts; tests/system/package.sh has the life of the packages themselves.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

DAY_AFTER=2027-11-12T23:26:00Z
state=var/lib/kube-renewd

# left NAME: that host in $ROOT.
left() {
        ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX") || exit 99
        tar -C "$ROOT" --no-same-owner -xpJf "$SRCDIR/tests/data/upgrade/$1.tar.xz" || exit 99
        digests >"$SCRATCH/before"
}

left renewed
tap_status 0 "its configuration is read" renewd config --at="$DAY_AFTER"
tap_unlike "$OUTPUT" 'warning' "and nothing in it is unknown"
tap_status 1 "what it has renewed" renewd check --at="$DAY_AFTER"
tap_like "$OUTPUT" '^apiserver  *Nov 10, 2028 ' "is seen"
tap_status 2 "what it has told" renewd alarms --at="$DAY_AFTER"
tap_is "$(grep -c '^major  *restart-owed ' <<<"$OUTPUT")" 4 "is still told: four restarts are owed"
tap_like "$OUTPUT" 'expiring  *kubelet.conf' "and what will expire"
tap_status 75 "the next night" renewd run --at="$DAY_AFTER"
tap_is "$(changed)" "" "renews nothing again"
tap_is "$(jq -r '[.restarts_owed[] | "\(.component) \(.since)"] | sort | .[]' "$ROOT/$state/public/status.json")" \
        "etcd 2027-11-11T23:26:00Z
kube-apiserver 2027-11-11T23:26:00Z
kube-controller-manager 2027-11-11T23:26:00Z
kube-scheduler 2027-11-11T23:26:00Z" "and owes what was owed, since then"
tap_is "$(jq -r '.time_created' "$ROOT/$state/public/alarms/restart-owed@etcd.json")" 2027-11-11T23:26:00Z "its alarm is the same one"

id=$(renewd backup list --at="$DAY_AFTER" --output=json | jq -r '.[-1].id')
tap_status 0 "its backup is whole" renewd backup verify "$id" --at="$DAY_AFTER"
tap_status 75 "and can be put back" renewd restore "$id" --at="$DAY_AFTER"
tap_is "$(changed | grep -c .)" 17 "with all its files"
tap_is "$(mismatched)" "" "each key with its certificate"
tap_is "$(openssl x509 -noout -enddate -in "$ROOT/etc/kubernetes/pki/apiserver.crt")" "notAfter=Nov 21 23:26:06 2027 GMT" "as they were before"

left killed
tap_like "$(mismatched | grep -c .)" '^[1-9]' "a pass of it was killed between two files of a pair"
tap_status 0 "its transaction" renewd recover --at="$DAY_AFTER"
tap_is "$(mismatched)" "" "is finished"
tap_is "$(find "$ROOT/etc" "$ROOT/$state" -name '*.kube-renewd-*' -o -name 'transaction.*')" "" "and nothing is left of it"
tap_status 1 "all is renewed" renewd check --at="$DAY_AFTER"
tap_is "$(grep -c 'Nov 10, 2028' <<<"$OUTPUT")" 10 "all ten"
tap_done

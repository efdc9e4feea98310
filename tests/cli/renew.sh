#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# renew and run: what is due, what is named, and what cannot be renewed.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# T01, T02, T03: only what is due.
host v1.28.7/ecdsa-p256
digests >"$SCRATCH/before"
tap_status 0 "T01 all leaves valid" renewd renew --at="$NEW"
tap_is "$(changed)" "" "T01 nothing is written"
tap_status 0 "a dry run" renewd renew --dry-run --at="$NEW" apiserver scheduler.conf
tap_like "$OUTPUT" '^kube-apiserver would load 2 new files by itself$' "who would load its files is said"
tap_like "$OUTPUT" '^kube-scheduler would be restarted, for 1 new file$' "who would be restarted, too"
tap_is "$(changed)" "" "and nothing is written"
tap_status 75 "T02 one is named" renewd renew --at="$NEW" apiserver
tap_is "$(changed)" "$(printf 'etc/kubernetes/pki/apiserver.%s\n' crt key)" "T02 only that pair is new"
tap_like "$OUTPUT" '^restart of kube-apiserver is owed' "T02 its user is owed a restart"
tap_unlike "$OUTPUT" '^restart of (etcd|kube-scheduler|kube-controller-manager)' "T02 no other is"
digests >"$SCRATCH/before"
tap_status 75 "T03 all others expired" renewd renew --at="$EXPIRED"
tap_is "$(changed | wc -l)" 17 "T03 all expired are renewed"
tap_status 2 "an unknown name is a usage error" renewd renew --at="$EXPIRED" apisrever
tap_like "$OUTPUT" "'apiserver'" "with the nearest that is one"

# A pair of which the key belongs to another is of no use, however long its certificate is valid.
host v1.28.7/ecdsa-p256
mkdir -p "$ROOT/etc/kube-renewd"
printf '[renewal]\nValidity=30d\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 1 "what is well and would end sooner" renewd renew --at="$NEW" apiserver
tap_like "$OUTPUT" '^apiserver: .*not later than the old one' "is not renewed"
cp "$ROOT/etc/kubernetes/pki/apiserver-kubelet-client.key" "$ROOT/etc/kubernetes/pki/apiserver.key"
tap_status 0 "a mismatched pair may be somebody at work" renewd run --at="$NEW"
tap_status 75 "the next night it is repaired" renewd run --at=2026-12-02T00:00:00Z
tap_like "$OUTPUT" '^apiserver: renewed, until Jan 01, 2027' "although the new one ends sooner"
tap_is "$(openssl x509 -noout -pubkey -in "$ROOT/etc/kubernetes/pki/apiserver.crt")" \
        "$(openssl pkey -pubout -in "$ROOT/etc/kubernetes/pki/apiserver.key")" "with its own key"

# T05, T06, T10: what cannot be renewed is said, and does not stop the others.
host v1.28.7/ecdsa-p256
rm "$ROOT/etc/kubernetes/pki/apiserver.crt" "$ROOT/etc/kubernetes/pki/apiserver.key"
digests >"$SCRATCH/before"
tap_status 1 "T05 a missing leaf" renewd renew --at="$TEN_DAYS"
tap_like "$OUTPUT" '^apiserver: missing' "T05 is not re-created, and said"
tap_is "$(changed | wc -l)" 15 "T05 the others are renewed"
host v1.28.7/ecdsa-p256
rm "$ROOT/etc/kubernetes/pki/etcd/ca.crt"
digests >"$SCRATCH/before"
tap_status 1 "T06 a missing CA" renewd renew --at="$TEN_DAYS"
tap_is "$(changed | grep -c etcd)" 0 "T06 signs nothing"
tap_is "$(changed | wc -l)" 9 "T06 the other CAs' leaves are renewed"
host v1.28.7/ecdsa-p256
rm "$ROOT/etc/kubernetes/pki/ca.key"
digests >"$SCRATCH/before"
tap_status 1 "T10 a CA whose key is elsewhere" renewd renew --at="$TEN_DAYS"
tap_like "$OUTPUT" '^apiserver: external' "T10 is said"
tap_unlike "$OUTPUT" '^apiserver: renewed' "T10 and is no success"
tap_is "$(changed | grep -c -e apiserver.crt -e conf)" 0 "T10 its leaves stay"
tap_done

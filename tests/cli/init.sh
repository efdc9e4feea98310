#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# init, then a whole life: a control plane from nothing, checked, renewed by the nightly run.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

ROOT=$SCRATCH/host
mkdir "$ROOT"
at=2027-01-01T00:00:00Z
tap_status 2 "an address is needed" renewd init --at="$at" --node-name=cp-1 --key-algorithm=ECDSA-P256
tap_is "$(find "$ROOT/etc" -type f 2>/dev/null)" "" "and nothing was made without it"
tap_status 2 "an unknown kind of key" renewd init --at="$at" --advertise-address=192.0.2.10 --key-algorithm=DSA
tap_status 0 "made" renewd init --at="$at" --node-name=cp-1 --advertise-address=192.0.2.10 --validity=20d \
        --key-algorithm=ECDSA-P256
tap_like "$OUTPUT" '^/etc/kubernetes/pki/apiserver.crt$' "the files are named"
tap_status 0 "all is fine" renewd check --at="$at"
tap_status 1 "it never overwrites" renewd init --at="$at" --node-name=cp-1 --advertise-address=192.0.2.10
tap_like "$OUTPUT" "^kube-renewd: '/etc/kubernetes/pki/ca.crt' exists" "and names what is there"
tap_is "$(openssl x509 -noout -subject -in "$ROOT/etc/kubernetes/pki/etcd/server.crt")" "subject=CN = cp-1" \
        "the node's name is in it"
for leaf in apiserver apiserver-kubelet-client; do
        tap_ok "openssl agrees about $leaf" openssl verify -attime "$(date -d "$at" +%s)" \
                -CAfile "$ROOT/etc/kubernetes/pki/ca.crt" "$ROOT/etc/kubernetes/pki/$leaf.crt"
done
for night in 03 05 07 09 11 13; do
        tap_status 0 "the night of January $night" renewd run --at="2027-01-$night"
        tap_like "$OUTPUT" '^Nothing is due' "has nothing to do"
done
tap_status 0 "the night when it is due" renewd run --at=2027-01-15
tap_is "$(grep -c ': renewed, until Jan 15, 2028' <<<"$OUTPUT")" 11 "renews everything"
tap_status 1 "the kubelet's own is left to the kubelet" renewd check --at=2027-01-15
tap_like "$OUTPUT" '^15 certificates, 0 due: 1 EXPIRING, 14 OK$' "and all others are fine"
tap_status 0 "and no alarm is active" renewd alarms --at=2027-01-15
tap_is "$OUTPUT" "0 active alarms" "as it says"
tap_status 0 "and nothing is left unfinished" renewd recover
tap_is "$OUTPUT" "Nothing was unfinished." "as it says"
tap_ok "monitoring agents see it" jq -e '.certificates | length == 15' "$ROOT/var/lib/kube-renewd/public/status.json"

rm "$ROOT/etc/kubernetes/pki/ca.key"
tap_status 1 "T41 a CA without key, leaves expired" renewd run --at=2028-02-01
tap_status 2 "T41 there are alarms" renewd alarms --at=2028-02-01
tap_like "$OUTPUT" '^critical +expired +apiserver ' "T41 for each"
tap_status 2 "T41 as JSON" renewd alarms --at=2028-02-01 --output=json
tap_is "$(jq -r '[.[] | select(.type == "expiring")] | length' <<<"$OUTPUT")" 0 "T41 expired replaces expiring"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# plan: what renew would do, why, in which order, and not a byte more than said.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# everything: each file below $ROOT, our own state included.
everything() {
        (cd "$ROOT" && find . -type f -exec sha256sum {} + | sort -k 2)
}

host v1.28.7/rsa2048-default
before=$(everything)
tap_status 0 "T01 nothing to do" renewd plan --at="$NEW"
tap_like "$OUTPUT" "^Nothing to do; '.*' is the next to be due, on Nov 06, 2027 23:26 UTC\\.\$" "T01 and until when"
tap_status 0 "T02 ten are due" renewd plan --at="$TEN_DAYS"
golden plan-v1.28.7-rsa2048-default.text "T02 the whole plan"
tap_status 0 "the same as JSON" renewd plan --at="$TEN_DAYS" --output=json
tap_is "$(jq -r '.steps[].certificate' <<<"$OUTPUT" | sort | xargs)" "admin.conf apiserver apiserver-etcd-client \
apiserver-kubelet-client controller-manager.conf etcd-healthcheck-client etcd-peer etcd-server front-proxy-client \
scheduler.conf" "T02 exactly the ten"
tap_is "$(jq -r '.restarts[].component' <<<"$OUTPUT" | xargs)" \
        "kube-controller-manager kube-scheduler" "restarts in their order"
tap_is "$(jq -r '.proofs[].component' <<<"$OUTPUT" | xargs)" "etcd kube-apiserver" "what loads its files by itself"
tap_is "$(jq -r '[.steps[] | select(.action != "renew" or .dueReason != "expiring" or .expiryTime == null)] | length' <<<"$OUTPUT")" \
        0 "every step has its reason and its result"

tap_status 0 "what is named is planned, due or not" renewd plan --at="$NEW" front-proxy-client --output=json
tap_is "$(jq -c '[.steps[].certificate, .steps[].dueReason, .restarts, .proofs[].component]' <<<"$OUTPUT")" \
        '["front-proxy-client","requested",[],"kube-apiserver"]' "T20 only that; its only user loads it by itself"
tap_status 0 "--all is everything" renewd plan --at="$NEW" --all --output=json
tap_is "$(jq '.steps | length' <<<"$OUTPUT")" 10 "all that can be renewed"
tap_status 2 "an unknown name is a usage error" renewd plan apisrever
tap_like "$OUTPUT" "'apiserver'" "answered with the nearest"

printf '[certificate apiserver]\nExtraSANs=DNS:api.example.org\nKeyAlgorithm=ECDSA-P256\n' >"$SCRATCH/extra.conf"
mkdir -p "$ROOT/etc/kube-renewd"
cp "$SCRATCH/extra.conf" "$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 0 "a SAN that is configured and absent makes it due" renewd plan --at="$NEW"
tap_like "$OUTPUT" '^apiserver: .*api.example.org' "and is the reason"
tap_like "$OUTPUT" '^  added SANs  DNS:api.example.org$' "and is shown"
tap_like "$OUTPUT" '^  key         ECDSA-P256 instead of RSA-2048, a new key$' "as is the kind of key that was configured"
rm -r "$ROOT/etc/kube-renewd"

rm "$ROOT/etc/kubernetes/pki/ca.key"
tap_status 0 "T10 without the CA's key" renewd plan --at="$TEN_DAYS" --output=json
tap_is "$(jq '.steps | length' <<<"$OUTPUT")" 5 "T10 the others are planned"
tap_is "$(jq -r '[.skips[] | select(.outcome == "external")] | length' <<<"$OUTPUT")" 5 "T10 what is external is said"
tap_is "$(everything)" "$(grep -v 'pki/ca.key$' <<<"$before")" "a plan writes nothing at all"

host v1.20.2/rsa2048-default
tap_status 0 "an older host" renewd plan --at="$TEN_DAYS" --output=json
tap_is "$(jq -c '[[.restarts[].component], [.proofs[].component]]' <<<"$OUTPUT")" \
        '[["kube-apiserver","kube-controller-manager","kube-scheduler"],["etcd"]]' "restarts its API server too"
tap_done

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
tap_is "$(jq -r '[.steps[] | select(.action != "renew" or .dueReason != "expiring" or .outcome != "renewed")] | length' <<<"$OUTPUT")" \
        0 "every step has its reason and its outcome"
tap_is "$(jq -c '[.steps[] | (.old | del(.notBefore, .expiryTime)) == (.new | del(.notBefore, .expiryTime))] | unique' <<<"$OUTPUT")" \
        '[true]' "T15 the old identity and the new one, and they are the same"
tap_is "$(jq -c '[.steps[] | .newKey and .old.expiryTime < .new.expiryTime and .addedSans == []] | unique' <<<"$OUTPUT")" \
        '[true]' "with a new key, and a later end"

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
tap_like "$OUTPUT" '^  identity    kept: CN=kube-apiserver, 7 SANs$' "and what it has stays"
tap_like "$OUTPUT" '^  SANs      \+ DNS:api.example.org$' "and is shown as added"
tap_like "$OUTPUT" '^  key         RSA-2048 -> ECDSA-P256$' "as is the kind of key that was configured"
OUTPUT=$(LC_ALL=C.UTF-8 renewd plan --at="$NEW")
tap_like "$OUTPUT" '^  key         RSA-2048 → ECDSA-P256$' "with an arrow, where the locale has one"
rm -r "$ROOT/etc/kube-renewd"

rm "$ROOT/etc/kubernetes/pki/ca.key"
tap_status 0 "T10 without the CA's key" renewd plan --at="$TEN_DAYS" --output=json
tap_is "$(jq '.steps | length' <<<"$OUTPUT")" 5 "T10 the others are planned"
tap_is "$(jq -r '[.skips[] | select(.outcome == "external")] | length' <<<"$OUTPUT")" 5 "T10 what is external is said"
tap_is "$(everything)" "$(grep -v 'pki/ca.key$' <<<"$before")" "a plan writes nothing at all"

# What is unfit is no reason to say that there is nothing to do.
host v1.28.7/rsa2048-default
printf 'no key\n' >"$ROOT/etc/kubernetes/pki/apiserver.key"
chmod 600 "$ROOT/etc/kubernetes/pki/apiserver.key"
tap_status 0 "T20 a key that is none" renewd plan --at="$NEW"
tap_is "$(head -n 1 <<<"$OUTPUT")" "1 certificate cannot be renewed as it is; see below." "T20 comes first"
tap_like "$OUTPUT" '^  apiserver: failed: ' "T20 and is said below"
tap_unlike "$OUTPUT" '^Nothing to do' "T20 which is not nothing"

# Whoever may not read all of it hears so, in every verb that looks.
if [ "$(id -u)" = 0 ]; then
        program=$SCRATCH/kube-renewd # nobody may be unable to reach the one that was built
        layouts=$SCRATCH/layouts
        cp "$KUBE_RENEWD" "$program" && cp -R "$KUBE_RENEWD_LAYOUT_PATH" "$layouts"
        chmod 755 "$SCRATCH" "$ROOT" && chmod -R a+rX "$layouts"
        for verb in check plan "explain apiserver"; do
                # shellcheck disable=SC2086 # a verb and its name
                OUTPUT=$(KUBE_RENEWD_LAYOUT_PATH=$layouts setpriv --reuid=65534 --regid=65534 --clear-groups \
                        "$program" --root="$ROOT" --layout=kubeadm --at="$NEW" $verb 2>&1)
                tap_like "$OUTPUT" 'root can read all of it' "'$verb' tells nobody that root can read it"
        done
fi

# What is promised is what is issued: kept, made anew, with another key, repaired.
host v1.28.7/ecdsa-p256
mkdir -p "$ROOT/etc/kube-renewd"
cat >"$ROOT/etc/kube-renewd/kube-renewd.conf" <<'END'
[renewal]
RecreateMissing=yes

[host]
NodeName=cp-1
AdvertiseAddress=192.0.2.10
ServiceAddress=10.96.0.1

[certificate apiserver]
ExtraSANs=api.example.org IP:203.0.113.7 DNS:kubernetes
KeyAlgorithm=RSA-3072
END
rm "$ROOT"/etc/kubernetes/pki/etcd/peer.* "$ROOT/etc/kubernetes/controller-manager.conf"
tap_status 0 "what is missing and what drifted is planned" renewd plan --at="$NEW" --output=json
plan=$OUTPUT
tap_status 0 "the same as text" renewd plan --at="$NEW"
golden plan-v1.28.7-ecdsa-p256-made-anew.text "T05 a diff against nothing"
tap_is "$(jq -c '[.steps[] | [.certificate, .action, .old == null]]' <<<"$plan")" \
        '[["apiserver","renew",false],["etcd-peer","create",true],["controller-manager.conf","create",true]]' \
        "T05 what is made anew has no old identity"
tap_status 75 "and is issued" renewd renew --at="$NEW"
tap_status 0 "and read again" renewd check --at="$NEW" --output=json
tap_is "$(jq -S '[.[] | {name, subjectDN, sans, usages, keyAlgorithm, issuerDN, caName, notBefore, expiryTime}]
        | map(select(.name == ("apiserver", "etcd-peer", "controller-manager.conf")))' <<<"$OUTPUT")" \
        "$(jq -S '[.steps[] | .new + {name: .certificate}]' <<<"$plan")" "T15 every word of it as promised"

# A CA that ends first is known before anything is issued.
host v1.28.7/ecdsa-p256
at=2036-11-16T00:00:00Z
tap_status 75 "the last years of a CA" renewd renew --at="$at" apiserver
tap_status 0 "with nothing to gain" renewd plan --at="$at" apiserver
tap_is "$(head -n 1 <<<"$OUTPUT")" "1 certificate could not be renewed:" "the plan says that it cannot be renewed"
tap_like "$OUTPUT" '^  apiserver: ca-limited: a new certificate would end at' "and why"
tap_status 0 "the same as JSON" renewd plan --at="$at" apiserver --output=json
tap_is "$(jq -c '.steps[] | [.outcome, .new, .old.keyAlgorithm]' <<<"$OUTPUT")" '["ca-limited",null,"ECDSA-P256"]' \
        "nothing is promised"
tap_status 1 "and none in a dry run" renewd renew --dry-run --at="$at" apiserver
tap_unlike "$OUTPUT" ' would (load|be restarted)' "which restarts nobody for what it cannot write"
tap_status 1 "as it is" renewd renew --at="$at" apiserver

host v1.20.2/rsa2048-default
tap_status 0 "an older host" renewd plan --at="$TEN_DAYS" --output=json
tap_is "$(jq -c '[[.restarts[].component], [.proofs[].component]]' <<<"$OUTPUT")" \
        '[["kube-apiserver","kube-controller-manager","kube-scheduler"],["etcd"]]' "restarts its API server too"
tap_done

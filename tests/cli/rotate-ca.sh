#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rotate-ca: every phase, forward and back, as those see it who trust the old CA, or the new one.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
# shellcheck source=tests/cli/rotate-lib.sh
. "$SRCDIR/tests/cli/rotate-lib.sh" || exit 99

manifest=etc/kubernetes/manifests/kube-controller-manager.yaml

# T16: all CAs of a host, phase by phase.
rotating_host v1.28.7/ecdsa-p256
mkdir -p "$ROOT/root/.kube"
cp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/root/.kube/config"
renewd run --at="$NEW" >/dev/null 2>&1
digests >"$SCRATCH/before"
cp -a "$ROOT/$manifest" "$SCRATCH/manifest"
cp "$ROOT/$PKI/sa.key" "$SCRATCH/sa.key"
old_cas
tap_is "$(status '[.state, (.cas[] | .ca, .state, .phase, .next)]')" \
        '["Ready","kubernetes","Ready","none","prepare","front-proxy","Ready","none","prepare","etcd","Ready","none","prepare"]' \
        "T16 the state of all before"
tap_status 0 "T16 without --yes" renewd rotate-ca --at="$NEW"
tap_like "$OUTPUT" '^Nothing was changed; --phase=prepare --yes begins[.]$' "T16 it only says"
tap_status 1 "T16 and does nothing" test -e "$ROOT/$RECORDS"
tap_status 2 "T16 the phases have an order" phase reissue
tap_like "$OUTPUT" '--phase=prepare comes first' "T16 which is said"
tap_status 0 "T16 --yes alone begins nothing" renewd rotate-ca --at="$NEW" --yes
tap_status 1 "T16 and there is no record" test -e "$ROOT/$RECORDS"
tap_status 0 "T16 prepare" phase prepare
tap_is "$(changed)" "" "T16 changes nothing that anybody reads"
tap_is "$(stat -c %a "$ROOT/$RECORDS" "$ROOT/$RECORDS"/* | sort -u | xargs)" "600 700" "T16 its record is root's alone"
tap_is "$(grep -l KEY "$ROOT/$RECORDS"/*.json)" "" "T16 and no key is in it but in a file of its own"
new_cas
for id in "${IDS[@]}"; do
        tap_is "$(openssl x509 -noout -subject -in "$SCRATCH/$id.new")" "$(openssl x509 -noout -subject -in "$SCRATCH/$id.old")" \
                "T16 the new CA $id has the old one's name"
done
tap_status 0 "T16 a dry run of trust-both" renewd rotate-ca --at="$NEW"
tap_like "$OUTPUT" '^  [0-9][.] kubelet$' "T16 names the kubelet among the restarts"
tap_is "$(changed)" "" "T16 and writes nothing"

# they_verify PHASE: who has only the old root and who has only the new one accept every leaf.
they_verify() {
        for id in "${IDS[@]}"; do
                tap_is "$(unverified "$id" "$SCRATCH/$id.old")" "" "T16 after $1 who knows only the old $id verifies its leaves"
                tap_is "$(unverified "$id" "$SCRATCH/$id.new")" "" "T16 after $1 so does who knows only the new one"
        done
}

# roots FILE...: which of the two kubernetes CAs these hold.
OLD=$(fingerprints "$SCRATCH/kubernetes.old") FRESH=$(fingerprints "$SCRATCH/kubernetes.new")
roots() {
        fingerprints "$1" | known
}
embedded() {
        data "$ROOT/etc/kubernetes/$1.conf" certificate-authority-data >"$SCRATCH/embedded"
        roots "$SCRATCH/embedded"
}

tap_status 75 "T16 trust-both" phase trust-both
tap_is "$(roots "$ROOT/$PKI/ca.crt")" "old new" "T16 the CA file has both, who signs first"
for name in admin controller-manager scheduler kubelet; do
        tap_is "$(embedded $name)" "old new" "T16 so has $name.conf"
done
they_verify trust-both
tap_ok "T16 the copy of admin.conf follows" cmp "$ROOT/root/.kube/config" "$ROOT/etc/kubernetes/admin.conf"
tap_is "$(changed | grep key)" "" "T16 no key is new"
tap_is "$(grep -o 'cluster-signing-cert-file=.*' "$ROOT/$manifest")" \
        "cluster-signing-cert-file=/etc/kubernetes/pki/ca-signer.crt" "T16 who takes one certificate gets one"
tap_is "$(roots "$ROOT/$PKI/ca-signer.crt")" old "T16 the one that signs"
tap_is "$(diff "$SCRATCH/manifest" "$ROOT/$manifest" | grep -c '^[<>]')" 2 "T16 nothing else in its manifest changes"
cp "$ROOT/$PKI/apiserver.crt" "$SCRATCH/shown"
digests >"$SCRATCH/after"
tap_status 75 "T16 the same phase again" phase trust-both
tap_is "$(digests | diff - "$SCRATCH/after")" "" "T16 does nothing"
tap_status 75 "T43 a renewal in the middle" renewd renew --at="$NEW" apiserver admin.conf
they_verify "trust-both and a renewal"
tap_is "$(embedded admin)" "old new" "T43 keeps both roots"
tap_is "$(openssl verify -CAfile "$SCRATCH/kubernetes.old" -attime "$CLOCK" "$ROOT/$PKI/apiserver.crt" >/dev/null && echo old)" old \
        "T43 is signed by the one that signs now"

tap_status 75 "T16 reissue" phase reissue
tap_is "$(roots "$ROOT/$PKI/ca.crt")" "new old" "T16 the CA file has both, who signs first"
tap_is "$(embedded kubelet)" "new old" "T16 so has kubelet.conf"
tap_is "$(roots "$ROOT/$PKI/ca-signer.crt")" new "T16 the new one signs"
they_verify reissue
tap_is "$(openssl pkey -pubout -in "$ROOT/$PKI/ca.key")" "$(openssl x509 -noout -pubkey -in "$SCRATCH/kubernetes.new")" \
        "T16 with its key"
tap_ok "T16 the kubelet's certificate is of the new CA" openssl verify -attime "$CLOCK" -CAfile "$SCRATCH/kubernetes.new" \
        "$ROOT$(readlink "$ROOT/var/lib/kubelet/pki/kubelet-client-current.pem")"
tap_ok "T16 the copy of admin.conf follows" cmp "$ROOT/root/.kube/config" "$ROOT/etc/kubernetes/admin.conf"
tap_is "$(status '[.state, .cas[0].phase, .cas[0].next, .cas[0].new.sha256, .cas[0].checklist]')" \
        "[\"CertificateAuthorityRotating\",\"reissue\",\"trust-new\",\"$FRESH\",[]]" "T16 its state as JSON"

tap_status 75 "T16 trust-new" phase trust-new
tap_is "$(roots "$ROOT/$PKI/ca.crt")" new "T16 the CA file has the new one"
for name in admin controller-manager scheduler kubelet; do
        tap_is "$(embedded $name)" new "T16 so has $name.conf"
done
for id in "${IDS[@]}"; do
        tap_is "$(unverified "$id" "$ROOT/$(ca_file "$id")")" "" "T16 every leaf of $id verifies"
        tap_is "$(unverified "$id" "$SCRATCH/$id.old" | xargs)" "$(leaves "$id")" \
                "T16 and who knows only the old $id accepts none"
        for file in $(leaves "$id"); do
                leaf "$ROOT/$file"
        done >"$SCRATCH/leaves"
        tap_is "$(grep -c BEGIN "$SCRATCH/leaves")" "$(leaves "$id" | wc -w)" "T16 for nothing leads to the old one"
done
tap_ok "T16 the copy of admin.conf follows" cmp "$ROOT/root/.kube/config" "$ROOT/etc/kubernetes/admin.conf"
shown() { # DAYS: a leaf of the old CA, with what led to that one, as it was shown in trust-both
        openssl verify -attime $((CLOCK + $1 * 86400)) -CAfile "$ROOT/$PKI/ca.crt" -untrusted "$SCRATCH/shown" "$SCRATCH/shown" >/dev/null 2>&1
}
tap_ok "what the new CA has said of the old one is true for thirty days" shown 29
tap_status 2 "and no longer" shown 31
tap_ok "T16 the manifest is what it was" cmp "$SCRATCH/manifest" "$ROOT/$manifest"
tap_status 1 "T16 the signer's file is gone" test -e "$ROOT/$PKI/ca-signer.crt"
tap_is "$(ls -A "$ROOT/$RECORDS")" "" "T16 so is the record, with the old key"
tap_ok "T16 the service account's key stays" cmp "$SCRATCH/sa.key" "$ROOT/$PKI/sa.key"
tap_is "$(status .state)" '"Ready"' "T16 all is done"
tap_status 2 "T16 nothing is left to abort from" phase prepare --ca=kubernets
tap_like "$OUTPUT" "did you mean 'kubernetes'" "an id that is none is a usage error"

# Back.
rotating_host v1.28.7/ecdsa-p256
digests >"$SCRATCH/before"
phase prepare >/dev/null 2>&1
tap_status 0 "abort after prepare" phase abort
tap_is "$(changed)$(ls -A "$ROOT/$RECORDS")" "" "leaves nothing"
phase prepare >/dev/null 2>&1
phase trust-both >/dev/null 2>&1
tap_status 75 "abort after trust-both" phase abort
tap_is "$(changed)$(ls -A "$ROOT/$RECORDS")" "" "takes away exactly what was added"
tap_status 1 "also the signer's file" test -e "$ROOT/$PKI/ca-signer.crt"
for step in prepare trust-both reissue; do
        cp "$ROOT/$PKI/ca.crt" "$SCRATCH/kubernetes.old"
        phase $step --ca=kubernetes >/dev/null 2>&1
done
jq -r .new.pem "$ROOT/$RECORDS/kubernetes.json" >"$SCRATCH/kubernetes.new"
split_roots "$ROOT/$PKI/ca.crt" "$SCRATCH/root"
cp "$SCRATCH/root.2" "$SCRATCH/kubernetes.old"
OLD=$(fingerprints "$SCRATCH/kubernetes.old") FRESH=$(fingerprints "$SCRATCH/kubernetes.new")
tap_status 75 "abort after reissue" phase abort
tap_is "$(roots "$ROOT/$PKI/ca.crt")" "old new" "keeps both roots"
tap_is "$(unverified kubernetes "$SCRATCH/kubernetes.old")$(unverified kubernetes "$SCRATCH/kubernetes.new")" "" "and everybody verifies"
tap_is "$(changed | grep -c 'ca[.]key')" 0 "the old CA signs again"
tap_is "$(status '[.cas[] | .state, .next]')" '["Aborting","abort","Ready","prepare","Ready","prepare"]' "its state as JSON"
tap_status 2 "there is no way forward then" phase reissue --ca=kubernetes
tap_status 75 "abort again" phase abort
tap_is "$(roots "$ROOT/$PKI/ca.crt")" old "takes the new one away"
tap_is "$(grep -c BEGIN "$ROOT/$PKI/apiserver.crt")" 1 "and what led to it"
tap_is "$(changed | grep -e 'ca[.]' -e manifests -e kubelet.conf)$(ls -A "$ROOT/$RECORDS")" "" "and nothing else is left"

# A stay in the middle is longer than the new CA vouches for the old one: renewals go on all the same.
rotating_host v1.28.7/ecdsa-p256
phase prepare >/dev/null 2>&1
phase trust-both >/dev/null 2>&1
CLOCK=$((CLOCK + 40 * 86400))
tap_is "$(renewd check --at="@$CLOCK" --output=json | jq -r '.[] | select(.name == "apiserver" or .name == "apiserver#2") | .status' | xargs)" \
        "OK OK" "after forty days nobody is told of what led to the old CA"
tap_status 75 "and a leaf is renewed" renewd renew --at="@$CLOCK" apiserver
cp "$ROOT/$PKI/ca.crt" "$SCRATCH/both"
tap_is "$(unverified kubernetes "$SCRATCH/both")" "" "which verifies"
tap_status 75 "and the next phase is made" phase reissue

# The old key is known to somebody: nothing leads to it, at no time.
rotating_host v1.28.7/ecdsa-p256
cp "$ROOT/$PKI/ca.crt" "$SCRATCH/kubernetes.old"
phase prepare --no-cross --ca=kubernetes >/dev/null 2>&1
jq -r .new.pem "$ROOT/$RECORDS/kubernetes.json" >"$SCRATCH/kubernetes.new"
tap_is "$(grep -c BEGIN "$ROOT/$RECORDS/kubernetes.json")" 2 "--no-cross: the two CAs do not sign each other"
digests >"$SCRATCH/before"
phase trust-both >/dev/null 2>&1
tap_is "$(changed | grep apiserver)" "" "--no-cross: nothing is put behind a leaf"
tap_is "$(unverified kubernetes "$SCRATCH/kubernetes.new" | xargs)" "$(leaves kubernetes)" "--no-cross: the new CA vouches for no leaf of the old one"
phase reissue >/dev/null 2>&1
tap_is "$(unverified kubernetes "$SCRATCH/kubernetes.new")" "" "--no-cross: but for its own"
tap_is "$(unverified kubernetes "$SCRATCH/kubernetes.old" | xargs)" "$(leaves kubernetes)" "--no-cross: as the old one does not"
tap_status 75 "--no-cross: to the end" phase trust-new

# A CA that may have no other below it.
rotating_host v1.28.7/ecdsa-p256
openssl req -x509 -key "$ROOT/$PKI/ca.key" -subj /CN=kubernetes -addext basicConstraints=critical,CA:TRUE,pathlen:0 \
        -addext keyUsage=critical,keyCertSign,digitalSignature -days 3000 -out "$ROOT/$PKI/ca.crt" 2>/dev/null
CLOCK=$(($(date +%s) + 86400))
tap_status 1 "a CA with a path length of 0" phase prepare --ca=kubernetes
tap_like "$OUTPUT" 'path length .* is 0.*: who knows only one of them would be refused in the middle; --no-cross goes on' "is refused"
digests >"$SCRATCH/before"
tap_status 0 "but for --no-cross" phase prepare --ca=kubernetes --no-cross
tap_is "$(changed)" "" "which writes to no kubeconfig that lacks the CA"
phase trust-both >/dev/null 2>&1
tap_is "$(embedded admin | wc -w)" 3 "T14 the next phase adds both, and keeps what else is there"
CLOCK=$(date -ud "$NEW" +%s)

# All in one go; RSA to ECDSA.
rotating_host v1.28.7/rsa2048-default
tap_status 75 "all phases in one go" phase all --key-algorithm=ECDSA-P384 --ca-validity=5y
for id in "${IDS[@]}"; do
        tap_like "$(openssl x509 -noout -text -in "$ROOT/$(ca_file "$id")")" 'ASN1 OID: secp384r1' "the CA $id has another kind of key"
        tap_is "$(unverified "$id" "$ROOT/$(ca_file "$id")")" "" "and its leaves verify"
done
tap_like "$(openssl x509 -noout -text -in "$ROOT/$PKI/apiserver.crt")" 'rsaEncryption' "leaves keep theirs"
tap_is "$(status .state)" '"Ready"' "nothing is left to do"

# T17: a CA that has expired.
rotating_host v1.28.7/ecdsa-p256
CLOCK=$(date -ud 2036-12-25 +%s)
tap_status 75 "T17 an expired CA in one go" phase all
for id in "${IDS[@]}"; do
        tap_is "$(unverified "$id" "$ROOT/$(ca_file "$id")")" "" "T17 the leaves of $id verify"
        tap_is "$(openssl x509 -checkend $((CLOCK - $(date +%s) + 86400)) -noout -in "$ROOT/$(ca_file "$id")")" \
                "Certificate will not expire" "T17 and $id is good for more than a day"
done
tap_is "$(status .state)" '"Ready"' "T17 nothing is left to do"
CLOCK=$(date -ud "$NEW" +%s)

# T11: what can be rotated, and what cannot.
not_rotated() { # DESCRIPTION PATTERN
        tap_status "${3:-1}" "T11 $1" phase prepare --ca=kubernetes
        tap_like "$OUTPUT" "$2" "T11 $1: why"
        tap_status 1 "T11 $1: nothing is written" test -e "$ROOT/$RECORDS/kubernetes.json"
}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$SCRATCH/root.key" -out "$SCRATCH/root.crt" \
        -subj /CN=company -days 4000 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$SCRATCH/sub.key" -out "$SCRATCH/sub.csr" -subj /CN=kubernetes 2>/dev/null
openssl x509 -req -in "$SCRATCH/sub.csr" -CA "$SCRATCH/root.crt" -CAkey "$SCRATCH/root.key" -days 3000 -out "$SCRATCH/sub.crt" \
        -extfile <(echo basicConstraints=critical,CA:TRUE) 2>/dev/null
CLOCK=$(date +%s)
CLOCK=$((CLOCK + 86400))
rotating_host v1.28.7/ecdsa-p256
tap_status 0 "T11 a self-signed CA" phase prepare --ca=kubernetes
rotating_host v1.28.7/ecdsa-p256
cp "$SCRATCH/sub.crt" "$ROOT/$PKI/ca.crt"
cp "$SCRATCH/sub.key" "$ROOT/$PKI/ca.key"
not_rotated "one that another CA issued" 'was issued by another CA'
rotating_host v1.28.7/ecdsa-p256
cat "$SCRATCH/sub.crt" "$ROOT/$PKI/ca.crt" >"$SCRATCH/bundle"
cp "$SCRATCH/bundle" "$ROOT/$PKI/ca.crt"
not_rotated "a bundle with that one first" 'was issued by another CA'
rotating_host v1.28.7/ecdsa-p256
cp "$ROOT/$PKI/ca.crt" "$SCRATCH/first"
cat "$SCRATCH/first" "$SCRATCH/root.crt" >"$ROOT/$PKI/ca.crt"
tap_status 0 "T11 a bundle with our own first" phase prepare --ca=kubernetes
phase trust-both >/dev/null 2>&1
OLD=$(fingerprints "$SCRATCH/first") FRESH=$(status '.cas[0].new.sha256' | tr -d '"')
company=$(fingerprints "$SCRATCH/root.crt")
tap_is "$(roots "$ROOT/$PKI/ca.crt")" "old new $company" "T43 another root stays, behind both"
tap_is "$(grep -o 'cluster-signing-cert-file=.*' "$ROOT/$manifest")" \
        "cluster-signing-cert-file=/etc/kubernetes/pki/ca-signer.crt" "T43 and the signer is alone"
rotating_host v1.28.7/ecdsa-p256
echo garbage >"$ROOT/$PKI/ca.crt"
not_rotated "garbage" 'ca.crt'
rm "$ROOT/$PKI/ca.crt"
not_rotated "a missing one" "'kube-renewd init' makes"
rotating_host v1.28.7/ecdsa-p256
rm "$ROOT/$PKI/ca.key"
not_rotated "a key that is elsewhere" 'is not on this host'
tap_is "$(status '.cas[0].state')" '"External"' "T11 and its state says so"

# A CA of the operator's own.
given() { # STATUS DESCRIPTION PATTERN CERTIFICATE KEY
        tap_status "$1" "$2" phase prepare --ca=kubernetes --certificate="$4" --key="$5"
        [ -z "$3" ] || tap_like "$OUTPUT" "$3" "$2: why"
}
rotating_host v1.28.7/ecdsa-p256
given 1 "an intermediate" 'only a CA that signs itself' "$SCRATCH/sub.crt" "$SCRATCH/sub.key"
given 1 "a key that is not its own" 'does not belong' "$SCRATCH/root.crt" "$SCRATCH/sub.key"
given 1 "the old one again" 'has already' "$ROOT/$PKI/ca.crt" "$ROOT/$PKI/ca.key"
given 1 "a leaf" 'cannot be the new CA' "$ROOT/$PKI/apiserver.crt" "$ROOT/$PKI/apiserver.key"
openssl req -x509 -key "$SCRATCH/root.key" -subj /CN=nosign -addext basicConstraints=critical,CA:TRUE \
        -addext keyUsage=critical,cRLSign -days 100 -out "$SCRATCH/nosign.crt" 2>/dev/null
given 1 "one that may not sign" 'cannot be the new CA' "$SCRATCH/nosign.crt" "$SCRATCH/root.key"
now=$CLOCK
CLOCK=$(date -ud 2045-01-01 +%s)
given 1 "an expired one" 'cannot be the new CA' "$SCRATCH/root.crt" "$SCRATCH/root.key"
CLOCK=$(date -ud 2026-11-20T23:26:00Z +%s)
[ "$CLOCK" -ge "$(date +%s)" ] || given 1 "one of the future" 'cannot be the new CA' "$SCRATCH/root.crt" "$SCRATCH/root.key"
CLOCK=$now
tap_status 2 "for all CAs at once" renewd rotate-ca --certificate="$SCRATCH/root.crt" --key="$SCRATCH/root.key"
tap_status 2 "without its key" renewd rotate-ca --ca=etcd --certificate="$SCRATCH/root.crt"
given 0 "a good one" '' "$SCRATCH/root.crt" "$SCRATCH/root.key"
for step in trust-both reissue trust-new; do
        phase $step >/dev/null 2>&1
done
tap_is "$(fingerprints "$ROOT/$PKI/ca.crt")" "$company" "is the CA then"
tap_is "$(unverified kubernetes "$SCRATCH/root.crt")" "" "and has signed every leaf"
tap_done

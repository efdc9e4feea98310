#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rotate-ca where somebody else has had a hand in it, and where it is asked for what it does not do.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
# shellcheck source=tests/cli/rotate-lib.sh
. "$SRCDIR/tests/cli/rotate-lib.sh" || exit 99

manifest=etc/kubernetes/manifests/kube-controller-manager.yaml

# new_ca FILE: FILE.crt and FILE.key, of another CA.
new_ca() {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 4000 -subj /CN=kubernetes \
                -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,digitalSignature \
                -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

# is_pair CERTIFICATE KEY: the first certificate has this key.
is_pair() {
        cmp -s <(openssl x509 -noout -pubkey -in "$1") <(openssl pkey -pubout -in "$2")
}

# phases STEP...: of the CA "kubernetes" alone.
phases() {
        local step

        for step; do
                phase "$step" --ca=kubernetes >/dev/null 2>&1
        done
}

# alarm: why the rotation of "kubernetes" waits, after a night.
alarm() {
        renewd run --at="@$CLOCK" >/dev/null 2>&1
        renewd alarms --at="@$CLOCK" --output=json | jq -r '.[] | select(.type == "ca-rotation-unfinished") | .reason'
}

# What is asked for, and what is done.
rotating_host v1.28.7/ecdsa-p256
new_ca "$SCRATCH/given"
new_ca "$SCRATCH/other"
tap_status 0 "--yes by itself" renewd rotate-ca --at="$NEW" --yes
tap_like "$OUTPUT" "'kube-renewd rotate-ca --phase=prepare --yes' begins" "says what would begin"
tap_status 2 "options of a CA that is not begun" renewd rotate-ca --at="$NEW" --yes --ca=kubernetes --certificate="$SCRATCH/given.crt" --key="$SCRATCH/given.key"
tap_like "$OUTPUT" '--phase=prepare --yes' "are told where they belong"
tap_status 0 "the operator's CA" phase prepare --ca=kubernetes --certificate="$SCRATCH/given.crt" --key="$SCRATCH/given.key"
tap_status 0 "the same one again" phase prepare --ca=kubernetes --certificate="$SCRATCH/given.crt" --key="$SCRATCH/given.key"
for option in --certificate="$SCRATCH/other.crt --key=$SCRATCH/other.key" --no-cross --key-algorithm=RSA-2048 --ca-validity=2y; do
        # shellcheck disable=SC2086 # of two words
        tap_status 2 "another ${option%%=*} than it was prepared with" phase trust-both --ca=kubernetes $option
        tap_like "$OUTPUT" "was prepared without this ${option%%=*}.*--phase=abort --yes' comes first" "is refused: ${option%%=*}"
done
tap_status 0 "a dry run in the middle" renewd rotate-ca --at="@$CLOCK"
tap_like "$OUTPUT" '^Nothing was changed; --yes does it[.]$' "says what does it"
rm -rf "${ROOT:?}"
rotating_host v1.28.7/ecdsa-p256
tap_status 0 "options that are kept to" phase prepare --ca=kubernetes --no-cross --key-algorithm=RSA-2048 --ca-validity=2y
tap_status 75 "may be given again" phase trust-both --ca=kubernetes --no-cross --key-algorithm=RSA-2048 --ca-validity=2y
host v1.28.7/ecdsa-p256
phases prepare trust-both reissue
tap_status 0 "a dry run that --yes would not follow" renewd rotate-ca --at="@$CLOCK"
tap_like "$OUTPUT" '^Nothing was changed; --yes would have to wait for what is on the checklist: kubelet.conf[.]$' "says so"

# The key that is to sign is another one.
rotating_host v1.28.7/ecdsa-p256
phases prepare trust-both
cp "$ROOT/$PKI/ca.key" "$ROOT/$RECORDS/kubernetes.key"
digests >"$SCRATCH/before"
tap_status 1 "another key in the place of the new one" phase reissue --ca=kubernetes
tap_like "$OUTPUT" "ca-rotation/kubernetes.key' does not hold the key of the CA that is to sign" "is seen"
tap_is "$(changed)" "" "and nothing is issued"
echo garbage >"$ROOT/$RECORDS/kubernetes.key"
tap_status 1 "no key in its place" phase reissue --ca=kubernetes
tap_is "$(changed)" "" "nor then"

# Who signs with a pair of his own has a pair in every phase.
rotating_host v1.28.7/ecdsa-p256
cp "$ROOT/$PKI/ca.crt" "$ROOT/$PKI/csr.crt"
cp "$ROOT/$PKI/ca.key" "$ROOT/$PKI/csr.key"
sed -i 's,\(cluster-signing-cert-file=/etc/kubernetes/pki/\)ca,\1csr,; s,\(cluster-signing-key-file=/etc/kubernetes/pki/\)ca,\1csr,' "$ROOT/$manifest"
for step in prepare trust-both reissue abort abort prepare trust-both reissue trust-new; do
        phases $step
        tap_ok "$step: a pair that signs stays one" is_pair "$ROOT/$PKI/csr.crt" "$ROOT/$PKI/csr.key"
        tap_ok "$step: and is that of the CA" is_pair "$ROOT/$PKI/ca.crt" "$ROOT/$PKI/csr.key"
done
phases prepare trust-both
cp "$SCRATCH/other.key" "$ROOT/$PKI/csr.key"
digests >"$SCRATCH/before"
tap_status 1 "a pair that is none" phase reissue --ca=kubernetes
tap_like "$OUTPUT" "/pki/csr.crt' holds CA 'kubernetes', and '.*/pki/csr.key' is not its key" "is refused"
tap_is "$(changed)" "" "and nothing changes"

# Whom the kubelet lets in.
rotating_host v1.28.7/ecdsa-p256
cp "$ROOT/$PKI/ca.crt" "$ROOT/var/lib/kubelet/clients.crt"
printf 'authentication:\n  x509:\n    clientCAFile: /var/lib/kubelet/clients.crt\n' >"$ROOT/var/lib/kubelet/config.yaml"
OLD=$(fingerprints "$ROOT/$PKI/ca.crt")
for expected in "trust-both:old new" "reissue:new old" trust-new:new; do
        phases prepare "${expected%%:*}"
        [ "$expected" != "trust-both:old new" ] || FRESH=$(status '.cas[0].new.sha256' | tr -d '"')
        tap_is "$(fingerprints "$ROOT/var/lib/kubelet/clients.crt" | known)" "${expected#*:}" "${expected%%:*}: the kubelet's file of clients' CAs"
done

# A CA of the operator's that was trusted here before.
rotating_host v1.28.7/ecdsa-p256
cat "$SCRATCH/given.crt" >>"$ROOT/$PKI/ca.crt"
digests >"$SCRATCH/before"
CLOCK=$(($(date +%s) + 86400))
phase prepare --ca=kubernetes --certificate="$SCRATCH/given.crt" --key="$SCRATCH/given.key" >/dev/null 2>&1
tap_is "$(status '[.cas[0] | .phase, .next]')" '["prepare","trust-both"]' "what was trusted before has gone through no phase"
tap_status 2 "so that it cannot sign at once" phase reissue --ca=kubernetes
tap_status 0 "to go back" phase abort --ca=kubernetes
tap_is "$(changed)" "" "leaves it where it was"
phase prepare --ca=kubernetes --certificate="$SCRATCH/given.crt" --key="$SCRATCH/given.key" >/dev/null 2>&1
tap_status 75 "to go on" phase trust-both --ca=kubernetes
tap_is "$(data "$ROOT/etc/kubernetes/admin.conf" certificate-authority-data)" "$(cat "$ROOT/$PKI/ca.crt")" "tells all others"
tap_is "$(status '.cas[0].next')" '"reissue"' "and the next phase may come"
CLOCK=$(date -ud "$NEW" +%s)

# An upgrade in the middle writes the manifest anew.
rotating_host v1.28.7/ecdsa-p256
cp -a "$ROOT/$manifest" "$SCRATCH/manifest"
phases prepare trust-both
tap_is "$(alarm)" "" "no alarm as long as nobody interferes"
cp -a "$SCRATCH/manifest" "$ROOT/$manifest"
tap_like "$(alarm)" "takes one certificate .*ca.crt' again, which holds two: 'kube-renewd rotate-ca --ca=kubernetes --phase=trust-both --yes' mends" "a manifest that names both again is told"
phases trust-both
tap_like "$(cat "$ROOT/$manifest")" 'cluster-signing-cert-file=/etc/kubernetes/pki/ca-signer.crt' "which mends it"
tap_is "$(alarm)" "" "and clears the alarm"

# Somebody else has changed the CA in the middle.
cp "$ROOT/$PKI/ca.key" "$SCRATCH/mine.key"
cp "$ROOT/$RECORDS/kubernetes.key" "$SCRATCH/new.key"
cp "$SCRATCH/other.crt" "$ROOT/$PKI/ca.crt"
cp "$SCRATCH/other.key" "$ROOT/$PKI/ca.key"
tap_is "$(status '[.state, .cas[0].state]')" '["CertificateAuthorityRotating","Unknown"]' "a third CA: the state is not known"
tap_like "$(alarm)" "neither of the two CAs.*--phase=abort --yes' gives it up" "a third CA: an alarm says how that ends"
tap_status 1 "a third CA: no phase forward" phase reissue --ca=kubernetes
tap_status 75 "a third CA: the others go their way" phase prepare --ca=etcd
phase abort --ca=kubernetes >/dev/null 2>&1
tap_is "$(find "$ROOT/$RECORDS" -name 'kubernetes*')" "" "a third CA: the rotation is given up"
tap_ok "a third CA: it stays" cmp "$SCRATCH/other.key" "$ROOT/$PKI/ca.key"
tap_ok "a third CA: the manifest names it" cmp "$SCRATCH/manifest" "$ROOT/$manifest"
tap_status 1 "a third CA: nobody signs beside it" test -e "$ROOT/$PKI/ca-signer.crt"
tap_is "$(find "$ROOT/var/lib/kube-renewd/backups" -type f -exec cmp -s {} "$SCRATCH/new.key" \; -print | wc -l)" 1 "a third CA: the key that was to come is in a backup"
tap_is "$(status '.cas[0].state')" '"Ready"' "a third CA: which can be rotated itself"

# A record that nobody can read.
rotating_host v1.28.7/ecdsa-p256
phases prepare trust-both
echo '{}' >"$ROOT/$RECORDS/kubernetes.json"
tap_is "$(status '[.state, .cas[0].state]')" '["CertificateAuthorityRotating","Unknown"]' "a damaged record: the state is not known"
tap_like "$(alarm)" 'is no record of a CA rotation' "a damaged record: an alarm says so"
tap_status 1 "a damaged record: nothing is guessed" renewd rotate-ca --at="@$CLOCK" --yes
tap_like "$OUTPUT" 'is no record of a CA rotation' "a damaged record: what is wrong"

# The same CA by two names, of which the first has no key.
rotating_host v1.28.7/ecdsa-p256
cp "$ROOT/$PKI/ca.crt" "$ROOT/$PKI/signing.crt"
mv "$ROOT/$PKI/ca.key" "$ROOT/$PKI/signing.key"
configure '[ca signing]' "Certificate=/$PKI/signing.crt" "Key=/$PKI/signing.key"
tap_is "$(status '[.cas[] | select(.ca == "kubernetes" or .ca == "signing") | .ca, .state]')" '["signing","Ready"]' "the name with the key is the one to rotate"
tap_status 0 "and is" phase prepare --ca=signing
tap_status 75 "in its phases" phase trust-both
tap_ok "which the other name follows" cmp "$ROOT/$PKI/signing.crt" "$ROOT/$PKI/ca.crt"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rotate-ca among what else happens: nights, restore, an upgrade; and CAs of other forms.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
# shellcheck source=tests/cli/rotate-lib.sh
. "$SRCDIR/tests/cli/rotate-lib.sh" || exit 99

# of_cas: digests of what no night may touch.
of_cas() {
        digests | grep -e ca.crt -e ca.key -e signer -e manifests -e kubelet.conf
}

# night DESCRIPTION: four days later all leaves are due. Before and after everybody is where he was.
night() {
        local before after

        CLOCK=$((CLOCK + 4 * 86400))
        before=$(of_cas && status '[.cas[].phase]')
        tap_status 75 "$1: a night in the middle" renewd run --at="@$CLOCK"
        tap_is "$(grep -c ': renewed' <<<"$OUTPUT")" 10 "$1: renews every leaf"
        after=$(of_cas && status '[.cas[].phase]')
        tap_is "$after" "$before" "$1: and undoes nothing"
}

# T16: no renewal undoes a phase.
rotating_host v1.28.7/ecdsa-p256
configure '[renewal]' RenewAt=1%
old_cas
phase prepare >/dev/null 2>&1
new_cas
night prepare
tap_is "$(refused old)" "" "T16 prepare and a night: who knows the old CAs is refused nothing"
for step in trust-both reissue; do
        phase $step >/dev/null 2>&1
        night $step
        tap_is "$(refused old new)" "" "T16 $step and a night: nobody is refused anything"
        tap_is "$(data "$ROOT/etc/kubernetes/admin.conf" certificate-authority-data)" "$(cat "$ROOT/$PKI/ca.crt")" \
                "T43 $step and a night: a kubeconfig that was renewed keeps both roots"
done
cp -a "$ROOT" "$SCRATCH/reissued"
phase abort >/dev/null 2>&1
night abort
tap_is "$(refused old new)" "" "T16 abort and a night: nobody is refused anything"
phase abort >/dev/null 2>&1
tap_is "$(status .state)$(refused old)" '"Ready"' "T16 abort to its end: who knows the old CAs is refused nothing"
rm -rf "$ROOT"
mv "$SCRATCH/reissued" "$ROOT"
phase trust-new >/dev/null 2>&1
night trust-new
tap_is "$(status .state)$(refused new)" '"Ready"' "T16 trust-new and a night: who knows the new CAs is refused nothing"
tap_is "$(refused old | wc -l)" "$(for id in "${IDS[@]}"; do leaves "$id"; done | wc -w)" \
        "T16 and who knows only the old ones everything"

# T33: each phase is brought back by its backup, and all of them by the first.
newest() {
        renewd backup list --columns=id --no-headings --no-legend | head -n 1 | xargs
}
stands() { # everything of the control plane, and where it is
        digests
        status '[.cas[] | .phase, .state, .old.sha256, .new.sha256]'
}
kubelet_is_known() {
        openssl verify -attime "$CLOCK" -CAfile "$ROOT/$PKI/ca.crt" \
                "$ROOT$(readlink "$ROOT/var/lib/kubelet/pki/kubelet-client-current.pem")" >/dev/null 2>&1
}
rotating_host v1.28.7/ecdsa-p256
whole=$(renewd backup create --at="@$CLOCK")
declare -A before backup
for step in prepare trust-both reissue trust-new; do
        before[$step]=$(stands)
        phase $step >/dev/null 2>&1
        backup[$step]=$(newest)
done
cp -a "$ROOT" "$SCRATCH/rotated"
rotated=$(stands)
for step in trust-new reissue trust-both prepare; do
        CLOCK=$((CLOCK + 1))
        tap_status 75 "T33 the backup of $step is restored" renewd restore "${backup[$step]}" --at="@$CLOCK"
        tap_is "$(stands)" "${before[$step]}" "T33 and all is as it was before $step"
        tap_ok "T33 and the kubelet's certificate is of a CA that is trusted then" kubelet_is_known
done
tap_is "$(status .state)$(ls -A "$ROOT/$RECORDS")" '"Ready"' "T33 in the end there is no rotation"
for id in "${backup[trust-both]}" "$whole"; do
        rm -rf "$ROOT"
        cp -a "$SCRATCH/rotated" "$ROOT"
        CLOCK=$((CLOCK + 1))
        tap_status 75 "T33 from the end to before trust-both at once" renewd restore "$id" --at="@$CLOCK"
        [ "$id" = "$whole" ] || tap_is "$(stands)" "${before[trust-both]}" "T33 and all is as it was"
        [ "$id" != "$whole" ] || tap_is "$(digests)" "$(head -n -1 <<<"${before[prepare]}")" "T33 by a backup on request, too"
        tap_ok "T33 also for the kubelet" kubelet_is_known
        CLOCK=$((CLOCK + 1))
        tap_status 75 "T33 and forth again" renewd restore "$(newest)" --at="@$CLOCK"
        tap_is "$(stands)" "$rotated" "T33 and all is as it was after trust-new"
        tap_ok "T33 also for the kubelet then" kubelet_is_known
done

# T35: nothing is begun while somebody upgrades this host; the way back is open.
rotating_host v1.28.7/ecdsa-p256
configure '[renewal]' UpgradeMarker=/run/upgrade
mkdir -p "$ROOT/run"
phase prepare >/dev/null 2>&1
digests >"$SCRATCH/before"
touch "$ROOT/run/upgrade"
for step in trust-both all; do
        tap_status 75 "T35 $step while the host is being upgraded" phase $step
        tap_like "$OUTPUT" "being upgraded: '/run/upgrade' is there: nothing is begun until that is over" "T35 $step says why"
done
tap_is "$(changed)" "" "T35 nothing was written"
tap_status 0 "T35 a dry run writes nothing anyway" renewd rotate-ca --at="@$CLOCK"
tap_status 0 "T35 abort waits for nobody" phase abort
tap_is "$(status .state)" '"Ready"' "T35 and is done"
tap_status 75 "T35 nor does a rotation begin" phase prepare
tap_status 1 "T35 so there is no record" test -e "$ROOT/$RECORDS/kubernetes.json"

# T12: a CA under other names is one CA.
new_ca() { # NAME SUBJECT
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 7300 -subj "$2" \
                -addext keyUsage=critical,keyCertSign,digitalSignature -keyout "$ROOT/$PKI/$1.key" -out "$ROOT/$PKI/$1.crt" 2>/dev/null
}
ca_section() { # NAME
        printf '[ca %s]\nCertificate=/%s/%s.crt\nKey=/%s/%s.key\n' "$1" $PKI "$1" $PKI "$1"
}
same_cas() { # the names that are another CA by now
        local name

        for name in server-ca.crt server-ca.key; do
                cmp -s "$ROOT/$PKI/$name" "$ROOT/$PKI/${name#server-}" || echo "$name"
        done
}
rotating_host v1.28.7/ecdsa-p256
cp -p "$ROOT/$PKI/ca.crt" "$ROOT/$PKI/server-ca.crt"
cp -p "$ROOT/$PKI/ca.key" "$ROOT/$PKI/server-ca.key"
configure "$(ca_section server-ca)" "$(ca_section client-ca)" Optional=yes '[certificate apiserver]' CA=server-ca
old_cas
tap_status 2 "T12 the alias by itself" phase prepare --ca=server-ca
tap_like "$OUTPUT" "'server-ca' is 'kubernetes' under another name" "T12 is told whose it is"
for step in prepare trust-both reissue abort abort prepare trust-both reissue trust-new; do
        phase $step >/dev/null 2>&1
        new_cas
        tap_is "$(same_cas)" "" "T12 $step: the alias follows"
        case $step in
        trust-both | reissue) tap_is "$(refused old new)" "" "T12 $step: and nobody is refused anything" ;;
        esac
done
tap_is "$(refused new)" "" "T12 nor is who knows the new CAs"
tap_status 1 "T12 a name that nobody asked for is not made" test -e "$ROOT/$PKI/client-ca.crt"

# T13: a CA of the servers alone, rotated alone. Its clients know both.
rotating_host v1.28.7/ecdsa-p256
new_ca server-ca /CN=server-ca
openssl x509 -x509toreq -in "$ROOT/$PKI/apiserver.crt" -signkey "$ROOT/$PKI/apiserver.key" -copy_extensions copyall -out "$SCRATCH/csr" 2>/dev/null
openssl x509 -req -in "$SCRATCH/csr" -CA "$ROOT/$PKI/server-ca.crt" -CAkey "$ROOT/$PKI/server-ca.key" -days 300 \
        -copy_extensions copyall -set_serial 7 -out "$ROOT/$PKI/apiserver.crt" 2>/dev/null
configure "$(ca_section server-ca)" '[certificate apiserver]' CA=server-ca
for name in admin scheduler controller-manager kubelet; do
        roots=$(data "$ROOT/etc/kubernetes/$name.conf" certificate-authority-data | cat - "$ROOT/$PKI/server-ca.crt" | base64 -w 0)
        sed -i "s/certificate-authority-data: .*/certificate-authority-data: $roots/" "$ROOT/etc/kubernetes/$name.conf"
done
CLOCK=$(($(date +%s) + 86400))
digests >"$SCRATCH/before"
cp "$ROOT/$PKI/server-ca.crt" "$SCRATCH/server.old"
serves() { # FILE
        openssl verify -attime "$CLOCK" -CAfile "$1" -untrusted "$ROOT/$PKI/apiserver.crt" "$ROOT/$PKI/apiserver.crt" >/dev/null 2>&1
}
phase prepare --ca=server-ca >/dev/null 2>&1
jq -r .new.pem "$ROOT/$RECORDS/server-ca.json" >"$SCRATCH/server.new"
for step in trust-both reissue; do
        phase $step >/dev/null 2>&1
        tap_ok "T13 $step: who knows the old server CA verifies the API server" serves "$SCRATCH/server.old"
        tap_ok "T13 $step: so does who knows the new one" serves "$SCRATCH/server.new"
        tap_is "$(data "$ROOT/etc/kubernetes/admin.conf" certificate-authority-data | grep -c BEGIN)" 3 "T13 $step: clients know both, and the CA of the clients"
done
phase trust-new >/dev/null 2>&1
tap_ok "T13 the API server has a certificate of the new server CA" serves "$SCRATCH/server.new"
tap_is "$(changed | xargs -n 1 basename | sort | xargs)" \
        "admin.conf apiserver.crt apiserver.key controller-manager.conf kubelet.conf scheduler.conf server-ca.crt server-ca.key" \
        "T13 the CA of the clients, and whom it has signed, stay as they are"
CLOCK=$(date -ud "$NEW" +%s)

# One alone, then another one while the first is on its way.
rotating_host v1.28.7/ecdsa-p256
digests >"$SCRATCH/before"
phase prepare --ca=etcd >/dev/null 2>&1
phase trust-both >/dev/null 2>&1
tap_is "$(changed | grep -v -e etcd)" "" "a CA alone: nobody else's files change"
phase prepare --ca=front-proxy >/dev/null 2>&1
tap_is "$(status '[.cas[].phase]')" '["none","prepare","trust-both"]' "another one: each has its own phase"
tap_status 2 "who is not as far cannot go with the first" phase reissue
tap_like "$OUTPUT" "CA 'front-proxy' is not there yet: --phase=trust-both comes first" "that is said"
tap_status 75 "the next phase is that of who is least far" renewd rotate-ca --yes --at="@$((CLOCK + 1))"
tap_is "$(status '[.cas[].phase]')" '["none","trust-both","trust-both"]' "so that they go on together"
phase all >/dev/null 2>&1
tap_is "$(status '[.state, .cas[].phase]')" '["Ready","none","none","none"]' "to the end"

# T14: kubeconfigs that know another CA alone, or name a file.
rotating_host v1.28.7/ecdsa-p256
new_ca other /CN=kubernetes
cp "$ROOT/$PKI/ca.crt" "$ROOT/$PKI/named.crt"
sed -i "s,certificate-authority-data: .*,certificate-authority: pki/named.crt," "$ROOT/etc/kubernetes/controller-manager.conf"
sed -i "s,certificate-authority-data: .*,certificate-authority-data: $(base64 -w 0 "$ROOT/$PKI/other.crt")," "$ROOT/etc/kubernetes/scheduler.conf"
OLD=$(fingerprints "$ROOT/$PKI/ca.crt")
other=$(fingerprints "$ROOT/$PKI/other.crt")
phase prepare --ca=kubernetes >/dev/null 2>&1
FRESH=$(status '.cas[0].new.sha256' | tr -d '"')
knows() { # FILE
        fingerprints "$1" | known | sed "s/$other/other/"
}
for expected in "trust-both:old new" "reissue:new old" trust-new:new; do
        phase "${expected%%:*}" >/dev/null 2>&1
        data "$ROOT/etc/kubernetes/scheduler.conf" certificate-authority-data >"$SCRATCH/embedded"
        tap_is "$(knows "$ROOT/$PKI/named.crt")" "${expected#*:}" "T14 ${expected%%:*}: the file that a kubeconfig names"
        tap_is "$(knows "$SCRATCH/embedded")" "other ${expected#*:}" "T14 ${expected%%:*}: what was stale has both behind its own, which stays"
done

# A kubelet that embeds its certificate, which nobody issues but who has made it: it would be cut off.
host v1.28.7/ecdsa-p256
for step in prepare trust-both reissue; do
        phase $step --ca=kubernetes >/dev/null 2>&1
done
tap_is "$(status '[.cas[0].checklist[] | .name, .state]')" '["kubelet.conf","open"]' "a certificate that somebody else renews is on the checklist"
tap_status 75 "the old CA is not taken away" phase trust-new
tap_like "$OUTPUT" "has to wait for what is on the checklist .*kubelet.conf: .* of the CA that is to go, and somebody else renews it" "as long as it is there"
tap_status 75 "but for --force" phase trust-new --force
tap_is "$(status .state)" '"Ready"' "which does it"

# Another kind of key, the other way.
rotating_host v1.28.7/ecdsa-p256
old_cas
phase prepare --key-algorithm=RSA-2048 >/dev/null 2>&1
new_cas
for step in trust-both reissue; do
        phase $step >/dev/null 2>&1
        tap_is "$(refused old new)" "" "ECDSA to RSA: after $step nobody is refused anything"
done
phase trust-new >/dev/null 2>&1
tap_is "$(refused new)" "" "ECDSA to RSA: nor is who knows the new CAs in the end"
tap_like "$(openssl x509 -noout -text -in "$ROOT/$PKI/ca.crt")" 'Public-Key: [(]2048 bit[)]' "ECDSA to RSA: the CA has a key of RSA"
tap_like "$(openssl x509 -noout -text -in "$ROOT/$PKI/apiserver.crt")" 'ASN1 OID: prime256v1' "ECDSA to RSA: leaves keep theirs"

# T17: CAs that were valid for one second.
ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX")
tap_status 0 "T17 a control plane whose CAs live for a second" renewd init --at="@$CLOCK" --node-name=cp-1 \
        --advertise-address=192.0.2.10 --ca-validity=1s --key-algorithm=ECDSA-P256
kubelet_link
CLOCK=$((CLOCK + 3600))
tap_is "$(renewd check --at="@$CLOCK" --output=json | jq -r '.[].status' | sort -u | xargs)" EXPIRED "T17 nothing of it is valid"
tap_status 75 "T17 is recovered by rotate-ca" phase all
renewd check --at="@$CLOCK" --output=json >"$SCRATCH/check.json"
tap_is "$(jq -r '.[] | select(.residualSeconds <= 86400) | .name' "$SCRATCH/check.json")" "" "T17 everything is valid for more than a day"
tap_is "$(jq -r '.[].status' "$SCRATCH/check.json" | sort -u | xargs)" OK "T17 and verifies"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# csr and install: for CAs that are elsewhere, requests are carried there by people, and what was signed
# comes back; if it is what was asked for.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

state=var/lib/kube-renewd
pki=etc/kubernetes/pki

# elsewhere: a host whose CA has its key in $SCRATCH/ca alone, as other people have it.
elsewhere() {
        host v1.28.7/rsa2048-default
        mkdir -p "$SCRATCH/ca"
        mv "$ROOT/$pki/ca.key" "$SCRATCH/ca/"
        cp "$ROOT/$pki/ca.crt" "$SCRATCH/ca/"
        cat >"$SCRATCH/ca/config" <<END
[ca]
default_ca = other
[other]
database = $SCRATCH/ca/database
serial = $SCRATCH/ca/serial
new_certs_dir = $SCRATCH/ca
certificate = $SCRATCH/ca/ca.crt
private_key = $SCRATCH/ca/ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
organizationName = optional
commonName = supplied
END
        : >"$SCRATCH/ca/database"
        echo 1000 >"$SCRATCH/ca/serial"
}

# sign REQUEST CERTIFICATE [END [OPTION...]]: as those other people do it.
sign() {
        openssl ca -batch -notext -config "$SCRATCH/ca/config" -startdate 20270101000000Z -enddate "${3:-20290101000000Z}" \
                -in "$1" -out "$2" "${@:4}" 2>"$SCRATCH/signed" || tap_note "$(cat "$SCRATCH/signed")"
}

identity() {
        openssl x509 -noout -subject -nameopt RFC2253 -ext subjectAltName,extendedKeyUsage,keyUsage,basicConstraints -in "$1"
}

# refuses STATUS WORDS DESCRIPTION ARG...
refuses() {
        tap_status "$1" "$3" renewd "${@:4}" --at="$TEN_DAYS"
        tap_like "$OUTPUT" "$2" "which is said: $3"
        tap_empty "$(changed)" "and changes nothing: $3"
}

elsewhere
digests >"$SCRATCH/before"
tap_status 1 "T10 a night without the key of the CA" renewd run --at="$TEN_DAYS"
tap_like "$OUTPUT" "^apiserver: external: .*the key of its CA is not on this host" "T10 says so"
tap_unlike "$OUTPUT" "^apiserver: renewed" "T10 and does not speak of success"
cp "$ROOT/$pki/apiserver.crt" "$SCRATCH/old.crt"
digests >"$SCRATCH/before"

# 1. The request.
request=$SCRATCH/apiserver.csr
"$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm csr apiserver --at="$TEN_DAYS" >"$request" 2>"$SCRATCH/stderr"
tap_is "$?$(cat "$SCRATCH/stderr")" 0 "T10 csr"
tap_ok "T10 prints a request that its key has signed" openssl req -noout -verify -in "$request"
tap_empty "$(changed)" "T10 and changes nothing"
tap_is "$(openssl req -noout -subject -nameopt RFC2253 -in "$request")" "subject=CN=kube-apiserver" "T10 for the same name"
pending=$ROOT/$state/pending/apiserver.json
tap_is "$(stat -c %a "$pending" "${pending%/*}" | xargs)" "600 700" "T10 its key is on disk, for root alone"
tap_is "$(renewd csr apiserver --at="$TEN_DAYS")" "$(cat "$request")" "T10 asked for again it is the same"
tap_is "$(renewd csr apiserver --at=2027-11-12)" "$(cat "$request")" "T10 the next day too"
tap_status 1 "T10 but another one with --new-key" cmp -s "$request" <(renewd csr apiserver --new-key --at="$TEN_DAYS")
renewd csr apiserver --at="$TEN_DAYS" >"$request"
mkdir "$SCRATCH/requests"
tap_status 0 "T10 into files" renewd csr apiserver apiserver-kubelet-client admin.conf --output-dir="$SCRATCH/requests" --at="$TEN_DAYS"
tap_is "$(cd "$SCRATCH/requests" && echo *)" "admin.conf.csr apiserver-kubelet-client.csr apiserver.csr" "T10 one for each"
tap_ok "T10 the one that is known among them" cmp "$request" "$SCRATCH/requests/apiserver.csr"
tap_is "$(openssl req -noout -subject -nameopt RFC2253 -in "$SCRATCH/requests/admin.conf.csr")" "subject=CN=kubernetes-admin,O=system:masters" \
        "T10 of the user of a kubeconfig"
tap_status 0 "T10 explain" renewd explain apiserver --at="$TEN_DAYS"
tap_like "$OUTPUT" 'a request is there since Nov 1[12], 2027' "T10 shows it"
tap_status 1 "T10 a night later" renewd run --at="$TEN_DAYS"
tap_status 0 "T10 it is still there" cmp "$request" <(renewd csr apiserver --at="$TEN_DAYS")
tap_status 1 "T10 and no alarm says that anybody was asked" test -e "$ROOT/$state/public/alarms/pending-csr@apiserver.json"

# 2. What does not belong to it.
sign "$request" "$SCRATCH/right.crt"
sign "$request" "$SCRATCH/expired.crt" 20270601000000Z
sign "$request" "$SCRATCH/other-name.crt" '' -subj /CN=stranger
sign "$SCRATCH/requests/admin.conf.csr" "$SCRATCH/other-key.crt"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=kubernetes -days 9000 -keyout "$SCRATCH/stranger.key" \
        -out "$SCRATCH/stranger-ca.crt" 2>/dev/null
openssl x509 -req -in "$request" -CA "$SCRATCH/stranger-ca.crt" -CAkey "$SCRATCH/stranger.key" -set_serial 1 -days 9000 \
        -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nkeyUsage=critical,digitalSignature,keyEncipherment\nbasicConstraints=critical,CA:FALSE\n' \
                "$(openssl x509 -noout -ext subjectAltName -in "$SCRATCH/old.crt" | tail -n 1 | sed 's/IP Address/IP/g; s/ //g')") \
        -out "$SCRATCH/other-ca.crt" 2>/dev/null
echo rubbish >"$SCRATCH/rubbish.crt"
for case in 'other-key|key' 'other-name|subject|name' 'expired|expired' 'other-ca|verif|CA' 'rubbish|no PEM certificate' 'nowhere|No such file|missing'; do
        refuses 1 "${case#*|}" "T10 ${case%%|*}" install apiserver "$SCRATCH/${case%%|*}.crt"
done
refuses 2 "did you mean 'apiserver'" "a name that is none" install apisever "$SCRATCH/right.crt"
refuses 2 "is a CA certificate" "a CA" install ca "$SCRATCH/right.crt"
refuses 2 "is a CA certificate" "a request for a CA" csr ca
refuses 1 "there is no request for 'front-proxy-client': 'kube-renewd csr front-proxy-client' makes one" "nothing was asked for" \
        install front-proxy-client "$SCRATCH/right.crt"
refuses 1 "is only watched" "what the kubelet renews" csr kubelet.conf

# 3. What does.
cp "$ROOT/$pki/apiserver.crt" "$SCRATCH/old.crt"
tap_status 75 "T10 install" renewd install apiserver "$SCRATCH/right.crt" --at="$TEN_DAYS"
tap_like "$OUTPUT" '^apiserver: renewed, until Jan 01, 2029' "T10 says until when"
tap_like "$OUTPUT" '^restart of kube-apiserver is owed' "T10 and who must load it"
tap_is "$(changed | sort | xargs)" "$pki/apiserver.crt $pki/apiserver.key" "T10 these files, and no others"
tap_is "$(identity "$ROOT/$pki/apiserver.crt")" "$(identity "$SCRATCH/old.crt")" "T10 the same identity"
tap_is "$(openssl x509 -noout -pubkey -in "$ROOT/$pki/apiserver.crt")" "$(openssl pkey -pubout -in "$ROOT/$pki/apiserver.key")" "T10 with its key"
tap_ok "T10 it verifies" openssl verify -attime "$(date -d "$TEN_DAYS" +%s)" -purpose sslserver -CAfile "$ROOT/$pki/ca.crt" "$ROOT/$pki/apiserver.crt"
tap_status 1 "T10 the request has come to its end" test -e "$pending"
tap_status 0 "T10 a backup has the old pair" grep -rq "$(sed -n 3p "$SCRATCH/old.crt")" "$ROOT/$state/backups"
digests >"$SCRATCH/before"
refuses 1 "there is no request for 'apiserver'" "T10 a second time" install apiserver "$SCRATCH/right.crt"

# 4. Into a kubeconfig, and a key of one's own.
sign "$SCRATCH/requests/admin.conf.csr" "$SCRATCH/admin.crt"
tap_status 75 "T10 install into a kubeconfig" renewd install admin.conf "$SCRATCH/admin.crt" --at="$TEN_DAYS"
tap_is "$(changed | xargs)" etc/kubernetes/admin.conf "T10 this file alone"
tap_is "$(sed -n 's/^ *client-certificate-data: //p' "$ROOT/etc/kubernetes/admin.conf" | base64 -d)" "$(cat "$SCRATCH/admin.crt")" \
        "T10 has the certificate"
tap_is "$(sed -n 's/^ *client-key-data: //p' "$ROOT/etc/kubernetes/admin.conf" | base64 -d | openssl pkey -pubout)" \
        "$(openssl x509 -noout -pubkey -in "$SCRATCH/admin.crt")" "T10 and its key"
openssl req -new -newkey rsa:2048 -nodes -keyout "$SCRATCH/own.key" -out "$SCRATCH/own.csr" \
        -config <(openssl req -noout -text -in "$SCRATCH/requests/apiserver-kubelet-client.csr" >/dev/null
                printf '[req]\ndistinguished_name=dn\nreq_extensions=ext\nprompt=no\n[dn]\nO=system:masters\nCN=kube-apiserver-kubelet-client\n[ext]\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=clientAuth\nbasicConstraints=critical,CA:FALSE\n') 2>/dev/null
sign "$SCRATCH/own.csr" "$SCRATCH/own.crt"
digests >"$SCRATCH/before"
refuses 1 "key" "the wrong key of one's own" install apiserver-kubelet-client "$SCRATCH/own.crt" --key="$SCRATCH/stranger.key"
refuses 1 "key" "no key, where another one was asked for" install apiserver-kubelet-client "$SCRATCH/own.crt"
(cd "$SCRATCH" && tap_status 75 "T10 with a key of one's own" renewd install apiserver-kubelet-client own.crt --key=own.key --at="$TEN_DAYS") >"$SCRATCH/said"
tap_like "$(cat "$SCRATCH/said")" '^ok ' "T10 with a key of one's own, by relative names"
tap_ok "T10 it is in place" cmp "$SCRATCH/own.key" "$ROOT/$pki/apiserver-kubelet-client.key"
tap_done

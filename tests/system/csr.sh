#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Certificates that a real kube-controller-manager signs, asked for by CertificateSigningRequests: with the
# roles, the kubeconfig and the configuration that the manual shows. Approved by nobody, denied, deleted, and
# the agent killed in between: one request at a time, for one key, and nobody else's is touched.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

manual=$SRCDIR/man/kube-renewd-operations.7.scd
serving=/var/lib/kubelet/pki/serving.crt
client=/etc/kubernetes/pki/node-client.crt
pending=/var/lib/kube-renewd/pending/node-serving.json
label=app.kubernetes.io/managed-by=kube-renewd

# from_manual FIRST LAST: the lines of the manual from one that begins so to one that does.
from_manual() {
        sed -n "/^$1/,/^$2/p" "$manual"
}

# objects: the names of requests that say they are ours.
objects() {
        bed kubectl get csr -l "$label" -o jsonpath='{range .items[*]}{.metadata.name}{"\n"}{end}' | sort
}

# field NAME PATH: of a request.
field() {
        bed kubectl get csr "$1" -o jsonpath="{$2}"
}

is_asked() {
        [ -n "$(objects)" ]
}

# is_signed NAME
is_signed() {
        [ -n "$(field "$1" .status.certificate)" ]
}

# public_key_of_request NAME, public_key_of FILE: digests.
public_key_of_request() {
        field "$1" .spec.request | base64 -d | openssl req -noout -pubkey | sha256sum
}
public_key_of() {
        bed cat "$1" | openssl x509 -noout -pubkey | sha256sum
}

# issuer KEY=VALUE...: how node-serving is asked for, on top of the manual's example.
issuer() {
        printf '[certificate node-serving]\n%s\n' "$(printf '%s\n' "$@")" | bed_config zz
}

# lose: its files are gone, and the next pass makes them anew.
lose() {
        bed rm -f "$serving" "${serving%.crt}.key"
}

has_token() {
        [ -n "$(bed kubectl -n kube-system get sa "$1" -o 'jsonpath={.secrets[0].name}')" ]
}

# account NAME FILE: the token of a service account is in that file.
account() {
        tap_ok "there is a token of $1" bed_wait 30 has_token "$1"
        bed sh -ec 'umask 077; mkdir -p "${1%/*}"
                secret=$(kubectl -n kube-system get sa "$0" -o "jsonpath={.secrets[0].name}")
                kubectl -n kube-system get secret "$secret" -o "jsonpath={.data.token}" | base64 -d >"$1"' "$1" "$2"
}

# object NAME NODE CERTIFICATE: a request like one of ours, made by somebody.
object() {
        bed kubectl create -f - >/dev/null <<END
{"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": "$1", "labels": {
 "${label%=*}": "${label#*=}", "kube-renewd/node": "$2", "kube-renewd/certificate": "$3"}},
 "spec": {"request": "$request", "signerName": "kubernetes.io/kubelet-serving",
  "usages": ["digital signature", "key encipherment", "server auth"]}}
END
}

bed_machine csr

# 1. As the manual says: roles, a kubeconfig with a token, the configuration, a drop-in for the unit.
bed_now >"$SCRATCH/since"
testbed put -m "$BED" "$SRCDIR/packaging/kubernetes" /usr/share/doc/kube-renewd/examples # dpkg leaves them out here
tap_ok "the API server takes the roles" bed sh -ec 'cd /usr/share/doc/kube-renewd/examples
        for file in csr-*.yaml; do kubectl apply -f "$file"; done'
from_manual 'kubectl apply' 'kubectl config.* use-context' | sed 's/https:..API:/https:\/\/192.0.2.11:/' >"$SCRATCH/commands"
tap_is "$(wc -l <"$SCRATCH/commands")" 7 "the manual has commands"
bed mkdir -p /etc/kube-renewd
tap_ok "which work" bed sh -exu <"$SCRATCH/commands"
account kube-renewd /etc/kube-renewd/request.token
bed sh -ec 'cd /etc/kube-renewd; sed s/request.token/approve.token/ request.conf >approve.conf; chmod 600 *.conf'
account kube-renewd-approver /etc/kube-renewd/approve.token
{
        from_manual '\[certificate node-serving\]' Usage=
        cat <<END
[certificate node-client]
Certificate=$client
Key=${client%.crt}.key
Issuer=csr
SignerName=kubernetes.io/kube-apiserver-client-kubelet
RecreateMissing=yes
CommonName=system:node:%H
Organization=system:nodes
Usage=client
END
} | bed_config csr
issuer RequestKubeconfig=/etc/kube-renewd/request.conf ApproveWith=/etc/kube-renewd/approve.conf
bed sh -ec 'd=/etc/systemd/system/kube-renewd.service.d; mkdir -p $d; kube-renewd config --drop-in 2>/dev/null >$d/csr.conf
        printf "[Service]\nEnvironment=SYSTEMD_LOG_LEVEL=debug\n" >$d/debug.conf; systemctl daemon-reload'

# 2. T28: what is there of ours, of another node, of another certificate, and of nobody.
request=$(openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null \
        -subj /O=system:nodes/CN=system:node:cp1 -addext subjectAltName=DNS:cp1 2>/dev/null | base64 -w 0)
for name in own-issued own-denied own-stale; do object "$name" cp1 node-serving; done
object other-node cp2 node-serving
object other-certificate cp1 proxy
bed kubectl label csr other-node x=y >/dev/null
bed sh -ec 'kubectl certificate approve own-issued; kubectl certificate deny own-denied' >/dev/null
tap_is "$(objects | xargs)" "other-certificate other-node own-denied own-issued own-stale" "requests of before"
bed_started 0 "two certificates are asked for, approved and signed"
tap_is "$(objects | xargs)" "other-certificate other-node" "T28 own requests are gone, others' are kept"
bed kubectl delete csr other-node other-certificate >/dev/null
tap_is "$(bed openssl x509 -noout -subject -ext subjectAltName,extendedKeyUsage -in "$serving" | tr -s ' \n' ' ')" \
        "subject=O = system:nodes, CN = system:node:cp1 X509v3 Extended Key Usage: TLS Web Server Authentication X509v3\
 Subject Alternative Name: DNS:cp1, IP Address:192.0.2.11 " "kubernetes.io/kubelet-serving has signed what was asked for"
tap_is "$(bed openssl x509 -noout -subject -ext extendedKeyUsage -in "$client" | tr -s ' \n' ' ')" \
        "subject=O = system:nodes, CN = system:node:cp1 X509v3 Extended Key Usage: TLS Web Client Authentication " \
        "kubernetes.io/kube-apiserver-client-kubelet, too"
for file in "$serving" "$client"; do
        name=$(basename "$file")
        tap_ok "$name leads to the CA" bed openssl verify -CAfile /etc/kubernetes/pki/ca.crt "$file"
        tap_is "$(bed openssl pkey -in "${file%.crt}.key" -pubout | sha256sum)" "$(public_key_of "$file")" "its key is beside it"
        tap_is "$(bed stat -c %a "${file%.crt}.key")" 600 "for root alone"
done
tap_is "$(bed sh -c 'ls /var/lib/kube-renewd/pending')" "" "no request is left"
tap_is "$(bed_alarms)" "" "no alarm"
sum=$(bed sha256sum "$serving" "$client")
bed_started 0 "the next night"
tap_is "$(bed sha256sum "$serving" "$client")" "$sum" "asks for nothing"

# 3. T29: nobody approves, and the agent is killed while it waits.
issuer RequestKubeconfig=/etc/kube-renewd/request.conf RequestTimeout=1h
lose
bed systemctl start --no-block kube-renewd
tap_ok "T29 a request is there" bed_wait 60 is_asked
name=$(objects)
tap_ok "T29 and written down that it is" bed_wait 30 bed grep -q "\"handle\": \"$name\"" "$pending"
bed systemctl kill -s KILL --kill-who=main kube-renewd
tap_ok "T29 the agent is killed" bed_wait 30 bed sh -c '! systemctl is-active -q kube-renewd'
bed systemctl stop kube-renewd
tap_is "$(bed stat -c '%a %U' "$pending" "$(dirname "$pending")" | xargs)" "600 root 700 root" \
        "T29 key and request are on disk, for root alone"
key=$(public_key_of_request "$name")
uid=$(field "$name" .metadata.uid)
issuer RequestKubeconfig=/etc/kube-renewd/request.conf RequestTimeout=1s
bed_started 75 "T29 the next pass waits for the same"
tap_is "$(objects) $(field "$name" .metadata.uid)" "$name $uid" "T29 there is no second request"
tap_is "$(bed_alarm pending-csr node-serving)" minor "T29 never approved: the alarm"
tap_like "$(bed_alarm pending-csr node-serving .reason)" "kubectl certificate approve $name" "T29 which says what is missing"

# 4. T29: somebody deletes it, as the cleaner of kube-controller-manager does after a day.
bed kubectl delete csr "$name" >/dev/null
bed_started 75 "T29 a pass after it was deleted"
second=$(objects)
tap_is "$second" "${name%-1}-2" "T29 it is asked for again, by another name"
tap_is "$(public_key_of_request "$second")" "$key" "T29 for the same key"
bed kubectl certificate approve "$second" >/dev/null
tap_ok "T29 it is approved at last" bed_wait 30 is_signed "$second"
bed_started 0 "T29 and taken over"
tap_is "$(public_key_of "$serving")" "$key" "T29 the key of before the kill is in its place"
tap_is "$(bed_alarms)" "" "T22 the alarm is gone"
tap_empty "$(objects)" "T28 and so is the request"

# 5. T29: denied, what is due because it lacks a name.
sum=$(bed sha256sum "$serving")
issuer RequestKubeconfig=/etc/kube-renewd/request.conf RequestTimeout=1s ExtraSANs=DNS:cp1.test
bed_started 75 "another one waits"
name=$(objects)
bed kubectl certificate deny "$name" >/dev/null
bed_started 1 "T29 it is denied"
tap_is "$(bed_alarm renewal-failed node-serving)" major "T29 the alarm" || tap_note "$(bed_alarms)"
tap_like "$(bed_alarm renewal-failed node-serving .reason)" 'denied: KubectlDeny' "T29 with the reason"
tap_empty "$(objects)" "T28 the request is gone"
bed_started 1 "T29 the next pass"
tap_empty "$(objects)" "T29 leaves the cluster alone"
tap_is "$(bed sha256sum "$serving")" "$sum" "T29 and the old certificate in its place"
issuer ApproveWith=/etc/kubernetes/admin.conf ExtraSANs=DNS:cp1.test
tap_status 0 "T29 whoever names it is not held up by that" bed kube-renewd renew node-serving
tap_like "$(bed openssl x509 -noout -ext subjectAltName -in "$serving")" 'DNS:cp1.test' "T29 and it is signed"
bed_started 0 "the night after"
tap_is "$(bed_alarms)" "" "T22 no alarm is left"

# 6. What nobody must read.
bed journalctl -q -o export --since "@$(cat "$SCRATCH/since")" >"$SCRATCH/journal"
tap_like "$(grep -c kube-renewd "$SCRATCH/journal")" '^[0-9]{3,}$' "the journal has every word of the service"
for file in request.token approve.token; do
        token=$(bed cat "/etc/kube-renewd/$file")
        tap_like "${#token}" '^[0-9]{3}' "there is a token in $file"
        tap_is "$(grep -cF "${token##*.}" "$SCRATCH/journal")" 0 "which is in no log"
done
bed_explained
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# InterLink's virtual kubelet on a host without a control plane, as its guide of certificates has it: a pair
# that somebody else renews, a self-signed one, or one that the cluster signs, in that order.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

certificate=etc/kubernetes/pki/kubelet-server.crt
key=etc/kubernetes/pki/kubelet-server.key
pending=var/lib/kube-renewd/pending/virtual-kubelet.json
alarms=var/lib/kube-renewd/public/alarms

# virtual_host LINE...: a fresh host, and these lines in its [certificate virtual-kubelet].
virtual_host() {
        ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX") || exit 99
        mkdir -p "$ROOT"/etc/{interlink,kubernetes/pki,kube-renewd/kube-renewd.conf.d}
        printf '%s\n' 'InterlinkURL: https://interlink.example' 'InterlinkPort: "3000"' \
                'KubeletCertFile: /etc/kubernetes/pki/kubelet-server.crt' \
                'KubeletKeyFile: /etc/kubernetes/pki/kubelet-server.key' >"$ROOT/etc/interlink/VirtualKubeletConfig.yaml"
        printf '%s\n' '[host]' NodeName=my-vk-node AdvertiseAddress=10.0.0.100 '[certificate virtual-kubelet]' "$@" \
                >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/node.conf"
}

# vk ARG...: the program, which finds the layout.
vk() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

# pair: what is in place.
pair() {
        cat "$ROOT/$certificate" "$ROOT/$key" 2>/dev/null | sha256sum
}

# in_place FILTER...: what openssl x509 says of the certificate in place.
in_place() {
        openssl x509 -noout -nameopt RFC2253 -in "$ROOT/$certificate" "$@" 2>/dev/null
}

paired() {
        [ "$(in_place -pubkey)" = "$(openssl pkey -pubout -in "$ROOT/$key")" ]
}

# source_pair DAYS: as cert-manager mounts it, from today on.
source_pair() {
        mkdir -p "$ROOT/etc/vk/certs"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "$1" \
                -subj /O=system:nodes/CN=system:node:my-vk-node -addext subjectAltName=IP:10.0.0.100 \
                -addext basicConstraints=critical,CA:false -addext extendedKeyUsage=serverAuth \
                -keyout "$ROOT/etc/vk/certs/tls.key" -out "$ROOT/etc/vk/certs/tls.crt" 2>/dev/null
}

# in_days DAYS: that many days from now.
in_days() {
        date -u -d "+$1 days" +%FT%TZ
}

# made_by: the way that is in use.
made_by() {
        vk explain virtual-kubelet --at="$NEW" 2>/dev/null | sed -n 's/^ *made by *\([a-z-]*\).*/\1/p'
}

# 1. Self-signed: the way of a host that says nothing.
virtual_host
tap_like "$(vk config 2>&1)" '^Layout=virtual-kubelet +# .*virtual-kubelet.conf:[0-9]+$' "the layout is found by InterLink's configuration"
tap_unlike "$(vk config 2>&1)" '^kube-renewd: warning' "and makes no warning"
touch "$ROOT/etc/kubernetes/admin.conf"
tap_like "$(vk config 2>&1)" '^Layout=kubeadm ' "but on a control plane it is that one's"
rm "$ROOT/etc/kubernetes/admin.conf"
tap_is "$(made_by)" self-signed "I2 without a word more the certificate is self-signed"
tap_status 0 "I2 the first night" vk run --at="$NEW"
tap_is "$(in_place -subject)" "subject=CN=system:node:my-vk-node,O=system:nodes" "I2 it is of the virtual node"
tap_like "$(in_place -ext subjectAltName)" '^ *IP Address:10.0.0.100 *$' "I2 with its address and no other name"
tap_like "$(in_place -ext extendedKeyUsage)" '^ *TLS Web Server Authentication *$' "I2 for a server"
tap_like "$(in_place -ext basicConstraints)" 'CA:FALSE' "I2 and no CA"
tap_is "$(in_place -issuer)" "issuer=CN=system:node:my-vk-node,O=system:nodes" "I2 signed by itself"
tap_is "$(in_place -enddate)" "notAfter=Dec  1 00:00:00 2027 GMT" "I2 for a year"
tap_ok "I2 key and certificate are a pair" paired
tap_unlike "$(vk explain virtual-kubelet --at="$NEW")" elsewhere "I2 explain does not say that somebody else renews it"
tap_is "$(stat -c %a "$ROOT/$key")" 600 "I2 the key is for root alone"
tap_status 0 "I2 check finds nothing wrong" vk check --at="$NEW"
before=$(pair)
tap_status 0 "T30 two days, two hours and a second before it ends" vk run --at="2027-11-28T21:59:59Z"
tap_is "$(pair)" "$before" "T30 it is not renewed"
tap_status 0 "T30 two seconds later" vk run --at="2027-11-28T22:00:01Z"
tap_is "$(in_place -enddate)" "notAfter=Nov 27 22:00:01 2028 GMT" "T30 it is, for a year"
tap_ok "I2 and is a pair again" paired
tap_is "$(find "$ROOT/$alarms" -name 'expir*' -o -name 'invalid*')" "" "I2 no alarm"

# 2. Files: the pair that somebody else writes comes first.
virtual_host SourceCertificate=/etc/vk/certs/tls.crt SourceKey=/etc/vk/certs/tls.key
source_pair 400
tap_is "$(made_by)" files "I4 a pair of somebody else comes before the other two"
tap_status 0 "I1 the first night" vk run --at="$(in_days 1)"
tap_is "$(pair)" "$(cat "$ROOT"/etc/vk/certs/tls.{crt,key} | sha256sum)" "I1 it is taken over as it is"
tap_is "$(stat -c %a "$ROOT/$key")" 600 "I1 the key for root alone"
source_pair 800
tap_status 0 "T30 it is replaced" vk run --at="$(in_days 2)"
tap_is "$(pair)" "$(cat "$ROOT"/etc/vk/certs/tls.{crt,key} | sha256sum)" "T30 the new one is taken over"
good=$(pair)
openssl genpkey -algorithm ed25519 -out "$ROOT/etc/vk/certs/tls.key" 2>/dev/null
vk run --at="$(in_days 3)" >/dev/null 2>&1
tap_is "$(pair)" "$good" "T30 a pair that is half-written is not"
tap_ok "T30 and is an alarm" test -e "$ROOT/$alarms/invalid@virtual-kubelet.json"
source_pair 5
vk run --at="$(in_days 6)" >/dev/null 2>&1
tap_is "$(pair)" "$good" "T30 nor one that has expired"
source_pair 800
tap_status 0 "T30 it is whole again" vk run --at="$(in_days 7)"
tap_is "$(pair)" "$(cat "$ROOT"/etc/vk/certs/tls.{crt,key} | sha256sum)" "T30 and taken over"
tap_status 1 "T30 and the alarm is gone" test -e "$ROOT/$alarms/invalid@virtual-kubelet.json"
rm -r "$ROOT/etc/vk"
good=$(pair)
vk run --at="$(in_days 8)" >/dev/null 2>&1
tap_is "$(pair)" "$good" "I4 where it has gone, no other way takes its place"
for half in SourceCertificate SourceKey; do
        virtual_host "$half=/etc/vk/certs/tls"
        tap_status 78 "T30 $half= alone" vk run --at="$NEW"
        tap_like "$OUTPUT" "node.conf:5: \[certificate virtual-kubelet\] has $half= but no Source" "T30 is an error, where it stands"
done

# 3. The cluster signs: only where self-signed is left out, and somebody may ask.
virtual_host 'Issuer=' 'Issuer=files csr' RequestKubeconfig=/etc/interlink/kubeconfig
tap_is "$(made_by)" csr "I4 the cluster is asked where there is no pair and self-signed is left out"
printf '%s\n' 'Issuer=' 'Issuer=files csr' RequestKubeconfig=/etc/interlink/kubeconfig SourceCertificate=/x.crt SourceKey=/x.key \
        >>"$ROOT/etc/kube-renewd/kube-renewd.conf.d/node.conf"
tap_is "$(made_by)" files "I4 a pair comes before it"
virtual_host 'Issuer=' 'Issuer=files csr'
tap_status 78 "I3 without anybody who could ask" vk run --at="$NEW"
tap_like "$OUTPUT" 'but nobody who could ask; write the path of a kubeconfig into RequestKubeconfig=$' "I3 it is an error"
virtual_host 'Issuer=' 'Issuer=files csr' RequestKubeconfig=/etc/interlink/kubeconfig RequestTimeout=1s
tap_status 75 "I3 nobody answers" vk run --at="$NEW"
tap_ok "I3 key and request are kept" test -s "$ROOT/$pending"
request() {
        jq -r .request "$ROOT/$pending" | openssl req -noout -nameopt RFC2253 "$@" 2>/dev/null
}
tap_is "$(request -subject)" "subject=CN=system:node:my-vk-node,O=system:nodes" "I3 the request is of the virtual node"
tap_like "$(request -text)" '^ *IP Address:10.0.0.100 *$' "I3 for its address"
kept=$(jq -r .request "$ROOT/$pending")
tap_status 75 "I4 another start" vk run --at="2026-12-01T06:00:00Z"
tap_is "$(jq -r .request "$ROOT/$pending")" "$kept" "I4 goes on with the same"
tap_status 1 "I4 and nothing self-signed takes its place" test -e "$ROOT/$certificate"
tap_done

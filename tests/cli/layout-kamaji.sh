#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layout kamaji, on a host whose files and static pods are those of a tenant's Deployment. It follows
# github.com/clastix/kamaji:
#
#     internal/builders/controlplane/deployment.go           flags, mounts, the projected volume of the PKI, kine
#     internal/builders/controlplane/konnectivity_server.go  its container, the egress configuration
#     internal/crypto/crypto.go                              NewCertificateTemplate: konnectivity and datastore
#     internal/resources/kubeconfig.go                       admin.conf and admin.svc, super-admin.*
#     internal/resources/konnectivity/*.go                   tls.crt, konnectivity-server.conf
#     internal/utilities/certs_rotation.go                   certs.kamaji.clastix.io/rotate, and its receipt
#
# What Kamaji leaves to kubeadm's phases (the CAs, kubeadm's leaves and kubeconfigs) is kubeadm's own.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

K=etc/kubernetes
NAME=k8s-133
TENANT=tenants_k8s_133
TODAY=2026-12-01T00:00:00Z
LATER=2026-12-02T00:00:00Z
END= # of kubeadm's leaves, in seconds since the epoch

# renewd ARG...: nobody names the layout.
renewd() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

# pod NAME CONTAINER-ARGUMENTS...: a static pod with those of Kamaji's Deployment.
pod() {
        local name=$1

        shift
        mkdir -p "$ROOT/$K/manifests"
        {
                printf '%s\n' 'apiVersion: v1' 'kind: Pod' 'metadata:' "  name: $name" '  namespace: kube-system' 'spec:' \
                        '  hostNetwork: true' '  containers:' "  - name: $name" "    image: registry.k8s.io/$name:v1.33.0" \
                        "    command: [\"$name\"]" '    args:'
                printf '    - %s\n' "$@"
                printf '%s\n' '    volumeMounts:' '    - {name: etc, mountPath: /etc/kubernetes, readOnly: true}' \
                        '    - {name: certs, mountPath: /certs}' '  volumes:' \
                        '  - {name: etc, hostPath: {path: /etc/kubernetes}}' '  - {name: certs, hostPath: {path: /certs}}'
        } >"$ROOT/$K/manifests/$name.yaml"
}

# template COMMON-NAME CA CERTIFICATE KEY: NewCertificateTemplate: ten years, code signing, a constant key id.
template() {
        openssl req -new -newkey rsa:2048 -nodes -subj "/O=system:masters/CN=$1" -keyout "$SCRATCH/key" -out "$SCRATCH/csr" 2>/dev/null
        openssl rsa -traditional -in "$SCRATCH/key" -out "$4" 2>/dev/null
        openssl x509 -req -in "$SCRATCH/csr" -CA "$2.crt" -CAkey "$2.key" -days 3650 -set_serial $RANDOM$RANDOM -out "$3" \
                -extfile <(printf '%s\n' keyUsage=critical,digitalSignature \
                        extendedKeyUsage=clientAuth,serverAuth,codeSigning subjectKeyIdentifier=01:02:03:04:06) 2>/dev/null
}

# issuer NAME: a CA of a datastore, in $SCRATCH.
issuer() {
        openssl req -x509 -newkey rsa:2048 -nodes -days 7300 -subj "/CN=$1" -keyout "$SCRATCH/$1.key" -out "$SCRATCH/$1.crt" \
                -addext keyUsage=critical,keyCertSign,digitalSignature 2>/dev/null
}

# kubeconfig USER CLUSTER SERVER: as client-go writes it, of the pair in $SCRATCH/user.*
kubeconfig() {
        printf '%s\n' 'apiVersion: v1' 'clusters:' '- cluster:' \
                "    certificate-authority-data: $(base64 -w 0 "$ROOT/$K/pki/ca.crt")" "    server: $3" "  name: $2" 'contexts:' \
                '- context:' "    cluster: $2" "    user: $1" "  name: $1@$2" "current-context: $1@$2" 'kind: Config' \
                'preferences: {}' 'users:' "- name: $1" '  user:' \
                "    client-certificate-data: $(base64 -w 0 "$SCRATCH/user.crt")" "    client-key-data: $(base64 -w 0 "$SCRATCH/user.key")"
}

# kamaji etcd|mysql: a tenant with that driver is $ROOT.
kamaji() {
        local pki

        host v1.36.0/rsa2048-default
        pki=$ROOT/$K/pki
        rm -rf "$pki/etcd" "$pki"/apiserver-etcd-client.* "$ROOT/$K/kubelet.conf" "${ROOT:?}/var"
        sed -i 's,server: .*,server: https://127.0.0.1:6443,' "$ROOT/$K/scheduler.conf" "$ROOT/$K/controller-manager.conf"
        for name in admin super-admin; do
                sed "s,server: .*,server: https://$NAME.tenants.svc:6443," "$ROOT/$K/$name.conf" >"$ROOT/$K/$name.svc"
                chmod 600 "$ROOT/$K/$name.svc"
        done
        mkdir -p "$ROOT/$K/konnectivity/configurations"
        printf '%s\n' 'apiVersion: apiserver.k8s.io/v1beta1' 'kind: EgressSelectorConfiguration' 'egressSelections:' '- name: cluster' \
                >"$ROOT/$K/konnectivity/configurations/egress-selector-configuration.yaml"
        template system:konnectivity-server "$pki/ca" "$ROOT/$K/konnectivity/tls.crt" "$ROOT/$K/konnectivity/tls.key"
        cp "$ROOT/$K/konnectivity/tls.crt" "$SCRATCH/user.crt"
        cp "$ROOT/$K/konnectivity/tls.key" "$SCRATCH/user.key"
        kubeconfig system:konnectivity-server kubernetes https://localhost:6443 >"$ROOT/$K/konnectivity-server.conf"
        store "$1"
        pod kube-controller-manager --kubeconfig=/$K/controller-manager.conf --client-ca-file=/$K/pki/ca.crt \
                --cluster-signing-cert-file=/$K/pki/ca.crt --cluster-signing-key-file=/$K/pki/ca.key \
                --requestheader-client-ca-file=/$K/pki/front-proxy-ca.crt --root-ca-file=/$K/pki/ca.crt
        pod kube-scheduler --kubeconfig=/$K/scheduler.conf
        pod konnectivity-server --cluster-cert=/$K/pki/apiserver.crt --cluster-key=/$K/pki/apiserver.key \
                --kubeconfig=/$K/konnectivity-server.conf --mode=grpc
        END=$(date -d "$(openssl x509 -noout -enddate -in "$pki/apiserver.crt" | cut -d= -f2)" +%s)
}

# store etcd|mysql: what the driver adds, and the API server that uses it.
store() {
        local pki=/$K/pki flags

        flags=(
                "--tls-cert-file=$pki/apiserver.crt"
                "--tls-private-key-file=$pki/apiserver.key"
                "--client-ca-file=$pki/ca.crt"
                "--kubelet-client-certificate=$pki/apiserver-kubelet-client.crt"
                "--kubelet-client-key=$pki/apiserver-kubelet-client.key"
                "--proxy-client-cert-file=$pki/front-proxy-client.crt"
                "--proxy-client-key-file=$pki/front-proxy-client.key"
                "--requestheader-client-ca-file=$pki/front-proxy-ca.crt"
                "--secure-port=6443"
                "--egress-selector-config-file=/$K/konnectivity/configurations/egress-selector-configuration.yaml"
        )
        issuer "$1"
        if [ "$1" = etcd ]; then
                mkdir -p "$ROOT/$K/pki/etcd"
                cp "$SCRATCH/etcd.crt" "$ROOT/$K/pki/etcd/ca.crt"
                template $TENANT "$SCRATCH/etcd" "$ROOT/$K/pki/etcd/server.crt" "$ROOT/$K/pki/etcd/server.key"
                pod kube-apiserver "${flags[@]}" --etcd-cafile=/$K/pki/etcd/ca.crt --etcd-certfile=/$K/pki/etcd/server.crt \
                        --etcd-keyfile=/$K/pki/etcd/server.key --etcd-prefix=/$TENANT
        else
                mkdir -p "$ROOT/certs"
                cp "$SCRATCH/$1.crt" "$ROOT/certs/ca.crt"
                template kine "$SCRATCH/$1" "$ROOT/certs/server.crt" "$ROOT/certs/server.key"
                pod kine --ca-file=/certs/ca.crt --cert-file=/certs/server.crt --key-file=/certs/server.key --listen-address=unix:///uds/kine
                pod kube-apiserver "${flags[@]}" --etcd-servers=unix:///uds/kine
        fi
}

# configure: the administrator's additions, from standard input.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd"
        cat >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# rows TIME; due TIME; serial FILE; server FILE; says CERTIFICATE
rows() { renewd check --at="$1" --output=json 2>/dev/null | jq -r '.[] | .name + " " + .status' | xargs; }
due() { renewd check --at="$1" --output=json 2>/dev/null | jq -r '.[] | select(.dueReason != "") | .name + " " + .dueReason' | xargs; }
serial() { openssl x509 -noout -serial -in "$ROOT/$K/$1"; }
server() { sed -n 's/^ *server: //p' "$ROOT/$K/$1"; }
says() { openssl x509 -noout -subject -nameopt RFC2253 -ext extendedKeyUsage,subjectAltName -in "$1" 2>/dev/null | tr -s ' \n' ' '; }
# client FILE: the certificate in that kubeconfig is $SCRATCH/client.
client() { sed -n 's/^ *client-certificate-data: //p' "$ROOT/$K/$1" | base64 -d >"$SCRATCH/client"; }
# metric TEXT: how many lines of the metrics have it.
metric() { grep -c -- "$1" "$ROOT/var/lib/kube-renewd/public/kube-renewd.prom"; }
at() { date -u -d "@$1" +%FT%TZ; }

kamaji etcd
tap_status 0 "the layout is found" renewd config
tap_like "$OUTPUT" '^Layout=kamaji ' "and is that of Kamaji, although kubeadm's files are there"
tap_like "$OUTPUT" '^RenewBefore=1d ' "K1 with Kamaji's deadline"
tap_like "$OUTPUT" 'RenewBefore=1d, which leaves no time for a second try' "K1 of which it says that a night is too rare for it"
tap_is "$(rows $TODAY)" "apiserver OK apiserver-kubelet-client OK front-proxy-client OK datastore OK konnectivity OK admin.conf OK admin.svc OK \
super-admin.conf OK super-admin.svc OK controller-manager.conf OK scheduler.conf OK konnectivity-server.conf OK ca OK front-proxy-ca OK datastore-ca OK" \
        "K6 every Secret of a tenant has its row"
tap_is "$(due $TODAY)" "" "T01 nothing is due"

host v1.28.7/ecdsa-p256
cp "$ROOT/$K/scheduler.conf" "$ROOT/$K/konnectivity-server.conf"
tap_status 0 "somebody else's konnectivity" renewd config
tap_like "$OUTPUT" '^Layout=kubeadm ' "makes no tenant of a host"
kamaji etcd

# K1: to the second.
tap_unlike "$(due "$(at $((END - 86400)))")" '\<apiserver expiring' "K1 with a day left it is not due"
tap_like "$(due "$(at $((END - 86399)))")" '\<apiserver expiring' "K1 with a second less it is"
renewd run --at="$TODAY" >/dev/null 2>&1
tap_is "$(jq -r .next_due "$ROOT/var/lib/kube-renewd/public/status.json")" "$(renewd check --at="$TODAY" --output=json 2>/dev/null |
        jq -r '[.[].renewalTime | select(. != null)] | min')" "K1 and when that will be is in the status"

# K2: what is deleted is made anew, with the identity and address of its own.
configure <<<$'[host]\nNodeName=k8s-133\nAdvertiseAddress=192.0.2.10'
renamed=$(serial pki/front-proxy-client.crt)
rm "$ROOT/$K"/pki/apiserver.{crt,key} "$ROOT/$K"/konnectivity/tls.{crt,key} "$ROOT/$K"/{admin.conf,admin.svc,super-admin.svc,konnectivity-server.conf}
tap_status 75 "K2 what was deleted" renewd run --at="$TODAY"
tap_is "$(rows $TODAY | grep -c MISSING)" 0 "K2 is there again"
tap_is "$(server admin.conf) $(server admin.svc)" "https://192.0.2.10:6443 https://k8s-133.default.svc:6443" "K6 admin has both addresses"
tap_is "$(server super-admin.svc) $(server konnectivity-server.conf)" "https://k8s-133.default.svc:6443 https://localhost:6443" \
        "K6 so has super-admin, and konnectivity its own"
tap_like "$(says "$ROOT/$K/konnectivity/tls.crt")" 'CN=system:konnectivity-server,O=system:masters' "K6 konnectivity is who it was"
tap_like "$(says "$ROOT/$K/pki/apiserver.crt")" 'DNS:k8s-133.default.svc\>.*DNS:localhost|DNS:localhost.*DNS:k8s-133.default.svc\>' \
        "K6 the API server has the names of its Service"
client super-admin.svc
tap_like "$(says "$SCRATCH/client")" 'CN=kubernetes-super-admin,O=system:masters' "K6 each kubeconfig is for its user"
tap_is "$(serial pki/front-proxy-client.crt)" "$renamed" "K2 nothing else is new"
tap_is "$(find "$ROOT/var/lib/kube-renewd/owed" -name '*.json' -printf '%f\n' | sort | xargs)" \
        "konnectivity-server.json kube-apiserver.json" "K4 who uses it is owed a restart, and nobody else"

# K2: the annotation, as a file.
mkdir -m 700 "$ROOT/var/lib/kube-renewd/renew-requested"
touch "$ROOT/var/lib/kube-renewd/renew-requested/konnectivity"
before=$(serial konnectivity/tls.crt)
tap_status 75 "K2 a request" renewd run --at="$LATER"
tap_ok "K2 is met" test "$before" != "$(serial konnectivity/tls.crt)"
tap_is "$(cat "$ROOT/var/lib/kube-renewd/renew-requested/konnectivity")" "$LATER" "K2 and becomes a receipt"

# K3: another reason than time.
kamaji etcd
configure <<<$'[certificate apiserver]\nExtraSANs=DNS:api.example.com'
tap_is "$(due $TODAY)" "apiserver missing-san" "K3 a name of certSANs that is not in it is a reason"
renewd run --at="$TODAY" >/dev/null 2>&1
tap_like "$(says "$ROOT/$K/pki/apiserver.crt")" 'DNS:api.example.com' "K3 it is added"
configure </dev/null
tap_is "$(due $TODAY)" "" "K3 and is no reason when it is gone"
cp "$ROOT/$K/konnectivity/tls.key" "$ROOT/$K/pki/front-proxy-client.key"
renewd run --at="$TODAY" >/dev/null 2>&1
tap_like "$(due $TODAY)" 'front-proxy-client mismatch' "K3 so is another key, seen twice"
openssl x509 -req -in "$SCRATCH/csr" -CA "$SCRATCH/etcd.crt" -CAkey "$SCRATCH/etcd.key" -set_serial 9 -out "$SCRATCH/strange" 2>/dev/null
cat "$SCRATCH/strange" >>"$ROOT/$K/pki/ca.crt"
tap_like "$(rows $TODAY)" 'scheduler.conf DRIFTED' "K3 CA data that lacks a root of the CA are seen"

# K5: a CA is changed while everybody works, and says how far it is.
kamaji etcd
tap_status 0 "K5 a rotation is begun" renewd rotate-ca --at="$TODAY" --yes --ca=kubernetes --phase=prepare
tap_status 75 "K5 goes on" renewd rotate-ca --at=2026-12-01T00:00:01Z --yes --ca=kubernetes --phase=trust-both
renewd rotate-ca --status --output=json --at="$LATER" >"$SCRATCH/status" 2>/dev/null
tap_like "$(cat "$SCRATCH/status")" CertificateAuthorityRotating "K5 and says so in Kamaji's word"
tap_is "$(base64 -d <<<"$(sed -n 's/^ *certificate-authority-data: //p' "$ROOT/$K/konnectivity-server.conf")" | grep -c BEGIN)" 2 \
        "K5 konnectivity trusts both meanwhile"

# K7, K8: the datastore's PKI.
kamaji etcd
soon=$(at $(($(date -d "$(openssl x509 -noout -enddate -in "$ROOT/$K/pki/etcd/server.crt" | cut -d= -f2)" +%s) - 3600)))
tap_like "$(renewd check --at="$soon" datastore 2>/dev/null)" '^datastore .* EXPIRING' "K7 the pair for etcd is watched"
renewd run --at="$soon" >/dev/null 2>&1
tap_ok "K7 and raises an alarm, as its CA's key is elsewhere" \
        test -e "$ROOT/var/lib/kube-renewd/public/alarms/externally-managed-expiring@datastore.json"
kamaji etcd
before=$(serial pki/etcd/server.crt)
cp "$SCRATCH/etcd.key" "$ROOT/$K/pki/etcd/ca.key"
chmod 600 "$ROOT/$K/pki/etcd/ca.key"
tap_status 1 "K6 with that key, nine years too early" renewd renew --at="$TODAY" datastore
tap_like "$OUTPUT" 'not later than the old one' "K6 nothing would be gained"
tap_status 75 "K6 with that key, and a day left" renewd renew --at="$soon" datastore
tap_ok "K6 it is renewed" test "$before" != "$(serial pki/etcd/server.crt)"
tap_like "$(says "$ROOT/$K/pki/etcd/server.crt")" "CN=$TENANT,O=system:masters .*Client.*Server.*Code Signing" "K6 for whom, and for what, it was"
tap_ok "K4 and the API server is owed a restart" test -e "$ROOT/var/lib/kube-renewd/owed/kube-apiserver.json"
kamaji etcd
renewd run --at="$TODAY" >/dev/null 2>&1
tap_is "$(metric 'x509_cert_expired{.*} 0')" "$(metric 'x509_cert_expired{')" "K8 the metrics have what is valid"
tap_ok "K8 PKI files and kubeconfigs apart" test "$(metric 'x509_cert_not_after{.*embedded_kind="user"')" -ge 6
cp "$SCRATCH/etcd.key" "$ROOT/$K/pki/etcd/ca.key"
chmod 600 "$ROOT/$K/pki/etcd/ca.key"
configure <<<$'[certificate datastore]\nCommonName=tenants_k8s_133\nOrganization=system:masters'
rm "$ROOT/$K"/pki/etcd/server.*
tap_status 75 "K2 the pair for etcd, deleted" renewd run --at="$LATER"
tap_like "$(says "$ROOT/$K/pki/etcd/server.crt")" "CN=$TENANT,O=system:masters" "K2 is made anew where somebody says who the tenant is"

kamaji mysql
tap_like "$(rows $TODAY)" '\<kine OK .*\<kine-ca OK' "K7 so is that of an SQL database"
tap_unlike "$(rows $TODAY)" 'datastore' "where nobody misses etcd's"
before=$(serial ../../certs/server.crt)
renewd run --at="$soon" >/dev/null 2>&1
tap_is "$(serial ../../certs/server.crt)" "$before" "K7 it is never written"
tap_like "$(ls "$ROOT/var/lib/kube-renewd/public/alarms")" '@kine.json' "K7 but an alarm"
kamaji mysql
rm "$ROOT/$K"/manifests/konnectivity-server.yaml "$ROOT/$K"/konnectivity/tls.* "$ROOT/$K"/konnectivity-server.conf
tap_unlike "$(rows $TODAY)" konnectivity "K6 a tenant without the addon misses nothing of it"
tap_status 0 "what the service needs" renewd config --drop-in
tap_unlike "$OUTPUT" Condition "is no condition: it is a control plane by its manifests"

# init: a tenant from nothing.
ROOT=$SCRATCH/empty
mkdir "$ROOT"
tap_status 0 "init" renewd --layout=kamaji init --at="$TODAY" --node-name=$NAME --advertise-address=192.0.2.10 --key-algorithm=ECDSA-P256
tap_status 0 "all of it is in order" renewd --layout=kamaji check --at="$TODAY"
tap_is "$(cd "$ROOT/$K" && find . -maxdepth 1 -type f -printf '%f\n' | sort | xargs)" \
        "admin.conf admin.svc controller-manager.conf konnectivity-server.conf scheduler.conf super-admin.conf super-admin.svc" "with all its kubeconfigs"
tap_done

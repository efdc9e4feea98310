#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real etcd of two members with client-certificate authentication, on a tree whose certificates are
# renewed underneath it: the members go on talking to each other, new and old clients are let in, and
# nobody else.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
export ETCDCTL_API=3

for tool in etcd etcdctl openssl; do
        command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
done

# 1. Ports that nobody listens on: client and peer of member 0, then of member 1.
port_is_free() {
        ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

ports=()
while [ "${#ports[@]}" -lt 4 ]; do
        port=$((20000 + RANDOM % 12000))
        [[ " ${ports[*]} " != *" $port "* ]] && port_is_free "$port" && ports+=("$port")
done
cluster=m0=https://127.0.0.1:${ports[1]},m1=https://127.0.0.1:${ports[3]}
endpoints=https://127.0.0.1:${ports[0]},https://127.0.0.1:${ports[2]}
members=()

# 2. etcd_start PKI DATA: both members, with the flags of kubeadm's static pod.
etcd_start() {
        local i client peer

        members=()
        for i in 0 1; do
                client=https://127.0.0.1:${ports[2 * i]}
                peer=https://127.0.0.1:${ports[2 * i + 1]}
                etcd --name="m$i" --data-dir="$2/m$i" --initial-cluster="$cluster" \
                        --listen-client-urls="$client" --advertise-client-urls="$client" \
                        --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" \
                        --cert-file="$1/etcd/server.crt" --key-file="$1/etcd/server.key" \
                        --trusted-ca-file="$1/etcd/ca.crt" --client-cert-auth=true \
                        --peer-cert-file="$1/etcd/peer.crt" --peer-key-file="$1/etcd/peer.key" \
                        --peer-trusted-ca-file="$1/etcd/ca.crt" --peer-client-cert-auth=true \
                        >>"$2/m$i.log" 2>&1 &
                members+=($!)
        done
}

# Killed: two members that stop in order spend eight seconds on handing the leadership over.
etcd_stop() {
        [ "${#members[@]}" = 0 ] || { kill -KILL "${members[@]}" && wait "${members[@]}"; } 2>/dev/null
        members=()
}
tap_on_exit etcd_stop

# client PKI NAME ARGUMENT...: etcdctl with that client pair; trusts the CA of the tree.
client() {
        local pki=$1 name=$2

        shift 2
        etcdctl --endpoints="$endpoints" --cacert="$pki/etcd/ca.crt" --cert="$pki/$name.crt" \
                --key="$pki/$name.key" --dial-timeout=2s --command-timeout=5s "$@"
}

# healthy PKI: both members answer within a minute, which takes a quorum, which takes the peers.
healthy() {
        local i

        for ((i = 0; i < 60; i++)); do
                client "$1" etcd/healthcheck-client endpoint health --command-timeout=1s && return 0
                sleep 0.2
        done
        return 1
}

anonymous() {
        etcdctl --endpoints="$endpoints" --cacert="$1/etcd/ca.crt" --dial-timeout=2s --command-timeout=2s get a
}

# served PKI PORT NAME: SHA-256 of the certificate that a fresh handshake on that port shows.
served() {
        openssl s_client -connect "127.0.0.1:$2" -cert "$1/$3.crt" -key "$1/$3.key" </dev/null 2>/dev/null |
                openssl x509 -noout -fingerprint -sha256
}

fingerprint() {
        openssl x509 -in "$1" -noout -fingerprint -sha256
}

# strangers_are_refused PKI TITLE: no certificate, and one of another CA, are turned away.
strangers_are_refused() {
        tap_status 1 "$2: a client without certificate is refused" anonymous "$1"
        tap_status 1 "$2: a client of another CA is refused" client "$1" front-proxy-client get a --command-timeout=2s
}

# 3. renewal ROOT TITLE STATUS: the whole story on one tree, whose renewal ends with that status.
renewal() {
        local pki=$1/etc/kubernetes/pki old=$SCRATCH/old data=$SCRATCH/data title=$2 name

        rm -rf "$old" "$data"
        mkdir "$data"
        cp -R "$pki" "$old"
        etcd_start "$pki" "$data"
        tap_ok "$title: a cluster starts with the old certificates" healthy "$pki" ||
                tap_note "$(tail -n 20 "$data/m0.log")"
        tap_ok "$title: the old client writes" client "$pki" apiserver-etcd-client put a before
        strangers_are_refused "$pki" "$title, before"

        tap_status "$3" "$title: everything is renewed" "$KUBE_RENEWD" --root="$1" renew --all
        for name in etcd/server etcd/peer etcd/healthcheck-client apiserver-etcd-client; do
                tap_unlike "$(fingerprint "$pki/$name.crt")" "$(fingerprint "$old/$name.crt")" \
                        "$title: $name is another certificate"
        done
        tap_is "$(served "$pki" "${ports[0]}" apiserver-etcd-client)" "$(fingerprint "$pki/etcd/server.crt")" \
                "$title: the running server shows the new certificate by itself"
        tap_ok "T15 $title: the running cluster lets the old client in" client "$old" apiserver-etcd-client get a

        etcd_stop
        etcd_start "$pki" "$data"
        tap_ok "$title: the cluster starts with the new server and peer certificates" healthy "$pki" ||
                tap_note "$(tail -n 20 "$data/m0.log")"
        tap_is "$(served "$pki" "${ports[1]}" etcd/peer)" "$(fingerprint "$pki/etcd/peer.crt")" \
                "$title: the peer port shows the new certificate"
        tap_ok "$title: the new client writes" client "$pki" apiserver-etcd-client put a after
        tap_ok "T15 $title: the old client is still let in" client "$old" apiserver-etcd-client get a
        tap_like "$OUTPUT" '^after$' "T15 $title: and reads what the new one wrote"
        strangers_are_refused "$pki" "$title, after"
        etcd_stop
}

# 4. Trees of kubeadm, where today lies within their year, and one that init has just made.
is_valid_now() {
        local begins

        begins=$(openssl x509 -in "$1" -noout -startdate | sed 's/^notBefore=//')
        [ "$(date -d "$begins" +%s)" -le "$(date +%s)" ] && openssl x509 -in "$1" -noout -checkend 600 >/dev/null
}

for variant in v1.28.7/rsa2048-default v1.28.7/ecdsa-p256 v1.20.2/rsa2048-default; do
        root=$SCRATCH/$variant
        tree_make "$variant" "$root"
        if is_valid_now "$root/etc/kubernetes/pki/etcd/server.crt"; then
                renewal "$root" "$variant" 75 # restarts are owed to the components of its manifests
        else
                tap_skip "$variant" "etcd has no other clock, and today is not within the year of this tree"
        fi
done

root=$SCRATCH/fresh
mkdir -p "$root"
tap_ok "init makes a tree" "$KUBE_RENEWD" --root="$root" init --node-name=cp-1 \
        --advertise-address=192.0.2.10 --key-algorithm=ECDSA-P256 --validity=2h --ca-validity=1d
renewal "$root" "a fresh tree" 0
tap_done

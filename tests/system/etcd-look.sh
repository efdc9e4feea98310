#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real etcd clusters of one, two and three members with client certificates, looked at by kube/etcd:
# who may be stopped while all are well, and while one is gone.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

for tool in etcd openssl; do
        command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
done
tool=$BUILDDIR/tests/system/kube-tool
cd "$SCRATCH" || exit 99

# 1. A CA, a certificate for everybody in the cluster, one that another CA signed, one that is over.
{
        for ca in ca other-ca; do
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$ca" \
                        -keyout "$ca.key" -out "$ca.crt" -addext keyUsage=critical,keyCertSign
        done
        echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' >san
        while read -r name ca days; do
                openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
                        -keyout "$name.key" -out "$name.csr"
                openssl x509 -req -in "$name.csr" -CA "$ca.crt" -CAkey "$ca.key" -CAcreateserial \
                        -days "$days" -extfile san -out "$name.crt"
        done <<<$'member ca 2\nother other-ca 2\nold ca -1'
} >openssl.log 2>&1

# 2. cluster N: a new one of N members, client and peer ports in ports[].
ports=()
members=()
port_is_free() {
        ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

stop_all() {
        [ "${#members[@]}" = 0 ] || { kill -KILL "${members[@]}" && wait "${members[@]}"; } 2>/dev/null
        members=()
}
tap_on_exit stop_all

cluster() {
        local i port client peer list=

        stop_all
        rm -rf data
        ports=()
        while [ "${#ports[@]}" -lt $((2 * $1)) ]; do
                port=$((20000 + RANDOM % 12000))
                [[ " ${ports[*]} " != *" $port "* ]] && port_is_free "$port" && ports+=("$port")
        done
        for ((i = 0; i < $1; i++)); do
                list+=,m$i=https://127.0.0.1:${ports[2 * i + 1]}
        done
        for ((i = 0; i < $1; i++)); do
                client=https://127.0.0.1:${ports[2 * i]}
                peer=https://127.0.0.1:${ports[2 * i + 1]}
                etcd --name="m$i" --data-dir="data/m$i" --initial-cluster="${list#,}" \
                        --listen-client-urls="$client" --advertise-client-urls="$client" \
                        --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" \
                        --cert-file=member.crt --key-file=member.key --trusted-ca-file=ca.crt --client-cert-auth \
                        --peer-cert-file=member.crt --peer-key-file=member.key --peer-trusted-ca-file=ca.crt \
                        --peer-client-cert-auth >>"m$i.log" 2>&1 &
                members+=($!)
        done
}

# look MEMBER [CERTIFICATE [CA]]
look() {
        "$tool" etcd 127.0.0.1 "${ports[2 * $1]}" "$SCRATCH/${3-ca}.crt" "$SCRATCH/${2-member}.crt" \
                "$SCRATCH/${2-member}.key" 2>&1
}

# sees EXPECTED TITLE MEMBER: within half a minute that is what the member's cluster looks like.
sees() {
        local i text

        for ((i = 0; i < 60; i++)); do
                text=$(look "$3")
                [ "$text" != "$1" ] || break
                sleep 0.5
        done
        tap_is "$text" "$1" "$2"
}

# lose MEMBER: killed, as by a broken machine.
lose() {
        kill -KILL "${members[$1]}" && wait "${members[$1]}" 2>/dev/null
        unset "members[$1]"
}

# 3. What it looks like.
cluster 1
sees "1 voters, 1 healthy, may stop" "a single member has no quorum to lose" 0
tap_like "$(look 0 other)" '^kube-tool: .*/v3/cluster/member/list: ' "a client of another CA sees nothing"
tap_like "$(look 0 old)" '^kube-tool: .*/v3/cluster/member/list: ' "nor one whose certificate is over"
tap_like "$(look 0 member other-ca)" '^kube-tool: .*certificate' "a member of another CA is not believed"

cluster 2
sees "2 voters, 2 healthy, may not stop" "one of two is never stopped" 0

cluster 3
sees "3 voters, 3 healthy, may stop" "one of three may be stopped" 1
lose 2
sees "3 voters, 2 healthy, may not stop" "none of the two that are left" 0
lose 1
sees "3 voters, 0 healthy, may not stop" "the last one knows that it has lost its quorum" 0
tap_like "$(look 1)" '^kube-tool: .*connect' "who is gone does not answer"
tap_done

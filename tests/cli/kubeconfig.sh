#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kubeconfig: what vCluster's CreateKubeConfig makes (github.com/loft-sh/vcluster, pkg/certs): a new
# credential of a user, signed by a CA of this host, on stdout.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

host v1.28.7/ecdsa-p256
pki=$ROOT/etc/kubernetes/pki
at=$NEW
asked=(kubeconfig --at="$at" --user=jane --group=developers --group=testers --server=https://192.0.2.10:6443)

# part KEY: this scalar of the kubeconfig that was printed last, decoded.
part() {
        sed -n "s/^ *$1: //p" "$SCRATCH/jane.conf" | base64 -d
}

# certificate OPTION...: what openssl says about it.
certificate() {
        part client-certificate-data | openssl x509 -noout "$@"
}

# print_to FILE ARG...: stdout there, stderr is what a test sees.
print_to() {
        local file=$1

        shift
        { renewd "$@" >"$file"; } 2>&1
}

cp "$pki/ca.crt" "$SCRATCH/one"
cat "$SCRATCH/one" "$pki/front-proxy-ca.crt" >"$pki/ca.crt"
digests >"$SCRATCH/before"
tap_status 0 "V11 a kubeconfig is printed" print_to "$SCRATCH/jane.conf" "${asked[@]}" --key-algorithm=RSA-2048
tap_empty "$OUTPUT" "V11 and nothing else is said"
tap_empty "$(changed)" "V11 no file is written"
tap_empty "$(find "$ROOT/var/lib/kube-renewd" -type f 2>/dev/null)" "V11 no backup and no state either"
tap_is "$(certificate -subject -nameopt RFC2253)" "subject=CN=jane,O=testers,O=developers" \
        "V11 user and groups are its common name and organizations"
tap_is "$(certificate -ext extendedKeyUsage | tail -n 1 | xargs)" "TLS Web Client Authentication" "V11 it is a client"
tap_is "$(certificate -enddate)" "notAfter=$(date -u -d "$at + 365 days" '+%b %_d %T %Y') GMT" "V11 for a year"
tap_ok "V11 openssl agrees" openssl verify -attime "$(date -d "$at" +%s)" -CAfile "$SCRATCH/one" \
        <(part client-certificate-data)
tap_is "$(part client-key-data | openssl pkey -pubout)" "$(certificate -pubkey)" "V11 the key is its own"
tap_like "$(certificate -text)" 'Public-Key: \(2048 bit\)' "V11 of the kind that was asked for"
tap_is "$(part certificate-authority-data)" "$(cat "$pki/ca.crt")" "T43 every root of the CA file is in it"
tap_like "$(cat "$SCRATCH/jane.conf")" '^    server: https://192.0.2.10:6443$' "V11 the server"
tap_like "$(cat "$SCRATCH/jane.conf")" '^current-context: jane@kubernetes$' "V11 and a context are in it"
cp "$SCRATCH/one" "$pki/ca.crt"

# Our own check reads it, where it is listed.
mkdir -p "$ROOT/etc/kube-renewd/kube-renewd.conf.d"
cat >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/jane.conf" <<END
[kubeconfig jane.conf]
Path=/etc/kubernetes/jane.conf
CA=kubernetes
END
cp "$SCRATCH/jane.conf" "$ROOT/etc/kubernetes/jane.conf"
chmod 600 "$ROOT/etc/kubernetes/jane.conf"
tap_status 0 "V11 check finds it" renewd check --at="$at" --columns=certificate,subject,status jane.conf
tap_like "$OUTPUT" '^jane.conf +jane +OK' "V11 and in order"
rm -r "$ROOT/etc/kube-renewd"

tap_status 0 "V11 a lifetime" print_to "$SCRATCH/jane.conf" "${asked[@]}" --validity=1h
tap_is "$(certificate -enddate)" "notAfter=$(date -u -d "$at + 1 hour" '+%b %_d %T %Y') GMT" "V11 is taken"
tap_status 0 "V11 a lifetime beyond the CA's" print_to "$SCRATCH/jane.conf" "${asked[@]}" --validity=50y
tap_is "$(certificate -enddate)" "$(openssl x509 -noout -enddate -in "$pki/ca.crt")" "V11 ends with the CA"
tap_status 0 "V11 another CA" print_to "$SCRATCH/jane.conf" "${asked[@]}" --ca=etcd
tap_is "$(certificate -issuer)" "issuer=CN = etcd-ca" "V11 signs"

# refuses STATUS REGEX ARG...: says it, and prints nothing on stdout.
refuses() {
        local status=$1 regex=$2

        shift 2
        tap_status "$status" "refused: $regex" print_to "$SCRATCH/jane.conf" "$@"
        tap_like "$OUTPUT" "$regex" "it says so"
        tap_empty "$(cat "$SCRATCH/jane.conf")" "and prints nothing"
}
refuses 2 "Name the user with --user=" kubeconfig --server=https://a
refuses 2 "Give its URL with --server=" kubeconfig --user=jane
refuses 2 "'http://a' is no URL of an API server" kubeconfig --user=jane --server=http://a
refuses 2 "'https://a b' is no URL of an API server" kubeconfig --user=jane --server="https://a b"
refuses 2 "no CA 'etc'; there are: kubernetes, front-proxy, etcd" "${asked[@]}" --ca=etc
refuses 2 "'DSA' is no key algorithm" "${asked[@]}" --key-algorithm=DSA
refuses 2 "only together with --root=" --root=/ "${asked[@]}"
mapfile -t many < <(seq -f '--group=g%g' 32)
refuses 2 "--group= is given more than 31 times" kubeconfig --user=jane --server=https://a "${many[@]}"
asked[1]=--at=2037-01-01
refuses 1 "CA 'ca' cannot sign: .*expired" "${asked[@]}"
asked[1]=--at=$at
cp "$pki/front-proxy-ca.key" "$pki/ca.key"
refuses 1 "CA 'ca' cannot sign: " "${asked[@]}"
rm "$pki/ca.key"
refuses 1 "CA 'ca' cannot sign: its key is not on this host" "${asked[@]}"
rm "$pki/ca.crt"
refuses 1 "CA 'ca' cannot sign: " "${asked[@]}"
tap_done

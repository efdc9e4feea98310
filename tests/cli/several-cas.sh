#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Renewing among several CAs: aliases, a CA that was split off, two roots in one file, and
# kubeconfigs that do not know all of them.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
command -v openssl >/dev/null || tap_skip_all "openssl is not installed"

PKI=/etc/kubernetes/pki

# new_ca NAME SUBJECT: a CA in $ROOT$PKI.
new_ca() {
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7300 -subj "$2" \
                -addext keyUsage=critical,keyCertSign,digitalSignature \
                -keyout "$ROOT$PKI/$1.key" -out "$ROOT$PKI/$1.crt" 2>/dev/null
}
# ca NAME: a [ca] section of that name.
ca() {
        echo "[ca $1]"
        echo "Certificate=$PKI/$1.crt"
        echo "Key=$PKI/$1.key"
}
# configure: the administrator's additions, from standard input.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd"
        cat >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}
# data FILE KEY: what is embedded in a kubeconfig.
data() {
        sed -n "s/^ *$2: *//p" "$ROOT/etc/kubernetes/$1" | head -n 1 | base64 -d
}
# tap_not_ok DESCRIPTION COMMAND...: it fails.
tap_not_ok() {
        local description=$1
        shift
        if "$@"; then tap_ok "$description" false; else tap_ok "$description" true; fi
}
# verifies CA LEAF: by that CA file alone, at any time.
verifies() {
        openssl verify -no_check_time -CAfile "$ROOT$PKI/$1" "$ROOT$PKI/$2" >/dev/null 2>&1
}

# T12: aliases are other names of one CA.
host v1.28.7/ecdsa-p256
cp -p "$ROOT$PKI/ca.crt" "$ROOT$PKI/server-ca.crt"
cp -p "$ROOT$PKI/ca.key" "$ROOT$PKI/server-ca.key"
{
        ca server-ca
        ca client-ca
        printf 'Optional=yes\n[certificate apiserver]\nCA=server-ca\n'
} | configure
digests >"$SCRATCH/before"
tap_status 75 "T12 a host with an alias of its CA" renewd renew --at="$TEN_DAYS"
tap_is "$(changed | grep -c -e ca.crt -e ca.key)" 0 "T12 the CA and its alias are kept"
tap_ok "T12 and one that nobody asked for is not made" test ! -e "$ROOT$PKI/client-ca.crt"
tap_is "$(changed | wc -l)" 17 "T12 everything else is renewed"
tap_ok "T12 the alias has signed" verifies server-ca.crt apiserver.crt
tap_ok "T12 as the CA has" verifies ca.crt apiserver.crt

# T13: a server CA of its own.
host v1.28.7/ecdsa-p256
new_ca server-ca /CN=server-ca
openssl x509 -x509toreq -in "$ROOT$PKI/apiserver.crt" -signkey "$ROOT$PKI/apiserver.key" -copy_extensions copyall \
        -out "$SCRATCH/csr" 2>/dev/null
openssl x509 -req -in "$SCRATCH/csr" -CA "$ROOT$PKI/server-ca.crt" -CAkey "$ROOT$PKI/server-ca.key" -days 300 \
        -copy_extensions copyall -set_serial 7 -out "$ROOT$PKI/apiserver.crt" 2>/dev/null
ca server-ca | configure
tap_ok "T13 the API server has a certificate of a split server CA" verifies server-ca.crt apiserver.crt
tap_status 75 "T13 it is renewed" renewd renew --at="$EXPIRED"
tap_like "$OUTPUT" '^apiserver: renewed' "T13 as all others are"
tap_ok "T13 by the server CA again" verifies server-ca.crt apiserver.crt
tap_not_ok "T13 and not by the other one" verifies ca.crt apiserver.crt
tap_ok "T13 which has signed the clients" verifies ca.crt apiserver-kubelet-client.crt

# T43, T14: two roots in the CA file, of which a kubeconfig knows one.
host v1.28.7/ecdsa-p256
new_ca second /CN=kubernetes
cat "$ROOT$PKI/second.crt" >>"$ROOT$PKI/ca.crt"
digests >"$SCRATCH/before"
tap_status 1 "T14 embedded CA data is stale" renewd check --at="$NEW"
tap_like "$OUTPUT" '^admin.conf .*DRIFTED' "T14 and shown"
tap_status 0 "T43 a kubeconfig is renewed while ca.crt holds two roots" renewd renew --at="$TEN_DAYS" admin.conf
tap_is "$(data admin.conf certificate-authority-data)" "$(cat "$ROOT$PKI/ca.crt")" "T14 it knows both now, in their order"
tap_is "$(changed)" etc/kubernetes/admin.conf "T43 and ca.crt is as it was"
data admin.conf client-certificate-data >"$ROOT$PKI/admin.crt"
tap_ok "T43 the one with the key has signed" verifies ca.crt admin.crt
tap_not_ok "T43 and not the other one" verifies second.crt admin.crt

# T14, T43: a kubeconfig that knows one more root than the CA file.
host v1.28.7/ecdsa-p256
new_ca second /CN=second
both=$(cat "$ROOT$PKI/second.crt" "$ROOT$PKI/ca.crt" | base64 -w 0)
sed -i "s/certificate-authority-data: .*/certificate-authority-data: $both/" "$ROOT/etc/kubernetes/admin.conf"
tap_status 75 "T43 a kubeconfig with a root of its own is renewed" renewd renew --at="$TEN_DAYS"
tap_is "$(data admin.conf certificate-authority-data | base64 -w 0)" "$both" "T43 which stays, byte for byte"

# T14: a kubeconfig that names a file.
host v1.28.7/ecdsa-p256
new_ca second /CN=kubernetes
cp "$ROOT$PKI/second.crt" "$ROOT$PKI/named.crt"
sed -i "s,certificate-authority-data: .*,certificate-authority: $PKI/named.crt," "$ROOT/etc/kubernetes/admin.conf"
digests >"$SCRATCH/before"
tap_status 1 "T14 a named CA file is stale" renewd check --at="$NEW"
tap_like "$OUTPUT" '^admin.conf .*DRIFTED' "T14 and shown"
renewd renew --at="$TEN_DAYS" admin.conf >/dev/null 2>&1
tap_is "$(openssl x509 -noout -fingerprint -in "$ROOT$PKI/named.crt")" \
        "$(openssl x509 -noout -fingerprint -in "$ROOT$PKI/second.crt")" "T14 its other root is not lost"
tap_done

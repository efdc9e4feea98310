#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layout vcluster, on trees that vCluster's own `certs rotate` and `certs rotate-ca` have left
# (tests/data/vcluster), judged as vCluster judges them, and without what it loses.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

BASE=var/lib/vcluster/pki
PKI= # on the host of this test
SOON=2027-09-10T00:00:00Z # 73 days before the leaves of vCluster's trees end

# vcluster FOLDER [BASE]: a fresh host with that tree is $ROOT, with vCluster's modes.
vcluster() {
        local data=$SRCDIR/tests/data/vcluster/$1 mode size path

        ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX") || exit 99
        PKI=$ROOT/${2:-$BASE}
        mkdir -p "$PKI"
        cp -R "$data/pki/." "$PKI" || exit 99
        chmod -R u+w "$PKI"
        while read -r mode size path; do
                [[ $path != ./pki/* && $path != pki/* ]] || chmod "$mode" "$PKI/${path#*pki/}" || exit 99
        done <"$data/modes"
        : "$size"
}

# alias_of_ca: the copies that vCluster's next start makes, but for its modes.
alias_of_ca() {
        local name

        for name in server client; do
                cp -p "$PKI/ca.crt" "$PKI/$name-ca.crt"
                cp -p "$PKI/ca.key" "$PKI/$name-ca.key"
        done
}

# renewd ARG...: nobody names the layout.
renewd() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

# configure: the administrator's additions, from standard input.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd"
        cat >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# digests; changed: of the PKI directory.
digests() {
        (cd "$PKI" && find . -type f -exec sha256sum {} + | sort -k 2)
}

# sans FILE: of a certificate in the PKI directory.
sans() {
        openssl x509 -noout -subject -ext subjectAltName,extendedKeyUsage -in "$PKI/$1" 2>/dev/null
}

# verifies CA LEAF: at any time.
verifies() {
        openssl verify -no_check_time -CAfile "$PKI/$1" "$PKI/$2" >/dev/null 2>&1
}

# client CONF: the certificate in that kubeconfig.
client() {
        sed -n 's/^ *client-certificate-data: //p' "$1" | base64 -d
}

fields='{filename, subject, issuer, expiryTime, status}'
for folder in before after-rotate after-rotate-ca; do
        vcluster $folder
        renewd check --at="$NEW" --output=json >"$SCRATCH/ours" 2>/dev/null
        tap_is "$(jq -c "[.[] | select(.status != \"MISSING\" and (.path | endswith(\".crt\"))) | $fields] | sort[]" "$SCRATCH/ours")" \
                "$(jq -c "sort[] | $fields" "$SRCDIR/tests/data/vcluster/$folder/check.json")" \
                "T31 $folder: the rows of vCluster's certs check"
        tap_is "$(jq -r '.[] | select(.filename == "ca.crt") | .path' "$SCRATCH/ours" | xargs)" \
                "/$BASE/ca.crt /$BASE/etcd/ca.crt" "T31 $folder: two files called ca.crt can be told apart"
done
vcluster after-rotate
tap_status 2 "what vCluster's rotate has lost" renewd check --at="$NEW"
tap_like "$OUTPUT" '^etcd-server .* MISSING' "is missed: the pair of the server"
tap_like "$OUTPUT" '^etcd-peer .* MISSING' "and that of the peer"
vcluster before
tap_status 0 "T32 the layout is found" renewd config
tap_like "$OUTPUT" '^Layout=vcluster ' "T32 and said"
tap_like "$OUTPUT" '^RenewBefore=90d ' "vCluster's window"
tap_status 0 "the drop-in for the service" renewd config --drop-in
tap_like "$OUTPUT" '^ReadWritePaths=.*/var/lib/vcluster' "lets it write there"
tap_status 0 "T12 nobody misses an alias that is not there" renewd check --at="$NEW"
tap_status 0 "T01 a day of nothing" renewd run --at="$NEW"

# renew --all: what vCluster's rotate does, and nothing of what it loses.
alias_of_ca
echo mine >"$PKI/notes.txt"
digests >"$SCRATCH/before"
cp -R "$PKI" "$SCRATCH/pki"
for leaf in apiserver etcd/server etcd/peer; do
        sans $leaf.crt
done >"$SCRATCH/sans"
tap_status 75 "T15 renew --all" renewd renew --all --at="$NEW"
tap_is "$(changed | grep -c '[.]crt$') $(changed | grep -c '[.]key$') $(changed | grep -c '[.]conf$')" "7 7 3" \
        "T15 all leaves with their keys, and the kubeconfigs are new"
tap_is "$(changed | grep -c -e 'ca[.]' -e 'sa[.]')" 0 "T12 no CA, no alias and no sa.* is"
tap_is "$(for leaf in apiserver etcd/server etcd/peer; do sans $leaf.crt; done)" "$(cat "$SCRATCH/sans")" \
        "every SAN is still there"
for leaf in server peer healthcheck-client; do
        tap_ok "etcd's pair $leaf is there" verifies etcd/ca.crt etcd/$leaf.crt
done
tap_empty "$(find "$PKI" -name '*.key' ! -perm 0600)" "no key can be read by others"
tap_is "$(cat "$PKI/notes.txt")" mine "T34 a file that nobody knows is still there"
client "$SCRATCH/pki/admin.conf" >"$SCRATCH/old"
tap_ok "T15 who has the old kubeconfig is still accepted" openssl verify -no_check_time -CAfile "$PKI/client-ca.crt" "$SCRATCH/old"
tap_is "$(cd "$ROOT/${BASE%/*}/pki.bak"/* && find . -type f -exec sha256sum {} + | sort -k 2)" "$(cat "$SCRATCH/before")" \
        "T33 pki.bak has the whole directory as it was"
tap_empty "$(find "$ROOT/${BASE%/*}/pki.bak" -perm /077)" "T33 and is nobody else's"
tap_status 2 "T38 the service is owed a restart" renewd alarms --at="$NEW"
tap_like "$OUTPUT" 'restart-owed +vcluster ' "T38 as an alarm says"
tap_status 75 "T33 restore" renewd restore --at="$NEW" "$(renewd backup list --columns=id --no-headings --no-legend | tail -n 1)"
tap_empty "$(changed)" "T33 brings every byte back"

# The window, and the run that catches up.
vcluster before
tap_status 75 "T18 inside the 90 days at boot" renewd run --at="$SOON"
tap_is "$(grep -c ': renewed, until' <<<"$OUTPUT")" 10 "T18 everything is renewed"
tap_ok "T12 aliases that were not there are not made" test ! -e "$PKI/server-ca.crt"

# The CA, while everybody works.
vcluster before
alias_of_ca
cp -R "$PKI" "$SCRATCH/first"
tap_status 0 "T16 prepare" renewd rotate-ca --at="$NEW" --yes --phase=prepare
tap_status 75 "T16 trust-both" renewd rotate-ca --at=2026-12-01T00:00:01Z --yes --phase=trust-both
for alias in server-ca client-ca; do
        tap_is "$(cat "$PKI/$alias.crt")" "$(cat "$PKI/ca.crt")" "T12 $alias follows its CA"
        tap_ok "T16 the old CA is in $alias" openssl verify -no_check_time -CAfile "$PKI/$alias.crt" "$SCRATCH/first/apiserver.crt"
done
tap_status 75 "T16 all that is left" renewd rotate-ca --at=2026-12-01T00:00:02Z --yes --phase=all --force
for alias in server-ca client-ca; do
        tap_is "$(cat "$PKI/$alias.crt" "$PKI/$alias.key")" "$(cat "$PKI/ca.crt" "$PKI/ca.key")" "T12 $alias is its CA at the end"
done
tap_ok "T16 the API server has a certificate of the new CA" verifies server-ca.crt apiserver.crt
! openssl verify -no_check_time -CAfile "$PKI/client-ca.crt" "$SCRATCH/old" >/dev/null 2>&1
tap_result $? "T16 who has the old kubeconfig is refused at last"
tap_is "$(cat "$PKI/sa.key" "$PKI/sa.pub")" "$(cat "$SCRATCH/first/sa.key" "$SCRATCH/first/sa.pub")" "T16 tokens stay good"
tap_empty "$(find "$PKI" -name '*.key' ! -perm 0600)" "T16 no key can be read by others"

# A server CA of one's own.
vcluster before
alias_of_ca
openssl req -x509 -newkey rsa:2048 -nodes -days 7300 -subj /CN=server-ca -keyout "$PKI/server-ca.key" \
        -addext keyUsage=critical,keyCertSign,digitalSignature -out "$PKI/server-ca.crt" 2>/dev/null
openssl x509 -x509toreq -in "$PKI/apiserver.crt" -signkey "$PKI/apiserver.key" -copy_extensions copyall -out "$SCRATCH/csr" 2>/dev/null
openssl x509 -req -in "$SCRATCH/csr" -CA "$PKI/server-ca.crt" -CAkey "$PKI/server-ca.key" -days 300 -copy_extensions copyall \
        -set_serial 7 -out "$PKI/apiserver.crt" 2>/dev/null
printf '[certificate apiserver]\nCA=server\n' | configure
tap_status 75 "T13 a server CA of its own" renewd renew --at="$SOON" apiserver admin.conf
tap_ok "T13 signs the API server's" verifies server-ca.crt apiserver.crt
client "$PKI/admin.conf" >"$PKI/admin.crt"
tap_ok "T13 the other one the clients'" verifies ca.crt admin.crt

# Elsewhere.
vcluster before data/pki
tap_status 0 "T32 another PKI directory" renewd check --at="$NEW" --columns=path apiserver
tap_like "$OUTPUT" '^/data/pki/apiserver.crt' "T32 is found"
vcluster before srv/pki
tap_status 3 "T32 and a third one is not" renewd check --at="$NEW"
printf '[agent]\nLayout=vcluster\n[layout]\nBaseDirectory=/srv/pki\n[certificate apiserver]\nExtraSANs=DNS:api.example.com\n' | configure
tap_status 75 "T32 but where the configuration says so" renewd run --at="$NEW"
tap_like "$(sans apiserver.crt)" 'DNS:api.example.com' "V5 a SAN is added"
tap_like "$(sans apiserver.crt)" 'IP Address:192.0.2.10' "V5 and none is lost"
tap_status 0 "V11 a kubeconfig for a user" renewd kubeconfig --at="$NEW" --user=jane --server=https://192.0.2.10:6443
tap_like "$OUTPUT" '^    server: https://192.0.2.10:6443$' "V11 is printed"

# init: a PKI as vCluster's.
ROOT=$SCRATCH/empty PKI=$SCRATCH/empty/$BASE
mkdir "$ROOT"
tap_status 0 "init" renewd --layout=vcluster init --at="$NEW" --node-name=standalone --advertise-address=192.0.2.10 \
        --key-algorithm=ECDSA-P256
tap_status 0 "all of it is in order" renewd check --at="$NEW"
tap_is "$(cd "$PKI" && find . -type f | sort)" "$(cd "$SRCDIR/tests/data/vcluster/before/pki" && find . -type f | sort)" \
        "and the files are those of vCluster"
tap_done

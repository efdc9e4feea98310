#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layout starlingx, on a tree as its installation makes it: kubeadm's with external etcd, and etcd's
# files made by openssl, with what github.com/starlingx/ansible-playbooks (roles/common/create-etcd-certs)
# and github.com/starlingx/config (sysinv/sysinv/sysinv/scripts/kube-cert-rotation.sh) put into them.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

PKI=etc/kubernetes/pki ETCD=etc/etcd SHARE=opt/platform/config/24.09/etcd HAPROXY=etc/kubernetes/pki/haproxy_client.pem
LEAVES='apiserver apiserver-kubelet-client front-proxy-client apiserver-etcd-client etcd-server etcd-client
        admin.conf super-admin.conf controller-manager.conf scheduler.conf'
SOON=2027-11-05T00:00:00Z # 16 days before the leaves end

# renewd ARG...: nobody names the layout.
renewd() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

# etcd_leaf DIRECTORY NAME CN SAN: a pair of etcd's CA, new RSA key, both usages, a year.
etcd_leaf() {
        local to=$ROOT/$1/$2

        printf '%s\n' '[req]' 'prompt = no' 'distinguished_name = dn' '[dn]' "CN = $3" '[v3_req]' \
                'keyUsage = critical, Digital Signature, Key Encipherment' \
                'extendedKeyUsage = TLS Web Server Authentication, TLS Web Client Authentication' "subjectAltName = $4" \
                '[ca]' 'default_ca = a' '[a]' "database = $SCRATCH/index" "new_certs_dir = $SCRATCH" 'rand_serial = yes' \
                'default_md = sha256' 'policy = p' 'unique_subject = no' '[p]' 'commonName = supplied' >"$SCRATCH/csr.conf"
        : >"$SCRATCH/index"
        openssl genpkey -out "$to.key" -algorithm RSA -pkeyopt rsa_keygen_bits:4096 2>/dev/null &&
                openssl req -new -key "$to.key" -out "$SCRATCH/csr" -config "$SCRATCH/csr.conf" &&
                openssl ca -batch -notext -config "$SCRATCH/csr.conf" -cert "$ROOT/$ETCD/ca.crt" -keyfile "$ROOT/$ETCD/ca.key" \
                        -startdate 20261121232153Z -enddate 20271121232153Z -extensions v3_req -in "$SCRATCH/csr" \
                        -out "$to.crt" 2>/dev/null || exit 99
}

# etcd_leaves: all of etcd's CA, and what the other controller takes.
etcd_leaves() {
        etcd_leaf $PKI apiserver-etcd-client apiserver-etcd-client 'IP:192.0.2.2, IP:127.0.0.1'
        etcd_leaf $ETCD etcd-server etcd-server 'IP:192.0.2.2, IP:127.0.0.1'
        etcd_leaf $ETCD etcd-client root 'DNS:root'
        cp "$ROOT/$ETCD"/etcd-* "$ROOT/$SHARE"
}

# client CONF KEY: a scalar of that kubeconfig, decoded.
client() {
        sed -n "s/^ *client-$2-data: //p" "$1" | base64 -d
}

# proxy: what haproxy should have, as its own maker writes it.
proxy() {
        client "$ROOT/etc/kubernetes/admin.conf" certificate
        client "$ROOT/etc/kubernetes/admin.conf" key
}

# starlingx: a fresh controller is $ROOT.
starlingx() {
        ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX") || exit 99
        cp -a "$SCRATCH/base/." "$ROOT" || exit 99
        digests >"$SCRATCH/before"
}

# quick: with keys that are made faster, where it is not about them.
quick() {
        starlingx
        mkdir -p "$ROOT/etc/kube-renewd"
        printf '[renewal]\nKeyAlgorithm=ECDSA-P256\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
        digests >"$SCRATCH/before"
}

# owed: names of the components that are owed a restart.
owed() {
        find "$ROOT/var/lib/kube-renewd/owed" -name '*.json' -printf '%f\n' 2>/dev/null | sed 's/[.]json$//' | sort | xargs
}

# is_shared: has the other controller the pairs that etcd has here?
is_shared() {
        local name

        for name in etcd-server.crt etcd-server.key etcd-client.crt etcd-client.key; do
                cmp -s "$ROOT/$ETCD/$name" "$ROOT/$SHARE/$name" || return 1
        done
}

# ids TIME: the active alarms, by their numbers.
ids() {
        renewd alarms --at="$1" --columns=ID,ALARM,RESOURCE --no-headings --no-legend 2>/dev/null | sed 's/  */ /g;s/ *$//' | sort
}

host v1.28.7/extetcd-external
mkdir -p "$ROOT/etc/platform" "$ROOT/$SHARE"
touch "$ROOT/etc/platform/.initial_controller_config_complete"
etcd_leaves
"$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm kubeconfig --at=2026-11-21T23:26:53Z --user=kubernetes-super-admin \
        --group=system:masters --server=https://192.0.2.2:6443 >"$ROOT/etc/kubernetes/super-admin.conf" || exit 99
proxy >"$ROOT/$HAPROXY"
chmod 600 "$ROOT/$HAPROXY" "$ROOT/etc/kubernetes/super-admin.conf"
mv "$ROOT" "$SCRATCH/base"

# What is there.
starlingx
tap_status 0 "the layout is found, beside kubeadm's files" renewd config
tap_like "$OUTPUT" '^Layout=starlingx ' "and said"
tap_like "$OUTPUT" '^RenewBefore=17d ' "two nights before its own script"
tap_status 0 "all is well" renewd check --at="$NEW" --columns=certificate --no-headings --no-legend
tap_is "$(sort <<<"$OUTPUT" | xargs)" "$(xargs -n 1 <<<"$LEAVES ca etcd-ca front-proxy-ca kubelet.conf" | sort | xargs)" \
        "S2 every certificate of its script is listed, and the CAs"
tap_status 0 "T01 a night of nothing" renewd run --at="$NEW"
tap_empty "$(changed)" "T01 changes nothing"
tap_status 0 "the drop-in for the service" renewd config --drop-in
tap_is "$(sed -n 's/^ReadWritePaths=//p' <<<"$OUTPUT" | xargs)" "-/etc/etcd -/opt/platform/config" "opens what its releases come and go in"
mv "$ROOT/opt" "$ROOT/not-mounted"
tap_status 0 "on a standby" renewd config --drop-in
tap_like "$OUTPUT" '^ReadWritePaths=-/opt/platform/config$' "too, which will be the active one"

# Each by itself.
for name in $LEAVES; do
        case $name in
        etcd-*) files="$ETCD/$name.crt $ETCD/$name.key" ;;
        admin.conf) files="etc/kubernetes/admin.conf $HAPROXY" ;;
        *.conf) files=etc/kubernetes/$name ;;
        *) files="$PKI/$name.crt $PKI/$name.key" ;;
        esac
        case $name in
        etcd-server) restarts=etcd ;;
        admin.conf) restarts='cert-mon dccertmon haproxy sysinv-conductor' ;;
        controller-manager.conf | scheduler.conf) restarts=kube-${name%.conf} ;;
        apiserver*) restarts=kube-apiserver ;;
        front-proxy-client) restarts=kube-apiserver ;;
        *) restarts='' ;;
        esac
        quick
        renewd renew --at="$NEW" "$name" >/dev/null 2>&1
        tap_is "$? $(changed | xargs)" "$([ -z "$restarts" ] && echo 0 || echo 75) $files" "T02 $name is renewed alone"
        tap_is "$(owed)" "$restarts" "S4 and who uses it is owed a restart, or proof"
done

# A night.
starlingx
tap_status 0 "18 days before the end" renewd run --at=2027-11-03T00:00:00Z
tap_empty "$(changed)" "S1 nothing is due"
echo "of the other controller" >"$ROOT/$SHARE/etcd-server.key"
tap_status 75 "S1 16 days before the end" renewd run --at="$SOON"
tap_is "$(grep -c ': renewed, until' <<<"$OUTPUT")" 10 "S2 everything is renewed"
tap_is "$(cat "$ROOT/$HAPROXY")" "$(proxy)" "haproxy_client.pem is admin.conf's certificate and its key"
tap_is "$(openssl x509 -in "$ROOT/$HAPROXY" -noout -pubkey)" "$(openssl pkey -in "$ROOT/$HAPROXY" -pubout)" "which belong together"
tap_is "$(stat -c %a "$ROOT/$HAPROXY")" 600 "for root alone"
tap_ok "etcd's pairs are where the other controller takes them, whatever was there" is_shared
tap_is "$(openssl x509 -in "$ROOT/$ETCD/etcd-server.crt" -noout -subject -ext subjectAltName,extendedKeyUsage,keyUsage)" \
        "$(openssl x509 -in "$SCRATCH/base/$ETCD/etcd-server.crt" -noout -subject -ext subjectAltName,extendedKeyUsage,keyUsage)" \
        "etcd-server is who it was"
tap_like "$(openssl x509 -in "$ROOT/$ETCD/etcd-server.crt" -noout -text)" 'Public-Key: \(4096 bit\)' "with a key of the same size"
tap_ok "and of etcd's CA" openssl verify -no_check_time -CAfile "$ROOT/$ETCD/ca.crt" "$ROOT/$ETCD/etcd-server.crt"
tap_is "$(owed)" "cert-mon dccertmon etcd haproxy kube-apiserver kube-controller-manager kube-scheduler sysinv-conductor" \
        "S4 all are owed a restart"
tap_is "$(ids "$SOON" | sed -n 's/^250.003 \([^ ]*\) .*/\1/p' | uniq -c | xargs)" "8 restart-owed" "S3 as alarm 250.003 says"
tap_status 75 "failure mode 1: a night later" renewd run --at=2027-11-06T00:00:00Z
tap_is "$(ids 2027-11-06T00:00:00Z | grep -c 250.003)" 8 "the alarm is still there"
cp "$SCRATCH/base/$ETCD"/etcd-server.* "$ROOT/$SHARE"
tap_status 75 "the other controller has written its own" renewd run --at=2027-11-07T00:00:00Z
tap_ok "which is ours again in the morning" is_shared

# Who cannot write there, because it is not mounted, or over the network from a controller that is gone.
quick
rm -r "$ROOT/opt"
tap_status 75 "on a standby" renewd run --at="$SOON"
tap_is "$(grep -c ': renewed, until' <<<"$OUTPUT")" 10 "all is renewed"
tap_ok "and no directory made" test ! -e "$ROOT/opt"
quick
rm "$ROOT/$SHARE"/etcd-*
tap_status 75 "one that is empty" renewd run --at="$SOON"
tap_ok "is filled" is_shared

# Upgrades.
for marker in etc/platform/.usm_upgrade_in_progress etc/kubernetes/pki/ca_new.crt; do
        starlingx
        touch "$ROOT/$marker"
        digests >"$SCRATCH/before"
        tap_status 75 "T35 while there is /$marker" renewd run --at="$SOON"
        tap_empty "$(changed)" "T35 nothing is touched"
done

# Its alarms.
quick
tap_status 75 "the CAs end in five weeks" renewd run --at=2036-10-11T00:00:00Z
tap_is "$(ids 2036-10-11T00:00:00Z | grep ca-expiring)" "$(printf '500.200 ca-expiring %s\n' ca etcd-ca front-proxy-ca)" "500.200"
starlingx
tap_status 1 "T04 they have expired" renewd run --at=2036-12-01T00:00:00Z
tap_is "$(ids 2036-12-01T00:00:00Z | grep -c '^250.003 renewal-failed ')" 10 "250.003: they sign nothing"
tap_is "$(ids 2036-12-01T00:00:00Z | grep -c '^500.210 ca-expired ')" 3 "500.210"
tap_is "$(ids 2036-12-01T00:00:00Z | grep -c '^500.210 expired ')" 11 "500.210 of what they should have signed, and of the kubelet's"

# A release where etcd has the CA of Kubernetes.
quick
cp "$ROOT/$PKI"/ca.* "$ROOT/$ETCD"
etcd_leaves
digests >"$SCRATCH/before"
tap_status 0 "one CA for both" renewd check --at="$NEW"
tap_status 75 "signs" renewd renew --at="$NEW" etcd-server
tap_ok "for etcd, too" openssl verify -no_check_time -CAfile "$ROOT/$PKI/ca.crt" "$ROOT/$ETCD/etcd-server.crt"

# From nothing.
ROOT=$SCRATCH/empty
mkdir "$ROOT"
tap_status 0 "init" renewd --layout=starlingx init --at="$NEW" --node-name=controller-0 --advertise-address=192.0.2.2 \
        --key-algorithm=ECDSA-P256
tap_status 0 "all of it is in order" renewd --layout=starlingx check --at="$NEW"
tap_is "$(cd "$ROOT/$ETCD" && echo *)" "ca.crt ca.key etcd-client.crt etcd-client.key etcd-server.crt etcd-server.key" "with etcd's files in their place"
tap_like "$(openssl x509 -in "$ROOT/$ETCD/etcd-server.crt" -noout -ext subjectAltName,extendedKeyUsage)" \
        'IP Address:192.0.2.2, IP Address:127.0.0.1' "for the floating address"
tap_done

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of rotate-ca share, after cli.sh. openssl judges, not this program.
#
#     rotating_host v1.28.7/ecdsa-p256       a fresh host, with a kubelet that has a certificate of its own
#     old_cas                                its CAs are $SCRATCH/ID.old
#     phase prepare --ca=etcd                does it; $OUTPUT, and the exit status
#     new_cas                                those that were prepared are $SCRATCH/ID.new
#     refused old new                        the leaves that somebody refuses who has only these roots

PKI=etc/kubernetes/pki
RECORDS=var/lib/kube-renewd/ca-rotation
export RECORDS

# kubelet_link: kubelet.conf names the kubelet's link, as the kubelet leaves it.
kubelet_link() {
        local conf=$ROOT/etc/kubernetes/kubelet.conf pki=var/lib/kubelet/pki

        mkdir -p "$ROOT/$pki"
        (umask 077 && sed -n 's/^ *client-\(certificate\|key\)-data: //p' "$conf" | base64 -d \
                >"$ROOT/$pki/kubelet-client-2026-11-20-00-00-00.pem")
        ln -s "/$pki/kubelet-client-2026-11-20-00-00-00.pem" "$ROOT/$pki/kubelet-client-current.pem"
        sed -i "s,client-\(certificate\|key\)-data: .*,client-\1: /$pki/kubelet-client-current.pem," "$conf"
}

# rotating_host VARIANT
rotating_host() {
        host "$1"
        kubelet_link
}

# phase PHASE OPTION...: a second later each time, as the kubelet names its files by the second.
CLOCK=$(date -ud "$NEW" +%s)
phase() {
        local phase=$1

        shift
        CLOCK=$((CLOCK + 1))
        renewd rotate-ca --at="@$CLOCK" --yes --phase="$phase" "$@"
}

# status FILTER: of what --status says as JSON.
status() {
        renewd rotate-ca --status --output=json 2>/dev/null | jq -c "$1"
}

# old_cas; new_cas: kept for refused.
IDS=(kubernetes front-proxy etcd)
old_cas() {
        local id

        for id in "${IDS[@]}"; do
                cp "$ROOT/$(ca_file "$id")" "$SCRATCH/$id.old"
        done
}
new_cas() {
        local id

        for id in "${IDS[@]}"; do
                [ ! -e "$ROOT/$RECORDS/$id.json" ] || jq -r .new.pem "$ROOT/$RECORDS/$id.json" >"$SCRATCH/$id.new"
        done
}

# configure LINE...: of the administrator.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd"
        printf '%s\n' "$@" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# data KUBECONFIG KEY: the decoded scalar.
data() {
        sed -n "s/^ *$2: //p" "$1" | base64 -d
}

# leaf FILE: the certificates of a leaf, as it shows them.
leaf() {
        case $1 in
        *.conf) data "$1" client-certificate-data ;;
        *) cat "$1" ;;
        esac
}

# leaves ID: the files with a leaf of this CA, below $ROOT.
leaves() {
        case $1 in
        kubernetes) echo $PKI/apiserver.crt $PKI/apiserver-kubelet-client.crt etc/kubernetes/{admin,scheduler,controller-manager}.conf ;;
        front-proxy) echo $PKI/front-proxy-client.crt ;;
        etcd) echo $PKI/apiserver-etcd-client.crt $PKI/etcd/{server,peer,healthcheck-client}.crt ;;
        esac
}

# ca_file ID
ca_file() {
        case $1 in
        kubernetes) echo $PKI/ca.crt ;;
        front-proxy) echo $PKI/front-proxy-ca.crt ;;
        etcd) echo $PKI/etcd/ca.crt ;;
        esac
}

# unverified ID ROOT-FILE: the leaves of this CA that somebody who has only this root refuses.
unverified() {
        local file

        for file in $(leaves "$1"); do
                leaf "$ROOT/$file" >"$SCRATCH/leaf.pem"
                openssl verify -attime "$CLOCK" -CAfile "$2" -untrusted "$SCRATCH/leaf.pem" "$SCRATCH/leaf.pem" \
                        >/dev/null 2>&1 || echo "$file"
        done
}

# refused WHO...: "old" knows only the CAs that there were, "new" only those that were prepared.
refused() {
        local id who

        for who; do
                for id in "${IDS[@]}"; do
                        unverified "$id" "$SCRATCH/$id.$who" | sed "s/\$/ ($who)/"
                done
        done
}

# split_roots FILE PREFIX: its certificates as PREFIX.1, PREFIX.2, …
split_roots() {
        awk -v prefix="$2" '/-----BEGIN/ { n++ } { print >(prefix "." n) }' "$1"
}

# fingerprints FILE: of its certificates, in their order.
fingerprints() {
        rm -f "$SCRATCH"/split.*
        split_roots "$1" "$SCRATCH/split"
        for file in "$SCRATCH"/split.*; do
                openssl x509 -noout -fingerprint -sha256 -in "$file" | sed 's/.*=//; s/://g' | tr A-F a-f
        done
}

# known: fingerprints in short words, "old" for $OLD and "new" for $FRESH.
known() {
        sed -e "s/^$OLD\$/old/" -e "s/^$FRESH\$/new/" | xargs
}

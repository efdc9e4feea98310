#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layout kubeadm beyond kubeadm's own trees (check.sh, renew-trees.sh): kubespray, which has its
# certificates in kube_cert_dir=/etc/kubernetes/ssl (roles/kubespray_defaults), tells kubeadm so as
# certificatesDir, and makes kube_cert_compat_dir=/etc/kubernetes/pki a link to it; older releases
# have no link. With etcd_deployment_type=host, etcd is a service with certificates of its own in
# /etc/ssl/etcd/ssl.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# detected ARG...: the program on that host, which has to find out what it is.
detected() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

# kubespray: what kubeadm makes with that certificatesDir.
kubespray() {
        host v1.28.7/rsa2048-default
        mv "$ROOT/etc/kubernetes/pki" "$ROOT/etc/kubernetes/ssl"
        sed -i 's,/etc/kubernetes/pki,/etc/kubernetes/ssl,' "$ROOT"/etc/kubernetes/manifests/*.yaml
}

rows() { detected check --at="$TEN_DAYS" --output=json | jq -r '.[] | .name + " " + .status'; }

host v1.28.7/rsa2048-default
expected=$(rows)
tap_status 75 "a pass on kubeadm's own tree" detected run --at="$TEN_DAYS"
owed=$(ls "$ROOT/var/lib/kube-renewd/owed")
for link in yes no; do
        kubespray
        [ $link = no ] || ln -s ssl "$ROOT/etc/kubernetes/pki"
        tap_is "$(rows)" "$expected" "T32 kubespray (link: $link): the rows of kubeadm"
        digests >"$SCRATCH/before"
        tap_status 75 "T32 a pass" detected run --at="$TEN_DAYS"
        tap_is "$(changed | grep -c '^etc/kubernetes/ssl/.*[.]\(crt\|key\)$')" 14 "T32 renews what is there"
        tap_is "$(changed | grep '[.]conf$' | xargs -n 1 basename | xargs)" \
                "admin.conf controller-manager.conf scheduler.conf" "T32 and the kubeconfigs"
        tap_is "$(ls "$ROOT/var/lib/kube-renewd/owed")" "$owed" "T32 by the manifests of that directory it knows who reads it"
        tap_ok "T32 a link is still one" test $link = no -o -L "$ROOT/etc/kubernetes/pki"
        tap_is "$(rows | grep EXPIRING)" "kubelet.conf EXPIRING" "T32 nothing else is due any more"
done

kubespray
ln -s ssl "$ROOT/etc/kubernetes/pki"
mkdir -p "$ROOT/etc/ssl/etcd/ssl"
mv "$ROOT/etc/kubernetes/ssl/apiserver-etcd-client.crt" "$ROOT/etc/ssl/etcd/ssl/node-cp-1.pem"
mv "$ROOT/etc/kubernetes/ssl/apiserver-etcd-client.key" "$ROOT/etc/ssl/etcd/ssl/node-cp-1-key.pem"
rm -r "$ROOT/etc/kubernetes/ssl/etcd" "$ROOT/etc/kubernetes/manifests/etcd.yaml"
sed -i -e 's,/etc/kubernetes/ssl/apiserver-etcd-client.crt,/etc/ssl/etcd/ssl/node-cp-1.pem,' \
        -e 's,/etc/kubernetes/ssl/apiserver-etcd-client.key,/etc/ssl/etcd/ssl/node-cp-1-key.pem,' \
        -e 's,/etc/kubernetes/ssl/etcd/ca.crt,/etc/ssl/etcd/ssl/ca.pem,' "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml"
tap_is "$(rows | grep -v '[.]conf ' | xargs)" \
        "apiserver EXPIRING apiserver-kubelet-client EXPIRING front-proxy-client EXPIRING ca OK front-proxy-ca OK" \
        "nobody misses what an etcd of its own does not have"
tap_status 75 "a pass" detected run --at="$TEN_DAYS"
tap_is "$(find "$ROOT/var/lib/kube-renewd/public/alarms" -name 'missing*')" "" "there is no alarm of it either"

host v1.28.7/rsa2048-default
rm "$ROOT"/etc/kubernetes/pki/apiserver-etcd-client.*
tap_like "$(rows)" '^apiserver-etcd-client MISSING$' "beside kubeadm's own etcd it is missed"
tap_done

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

# What `kubeadm init` tells every user to do: cp -i /etc/kubernetes/admin.conf $HOME/.kube/config. And
# what else users have there.
ADMIN=etc/kubernetes/admin.conf
ANN=home/ann/.kube
at_home() { # USER: a directory for kubectl, which is the user's
        mkdir -p "$ROOT/home/$1/.kube"
        [ "$(id -u)" != 0 ] || chown -R "$2:$2" "$ROOT/home/$1"
}
give() { # FILE USER: it is the user's, and closed
        chmod 640 "$1"
        [ "$(id -u)" != 0 ] || chown "$2:$2" "$1"
}
host v1.28.7/rsa2048-default
mkdir -p "$ROOT/srv/closed"
for user in ann:4001 bob:4002 cid:4003 dan:4004 eve:4005 fay:4006 .trash:4007; do
        at_home "${user%:*}" "${user#*:}"
done
for user in ann:4001 bob:4002 .trash:4007; do
        cp "$ROOT/$ADMIN" "$ROOT/home/${user%:*}/.kube/config"
        give "$ROOT/home/${user%:*}/.kube/config" "${user#*:}"
done
echo '# and mine' >>"$ROOT/home/bob/.kube/config"
cp "$ROOT/etc/kubernetes/scheduler.conf" "$ROOT/home/cid/.kube/config"
mkfifo "$ROOT/home/dan/.kube/config"
cp "$ROOT/$ADMIN" "$ROOT/srv/closed/config"
ln -s /srv/closed/config "$ROOT/home/eve/.kube/config"
rmdir "$ROOT/home/fay/.kube"
ln -s /srv/closed "$ROOT/home/fay/.kube"
[ "$(id -u)" != 0 ] || chown -h 4005:4005 "$ROOT/home/eve/.kube/config"
[ "$(id -u)" != 0 ] || chown -h 4006:4006 "$ROOT/home/fay/.kube"
before=$(cd "$ROOT" && find home srv -type f ! -path $ANN/config -exec sha256sum {} +)
owner=$(stat -c '%a %u' "$ROOT/$ANN/config")
tap_status 0 "the plan" timeout 60 "$KUBE_RENEWD" --root="$ROOT" plan --at="$TEN_DAYS" --output=json
tap_is "$(jq -r '.copies[].path' <<<"$OUTPUT")" "/$ANN/config" "has the copy at home, and what is none is not in it"
tap_status 75 "a pass" timeout 60 "$KUBE_RENEWD" --root="$ROOT" run --at="$TEN_DAYS"
tap_ok "refreshes it" cmp "$ROOT/$ADMIN" "$ROOT/$ANN/config"
tap_is "$(stat -c '%a %u' "$ROOT/$ANN/config")" "$owner" "with its mode and owner"
tap_is "$(cd "$ROOT" && find home srv -type f ! -path $ANN/config -exec sha256sum {} +)" "$before" \
        "what was edited, is another's, or where a user's link leads to is as it was"
tap_ok "links are links" test -L "$ROOT/home/eve/.kube/config" -a -L "$ROOT/home/fay/.kube"
tap_is "$(find "$ROOT/var/lib/kube-renewd/public/alarms" -name 'stale-copy@*')" "" "and nobody is bothered with it"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[copy home-kubeconfigs]\nSource=\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 0 "the layout's copy can be switched off" detected plan --at=2028-11-01T00:00:00Z --output=json
tap_is "$(jq -c .copies <<<"$OUTPUT")" '[]' "and is"
rm -r "$ROOT/etc/kube-renewd"

# The service may not write there: what is left behind is told, and follows when it may.
read_only() { # COMMAND...: with homes read-only, as ProtectHome=read-only has them
        # shellcheck disable=SC2016
        unshare -m bash -c 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && "$@"' "$ROOT/home" "$@"
}
if read_only true 2>/dev/null; then
        tap_status 75 "where homes are read-only" read_only "$KUBE_RENEWD" --root="$ROOT" run --at=2028-11-01T00:00:00Z
        tap_like "$OUTPUT" "ReadWritePaths=/$ANN" "the remedy is said"
        tap_ok "there is an alarm" test -e "$ROOT/var/lib/kube-renewd/public/alarms/stale-copy@home-kubeconfigs.json"
        tap_status 75 "another pass" detected run --at=2028-11-01T00:00:00Z
        tap_ok "has no more alarm" test ! -e "$ROOT/var/lib/kube-renewd/public/alarms/stale-copy@home-kubeconfigs.json"
        tap_ok "refreshes what was left behind" cmp "$ROOT/$ADMIN" "$ROOT/$ANN/config"
else
        tap_skip "where homes are read-only" "mounts are not allowed here"
fi
tap_done

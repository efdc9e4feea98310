#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copies: what follows its source, what is left alone, and what is said about it.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

ADMIN=etc/kubernetes/admin.conf
PKI=etc/kubernetes/pki

configure() {
        mkdir -p "$ROOT/etc/kube-renewd"
        printf '%b' "$1" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# copy_of SOURCE... : a file that holds these, one after the other, is put to the last argument.
copy_of() {
        local to=$ROOT/${!#}

        mkdir -p "${to%/*}"
        (cd "$ROOT" && cat "${@:1:$#-1}") >"$to"
}

# is_copy DESCRIPTION PATH SOURCE...
is_copy() {
        (cd "$ROOT" && cmp -s "$2" <(cat "${@:3}"))
        tap_result $? "$1"
}

# active: names of the active alarms of copies.
active() {
        find "$ROOT/var/lib/kube-renewd/public/alarms" -name 'stale-copy@*.json' -printf '%f\n' |
                sed 's/[.]json$//' | sort | xargs
}

# The copy that everybody has.
host v1.28.7/ecdsa-p256
before=$(sha256sum <"$ROOT/$ADMIN")
copy_of $ADMIN root/.kube/config
chmod 640 "$ROOT/root/.kube/config"
tap_status 0 "the plan" renewd plan --at="$TEN_DAYS" admin.conf
tap_like "$OUTPUT" '^  write /root/.kube/config$' "tells that the copy follows"
tap_status 0 "the plan as JSON" renewd plan --at="$TEN_DAYS" admin.conf --output=json
tap_is "$(jq -c '.copies' <<<"$OUTPUT")" \
        '[{"path":"/root/.kube/config","reason":"follows its source","source":"admin.conf","written":true}]' "tells it too"
tap_status 0 "a dry run" renewd renew --at="$TEN_DAYS" admin.conf --dry-run
tap_like "$OUTPUT" '^/root/.kube/config: would be refreshed$' "says it"
is_copy "and writes nothing" root/.kube/config $ADMIN
tap_status 75 "the pass" renewd run --at="$TEN_DAYS"
tap_like "$OUTPUT" '^/root/.kube/config: refreshed$' "says that it was done"
is_copy "the copy is what its source is" root/.kube/config $ADMIN
tap_is "$(stat -c %a "$ROOT/root/.kube/config")" 640 "with the mode it had"
tap_is "$(active)" "" "no alarm"
tap_status 75 "the backup can be restored" renewd restore --at="$TEN_DAYS" \
        "$(renewd backup list --output=json | jq -r '.[0].id')"
is_copy "copies are in it" root/.kube/config $ADMIN
tap_is "$(sha256sum <"$ROOT/$ADMIN")" "$before" "as they were"

# Somebody has merged another cluster into it.
host v1.28.7/ecdsa-p256
copy_of $ADMIN root/.kube/config
echo '# mine' >>"$ROOT/root/.kube/config"
before=$(sha256sum "$ROOT/root/.kube/config")
tap_status 0 "the plan of a copy that was edited" renewd plan --at="$TEN_DAYS"
tap_like "$OUTPUT" '^  leave /root/.kube/config$' "leaves it"
tap_status 75 "the pass" renewd run --at="$TEN_DAYS"
tap_like "$OUTPUT" '^/root/.kube/config: not refreshed: .*is not what' "says why it left it"
tap_is "$(sha256sum "$ROOT/root/.kube/config")" "$before" "not a byte of it is other"
tap_is "$(active)" "stale-copy@root-kubeconfig" "an alarm"
copy_of $ADMIN root/.kube/config
tap_status 75 "the next pass" renewd run --at="$TEN_DAYS"
tap_is "$(active)" "" "it goes when the copy is one again"

# A proxy's PEM, nginx' two files, a standby's directory.
host v1.28.7/rsa2048-default
configure '[copy proxy]\nSource=apiserver\nPath=/etc/haproxy/tls.pem\nContent=bundle\n
[copy nginx]\nSource=apiserver\nPath=/etc/nginx/tls.crt\nKey=/etc/nginx/tls.key\n
[copy standby]\nSource=etcd-server scheduler.conf\nDirectory=/srv/standby\nCreate=yes\n
[component haproxy]\nUnit=haproxy.service\nUses=/etc/haproxy/tls.pem\n'
copy_of $PKI/apiserver.crt $PKI/apiserver.key etc/haproxy/tls.pem
copy_of $PKI/apiserver.crt etc/nginx/tls.crt
copy_of $PKI/apiserver.key etc/nginx/tls.key
mkdir -p "$ROOT/srv/standby"
tap_status 75 "all kinds of copies" renewd run --at="$TEN_DAYS"
is_copy "a bundle" etc/haproxy/tls.pem $PKI/apiserver.crt $PKI/apiserver.key
is_copy "a certificate" etc/nginx/tls.crt $PKI/apiserver.crt
is_copy "and its key" etc/nginx/tls.key $PKI/apiserver.key
is_copy "a directory" srv/standby/server.crt $PKI/etcd/server.crt
is_copy "with the key" srv/standby/server.key $PKI/etcd/server.key
is_copy "and a kubeconfig" srv/standby/scheduler.conf etc/kubernetes/scheduler.conf
tap_is "$(stat -c %a "$ROOT/srv/standby/server.key")" 600 "what is made is for its owner alone"
tap_ok "who reads the bundle is owed a restart" test -e "$ROOT/var/lib/kube-renewd/owed/haproxy.json"
tap_status 0 "the certificate of the bundle fits its key" \
        openssl x509 -in "$ROOT/etc/haproxy/tls.pem" -noout -checkend 0
tap_is "$(openssl x509 -in "$ROOT/etc/haproxy/tls.pem" -noout -pubkey)" \
        "$(openssl pkey -in "$ROOT/etc/haproxy/tls.pem" -pubout)" "as openssl sees it"

# One that cannot be written is told with the remedy, holds nothing up, and follows later.
read_only() { # DIRECTORY COMMAND...: with $ROOT/DIRECTORY read-only, as ProtectHome=read-only has it
        # shellcheck disable=SC2016
        unshare -m bash -c 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && "$@"' "$ROOT/$1" "${@:2}"
}
host v1.28.7/ecdsa-p256
copy_of $ADMIN root/.kube/config
if read_only root true 2>/dev/null; then
        tap_status 75 "a home that is read-only" read_only root "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm run --at="$TEN_DAYS"
        tap_like "$OUTPUT" '^admin.conf: renewed' "the source is renewed"
        tap_is "$(active)" "stale-copy@root-kubeconfig" "the copy has an alarm"
        tap_like "$(jq -r .reason "$ROOT/var/lib/kube-renewd/public/alarms/stale-copy@root-kubeconfig.json")" \
                "'/root/.kube' is read-only here\\.?$" "which names no line that the unit has already"
        tap_status 75 "failure mode 2: another pass" renewd run --at="$TEN_DAYS"
        is_copy "refreshes what was left behind" root/.kube/config $ADMIN
        tap_is "$(active)" "" "and the alarm is gone"

        host v1.28.7/ecdsa-p256
        configure '[copy site]\nSource=admin.conf\nPath=/srv/site/config\n'
        copy_of $ADMIN srv/site/config
        tap_status 0 "a directory that is read-only, and nothing is due" \
                read_only srv/site "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm run --at=2026-12-01T00:00:00Z
        tap_like "$OUTPUT" "'/srv/site/config': '/srv/site' is read-only here; .*'ReadWritePaths=/srv/site' .*config --drop-in" \
                "is told before it matters"
        tap_status 0 "one that is not" renewd run --at=2026-12-01T00:00:00Z
        tap_unlike "$OUTPUT" 'read-only here' "is not"
else
        tap_skip "a home that is read-only" "mounts are not allowed here"
fi

# Homes on another machine that does not answer: a file system of FUSE whose program never says a word.
unanswered() { # DIRECTORY COMMAND...: with one at $ROOT/DIRECTORY
        # shellcheck disable=SC2016
        unshare -m bash -c 'exec {fd}<>/dev/fuse &&
                mount -i -t fuse.dead -o "fd=$fd,rootmode=40000,user_id=0,group_id=0" none "$0" && "$@"' "$ROOT/$1" "${@:2}"
}
host v1.28.7/ecdsa-p256
copy_of $ADMIN home/NEAR/.kube/config
mkdir -p "$ROOT/home/FAR" "$ROOT/net/other"
ln -s ../net/other "$ROOT/home/LINKED"
if unanswered home/FAR true 2>/dev/null; then
        tap_ok "nobody who looks there comes back" \
                bash -c '! timeout 1 "$@"' - unshare -m bash -c "$(declare -f unanswered); unanswered home/FAR ls \"$ROOT/home/FAR\""
        tap_status 75 "a home that does not answer" unanswered home/FAR timeout 100 \
                "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm run --at="$TEN_DAYS"
        tap_like "$OUTPUT" '^/home/NEAR/.kube/config: refreshed$' "holds nobody else up"
        tap_like "$OUTPUT" "^.copy home-kubeconfigs. looks for no copies in '/home/FAR': .*may not answer" "and is told"
        tap_is "$(active)" "" "which is no fault"
        tap_status 0 "one behind a link" unanswered net/other timeout 100 \
                "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm check --at=2027-11-12T00:00:00Z admin.conf
        tap_like "$OUTPUT" "'/net/other': .*may not answer" "is no other"
        tap_unlike "$OUTPUT" "/home/FAR" "and what is not there now is not told"
else
        tap_skip "a home that does not answer" "FUSE is not allowed here"
fi
tap_done

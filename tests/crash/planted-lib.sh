# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# A host on which Mallory owns a directory in which we write, and what must hold whatever he does there. The calling sequence:
#
#     scene                                 a fresh host is $ROOT, all of it due, and two copies of admin.conf
#     mallory "ln -s /victim ..."           as that user, below the root
#     stands TITLE                          one assertion
#
# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

[ -x "$KUBE_RENEWD" ] || tap_skip_all "'$KUBE_RENEWD' is not built"
command -v strace >/dev/null || tap_skip_all "strace is not installed"
[ "$(id -u)" = 0 ] || tap_skip_all "only root can act for two users"
command -v setpriv >/dev/null || tap_skip_all "setpriv is not installed"

MALLORY=1234
state=var/lib/kube-renewd
pki=etc/kubernetes/pki

# scene: everything belongs to root but etcd's certificates and a home, which are Mallory's.
scene() {
        rm -rf "$ROOT"
        host v1.28.7/ecdsa-p256
        mkdir -p "$ROOT/etc/kube-renewd" "$ROOT/srv/mallory/.kube" "$ROOT/srv/mallory/new" "$ROOT/victim"
        cat >"$ROOT/etc/kube-renewd/kube-renewd.conf" <<'END'
[renewal]
RenewBefore=1h
[certificate apiserver]
RenewBefore=15d
[certificate etcd-server]
RenewBefore=15d
[kubeconfig admin.conf]
RenewBefore=15d
[copy mallory]
Source=admin.conf
Path=/srv/mallory/.kube/config
[copy new]
Source=admin.conf
Path=/srv/mallory/new/config
Create=yes
END
        cp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/srv/mallory/.kube/config"
        for file in secret config server.key; do
                echo "of the victim" >"$ROOT/victim/$file"
        done
        chmod 700 "$ROOT/victim"
        chmod 600 "$ROOT/victim"/*
        chown -R $MALLORY:$MALLORY "$ROOT/srv/mallory" "$ROOT/$pki/etcd"
        chmod 755 "$SCRATCH" "$ROOT"
        mkdir -p "$ROOT/var"
        victim=$(victims)
}

# victims: what must stay as it is, to the name and the mode.
victims() {
        (cd "$ROOT" && find victim -printf '%p %M %u:%g %n %i %l\n' | sort && sha256sum victim/*)
}

mallory() {
        setpriv --reuid=$MALLORY --regid=$MALLORY --clear-groups bash -c "cd '$ROOT' && $1" 2>/dev/null
}

# exposed: keys that he can read and that are not in his own directories.
exposed() {
        grep -rlE 'PRIVATE KEY|client-key-data' "$ROOT" 2>/dev/null | grep -vE "^$ROOT/(srv/mallory|$pki/etcd)/" |
                while read -r file; do
                        ! setpriv --reuid=$MALLORY --regid=$MALLORY --clear-groups head -c 1 "$file" >/dev/null 2>&1 || echo "$file"
                done
}

# apart: key and certificate of the API server that do not belong together.
apart() {
        [ "$(openssl x509 -in "$ROOT/$pki/apiserver.crt" -noout -pubkey)" = \
                "$(openssl pkey -in "$ROOT/$pki/apiserver.key" -pubout)" ] || echo apiserver
}

# violations: of what must hold after a pass, whatever he did.
violations() {
        diff <(echo "$victim") <(victims)
        exposed
        apart
        find "$ROOT/etc" "$ROOT/var" "$ROOT/victim" -name '.kube-renewd-*' ! -user $MALLORY
        ls "$ROOT/$state"/transaction.* 2>/dev/null
}

stands() {
        tap_empty "$(violations)" "$1: what is not his stays, whole, and to himself"
}

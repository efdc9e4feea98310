#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Somebody who owns a directory in which we write (etcd's user, a user with a copy of admin.conf) plants links, FIFOs and
# other things there, before a pass and in the middle of it. What is not his stays as it is, none of the files that others
# own waits for him, and no key gets to him but those that are his.

# shellcheck source=tests/crash/planted-lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/crash/planted-lib.sh" || exit 99

# planted TITLE COMMAND: he has done that before the pass.
planted() {
        scene
        mallory "$2"
        tap_like "$(timeout 60 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run 2>/dev/null; echo "ended with $?")" \
                '^ended with (1|75)$' "$1: the pass ends"
        tap_status 0 "$1: what is not his is renewed" renewd check --at="$TEN_DAYS" apiserver admin.conf
        stands "$1"
}

scene
tap_ok "Mallory may not read what is root's" test -z "$(mallory "cat victim/secret $pki/ca.key")"
planted "nothing planted" true
tap_ok "a copy of his follows" cmp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/srv/mallory/.kube/config"
tap_ok "and a new one is made" cmp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/srv/mallory/new/config"

for what in victim/secret "$pki/ca.key" "$pki/apiserver.key" "$state/lock"; do
        planted "a link to /$what as etcd's key" "ln -sf /$what $pki/etcd/server.key"
        planted "a link to /$what as his copy" "ln -sf /$what srv/mallory/.kube/config"
done
planted "a link to another CA's pair" \
        "ln -sf ../apiserver.key $pki/etcd/server.key; ln -sf ../apiserver.crt $pki/etcd/server.crt"
planted "a link to nothing as a new copy" "ln -s /victim/new srv/mallory/new/config"
planted "a directory of a new copy that leads away" "cd srv/mallory; rmdir new; mkdir away; rm -f /victim/config; ln -s /victim new"
planted "one that leads to where nothing is of that name" "cd srv/mallory; rmdir new; ln -s /etc new"
tap_ok "nothing is made there" test ! -e "$ROOT/etc/config"
planted "a directory of his copy that leads away" "cd srv/mallory; mv .kube away; ln -s /victim .kube"
planted "a FIFO as etcd's key" "rm $pki/etcd/server.key; mkfifo $pki/etcd/server.key"
planted "a FIFO as etcd's CA" "rm $pki/etcd/ca.crt; mkfifo $pki/etcd/ca.crt"
planted "FIFOs as his copies" "cd srv/mallory; rm .kube/config; mkfifo .kube/config new/config"
planted "a directory as etcd's certificate" "rm $pki/etcd/server.crt; mkdir $pki/etcd/server.crt"
planted "a link that leads to itself" "ln -sf server.key $pki/etcd/server.key"
planted "a file of 1 GiB" "truncate -s 1G $pki/etcd/server.key"
planted "10001 names beside his" "cd $pki/etcd; seq -f %.0f.crt 10001 | xargs touch"
planted "directories that nobody may enter" "chmod 000 srv/mallory srv/mallory/.kube $pki/etcd"
planted "a link through /proc" "ln -sf /proc/self/fd/0 $pki/etcd/server.key"

# Hard links: the kernel makes none to what is not his (protected_hardlinks), where it has not been told to.
# linked TITLE TARGET PATH...: these names of his are links to that file.
linked() {
        local title=$1 target=$2

        scene
        shift 2
        for path; do
                ln -f "$ROOT/$target" "$ROOT/$path"
        done
        victim=$(victims)
        renewd run --at="$TEN_DAYS" >/dev/null 2>&1
        tap_like "$(timeout 60 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run 2>/dev/null; echo "ended with $?")" \
                '^ended with (0|1|75)$' "$title: the pass ends"
        tap_status 0 "$title: what is not his is renewed" renewd check --at="$TEN_DAYS" apiserver admin.conf
        stands "$title"
}
linked "a hard link to a file of the victim as etcd's key" victim/secret $pki/etcd/server.key
linked "one as his copy" victim/config srv/mallory/.kube/config
linked "one to admin.conf as his copy" etc/kubernetes/admin.conf srv/mallory/.kube/config srv/mallory/new/config
linked "one to the API server's key as etcd's" $pki/apiserver.key $pki/etcd/server.key

# refused TITLE COMMAND: our state is below a directory of his, in which he has done that.
refused() {
        scene
        printf '[agent]\nStateDirectory=/srv/mallory/state\n' >>"$ROOT/etc/kube-renewd/kube-renewd.conf"
        mallory "cd srv/mallory; $2"
        tap_status 1 "$1: the pass fails" timeout 60 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
        tap_like "$OUTPUT" "belongs to user $MALLORY" "$1: and says why"
        tap_ok "$1: with an alarm where he may not write" test -e "$ROOT/$state/public/alarms/renewal-failed@host.json"
        stands "$1"
}

refused "a state directory in his" true
refused "a state directory of his" "mkdir state"
refused "a link in its place" "ln -s /victim state"
refused "a lock that is another file" "mkdir state; ln /etc/kube-renewd/kube-renewd.conf state/lock || ln -s /victim/secret state/lock"
refused "a record of his" "mkdir state; echo '{\"schema_version\":1}' >state/transaction.committed"

# The same for the helper of OnFailure=, which then has only the directory in /run.
for trick in 'ln -s $OLDPWD/victim state/public' 'echo x >state/reported'; do
        scene
        mkdir "$SCRATCH/run"
        mallory "cd srv/mallory; mkdir state; $trick"
        tap_status 0 "the helper of OnFailure= has another place" \
                env STATE_DIRECTORY="$ROOT/srv/mallory/state" RUNTIME_DIRECTORY="$SCRATCH/run" PATH=/nowhere \
                MONITOR_SERVICE_RESULT=oom-kill MONITOR_INVOCATION_ID=x "$BUILDDIR/kube-renewd-failure" kube-renewd.service
        tap_ok "with the alarm" test -e "$SCRATCH/run/alarms/renewal-failed@host.json"
        stands "the helper"
        rm -r "$SCRATCH/run"
done
tap_done

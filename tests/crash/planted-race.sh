#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What planted.sh plants before a pass, planted in the middle of it: the program is stopped between two system calls
# while files are staged, backed up, swapped and cleared away. The quick floor tries some of the places with one of
# the things to plant each; SWEEP=all all of them with each.

# shellcheck source=tests/crash/planted-lib.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/crash/planted-lib.sh" || exit 99

calls=openat,openat2,fchown,fchmod,fchmodat,fsync,renameat,renameat2,unlinkat,mkdirat,linkat
home=srv/mallory
attacks=(
        "ln -s /victim/secret x; mv x $pki/etcd/server.key; ln -s /victim/secret y; mv y $home/.kube/config"
        "cd $home; mv .kube away; ln -s /victim .kube; rmdir new || mv new old; ln -s /victim new"
        "for f in $pki/etcd/.kube-renewd-* $home/*/.kube-renewd-*; do ln -sf /victim/secret \$f; done"
        "for f in $pki/etcd/.kube-renewd-* $home/.kube/.kube-renewd-*; do mv \$f \$f.taken; done"
        "for f in $pki/etcd/server.key $home/.kube/config; do rm \$f; mkfifo \$f; done"
        "cd $pki/etcd; mv server.key x; mv server.crt server.key; mv x server.crt; echo >>peer.crt"
        "cd $pki/etcd; for f in .kube-renewd-*; do rm \$f; mkdir \$f; done; chmod 0 . ../../../../$home"
)

run() {
        "$@" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run >"$SCRATCH/output" 2>&1
}

# stopped: the process that strace has stopped, as soon as it is; nothing if it never will be.
stopped() {
        local pid

        while kill -0 "$tracer" 2>/dev/null; do
                pid=$(sed -n 's/^\([0-9]*\) *--- stopped by SIGSTOP.*/\1/p' "$SCRATCH/calls" 2>/dev/null)
                [ -z "$pid" ] || { echo "$pid"; return; }
                sleep 0.01
        done
}

# raced PLACE COMMAND: he does that when the program has done PLACE of these calls. How it ended is $status.
raced() {
        local pid

        scene
        : >"$SCRATCH/calls"
        run timeout 60 strace -f -o "$SCRATCH/calls" -e trace="$calls" -e "inject=$calls:signal=SIGSTOP:when=$1" &
        tracer=$!
        pid=$(stopped)
        [ -z "$pid" ] || { mallory "$2"; kill -CONT "$pid"; }
        wait $tracer
        status=$?
        [ -n "$pid" ] || status="$status, and was not stopped"
}

# All such calls of a pass that nobody disturbs, and which of them are those of the transaction.
scene
run strace -f -o "$SCRATCH/calls" -e trace="$calls"
mapfile -t lines < <(grep -n "^[0-9]* *[a-z0-9]*(" "$SCRATCH/calls" | cut -d: -f2-)
first=0
for i in "${!lines[@]}"; do
        case ${lines[i]} in
        *.transaction.prepared.new*) [ "$first" != 0 ] || first=$i ;;
        *unlinkat*transaction.committed*) last=$((i + 1)) ;;
        esac
done
tap_like "$first ${last:-0}" '^[1-9][0-9]+ [1-9][0-9]+$' "a transaction is calls $first to ${last:-0} of ${#lines[@]}"

step=8
[ "${SWEEP:-}" != all ] || step=1
tried=0
told=0
for ((place = first; place <= last; place += step)); do
        for attack in "${!attacks[@]}"; do
                [ "${SWEEP:-}" = all ] || [ $((place / step % ${#attacks[@]})) = "$attack" ] || continue
                raced $place "${attacks[attack]}"
                ! grep -qE 'somebody else|is not a regular file|is reached by a link' "$SCRATCH/output" || told=$((told + 1))
                trouble=$(violations 2>&1)
                [[ $status =~ ^(0|1|75)$ ]] || trouble+=" ended with $status"
                mallory "chmod 755 $pki/etcd $home"
                run timeout 60
                trouble+=$(violations 2>&1; renewd check --at="$TEN_DAYS" apiserver admin.conf 2>&1 || echo "not renewed")
                case $trouble in
                *'2 certificates, 0 due: 2 OK'$'\n''Layout: kubeadm') ;;
                *) tap_empty "$trouble" "attack $attack at ${lines[place - 1]}" ;;
                esac
                tried=$((tried + 1))
        done
done
tap_like "$tried" '^[1-9][0-9]+$' "$tried attacks: what is not his stays, whole, and to himself, and the next pass renews it"
tap_like "$told" '^[1-9][0-9]*$' "$told of them were seen and told"

# Without end: nobody else waits for the moment when he rests.
key=$pki/etcd/server.key
for busy in "cp -p $key $key.x; mv $key.x $key" "echo >>$pki/etcd/server.crt" "mv $key $key.y; ln -s /victim/secret $key; mv $key.y $key" \
        "mv $home/.kube $home/k; ln -s /victim $home/.kube; rm $home/.kube; mv $home/k $home/.kube"; do
        scene
        mallory "until [ -e stop ]; do $busy; done" &
        run timeout 60
        touch "$ROOT/stop"
        wait
        tap_ok "while he does '${busy%%[ ;]*} ...' others are renewed" renewd check --at="$TEN_DAYS" apiserver admin.conf
        stands "he is busy"
done
tap_done

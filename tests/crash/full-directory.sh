#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A directory in which nothing can be written (a disk of its own that is full, read-only, or fails) holds up the
# certificates in it, each as a whole, and no other; a full state directory ends the pass with nothing changed.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

[ -x "$KUBE_RENEWD" ] || tap_skip_all "'$KUBE_RENEWD' is not built"
if [ -z "${OWN_MOUNTS:-}" ]; then
        { [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs tmpfs "$SCRATCH" 2>/dev/null; } ||
                tap_skip_all "no file system can be mounted here"
        OWN_MOUNTS=yes unshare -m bash "$0"
        exit $?
fi
state=var/lib/kube-renewd
kubernetes=etc/kubernetes
pki=$kubernetes/pki

plane() {
        host v1.28.7/ecdsa-p256
        mkdir -p "$ROOT/root/.kube"
        cp "$ROOT/$kubernetes/admin.conf" "$ROOT/root/.kube/config"
}

# disk DIRECTORY OPTIONS: what is in it is on a file system of its own.
disk() {
        mkdir -p "$ROOT/$1"
        cp -a "$ROOT/$1" "$SCRATCH/moved"
        mount -t tmpfs -o "$2" tmpfs "$ROOT/$1" || exit 99
        tap_on_exit umount "$ROOT/$1"
        cp -a "$SCRATCH/moved/." "$ROOT/$1"
        rm -r "$SCRATCH/moved"
}

# fill DIRECTORY [KIB]: no room is left there, or so much.
fill() {
        fallocate -l $(((($(df --output=avail -k "$ROOT/$1" | tail -n 1)) - ${2:-0}) * 1024)) "$ROOT/$1/.filler"
}

run() {
        OUTPUT=$(renewd run --at="$TEN_DAYS" 2>&1)
        status=$?
}

# outcomes WORD: names of the certificates with this outcome.
outcomes() {
        sed -n "s/^\([^ :]*\): $1.*/\1/p" <<<"$OUTPUT" | sort | xargs
}

# reason ALARM: why it is raised.
reason() {
        sed -n 's/^  "reason": "\(.*\)",$/\1/p' "$ROOT/$state/public/alarms/$1.json"
}

alarms() {
        (cd "$ROOT/$state/public/alarms" && echo renewal-failed@*)
}

all="admin.conf apiserver apiserver-etcd-client apiserver-kubelet-client controller-manager.conf"
all+=" etcd-healthcheck-client etcd-peer etcd-server front-proxy-client scheduler.conf"
in_etcd="etcd-healthcheck-client etcd-peer etcd-server"
but_etcd="admin.conf apiserver apiserver-etcd-client apiserver-kubelet-client controller-manager.conf"
but_etcd+=" front-proxy-client scheduler.conf"
room="make room on its file system"

# held_up WHAT TEXT: the certificates of etcd are, the others are not.
held_up() {
        tap_is "$status $(outcomes failed)" "1 $in_etcd" "$1: what is in it fails"
        tap_is "$(outcomes renewed)" "$but_etcd" "... and all others are renewed"
        tap_like "$(reason renewal-failed@etcd-server)" "^cannot stage '/$pki/etcd/server\.(crt|key)': $2$" \
                "... the alarm says where, why, and what to do"
        tap_empty "$(mismatched)" "... every pair matches"
}

# made_up WHAT ALARMS: the next pass makes up for it.
made_up() {
        run
        tap_is "$status $(outcomes renewed)" "75 $2" "$1: the next pass renews the rest"
        tap_is "$(alarms)" "renewal-failed@*" "... and the alarms go"
        tap_empty "$(mismatched; leftovers)" "... every pair matches, nothing is left over"
}

# 1. A disk of its own under pki/etcd.
plane
disk $pki/etcd size=1m
fill $pki/etcd
run
held_up "a full directory" "cannot write: No space left on device; $room"
tap_is "$(alarms)" "renewal-failed@${in_etcd// /.json renewal-failed@}.json" "... each has its alarm"
tap_empty "$(leftovers)" "... nothing is left over"
rm "$ROOT/$pki/etcd/.filler"
made_up "it has room again" "$in_etcd"

plane
disk $pki/etcd size=1m,nr_inodes=9
run
held_up "no inode left" "cannot create a file beside it: No space left on device; $room"
mount -o remount,nr_inodes=99 "$ROOT/$pki/etcd"
made_up "it has inodes again" "$in_etcd"

# 2. Not all fits: what does, whole pairs, is renewed.
for kib in 4 24; do
        plane
        disk $pki size=1m
        fill $pki $kib
        run
        tap_is "$status $({ outcomes renewed; outcomes failed; } | xargs -n 1 | sort | xargs)" "1 $all" \
                "$kib KiB left in pki: each certificate is renewed or has failed"
        tap_like "$(outcomes renewed)" "$([ $kib = 4 ] || echo 'apiserver .*')scheduler.conf" "... some are"
        tap_empty "$(mismatched; leftovers)" "... every pair matches, nothing is left over"
done

# 3. The source of a copy, and the copy.
plane
disk root/.kube size=1m
fill root/.kube
run
tap_is "$status $(outcomes renewed)" "75 $all" "a copy in a full directory holds nothing up"
tap_like "$(reason stale-copy@root-kubeconfig)" "'/root/.kube/config': .*No space left on device; $room" "... and is told"
plane
disk $kubernetes size=1m
fill $kubernetes
cp -p "$ROOT/root/.kube/config" "$SCRATCH/config"
run
tap_is "$status $(outcomes renewed)" "1 " "a source in a full directory fails"
tap_ok "... with its copy" cmp "$SCRATCH/config" "$ROOT/root/.kube/config"

# 4. A disk that fails under us.
if command -v strace >/dev/null && strace -qq -o /dev/null -e inject=fsync:error=EIO true 2>/dev/null; then
        while IFS='|' read -r fault call text; do
                plane
                OUTPUT=$(strace -f -qq -o /dev/null -P "$ROOT/$pki/etcd" -e "trace=$call" -e "inject=$call:error=$fault" \
                        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run 2>&1)
                status=$?
                held_up "$fault of every $call there" "$text"
                made_up "the disk works again" "$in_etcd"
        done <<'END'
EDQUOT|fsync|cannot sync its directory: Disk quota exceeded; make room within the quota of its file system
EACCES|openat|cannot create a file beside it: Permission denied; 'journalctl -k' may say what forbids it
EIO|fsync|cannot sync its directory: Input/output error; 'journalctl -k' may say what is wrong with its disk
END
else
        tap_skip "a disk that fails" "strace may not trace here"
fi

# 5. Without our own state nothing can be replaced at all.
plane
disk $state size=1m
fill $state
digests >"$SCRATCH/before"
run
tap_is "$status $(outcomes renewed)" "1 " "a full state directory ends the pass"
tap_empty "$(changed)" "... with nothing changed"
tap_like "$OUTPUT" "pass failed: cannot write '/$state/lock': No space left on device\.$" "... and says why"
rm "$ROOT/$state/.filler"
made_up "it has room again" "$all"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a process gets from whoever starts it, and what others of the same user can see of it: descriptors, signals, a
# reader that goes away, its memory; and that it writes nothing anywhere but below its root.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

[ -x "$KUBE_RENEWD" ] || tap_skip_all "'$KUBE_RENEWD' is not built"
STATE=var/lib/kube-renewd

# renewed TITLE: the API server has a new pair, whole.
renewed() {
        tap_is "$(renewd check --at="$TEN_DAYS" --no-headings --no-legend --columns=status apiserver)" OK "$1"
}

# Descriptors that it inherits, whatever they are.
host v1.28.7/ecdsa-p256
echo "of somebody else" >"$SCRATCH/file"
mkfifo "$SCRATCH/fifo"
tap_status 75 "with descriptors of others a pass ends as ever" bash -c \
        'exec 3<>"$0/file" 4>>"$0/file" 5<>"$0/fifo" 6</ 7</dev/zero 8>&- 9<"$0/file"; "$@"' \
        "$SCRATCH" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
tap_is "$(cat "$SCRATCH/file")" "of somebody else" "and uses none of them"
renewed "but renews"

# Signals that whoever starts it has blocked or ignored: systemd's and cron's children have different ones.
host v1.28.7/ecdsa-p256
tap_status 75 "with every signal ignored a pass ends as ever" env --ignore-signal \
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
renewed "and renews"
host v1.28.7/ecdsa-p256
tap_status 75 "with every signal blocked, too" env --block-signal \
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
renewed "and renews"

# Readers that go away.
host v1.28.7/ecdsa-p256
bash -c '"$@" 2>&1 | :; exit "${PIPESTATUS[0]}"' pipe "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
tap_like "$?" '^(1|75)$' "nobody who reads what it says"
renewed "does not keep a pass from renewing"
tap_empty "$(find "$ROOT" -name '.kube-renewd-*' -o -name 'transaction.*')" "all of it"
tap_ok "its end is in the heartbeat" jq -e .generation "$ROOT/$STATE/public/status.json"

# What it tells whoever has asked to be told.
memory=$BUILDDIR/tests/crash/memory
if [ -x "$memory" ]; then
        host v1.28.7/ecdsa-p256
        cp -R "$ROOT" "$SCRATCH/old"
        python3 -c 'import os, socket, sys
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind(sys.argv[1] + "/notify")
while True:
    with open(sys.argv[1] + "/heard", "ab") as file:
        file.write(heard.recv(65536) + b"\n")' "$SCRATCH" &
        listener=$!
        tap_on_exit kill $listener
        until [ -S "$SCRATCH/notify" ]; do sleep 0.05; done
        NOTIFY_SOCKET=$SCRATCH/notify renewd run --at="$TEN_DAYS" >/dev/null 2>&1
        until grep -q 'STATUS=$' "$SCRATCH/heard" 2>/dev/null; do sleep 0.05; done
        tap_like "$(cat "$SCRATCH/heard")" '^STATUS=.*Issuing certificate' "what it tells by NOTIFY_SOCKET="
        tap_empty "$(grep -avE '^(STATUS=|STOPPING=|READY=|EXTEND_TIMEOUT_USEC=|$)' "$SCRATCH/heard")" "is what it is at, and nothing else"
        tap_ok "without a key" "$memory" "$(printf '%q ' "$SRCDIR/tests/crash/private-numbers" "$ROOT" "$SCRATCH/old")" <"$SCRATCH/heard"
fi

strace -qq -o /dev/null true 2>/dev/null || tap_skip_all "strace is not here, or may not trace"

# What it starts, and to whom it listens. (A build with sanitizers would start and open things of its own.)
host v1.28.7/ecdsa-p256
strace -f -qq -o "$SCRATCH/calls" -e trace=%process,open,openat,openat2,socket,bind,listen,memfd_create,pipe2,dup,dup2,dup3 \
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$EXPIRED" run >/dev/null 2>&1
tap_is "$(grep -cE '^[0-9]+ +(execve|fork|vfork)\(' "$SCRATCH/calls")" 1 "it starts no other program"
tap_empty "$(grep -E '^[0-9]+ +clone' "$SCRATCH/calls" | grep -v CLONE_THREAD)" "and no process"
tap_empty "$(grep -E '^[0-9]+ +(open|socket|memfd|pipe|dup)' "$SCRATCH/calls" | grep -vE 'CLOEXEC| = -1 |"/dev/urandom"')" \
        "and nobody could inherit a descriptor" # jansson's seed: closed at once
tap_empty "$(grep -E '^[0-9]+ +(bind|listen)\(' "$SCRATCH/calls")" "it listens to nobody"
imports=$(nm -D --undefined-only "$KUBE_RENEWD" | sed 's/.* //; s/@.*//')
tap_like "$imports" '^openat$' "what it takes from libraries"
tap_unlike "$imports" '^(exec.*|fork|vfork|posix_spawnp?|system|popen|listen|accept4?|bind)$' "is no way to start a program, or to listen"

# Where it makes names. -y shows where the directory of a relative one is.
host v1.28.7/ecdsa-p256
mkdir -p "$SCRATCH/home" "$ROOT/var/lib"
calls=open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,rename,renameat,renameat2
calls+=,bind,memfd_create,truncate,ftruncate
(cd "$SCRATCH/home" && HOME=$SCRATCH/home TMPDIR=$SCRATCH/home XDG_CACHE_HOME=$SCRATCH/home XDG_RUNTIME_DIR=$SCRATCH/home \
        strace -f -y -qq -s 4096 -o "$SCRATCH/calls" -e trace="$calls" \
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run) >/dev/null 2>&1
made=$(grep -E 'O_CREAT|O_TMPFILE|O_WRONLY|O_RDWR|^[0-9]+ +(creat|mk|link|symlink|rename|bind|truncate|ftruncate)' "$SCRATCH/calls")
tap_like "$made" O_CREAT "names that a pass makes are seen"
tap_empty "$(grep -vE "<$ROOT/(etc/kubernetes|var/lib)|<$ROOT>, \"/(etc/kubernetes|var/lib/kube-renewd)/" <<<"$made" | grep -v '"/dev/null"')" \
        "all are where its files are, and where its state is"
tap_empty "$(find "$ROOT/$STATE" -path "$ROOT/$STATE/public" -prune -o -type f -perm /077 -print)" "what others may read is public"
tap_empty "$(find "$SCRATCH/home" -mindepth 1)" "none where it was started, or in a home"
staged=$(grep -E '"\.kube-renewd-[^"]*", O_' "$SCRATCH/calls")
tap_like "$staged" O_EXCL "new files are made beside their targets"
tap_empty "$(grep -v ', 0600)' <<<"$staged")" "for nobody else from their first byte on"
tap_empty "$(grep -E 'O_(CREAT|WRONLY|RDWR)' "$SCRATCH/calls" | grep -vE 'O_EXCL|[/.]lock"|"/dev/null"')" \
        "and nothing is opened for writing that was there before, but locks"

# Others of the same user. Root can see everything; this is for those who run it without being root.
[ "$(id -u)" = 0 ] || tap_skip_all "only root can act for two users"
command -v setpriv >/dev/null || tap_skip_all "setpriv is not installed"
host v1.28.7/ecdsa-p256
chmod 755 "$SCRATCH" "$ROOT"
chown -R 1234:1234 "$ROOT"
as() { setpriv --reuid=1234 --regid=1234 --clear-groups "$@"; }

# held COMMAND...: runs it as that user until its third call of that name stops it; its PID is $held.
held() {
        held=
        : >"$SCRATCH/calls"
        strace -f -o "$SCRATCH/calls" -e trace=fsync,kill -e inject=fsync,kill:signal=SIGSTOP:when=1 \
                setpriv --reuid=1234 --regid=1234 --clear-groups "$@" >/dev/null 2>&1 &
        tracer=$!
        while kill -0 $tracer 2>/dev/null && [ -z "$held" ]; do
                held=$(sed -n 's/^\([0-9]*\) *--- stopped by SIGSTOP.*/\1/p' "$SCRATCH/calls")
                sleep 0.01
        done
}

# seen: what that user can look at of the process that is held.
seen() {
        local what

        for what in environ maps mem; do
                as head -c 1 "/proc/$held/$what" >/dev/null 2>"$SCRATCH/why"
                grep -q 'Permission denied' "$SCRATCH/why" || echo "$what"
        done
        ! as ls "/proc/$held/fd" >/dev/null 2>&1 || echo fd
}

let_go() {
        kill -CONT "$held"
        wait $tracer
}

held bash -c 'kill -0 $$'
tap_is "$(seen | xargs)" "environ maps mem fd" "a shell of that user shows all of it to him"
let_go
held "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
tap_like "$held" '^[0-9]+$' "the program in the middle of a pass"
tap_is "$(seen | xargs)" "" "shows nothing"
let_go
tap_done

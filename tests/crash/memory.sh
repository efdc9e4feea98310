#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Private keys are in the files where they belong and nowhere else: not in the memory of a process that ends, in
# no core of one that crashes, in nothing that it says, and in no file but targets and backups.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

memory=$BUILDDIR/tests/crash/memory
[ -x "$memory" ] || tap_skip_all "'$memory' is not built"
[ -x "$KUBE_RENEWD" ] || tap_skip_all "'$KUBE_RENEWD' is not built"

# numbers: a command that prints those of every key that this host has or had.
numbers() {
        printf '%q ' "$SRCDIR/tests/crash/private-numbers" "$ROOT" "$SCRATCH/old"
}

# keys VARIANT: a fresh host, and what it had before.
keys() {
        host "$1"
        rm -rf "$SCRATCH/old"
        cp -a "$ROOT" "$SCRATCH/old"
}

# forgets TITLE ARGUMENT...: the program, held at its end, has no private key in its memory.
forgets() {
        local title=$1

        shift
        tap_ok "$title" "$memory" "$(numbers)" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm "$@"
}

# A secret that is there is found, or the rest would mean nothing.
keys v1.28.7/ecdsa-p256
tap_status 1 "a key that a shell has read is found in its memory" \
        "$memory" "$(numbers)" bash -c 'key=$(<"$0"); : "$key"; exit' "$ROOT/etc/kubernetes/pki/ca.key"
tap_like "$OUTPUT" '^ca.key, as PEM, at byte ' "and said to be which, and how"
tap_status 1 "one in a kubeconfig, too" \
        "$memory" "$(numbers)" bash -c 'key=$(<"$0"); : "$key"; exit' "$ROOT/etc/kubernetes/admin.conf"
tap_like "$OUTPUT" '^admin.conf, as base64 of PEM, at byte ' "in its own form"
tap_ok "a shell that has read none has none" "$memory" "$(numbers)" bash -c 'exit'
[ "$(id -u)" = 0 ] || tap_skip_all "only root may look into a process that forbids it"

keys v1.28.7/rsa2048-default
forgets "'renew' leaves no key in memory, none of the old and none of the new, RSA" renew --all --at="$NEW"
tap_like "$OUTPUT" '^apiserver: renewed' "and it has made new ones"
keys v1.28.7/ecdsa-p256
forgets "nor does 'check'" check --at="$NEW"
forgets "nor 'plan'" plan --all --at="$NEW"
forgets "nor 'renew', of another kind" renew --all --at="$NEW"
forgets "nor 'restore'" restore "$(renewd backup list --no-headings | awk '{ print $1; exit }')" --at="$NEW"
tap_like "$OUTPUT" 'apiserver' "which put back the old ones"
forgets "nor 'run'" run --at="$TEN_DAYS"
tap_like "$OUTPUT" '^apiserver: renewed' "which made others"
forgets "nor 'recover'" recover --at="$NEW"
rm -r "${ROOT:?}"/*
forgets "nor 'init'" init --node-name=cp-1 --advertise-address=192.0.2.10
tap_ok "which has made a CA" test -s "$ROOT/etc/kubernetes/pki/ca.key"

# Whoever has preloaded an allocator of his own.
keys v1.28.7/ecdsa-p256
tap_status 75 "a pass works with an allocator that is preloaded, and owes restarts" \
        env LD_PRELOAD=libc_malloc_debug.so.0 MALLOC_CHECK_=3 \
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm renew --all --at="$NEW"
tap_unlike "$OUTPUT" 'free\(\)|malloc|corrupt|cannot be preloaded' "which finds nothing wrong"

# What is written, and where: all calls that write, but those to files that shall have keys.
command -v strace >/dev/null || { tap_skip "what is written" "strace is not installed"; tap_done; }

# said ARGUMENT...: everything that the program wrote elsewhere is $SCRATCH/said, on whatever descriptor.
said() {
        SYSTEMD_LOG_LEVEL=debug GNUTLS_DEBUG_LEVEL=99 strace -f -y -qq -x -s 100000 -o "$SCRATCH/calls" \
                -e trace=write,writev,pwrite64,pwritev,sendto,sendmsg \
                "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm "$@" >/dev/null 2>&1
        grep -vE 'write\([0-9]+<[^>]*/(\.kube-renewd-[^/]*|backups/[^/]*/[0-9]+-[^/]*)>' "$SCRATCH/calls" |
                while read -r line; do printf '%b\n' "$line"; done >"$SCRATCH/said"
}

for variant in v1.28.7/rsa2048-default v1.28.7/ecdsa-p256; do
        keys "$variant"
        said run --at="$TEN_DAYS"
        tap_ok "$variant: what a pass says at its most talkative" grep -aq 'gnutls\[' "$SCRATCH/said"
        tap_ok "$variant: apart from new files, which have keys" grep -aq '/\.kube-renewd-.*PRIVATE KEY' "$SCRATCH/calls"
        tap_ok "$variant: has no private key in it" "$memory" "$(numbers)" <"$SCRATCH/said"
        (cd "$ROOT" && find var -type f ! -path '*/backups/*/[0-9]*-*' -exec cat {} +) >"$SCRATCH/state"
        tap_ok "$variant: nor have status, alarms, ledgers and manifests of backups" "$memory" "$(numbers)" <"$SCRATCH/state"
        tap_empty "$(find "$ROOT" -type f \( -name '*.key' -o -path '*/backups/*' \) -perm /077)" \
                "$variant: what has keys is for its owner alone"
done
tap_status 1 "one that was said would be found" "$memory" "$(numbers)" <"$ROOT/etc/kubernetes/pki/ca.key"

# A crash. strace says whether there was a core, whoever collects it.
crash() {
        (ulimit -c unlimited && cd "$SCRATCH" && strace -f -o "$SCRATCH/end" \
                -e trace="$1" -e "inject=$1:signal=SIGSEGV:when=$2" "${@:3}") >/dev/null 2>&1
        grep -o 'killed by SIGSEGV.*' "$SCRATCH/end" | sort -u
}
keys v1.28.7/ecdsa-p256
if [ "$(crash close 1 /bin/true)" = 'killed by SIGSEGV (core dumped) +++' ]; then
        tap_is "$(crash renameat2 3 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run)" \
                'killed by SIGSEGV +++' "a crash in the middle of a pass writes no core"
else
        tap_skip "a crash writes no core" "nothing writes cores here"
fi
tap_done

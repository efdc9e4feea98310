#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the scripts of the Debian package do to a host without systemd, as dpkg runs them for another root:
# a pass that runs is finished before its program goes, state outlives a removal but no purge, and the PKI
# outlives everything. Under systemd: tests/system/package.sh.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

package=$(ls "$SRCDIR"/build/deb/kube-renewd_*.deb 2>/dev/null) || tap_skip_all "there is no package: './dev deb' makes it"
dpkg-deb -e "$package" "$SCRATCH/control"
root=$SCRATCH/root
state=$root/var/lib/kube-renewd
stamp=$root/var/lib/systemd/timers/stamp-kube-renewd.timer

# script NAME ARGUMENT...: as dpkg would run it. This machine's own services are nobody's business here.
mkdir "$SCRATCH/bin"
for tool in systemctl deb-systemd-invoke deb-systemd-helper; do
        printf '#!/bin/sh\nexit 0\n' >"$SCRATCH/bin/$tool"
done
chmod +x "$SCRATCH"/bin/*
script() {
        env PATH="$SCRATCH/bin:$PATH" DPKG_ROOT="$root" DPKG_MAINTSCRIPT_PACKAGE=kube-renewd "$SCRATCH/control/$1" "${@:2}"
}

# 1. A host that has never seen a pass.
mkdir "$root"
for arguments in "prerm upgrade 1.1.0-1" "prerm remove" "postrm upgrade 1.1.0-1" "postrm remove" "postrm purge"; do
        # shellcheck disable=SC2086 # words
        tap_ok "nothing is there: $arguments" script $arguments
        tap_is "$OUTPUT$(ls "$root")" "" "which says and makes nothing"
done

# 2. A host that has: the lock is where the program has made it, and is the one that the scripts ask for.
tree_make v1.28.7/rsa2048-default "$root"
files() {
        (cd "$root/etc" && find . -type f -exec sha256sum {} +) | sort
}
"$KUBE_RENEWD" --root="$root" run >/dev/null 2>&1
tap_ok "a pass leaves its lock" test -e "$state/lock" || tap_done
mkdir -p "$(dirname "$stamp")" "$root/run/kube-renewd/alarms"
touch "$stamp"
pki=$(files)
tap_ok "a lock that nobody holds is no pass" script prerm remove
tap_is "$OUTPUT" "" "so there is nothing to wait for"
holder=
mkfifo "$SCRATCH/end"
# hold, release: somebody has the lock, nobody has it.
hold() {
        flock "$state/lock" cat "$SCRATCH/end" >/dev/null &
        holder=$!
        while flock --nonblock "$state/lock" true && kill -0 "$holder"; do sleep 0.1; done
}
release() {
        [ -z "$holder" ] || { echo >"$SCRATCH/end" && wait "$holder"; }
        holder=
}
tap_on_exit release
hold
tap_status 75 "the lock is the program's" "$KUBE_RENEWD" --root="$root" recover
tap_like "$OUTPUT" 'holds the lock' "which says so"

# 3. A pass that runs is waited for, but not forever.
pids=()
for action in upgrade remove; do
        script prerm "$action" 1.1.0-1 >"$SCRATCH/$action" &
        pids+=($!)
        until grep -q . "$SCRATCH/$action" 2>/dev/null || ! kill -0 $! 2>/dev/null; do sleep 0.1; done
        tap_like "$(cat "$SCRATCH/$action")" 'waiting until the pass' "prerm $action waits"
done
tap_ok "as long as the pass runs" kill -0 "${pids[@]}"
release
wait "${pids[0]}"
tap_is $? 0 "and goes on then"
wait "${pids[1]}"
tap_is $? 0 "both do"
sed -i 's/^limit=[0-9]*/limit=1/' "$SCRATCH/control/prerm"
hold
tap_ok "a pass that never ends keeps no package" script prerm remove
tap_like "$OUTPUT" 'has not finished, going on' "which is said"
release
limit=$(dpkg-deb -I "$package" prerm | sed -n 's/^limit=\([0-9]*\).*/\1/p')
unit=$(sed -n 's/^TimeoutStartSec=//p' "$SRCDIR/systemd/kube-renewd.service.in")
tap_like "$(systemd-analyze timespan "$unit" 2>&1)" ": ${limit:-?}000000$" "it gets as long as systemd gives it"

# 4. What goes, and when.
tap_ok "removed" script postrm remove
tap_ok "the timer's stamp goes" test ! -e "$stamp"
tap_ok "the state stays" test -e "$state/lock"
touch "$stamp"
tap_ok "purged" script postrm purge
tap_ok "a stamp of later goes, too" test ! -e "$stamp"
tap_empty "$(find "$root/var/lib/kube-renewd" "$root/run/kube-renewd" 2>/dev/null)" "so does the state"
tap_is "$(files)" "$pki" "the PKI is what it was"
tap_done

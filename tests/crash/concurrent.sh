#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T19: passes at the same moment as other passes, as readers of every file, as a server that watches its pair, as an
# editor, and on a disk that is full. (Somebody who writes in the middle of a swap: foreign.sh.)

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

watch=$BUILDDIR/tests/crash/watch
[ -x "$watch" ] || tap_skip_all "'$watch' is not built"
state=var/lib/kube-renewd
pki=etc/kubernetes/pki

# night N: a time at which the certificates of a night before are due again.
night() {
        date -u -d "$TEN_DAYS + $(($1 * 360)) days" +%Y-%m-%dT%H:%M:%SZ
}

# files: all that a pass may replace, and the CAs, which it may not.
files() {
        (cd "$ROOT" && find "$pki" etc/kubernetes/*.conf root -type f ! -name 'sa.*')
}

contents() {
        (cd "$ROOT" && files | xargs sha256sum | sed 's/\([0-9a-f]*\)  \(.*\)/\2 \1/' | sort)
}

# until COMMAND...: it succeeds, within a minute.
until_ok() {
        local end=$((SECONDS + 60))

        until "$@" >/dev/null 2>&1; do
                [ $SECONDS -lt $end ] || return 1
                sleep 0.05
        done
}

plane() {
        host v1.28.7/ecdsa-p256
        mkdir -p "$ROOT/root/.kube"
        cp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/root/.kube/config"
}

# 1. Readers of all files, in a tight loop, and a server that loads its pair whenever it changes.
plane
stop=$SCRATCH/stop
mapfile -t paths < <(files)
(cd "$ROOT" && exec "$watch" read "$stop" "${paths[@]}") >"$SCRATCH/read" &
reader=$!
(cd "$ROOT" && exec "$watch" load "$stop" $pki/apiserver.crt $pki/apiserver.key) >"$SCRATCH/loaded" &
server=$!
until_ok grep -q ready "$SCRATCH/read" "$SCRATCH/loaded"
contents >"$SCRATCH/legal"
for n in 0 1 2 3; do
        renewd run --at="$(night $n)" >"$SCRATCH/output" 2>&1
        tap_is "$? $(grep -c ': renewed, until' "$SCRATCH/output")" "75 10" "T19 night $n renews all under their eyes"
        contents >>"$SCRATCH/legal"
done
final="loaded $(cd "$ROOT" && sha256sum $pki/apiserver.crt $pki/apiserver.key | cut -d' ' -f1 | xargs)"
# shellcheck disable=SC2016 # it is for that shell
tap_ok "T19 the server that watches its pair has the last one" \
        until_ok bash -c '[ "$(tail -n 1 "$0")" = "$1" ]' "$SCRATCH/loaded" "$final"
touch "$stop"
wait $reader $server
tap_empty "$(grep -E '^(missing|empty)' "$SCRATCH/loaded")" "T19 it never found a file missing or empty"
tap_empty "$(grep -E ' missing | 0$' "$SCRATCH/read")" "T19 no reader ever finds a file missing or empty"
tap_empty "$(grep -vE '^(ready|rounds)|missing' "$SCRATCH/read" | cut -d' ' -f1,2 | sort -u | comm -23 - <(sort -u "$SCRATCH/legal"))" \
        "T19 nor any content but the old and the new one, whole"
seen=$(grep -c '[0-9a-f]\{64\}' "$SCRATCH/read")
tap_like "$((seen > ${#paths[@]}))" 1 "T19 they have seen $seen contents of ${#paths[@]} files in $(sed -n 's/^rounds //p' "$SCRATCH/read") rounds"
tap_empty "$(cut -d' ' -f2,3 "$SCRATCH/loaded" | grep -oE '[0-9a-f]{64}' | sort -u |
        comm -23 - <(cut -d' ' -f2 "$SCRATCH/legal" | sort -u))" "T19 nor has the server loaded any other"

# 2. Passes at the same moment.
plane
pids=()
for n in 1 2 3 4 5 6; do
        renewd run --at="$(night 0)" >"$SCRATCH/pass.$n" 2>&1 &
        pids+=($!)
done
statuses=
for pid in "${pids[@]}"; do
        wait "$pid"
        statuses+="$? "
done
tap_is "$statuses" "75 75 75 75 75 75 " "T19 six passes at once: each says 75, for what it owes or for whom it waits"
tap_is "$(cat "$SCRATCH"/pass.* | grep -c ': renewed, until')" 10 "T19 each certificate is renewed once"
tap_is "$(find "$ROOT/$state/backups" -mindepth 1 -maxdepth 1 | wc -l)" 1 "T19 by one of them"
tap_empty "$(mismatched; leftovers)" "T19 every pair matches, and nothing is left over"

# 3. An editor, who never rests. All that he has ever written is in his file or kept.
plane
file=$ROOT/etc/kubernetes/admin.conf
rm -f "$stop"
editor() {
        local n

        for ((n = 1; n <= 10000; n++)); do
                [ ! -e "$stop" ] || break
                echo "$n" >"$SCRATCH/edits"
                sed -i "1i # edit $n." "$file"
                sleep 0.0$((RANDOM % 9 + 1))
        done
}
editor &
editor=$!
until_ok test -s "$SCRATCH/edits"
for n in 0 1 2; do
        timeout 120 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$(night $n)" run >"$SCRATCH/output" 2>&1
        tap_like "$?" '^(1|75)$' "T19 night $n, while somebody edits admin.conf, ends"
        tap_empty "$(mismatched; leftovers)" "T19 every pair matches, and nothing is left over"
        tap_ok "T19 what he does not edit is renewed" renewd check --at="$(night $n)" apiserver scheduler.conf
done
touch "$stop"
wait $editor
edits=$(cat "$SCRATCH/edits")
tap_empty "$(comm -23 <(seq -f '# edit %.0f.' "$edits" | sort) <(cat "$file" "$ROOT/$state"/backups/*/displaced/* 2>/dev/null | grep '^# edit' | sort -u))" \
        "T19 all of his $edits edits are there, or kept"
renewd run --at="$(night 3)" >/dev/null 2>&1
tap_ok "T19 when he rests his file is renewed, too" renewd check --at="$(night 3)" admin.conf
tap_ok "T19 with his last edit in it" grep -q "^# edit $edits\.$" "$file"

# 4. A full disk: no certificate is half there, and the next night makes up for it.
full() {
        local kib=$1 before

        mount -t tmpfs -o size=4m tmpfs "$SCRATCH/disk" || exit 99
        ROOT=$SCRATCH/disk
        cp -a "$SCRATCH/plane/." "$ROOT"
        before=$(contents)
        fallocate -l $((($(df --output=avail -k "$ROOT" | tail -n 1) - kib) * 1024)) "$ROOT/filler"
        renewd run --at="$(night 0)" >"$SCRATCH/output" 2>&1
        echo "$kib: ended with $?, $([ "$before" = "$(contents)" ] && echo old || echo new)"
        mismatched
        leftovers
        rm "$ROOT/filler"
        renewd run --at="$(night 0)" >>"$SCRATCH/output" 2>&1
        echo "$kib: then with $?"
        mismatched
        leftovers
        renewd check --at="$(night 0)" apiserver etcd-server admin.conf >/dev/null || echo "not renewed"
}
plane
mv "$ROOT" "$SCRATCH/plane"
mkdir "$SCRATCH/disk"
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs -o size=4m tmpfs "$SCRATCH/disk" 2>/dev/null; then
        export -f full contents files mismatched leftovers renewd night
        export SCRATCH TEN_DAYS state pki
        for kib in 0 4 16 32 64 96 128 256; do
                OUTPUT=$(unshare -m bash -c "full $kib" 2>&1)
                tap_like "$OUTPUT" "^$kib: ended with (1, old|75, new)$" "with $kib KiB free a pass fails as a whole, or does it all"
                tap_empty "$(grep -v "^$kib: " <<<"$OUTPUT")" "and every pair matches, before and after the next"
        done
else
        tap_skip "a full disk" "no file system can be mounted here"
fi
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check --cached: what the last pass saw, for agents that are nobody: the same in every format, from the
# configuration and public/status.json alone, and an honest "unknown" where those say nothing.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# A pass that could do nothing about the certificates of one CA, on the morning of their last day.
morning=2027-11-21T12:00:00Z
host v1.28.7/rsa2048-default
rm "$ROOT/etc/kubernetes/pki/ca.key"
tap_status 1 "a pass that could not renew all" renewd run --at="$morning"
status=$ROOT/var/lib/kube-renewd/public/status.json

# 1. The same as if it had been read now.
outputs=$("$KUBE_RENEWD" check --help | sed -n 's/^  --output=FORMAT *//p' | tr '|' '\n')
tap_like "$outputs" '^nagios$' "there are formats"
for format in $outputs; do
        renewd check --at="$morning" --output="$format" --columns=all >"$SCRATCH/now"
        expected=$?
        tap_status "$expected" "--cached ends as without it, as $format" \
                renewd check --cached --at="$morning" --output="$format" --columns=all
        tap_is "$OUTPUT" "$(cat "$SCRATCH/now")" "--cached prints the same as $format"
done
tap_status 0 "a name" renewd check --cached --at="$morning" etcd-server --no-headings --no-legend --columns=certificate
tap_is "$OUTPUT" etcd-server "--cached takes names"
tap_status 3 "a name that is none is unknown" renewd check --cached --at="$morning" etcd-sever
tap_like "$OUTPUT" "did you mean 'etcd-server'\?" "and answered with the nearest"
tap_status 1 "thresholds" renewd check --cached --at="$morning" -w 2y: etcd-server
tap_status 2 "and both of them" renewd check --cached --at="$morning" -w 2y: -c 400d: etcd-server

# 2. Time goes on without a pass.
tap_status 1 "before their end" renewd check --cached --at=2027-11-21T23:00:00Z apiserver
tap_like "$OUTPUT" '^apiserver .* 26min 2s +EXPIRING' "what is left is counted to now"
tap_status 2 "T03 what has ended since is critical" renewd check --cached --at=2027-11-22T00:26:02Z
tap_like "$OUTPUT" '^apiserver .* -1h +EXPIRED' "T03 and EXPIRED"
tap_like "$OUTPUT" '^etcd-server .* OK' "the others are as they were"

# What the operator has shelved does not count for a plugin, unless there is more about it; a fault it stays.
cp "$status" "$SCRATCH/status.json"
jq '.shelved = [.alarms[] | select(.resource == "apiserver")] | .alarms -= .shelved' "$SCRATCH/status.json" >"$status"
tap_status 0 "what is shelved does not count" renewd check --cached --at="$morning" --output=nagios apiserver etcd-server
tap_like "$OUTPUT" '^SHELVED: apiserver expires in 11h' "and is listed"
tap_like "$OUTPUT" '^KUBE-RENEWD OK - etcd-server .*, 1 shelved\|' "and counted"
tap_status 1 "a fault stays a fault" renewd check --cached --at="$morning" apiserver
jq '.alarms += [.shelved[0] | .type = "invalid"]' "$status" >"$status.new" && mv "$status.new" "$status"
tap_status 1 "unless there is more about it" renewd check --cached --at="$morning" --output=nagios apiserver
tap_like "$OUTPUT" '^WARNING: apiserver expires in 11h' "and so it counts"
cp "$SCRATCH/status.json" "$status"

# 3. As nobody, where nothing else can be read: no control plane, no layout.
chmod 755 "$SCRATCH" "$ROOT"
program=$SCRATCH/kube-renewd # nobody may be unable to reach the one that was built
cp "$KUBE_RENEWD" "$program" && chmod 755 "$program"
as_nobody() {
        if [ "$(id -u)" = 0 ]; then
                setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
        else
                "$@"
        fi
}
cached() {
        KUBE_RENEWD_LAYOUT_PATH=$SCRATCH/nowhere as_nobody "$program" --root="$ROOT" check --cached --at="$morning"
}
chmod 000 "$ROOT/etc/kubernetes"
tap_status 1 "nobody reads it" cached
tap_like "$OUTPUT" '^apiserver .* EXPIRING' "and all of it"
tap_status 3 "nobody reads nothing without it" as_nobody "$program" --root="$ROOT" check --at="$morning"
chmod 755 "$ROOT/etc/kubernetes"
rm -r "$ROOT/etc/kubernetes"
tap_status 1 "and none of what it was read from" cached
if [ "$(id -u)" != 0 ] || ! command -v strace >/dev/null; then
        tap_skip "nothing else is opened" "needs root and strace"
else
        # Only descriptors of ours are directories below which something is opened.
        ASAN_OPTIONS=detect_leaks=0 strace -f -qq -e trace=openat2 -o "$SCRATCH/trace" \
                "$KUBE_RENEWD" --root="$ROOT" check --cached --at="$morning" >/dev/null 2>&1
        tap_like "$(cat "$SCRATCH/trace")" 'public/status\.json' "the trace shows what is opened"
        tap_empty "$(grep -v 'kube-renewd/kube-renewd\.conf\|public/status\.json' "$SCRATCH/trace")" "nothing else is opened"
fi
find "$ROOT" -type f -exec sha256sum {} + | sort >"$SCRATCH/files"
cached >/dev/null
tap_is "$(find "$ROOT" -type f -exec sha256sum {} + | sort)" "$(cat "$SCRATCH/files")" "nothing is written"

# 4. The configuration says where.
mkdir -p "$ROOT/srv/agent" "$ROOT/etc/kube-renewd"
mv "$ROOT/var/lib/kube-renewd/public" "$ROOT/srv/agent"
printf '[agent]\nStateDirectory=/srv/agent\nLayout=none-that-is-installed\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 1 "StateDirectory= is followed" cached
printf '[agent]\nStateDirectory=agent\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 3 "a configuration that cannot be used is unknown" cached
tap_like "$OUTPUT" 'kube-renewd.conf:2: StateDirectory=' "and named with its place"
rm "$ROOT/etc/kube-renewd/kube-renewd.conf"
mv "$ROOT/srv/agent/public" "$ROOT/var/lib/kube-renewd"

# 5. What says nothing is unknown, in one sentence that says what, where and what to do.
unknown() {
        local title=$1

        shift
        tap_status 3 "$title is unknown" renewd check --cached "$@"
        tap_like "$OUTPUT" "^kube-renewd: '/var/lib/kube-renewd/public/status.json' .*; (look at|set) |the next pass writes it anew" "$title is said"
        tap_is "$(wc -l <<<"$OUTPUT")" 1 "$title: one sentence"
        tap_status 3 "$title is unknown to a plugin" renewd check --cached --output=nagios "$@"
        tap_like "$OUTPUT" "^KUBE-RENEWD UNKNOWN - '/var/lib/kube-renewd/public/status.json' " "$title: a plugin's line"
}
tap_status 2 "the last second of valid_until" renewd check --cached --at=2027-11-23T18:00:00Z
unknown "a passed valid_until" --at=2027-11-23T18:00:01Z
tap_like "$OUTPUT" 'was valid until 2027-11-23T18:00:00Z' "and when it passed"
unknown "a status of the future" --at=2026-01-01
cp "$status" "$SCRATCH/status.json"
head -c 1000 "$SCRATCH/status.json" >"$status"
unknown "half a status" --at="$morning"
jq 'del(.certificates[3].status)' "$SCRATCH/status.json" >"$status"
unknown "a status without a member" --at="$morning"
tap_like "$OUTPUT" "certificate 4: its 'status' is missing" "and which"
rm "$status"
unknown "a missing status" --at="$morning"
tap_done

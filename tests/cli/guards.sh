#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Guards: a clock that cannot be right, a certificate renewed over and over, nights without a pass, a
# lock that is never released. Each fault is made, seen in everything that tells it, and removed.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

STATE=var/lib/kube-renewd
PKI=etc/kubernetes/pki

# calm_host: no manifests, so that nothing is owed, and no certificate that the kubelet renews.
calm_host() {
        host v1.36.0/ecdsa-p256
        rm "$ROOT/etc/kubernetes/kubelet.conf"
        digests >"$SCRATCH/before"
}

# told TYPE RESOURCE SEVERITY: by $OUTPUT, which is what a pass printed and logged, by its file, by
# alarms, and by status and metrics.
told() {
        local file=$ROOT/$STATE/public/alarms/$1@$2.json said=$OUTPUT

        tap_like "$OUTPUT" "^Alarm $1 of '$2' \\($3\\): " "$1@$2 is an event"
        tap_is "$(jq -r '"\(.type)@\(.resource) \(.severity)"' "$file")" "$1@$2 $3" "$1@$2 is a file"
        tap_ok "$1@$2 has a reason and says what to do" \
                jq -e '.text != "" and .reason != "" and .repair_action != ""' "$file"
        renewd alarms >"$SCRATCH/alarms"
        tap_like "$(cat "$SCRATCH/alarms")" "^$3 +$1 +$2 " "$1@$2 is listed"
        if [ "$1@$2" != postponed@host ]; then # the other pass reports
                tap_ok "$1@$2 is in the status" jq -e --arg type "$1" --arg resource "$2" \
                        '.alarms | any(.type == $type and .resource == $resource)' "$ROOT/$STATE/public/status.json"
                tap_like "$(cat "$ROOT/$STATE/public/kube-renewd.prom")" \
                        "^kube_renewd_alarm\{type=\"$1\",resource=\"$2\",severity=\"$3\",.*\} 1$" "$1@$2 is a metric"
        fi
        OUTPUT=$said
}

# gone TYPE RESOURCE: told to be cleared in $OUTPUT, and no alarm at all is left.
gone() {
        tap_like "$OUTPUT" "^Alarm $1 of '$2' cleared: " "that $1@$2 is cleared is an event"
        tap_is "$(ls "$ROOT/$STATE/public/alarms")" "" "$1@$2 has no file, nor has any other"
        tap_is "$(jq '.alarms | length' "$ROOT/$STATE/public/status.json")" 0 "$1@$2 is not in the status"
        tap_unlike "$(cat "$ROOT/$STATE/public/kube-renewd.prom")" '^kube_renewd_alarm' "nor in the metrics"
}

# clock-implausible: the clock has been set back behind the last pass.
calm_host
tap_status 0 "a night" renewd run --at=2027-11-01
tap_status 75 "failure mode 30: a night long before the last one" renewd run --at=2027-01-01
tap_like "$OUTPUT" "^Certificate pass postponed: the clock says 2027-01-01T00:00:00Z, and the last pass was at \
2027-11-01T00:00:00Z \('/var/lib/kube-renewd/public/status.json'\)\.$" "failure mode 30: names both times"
told clock-implausible host major
for verb in "renew apiserver" "renew --all" "renew --dry-run" "init"; do
        # shellcheck disable=SC2086 # words
        tap_status 75 "failure mode 32: $verb is no success then" renewd $verb --at=2027-01-01
        tap_like "$OUTPUT" "^kube-renewd: the clock says .*: nothing is written until the clock is right" \
                "$verb says why"
done
tap_status 75 "the night after" renewd run --at=2027-01-02
tap_is "$(jq -r .count "$ROOT/$STATE/public/alarms/clock-implausible@host.json")" 4 "each pass has counted it"
tap_is "$(jq -r .last_run "$ROOT/$STATE/public/status.json")" 2027-11-01T00:00:00Z "the last pass is still the last one"
tap_is "$(changed)" "" "nothing was written"
tap_status 0 "recovery does not wait for it" renewd recover --at=2027-01-02
tap_status 0 "the clock is set" renewd run --at=2027-11-02
gone clock-implausible host
tap_is "$(changed)" "" "and nothing was due"

# The clock itself. Under faketime the sanitizer is not the first library.
calm_host
if command -v faketime >/dev/null; then
        export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
        tap_status 75 "failure mode 30: a clock that starts with the epoch" \
                faketime -f '2001-01-01 00:00:00' "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm run
        tap_like "$OUTPUT" "the clock says 2001-01-01T00:00:0[0-9]Z, and this program was made at 20" \
                "failure mode 30: it is before the program"
        told clock-implausible host major
        tap_is "$(changed)" "" "and nothing was written"
        tap_status 0 "it is set" faketime -f '2027-06-01 00:00:00' \
                "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm run
        gone clock-implausible host
        unset ASAN_OPTIONS
else
        tap_skip "failure mode 30: a clock that starts with the epoch" "faketime is not installed"
fi

# missed-run: weeks without a pass.
calm_host
tap_status 0 "the first night of all" renewd run --at=2027-03-01
tap_status 0 "failure mode 17: a night two weeks later" renewd run --at=2027-03-15
told missed-run host minor
tap_like "$OUTPUT" "the last pass came to its end at 2027-03-01T00:00:00Z, 14d before this one" \
        "failure mode 17: since when is said"
tap_status 0 "failure mode 17: the next night" renewd run --at=2027-03-16
gone missed-run host
tap_is "$(changed)" "" "nothing was written"

# postponed: the lock is held, and time runs out.
calm_host
mkdir -p "$ROOT/$STATE"
exec 9>"$ROOT/$STATE/lock"
flock 9
tap_status 75 "failure mode 15: the lock is held, and there is time" renewd run --at=2027-11-15
tap_like "$OUTPUT" "^Certificate pass postponed: .* holds the lock " "failure mode 15: that is an event"
tap_is "$(ls "$ROOT/$STATE")" lock "failure mode 15: and no alarm"
tap_status 75 "failure mode 15: another night, little time is left" renewd run --at=2027-11-20T12:00:00Z
told postponed host major
tap_like "$OUTPUT" "Reason: .* holds the lock '/$STATE/lock'; '[a-z.-]+' expires 2027-11-2" "failure mode 15: who ends is said"
tap_is "$(changed)" "" "nothing was written"
exec 9>&-
tap_status 0 "failure mode 15: the lock is free" renewd run --at=2027-11-20T12:15:00Z
gone postponed host
tap_is "$(changed | grep -c crt)" 7 "and what was due is renewed"
digests >"$SCRATCH/before"
tap_status 75 "failure mode 30: no backup is restored before it was made" \
        renewd restore "$(ls "$ROOT/$STATE/backups")" --at=2027-01-01
tap_like "$OUTPUT" "begins 2027-11-20T12:10:00Z \('/$STATE/history.json'\): nothing is written until" \
        "failure mode 30: what was issued since is named"
tap_is "$(changed)" "" "nothing was written"

# postponed: an upgrade that does not end, while time runs out.
calm_host
mkdir -p "$ROOT/etc/kube-renewd" "$ROOT/run"
printf '[renewal]\nUpgradeMarker=/run/other /run/upgrade\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
touch "$ROOT/run/upgrade"
tap_status 0 "T35 an upgrade is running, and nothing is due" renewd run --at=2027-11-06
tap_unlike "$OUTPUT" postponed "T35 nothing waits for it then"
tap_status 75 "T35 an upgrade is running, and there is time" renewd run --at=2027-11-08
tap_like "$OUTPUT" "^Certificate pass postponed: this host is being upgraded: '/run/upgrade' is there\.$" "T35 that is an event"
tap_is "$(ls "$ROOT/$STATE/public/alarms")" "" "T35 and no alarm"
for verb in "renew apiserver" "renew --all" renew; do
        # shellcheck disable=SC2086 # words
        tap_status 75 "T35 $verb waits, too" renewd $verb --at=2027-11-08
        tap_like "$OUTPUT" "^kube-renewd: this host is being upgraded: '/run/upgrade' is there: nothing is begun until" \
                "T35 $verb says why"
done
tap_status 0 "T35 a dry run writes nothing anyway" renewd renew --dry-run --at=2027-11-08
tap_status 75 "T35 the last moment at which it can wait" renewd run --at=2027-11-19T00:56:36Z
tap_like "$(jq -r .reason "$ROOT/$STATE/public/alarms/expiring@apiserver.json")" "being upgraded" \
        "T35 that it is overdue is an alarm, which says why"
tap_is "$(changed | grep -c crt)" 0 "T35 nothing was written"
tap_status 0 "T35 at the limit the pass goes ahead" renewd run --at=2027-11-20
told postponed host major
tap_is "$(changed | grep -c crt)" 7 "T35 what is due is renewed"
rm "$ROOT/run/upgrade"
tap_status 0 "T35 the upgrade is over" renewd run --at=2027-11-21
gone postponed host

# It cannot be told.
calm_host
mkdir -p "$ROOT/etc/kube-renewd"
printf '[renewal]\nUpgradeMarker=/loop/upgrade\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
ln -s loop "$ROOT/loop"
tap_status 75 "T35 failure mode 14: nobody can tell" renewd run --at=2027-11-08
tap_like "$OUTPUT" "postponed: whether this host is being upgraded cannot be told: .*'/loop/upgrade'" "T35 failure mode 14: that is said"
tap_status 0 "T35 failure mode 14: at the limit that holds nobody up" renewd run --at=2027-11-20
tap_is "$(changed | grep -c crt)" 7 "T35 failure mode 14: what is due is renewed"
tap_status 75 "T35 a backup is not restored meanwhile" renewd restore "$(ls "$ROOT/$STATE/backups")" --at=2027-11-20
tap_like "$OUTPUT" "nothing is begun" "T35 and that is said"

# renewal-loop: another program writes the old files back.
calm_host
mkdir "$SCRATCH/old"
cp -p "$ROOT/$PKI/"apiserver.* "$SCRATCH/old"
for hour in 1 2 3; do
        tap_status 0 "pass $hour" renewd run --at="2027-11-20T0$hour:00:00Z"
        tap_like "$OUTPUT" '^apiserver: renewed' "failure mode 43: it renews"
        cp -p "$SCRATCH/old/"* "$ROOT/$PKI"
done
tap_status 1 "failure mode 43: the fourth pass of one day" renewd run --at=2027-11-20T04:00:00Z
tap_like "$OUTPUT" "^apiserver: postponed: it was renewed 3 times in 24 hours and is due again \(expires in 1d .*\): \
left alone until 2027-11-21T01:00:00Z" "failure mode 43: it stops"
told renewal-loop apiserver major
told postponed apiserver major
tap_ok "nothing is written" cmp "$ROOT/$PKI/apiserver.crt" "$SCRATCH/old/apiserver.crt"
tap_status 1 "failure mode 43: and what a person does not name" renewd renew --at=2027-11-20T05:00:00Z
tap_status 0 "a person who names it is heard" renewd renew apiserver --at=2027-11-20T06:00:00Z
tap_ok "the alarm outlives that" test -e "$ROOT/$STATE/public/alarms/renewal-loop@apiserver.json"
tap_is "$(ls "$ROOT/$STATE/public/alarms")" renewal-loop@apiserver.json "and no other does"
tap_status 0 "a day later" renewd run --at=2027-11-21T07:00:00Z
gone renewal-loop apiserver
# A clock that was ahead for one night: what it has dated is not valid yet, and must not stay so.
calm_host
tap_status 0 "a night with a clock that is half a year ahead" renewd renew --all --at=2027-06-01
tap_status 75 "failure mode 30: the clock is set back" renewd run --at=2026-12-01
tap_like "$OUTPUT" "if it is right already, 'kube-renewd run --trust-clock' goes ahead" "failure mode 30: what to do is said"
tap_like "$(jq -r .repair_action "$ROOT/$STATE/public/alarms/clock-implausible@host.json")" \
        "'kube-renewd run --trust-clock'" "failure mode 30: by the alarm, too"
tap_status 2 "failure mode 30: a pass that a person asks for has no such option" \
        renewd renew --trust-clock --at=2026-12-01
tap_status 75 "failure mode 30: nor does saying so to one pass open the way for others" renewd run --at=2026-12-01
tap_status 0 "failure mode 30: somebody vouches for it" renewd run --trust-clock --at=2026-12-01
tap_like "$OUTPUT" "^Alarm clock-implausible of 'host' cleared: " "failure mode 30: its alarm is gone"
tap_status 0 "failure mode 30: from then on it is believed" renewd run --at=2026-12-01T01:00:00Z
tap_ok "T09: what is not valid yet has its alarm" test -e "$ROOT/$STATE/public/alarms/invalid@apiserver.json"
tap_status 0 "T09: a person renews it, though it ends earlier then" renewd renew --all --at=2026-12-01T02:00:00Z
tap_is "$(ls "$ROOT/$STATE/public/alarms")" "" "and all is well"
tap_status 0 "failure mode 30: for good" renewd run --at=2026-12-02

tap_done

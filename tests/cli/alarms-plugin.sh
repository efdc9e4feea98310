#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# alarms where an answer is not certain: where no pass has looked for long, where the configuration cannot be
# used; and as a monitoring plugin.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

STATE=var/lib/kube-renewd

configure() {
        mkdir -p "$ROOT/etc/kube-renewd"
        printf '%b' "$1" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# sources: the alarms as files, in status.json and in the metrics.
sources() {
        find "$ROOT/$STATE/public/alarms" -type f -printf '%f\n' 2>/dev/null | sed 's/[.]json$//' | sort | xargs
        jq -r '.alarms[] | "\(.type)@\(.resource)"' "$ROOT/$STATE/public/status.json" | sort | xargs
        sed -n 's/^kube_renewd_alarm{type="\([^"]*\)",resource="\([^"]*\)",.*/\1@\2/p' \
                "$ROOT/$STATE/public/kube-renewd.prom" | sort | xargs
}

# plugin STATUS REGEX ARG...: the first line, and nothing on stderr.
plugin() {
        local status=$1 regex=$2

        shift 2
        tap_status "$status" "'$*' ends with $status" renewd alarms --output=nagios "$@"
        tap_like "$(head -n 1 <<<"$OUTPUT")" "^KUBE-RENEWD $regex" "'$*' says so"
        tap_empty "$(renewd alarms --output=nagios "$@" 2>&1 >/dev/null)" "'$*' is silent on stderr"
        tap_empty "$(tail -n +2 <<<"$OUTPUT" | grep -F '|')" "'$*' has performance data on its first line only"
}

# 1. Where nobody looks, that there is no alarm says nothing.
late=2027-12-31
host v1.28.7/ecdsa-p256
tap_status 3 "no pass has ever looked" renewd alarms
tap_like "$OUTPUT" "^kube-renewd: '/$STATE/public/status.json' is missing: .*; look at" "is said, and what to do"
tap_like "$OUTPUT" '^0 active alarms known$' "and no more than that"
tap_status 3 "as JSON" renewd alarms --output=json
plugin 3 "UNKNOWN - '/$STATE/public/status.json' is missing"
renewd run --at="$NEW" >/dev/null 2>&1
tap_status 0 "a pass has looked" renewd alarms --at="$NEW"
plugin 0 "OK - no alarm, last run $NEW\|'alarms'=0" --at="$NEW"
tap_status 3 "none has for long" renewd alarms --at="$late"
tap_like "$OUTPUT" 'was valid until 2026-12-03T06:00:00Z: no pass has seen the certificates since' "is said"
plugin 3 "UNKNOWN - .*was valid until" --at="$late"
tap_is "$(wc -l <<<"$OUTPUT")" 1 "once"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
        chmod 711 "$SCRATCH" "$ROOT"
        nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups "$KUBE_RENEWD" --root="$ROOT" alarms)
        tap_status 0 "nobody sees it" "${nobody[@]}" --at="$NEW"
        tap_status 3 "nor does he see that nobody looks for fine" "${nobody[@]}" --at="$late"
else
        tap_skip "nobody sees it" "only root can become nobody"
fi

# What is known counts all the same.
host v1.28.7/ecdsa-p256
rm "$ROOT/etc/kubernetes/pki/etcd/ca.crt"
configure '[alarms]\nShelve=restart-owed@*\n'
renewd run --at="$TEN_DAYS" >/dev/null 2>&1
tap_status 2 "alarms, and nobody looks" renewd alarms --at="$late"
tap_like "$OUTPUT" '^[0-9]+ active alarms known$' "those are known"
tap_like "$OUTPUT" '^kube-renewd: .* was valid until' "and that is said"
plugin 2 'CRITICAL - 10 alarms: .* \(major\), 3 shelved\|' --at="$late"
tap_like "$(tail -n 1 <<<"$OUTPUT")" 'was valid until' "it is the last line"

# 2. As a plugin.
plugin 2 'CRITICAL - 10 alarms: ' --at="$TEN_DAYS"
golden alarms.nagios "all of it"

# 3. A configuration that cannot be used is an alarm, wherever one looks; and gone when it is.
host v1.28.7/ecdsa-p256
configure ''
renewd run --at="$NEW" >/dev/null 2>&1
tap_is "$(sources | xargs)" "" "no alarm"
cp "$ROOT/$STATE/public/status.json" "$SCRATCH/before"
configure '[renewal]\nRenewBefore=soon\n'
tap_status 78 "a night with a bad value" renewd run --at=2026-12-02
tap_is "$(sources | xargs)" "config-invalid@host config-invalid@host config-invalid@host" "file, status and metrics agree"
tap_is "$(jq -c 'del(.alarms, .generation)' "$ROOT/$STATE/public/status.json")" \
        "$(jq -c 'del(.alarms, .generation)' "$SCRATCH/before")" "nothing else in the status is new"
tap_status 2 "it is listed" renewd alarms --at=2026-12-02
tap_like "$OUTPUT" '^major +config-invalid +host ' "with its severity"
tap_like "$OUTPUT" '^kube-renewd: /etc/kube-renewd/kube-renewd.conf:2: .*soon' "and what is wrong is said"
plugin 2 'CRITICAL - 1 alarm: config-invalid of host \(major\)\|' --at=2026-12-02
tap_status 0 "the cache is what it was" renewd check --cached --at=2026-12-02
configure '[agent\nnonsense\n'
tap_status 0 "a line that is none blinds nobody" renewd check --cached --at=2026-12-02
tap_status 2 "nor hides the alarm" renewd alarms --at=2026-12-02
configure ''
tap_status 0 "a night without it" renewd run --at=2026-12-03
tap_is "$(sources | xargs)" "" "all of them are empty again"
tap_status 0 "no alarm" renewd alarms --at=2026-12-03

# Where the state is need not be what is wrong.
configure '[agent]\nStateDirectory=/srv/agent\n'
tap_status 0 "a night elsewhere" renewd run --at=2026-12-03
configure '[agent]\nStateDirectory=/srv/agent\nLayout=%%\n'
tap_status 78 "a bad layout" renewd run --at=2026-12-04
tap_is "$(jq -r '.alarms[].type' "$ROOT/srv/agent/public/status.json")" config-invalid "its alarm is where the status is"
tap_status 2 "and listed" renewd alarms --at=2026-12-04
configure '[agent]\nStateDirectory=agent\n'
tap_status 3 "where that is not known either" renewd alarms --at=2026-12-04
tap_like "$OUTPUT" 'kube-renewd.conf:2: StateDirectory=agent' "nothing is known"
tap_status 78 "a night with it" renewd run --at=2026-12-04
tap_status 2 "has its alarm in the default place" renewd alarms --at=2026-12-04
configure '[agent]\nStateDirectory=/srv/agent\n'
tap_status 0 "a night without" renewd run --at=2026-12-05
tap_is "$(sources | xargs)" "" "forgets it there, too"
tap_is "$(jq -r '.alarms[].type' "$ROOT/srv/agent/public/status.json")" "" "and here"
tap_done

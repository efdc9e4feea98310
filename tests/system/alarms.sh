#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of every type of alarm, each on a host of its own: the fault is made; a pass ends as it should,
# and leaves file, journal entry and metric; a reboot, a second fault and a run that cannot run at all
# change nothing about it; the fault is removed, and its alarm goes, and nothing else.
#
# The outer part boots a systemd on a copy of this host twice, with the same /scenes, and counts what the
# inner part ("first" and "second" boot) says. tests/system/alarm-faults.sh has the faults.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

# lives: every type, in the order of the manual: TYPE RESOURCE STATUS-OF-THE-RUN
lives() {
        lifecycle renewal-failed apiserver 1
        lifecycle restart-owed web 75
        lifecycle rolled-back web 1
        lifecycle expiring apiserver 1
        lifecycle expired apiserver 1
        lifecycle ca-expiring front-proxy-ca 0
        lifecycle ca-expired front-proxy-ca 1
        lifecycle ca-limited front-proxy-client 1
        lifecycle externally-managed-expiring apiserver 1
        lifecycle invalid apiserver 1
        lifecycle foreign-change apiserver 0
        lifecycle postponed host 75
        lifecycle pending-csr apiserver 75
        lifecycle loopback-certificate web 75
        lifecycle kubelet-rotation-stuck kubelet.conf 0
        lifecycle stale-copy root-kubeconfig 0
        lifecycle config-invalid host 78
        lifecycle clock-implausible host 75
        lifecycle renewal-loop apiserver 1
        lifecycle missed-run host 0
        lifecycle ca-rotation-unfinished front-proxy 0
}

# --- inside -----------------------------------------------------------------------------------------------

# active: the active alarms of this host, "TYPE@RESOURCE", sorted.
active() {
        (cd "$STATE/public/alarms" 2>/dev/null && find . -name '*.json' | sed 's,^\./,,; s,[.]json$,,' | sort | xargs)
}

# alarm FILTER: of the alarm that this life is about.
alarm() {
        jq -r "$1" "$STATE/public/alarms/$TYPE@$RESOURCE.json"
}

# samples: the alarms among the metrics, "TYPE@RESOURCE", sorted.
samples() {
        sed -n 's/^kube_renewd_alarm{\(.*\)} 1$/\1/p' "$STATE/public/kube-renewd.prom" 2>/dev/null |
                sed 's/^type="\([^"]*\)",resource="\([^"]*\)",.*shelved="false".*/\1@\2/' | sort | xargs
}

# told EVENT: how often this boot's journal tells it of this alarm, in this life.
told() {
        local id

        id=$(sed -n "s/^#define EVENT_$1 *\"\(.*\)\"/\1/p" "$SRCDIR/src/renew/event/events.h")
        journalctl --sync
        journalctl -q -o json --since "@$begin" "MESSAGE_ID=$id" "ALARM_TYPE=$TYPE" "ALARM_RESOURCE=$RESOURCE" | wc -l
}

# everything: digests of all files of this host but the state.
everything() {
        (cd "$ROOT" && find . -path ./var/lib/kube-renewd -prune -o -name 'state*' -prune -o -type f -exec sha256sum {} + | sort -k 2)
}

# call STEP: the function of that step for this type, else the ordinary one.
call() {
        local name=${1}_${TYPE//-/_}

        declare -F "$name" >/dev/null || name=$1
        "$name"
}

# passed STATUS DESCRIPTION: a night's run.
passed() {
        tap_status "$1" "$TYPE: $2" env SYSTEMD_LOG_TARGET=journal "${WRAP[@]}" "$KUBE_RENEWD" "${HOW[@]}" run "${WHEN[@]}"
}

first_boot() {
        call scene
        passed 0 "a healthy host"
        tap_is "$(active)" "" "$TYPE: no alarm"
        everything >"$ROOT/state.files"
        begin=$(date +%s.%N)
        call fault
        call during
        passed "$STATUS" "the run ends with $STATUS"
        tap_like " $(active) " " $TYPE@$RESOURCE " "$TYPE: the file is there"
        tap_is "$(alarm .count)" 1 "$TYPE: raised once"
        tap_is "$(told ALARM_RAISED)" 1 "$TYPE: the journal tells"
        tap_is "$(samples)" "$(active)" "$TYPE: and the metrics say the same"
        tap_unlike "$("$KUBE_RENEWD" "${HOW[@]}" alarms "${WHEN[@]}" >/dev/null; echo $?)" '^[03]$' "$TYPE: 'alarms' is not content"
        active >"$ROOT/state.first"
        sha256sum "$STATE/public/alarms"/* >>"$ROOT/state.first"
}

second_boot() {
        local others created before

        call during
        tap_is "$(active; sha256sum "$STATE/public/alarms"/*)" "$(cat "$ROOT/state.first")" "$TYPE: a reboot changes no byte"

        # A second fault beside it, and a run that does not even start.
        created=$(alarm .time_created)
        others=$(active)
        begin=$(date +%s.%N)
        if ! passes_by; then
                call second_fault
                passed "${SECOND_STATUS:-$STATUS}" "a second fault"
                [ "$BLIND" ] || others="$others $SECOND" # a pass that does not look sees nothing else
                tap_is "$(active)" "$(xargs -n 1 <<<"$others" | sort | xargs)" "$TYPE: both are there"
                tap_is "$(alarm '"\(.time_created) \(.count)"')" "$created 2" "$TYPE: the first as before, counted"
                tap_is "$(told ALARM_RAISED)" 0 "$TYPE: and not told again"
        fi
        before=$(active; sha256sum "$STATE/public/alarms"/*)
        (
                ulimit -v 10000
                exec "$KUBE_RENEWD" "${HOW[@]}" run "${WHEN[@]}"
        ) >/dev/null 2>&1
        tap_unlike $? '^(0|1|75|78)$' "$TYPE: a run that cannot run at all"
        tap_is "$(active; sha256sum "$STATE/public/alarms"/*)" "$before" "$TYPE: leaves every alarm as it is"

        # The fault is removed, then the other one.
        WRAP=()
        call mend # which may have its own
        passed "${SECOND_STATUS:-$MENDED}" "the fault is removed"
        if ! passes_by; then
                tap_is "$(active)" "$LEFT$SECOND" "$TYPE: its alarm is gone, and no other"
        fi
        tap_is "$(told ALARM_CLEARED)" 1 "$TYPE: the journal tells that, too"
        tap_is "$(samples)" "$(active)" "$TYPE: and the metrics"
        if ! passes_by; then
                call second_mend
                passed "$MENDED" "the other one is removed"
        fi
        tap_is "$(active)" "${LEFT% }" "$TYPE: no alarm is left"
        tap_is "$(samples)" "${LEFT% }" "$TYPE: nor a metric of one"
        [ "$LEFT" ] || tap_status 0 "$TYPE: 'alarms' is content" "$KUBE_RENEWD" "${HOW[@]}" alarms "${WHEN[@]}"
        tap_empty "$(diff "$ROOT/state.files" <(everything) | sed -n 's/^> [0-9a-f]*  //p' | grep -vxF -- "$MAY_CHANGE")" "$TYPE: nothing else has changed"
}

# lifecycle TYPE RESOURCE STATUS
lifecycle() {
        TYPE=$1 RESOURCE=$2 STATUS=$3
        ROOT=/scenes/$TYPE STATE=$ROOT/var/lib/kube-renewd
        HOW=(--root="$ROOT" --layout=kubeadm) WHEN=() WRAP=()
        MAY_CHANGE='' SECOND_STATUS='' BLIND='' MENDED=0 LEFT=''
        call host
        "${BOOT}_boot"
}

if [ -n "${1:-}" ]; then
        BOOT=$1
        # shellcheck source=tests/system/alarm-faults.sh
        . "$SRCDIR/tests/system/alarm-faults.sh" || exit 99
        systemctl -q start dbus.socket
        lives
        tap_done
fi

# --- outside ----------------------------------------------------------------------------------------------

# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99
host_tree

FAKETIME_LIBRARY=$(find /usr/lib -name libfaketime.so.1 -print -quit)
[ -n "$FAKETIME_LIBRARY" ] || tap_skip_all "libfaketime is not installed"
mkdir -p "$TREE/scenes" "$TREE/etc/systemd/system"
. "$SRCDIR/tests/system/alarm-faults.sh" || exit 99
services "$TREE"

# What the inner part needs goes along: a checkout below /tmp is not seen in there.
inside=/alarms
mkdir -p "$TREE$inside"/{tests/system,src/renew/event,etc}
cp "$SRCDIR/tests/tap.sh" "$TREE$inside/tests"
cp "$SRCDIR"/tests/system/alarm{s,-faults}.sh "$TREE$inside/tests/system"
cp "$SRCDIR/src/renew/event/events.h" "$TREE$inside/src/renew/event"
cp -R "$SRCDIR/etc/layouts" "$TREE$inside/etc"
cp "$KUBE_RENEWD" "$TREE$inside"

# boots NAME: its results are ours.
boots() {
        local line said

        said=$("$TESTBED" systemd -d "$TREE" -k scenes env SRCDIR=$inside BUILDDIR=$inside KUBE_RENEWD=$inside/kube-renewd \
                FAKETIME_LIBRARY="$FAKETIME_LIBRARY" bash $inside/tests/system/alarms.sh "$1" 2>&1)
        while read -r line; do
                case $line in
                'ok '*) tap_result 0 "${line#ok * - }" ;;
                'not ok '*) tap_result 1 "${line#not ok * - }" ;;
                '#'*) echo "$line" ;;
                esac
        done <<<"$said"
        tap_like "$said" '^1\.\.[1-9]' "the $1 boot came to its end" || tap_note "$(tail -n 5 <<<"$said")"
}

boots first
boots second
tap_done

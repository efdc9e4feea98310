#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What systemd does behind a run: only what is unfinished is tried again, and not for ever; what failed is
# an alarm at once; what a killed run left is mended behind it; a disk that cannot be written changes
# nothing. (What else can end a run: tests/system/failure.sh.)

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree

# 1. The installed tree; certificates that are due, and one service that uses one of them.
host_install
host_certificates '-25 days' --validity=30d --ca-validity=10y
host_config test <<'END'
[agent]
Layout=kubeadm
[component web]
Unit=web.service
Uses=/etc/kubernetes/pki/apiserver.crt
END
host_unit web.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
END
# As it waits for the kubelet: that it comes after a unit does not keep it from restarting it.
host_unit kube-renewd.service.d/order.conf <<'END'
[Unit]
After=web.service
END

# 2. Tries. The numbers of the unit are made small, what is done with them is systemd's.
host_script tries <<'END'
. /host || exit 99
small=('[Service]' 'RestartSec=1' '[Unit]' 'StartLimitBurst=4')
systemctl start dbus.socket web.service
systemctl daemon-reload

# story NAME: how it ended, and what was told.
story() {
        echo "$1.result=$(show Result) $(show ExecMainStatus) $(show ActiveState)"
        echo "$1.retries=$(show NRestarts)"
        echo "$1.alarms=$(ls $state/public/alarms 2>/dev/null | xargs)"
        echo "$1.reason=$(member $failed reason)"
        echo "$1.repair=$(member $failed repair_action)"
        echo "$1.count=$(member $failed count)"
}
gave_up() { [ -e "$failed" ] && is_over; }

# a. Somebody holds the lock, and does not let go of it.
drop_in "${small[@]}"
mkdir -p $state && chmod 711 $state
exec 9>>$state/lock
flock 9
systemctl start $unit 2>/dev/null
wait_for gave_up
story limit
echo "limit.tries=$(events "$EVENT_PASS_POSTPONED")"
echo "limit.told=$(events "$EVENT_ALARM_RAISED" ALARM_TYPE=renewal-failed)"
exec 9>&-
old=$(show MainPID web.service)
systemctl start $unit
echo "limit.mended=$? $(show Result) $(ls $state/public/alarms | wc -l)"
[ "$(show MainPID web.service)" = "$old" ] || echo "limit.web=$(show ActiveState web.service)"

# b. The window of tries that began during the day is not over when the timer starts the next one.
mkdir -p /run/systemd/system/kube-renewd.timer.d
printf '%s\n' '[Timer]' OnCalendar= OnActiveSec=100ms RandomizedDelaySec=0 AccuracySec=1ms \
        >/run/systemd/system/kube-renewd.timer.d/soon.conf
drop_in '[Service]' 'RestartSec=100ms' '[Unit]' 'StartLimitBurst=2'
exec 9>>$state/lock
flock 9
systemctl start $unit 2>/dev/null
wait_for gave_up
exec 9>&-
summaries=$(events "$EVENT_PASS_SUMMARY")
systemctl start kube-renewd.timer
wait_for test ! -e "$failed"
wait_for is_over
echo "night.result=$(show Result) $(ls $state/public/alarms | wc -l) $(($(events "$EVENT_PASS_SUMMARY") - summaries))"
systemctl stop kube-renewd.timer

# c. Stopped by a person or a package: before it holds the signal, and when it has files to finish.
# stopped NAME COMMAND: while the service is this one.
stopped() {
        drop_in '[Service]' 'ExecStart=' "ExecStart=$2"
        rm -f /run/begun
        systemctl start --no-block $unit
        wait_for test -e /run/begun
        systemctl stop $unit
        wait_for is_over
        echo "$1.result=$(show ActiveState) $(ls $state/public/alarms | wc -l)"
}
printf '#!/bin/bash\ntrap "echo \$INVOCATION_ID >%s; exit 75" TERM\ntouch /run/begun\nwhile :; do sleep 0.1; done\n' \
        $state/reported >/etc/unfinished
chmod +x /etc/unfinished
stopped killed "+/bin/sh -c 'touch /run/begun; exec sleep infinity'"
stopped held +/etc/unfinished
systemctl reset-failed $unit

# d. Failed for good: nothing is tried again.
drop_in "${small[@]}"
mv $state/owed /run/owed 2>/dev/null
touch $state/owed
systemctl start $unit 2>/dev/null
wait_for is_over
story failed
rm $state/owed
mv /run/owed $state/owed 2>/dev/null
start
printf '#!/bin/sh\ntouch /run/in-hook\nsleep infinity\n' >/etc/hook
chmod +x /etc/hook
printf '[renewal]\nValidity=2y\n[hooks]\nPreRenew=/etc/hook\n[certificate apiserver]\nExtraSANs=new.example.org\n' \
        >/etc/kube-renewd/kube-renewd.conf.d/hook.conf
for signal in SEGV KILL; do
        rm -f /run/in-hook
        systemctl reset-failed 'kube-renewd*' 2>/dev/null
        systemctl start --no-block $unit
        wait_for test -e /run/in-hook
        systemctl kill -s $signal --kill-who=main $unit
        wait_for is_over
        story $signal
        systemctl stop 'kube-renewd-hook-*'
done
END

# 3. What a run leaves that is killed among the swaps, and a disk that cannot be written.
host_script swaps <<'END'
. /host || exit 99
systemctl start dbus.socket
systemctl daemon-reload
cp -a /etc/kubernetes /run/pristine

# pristine: certificates that are due, and nothing that an earlier scene left.
pristine() {
        systemctl stop $unit 2>/dev/null
        rm -rf /etc/kubernetes/* $state/*
        cp -a /run/pristine/. /etc/kubernetes
}
content() { (cd /etc/kubernetes && find . -type f ! -name filler -exec sha256sum {} + | sort); }

# killed NAME LINE...: a run that is killed there, with these lines in the unit.
killed() {
        local name=$1

        shift
        pristine
        drop_in '[Service]' "$@" 'SystemCallFilter=@debug' 'ExecStart=' \
                "ExecStart=/usr/bin/strace -f -o /dev/null -e trace=renameat2 -e inject=renameat2:signal=KILL:when=4 $program run"
        before=$(events "$EVENT_TRANSACTION_RECOVERED")
        start
        echo "$name.ended=$(show Result) $(show ExecMainStatus)"
        echo "$name.unpaired=$(unpaired | wc -l)"
        echo "$name.staged=$(find /etc/kubernetes -name '.*' -type f | wc -l)"
        echo "$name.told=$(($(events "$EVENT_TRANSACTION_RECOVERED") - before))"
        echo "$name.reason=$(member $failed reason)"
}

# well NAME
well() {
        drop_in '[Unit]'
        systemctl start web.service
        start
        echo "$1.well=$(show Result) $(show ExecMainStatus) $(ls $state/public/alarms | wc -l) $(unpaired | wc -l)"
}

killed behind
well behind
killed alone ExecStopPost=
well alone
printf '#!/bin/sh\necho "[renewal" >/etc/kube-renewd/kube-renewd.conf.d/zz.conf\n' >/etc/break
chmod +x /etc/break
printf '[hooks]\nPreRenew=/etc/break\n' >/etc/kube-renewd/kube-renewd.conf.d/hook.conf
killed broken
rm /etc/kube-renewd/kube-renewd.conf.d/{hook,zz}.conf
well broken

# cannot NAME: a run on such a disk.
cannot() {
        content >/run/before
        start
        echo "$1.ended=$(show ExecMainStatus) $(show NRestarts)"
        echo "$1.alarm=$(cat $state/public/alarms/renewal-failed@*.json | sed -n 's/^  "reason": //p' | xargs -d '\n')"
        content | cmp -s /run/before && echo "$1.files=same"
        echo "$1.staged=$(find /etc/kubernetes -name '.*' -type f | wc -l)"
}
mount -t tmpfs -o size=1m,mode=755 tmpfs /etc/kubernetes
pristine
cat /dev/zero >/etc/kubernetes/filler 2>/dev/null
cannot full
rm /etc/kubernetes/filler
well full
pristine
mount -o remount,ro /etc/kubernetes
cannot readonly
mount -o remount,rw /etc/kubernetes
well readonly
END

# tries TITLE: the facts of the last boot.
tries() {
        tap_is "$(fact limit.tries)" 4 "$1: what is unfinished is tried again" || tap_note "$FACTS"
        tap_is "$(fact limit.result)" "success 0 inactive" "$1: as often as the start limit says"
        tap_is "$(fact limit.alarms) $(fact limit.told) $(fact limit.count)" "renewal-failed@host.json 1 1" \
                "$1: then it is an alarm, and not before"
        tap_like "$(fact limit.reason)" "still unfinished after its last try, and is not tried again before its timer starts it" "$1: which says so"
        tap_like "$(fact limit.repair)" "then run 'systemctl start kube-renewd.service'" "$1: and what to do"
        tap_is "$(fact limit.mended)" "0 success 0" "$1: then it starts, and the alarm goes"
        tap_is "$(fact limit.web)" active "$1: a unit that it comes after is restarted"
        tap_is "$(fact night.result)" "success 0 1" "$1: and so it does by the timer, within the same interval"
        tap_is "$(fact killed.result)" "inactive 0" "$1: a stop is no fault, also where it kills"
        tap_is "$(fact held.result)" "failed 0" "$1: or leaves work for the next pass"
        tap_is "$(fact failed.result)" "exit-code 1 failed" "$1: what has failed"
        tap_is "$(fact failed.alarms)" "renewal-failed@host.json" "$1: is an alarm at once"
        tap_like "$(fact SEGV.result)" "^(signal|core-dump) 11 failed" "$1: a crash"
        tap_like "$(fact SEGV.reason)" "killed by signal SEGV" "$1: is an alarm at once, too"
        tap_is "$(fact KILL.result)" "signal 9 failed" "$1: and a kill"
        tap_like "$(fact KILL.reason)" "killed by signal KILL" "$1: just so"
        tap_is "$(fact failed.retries) $(fact SEGV.retries) $(fact KILL.retries)" "0 0 0" "$1: without another try"
        tap_is "$(fact timeout)" "" "$1: nothing had to be waited for too long"
}

host_boot /tries
tries "this systemd"
if "$TESTBED" systemd -r trixie true >/dev/null 2>&1; then
        FACTS=
        host_boot -r trixie /tries
        tries "systemd 257"
else
        tap_skip "systemd 257" "there is no root of Debian 13"
fi

FACTS=
if strace -o /dev/null true 2>/dev/null; then
        host_boot /swaps
        tap_is "$(fact behind.ended)" "signal 9" "T36 a run that is killed among the swaps" || tap_note "$FACTS"
        tap_is "$(fact behind.unpaired) $(fact behind.staged) $(fact behind.told)" "0 0 1" "T36 is recovered behind it"
        tap_like "$(fact behind.reason)" 'killed by signal KILL' "T36 and told all the same"
        tap_like "$(fact alone.unpaired) $(fact alone.staged) $(fact alone.told)" '^[1-9][0-9]* [1-9][0-9]* 0$' \
                "T36 without ExecStopPost= it would stay"
        tap_is "$(fact broken.unpaired) $(fact broken.staged) $(fact broken.told)" "0 0 1" \
                "T36 a configuration that breaks meanwhile is not in its way"
        for scene in behind alone broken; do
                tap_is "$(fact $scene.well)" "success 0 0 0" "T36 $scene: the next run is well"
        done
        tap_is "$(fact full.ended) $(fact full.files) $(fact full.staged)" "1 0 same 0" \
                "failure mode 7: a full disk changes no file"
        tap_like "$(fact full.alarm)" 'No space left' "failure mode 7: and is an alarm"
        tap_is "$(fact readonly.ended) $(fact readonly.files) $(fact readonly.staged)" "1 0 same 0" "nor does one that is read-only"
        tap_like "$(fact readonly.alarm)" 'is read-only' "and is an alarm, too"
        tap_is "$(fact full.well) / $(fact readonly.well)" "success 0 0 0 / success 0 0 0" "both end with their cause"
        tap_is "$(fact timeout)" "" "nothing had to be waited for too long"
else
        tap_skip "T36 killed among the swaps" "strace is not installed or not allowed"
fi
tap_done

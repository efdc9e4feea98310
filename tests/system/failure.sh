#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The dead-man's switch under a real systemd: whatever ends a run before it could report, or keeps it from
# starting, leaves an alarm, a journal entry and a metric; what has reported itself gets nothing more; and
# the next run that comes to its end clears all of it.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
! grep -Eq '^SANITIZE = .+' "$BUILDDIR/Makefile" ||
        tap_skip_all "a sanitizer catches the signals that this test sends"

# 1. The installed tree, and certificates that are due; no component runs, so that nothing is owed.
host_install
host_config test <<<$'[agent]\nLayout=kubeadm'
host_certificates '-25 days' --validity=30d --ca-validity=10y

# 2. What is done inside; each case prints facts, "case.name=value".
cat >"$TREE/functions" <<'END'
. /host || exit 99
helper=kube-renewd-failure@$unit.service

content() { find /etc/kubernetes -type f -exec sha256sum {} + | sort; }
entries() { events "$1" ALARM_TYPE=renewal-failed ALARM_RESOURCE=host; }
no_drop_in() { drop_in '[Unit]'; }

# kill_one SIGNAL: in the middle of a run, while it waits for its hook.
kill_one() {
        rm -f /run/in-hook
        systemctl reset-failed 'kube-renewd*' 2>/dev/null
        systemctl start --no-block $unit
        wait_for test -e /run/in-hook
        systemctl kill -s "$1" --kill-who=main $unit
        wait_for is_over
        systemctl stop 'kube-renewd-hook-*'
}

# fault NAME COMMAND...: what the command leaves behind, on a host on which nothing was wrong.
fault() {
        local name=$1 dir=${directory:-$state/public/alarms} before raised

        shift
        before=$(content) raised=$(entries "$EVENT_ALARM_RAISED")
        "$@"
        echo "$name.reason=$(member "$dir/renewal-failed@host.json" reason)"
        echo "$name.count=$(member "$dir/renewal-failed@host.json" count)"
        echo "$name.entries=$(($(entries "$EVENT_ALARM_RAISED") - raised))"
        echo "$name.samples=$(grep -c '^kube_renewd_alarm{type="renewal-failed",resource="host",' $state/public/kube-renewd.prom)"
        echo "$name.helper=$(show Result $helper)"
        [ "$before" = "$(content)" ] && echo "$name.files=same"
        look
        echo "$name.exit=$?"
        echo "$name.listed=$(grep -c 'renewal-failed  *host' /run/list)"
        ls $state/public/alarms >/run/others 2>/dev/null
        echo "$name.others=$(grep -v renewal-failed@host /run/others | xargs)"
}

# look: `kube-renewd alarms`, whatever has become of the installed program and its configuration.
look() {
        cp "$program" /run/look && chmod +x /run/look && : >/run/empty
        /run/look --config=/run/empty --layout=kubeadm alarms --no-headings --no-legend >/run/list
}

# well NAME: a run with nothing in its way.
well() {
        start
        echo "$1.well=$(show Result) $(show ExecMainStatus)"
        echo "$1.left=$(find $state/public/alarms /run/kube-renewd -name '*.json' 2>/dev/null | xargs)"
        echo "$1.samples-left=$(grep -c '^kube_renewd_alarm{' $state/public/kube-renewd.prom)"
}
END

host_script inside <<'END'
. /functions || exit 99
systemctl daemon-reload
systemctl start dbus.socket

# a. A run that cannot run at all, on a host where none has ever run.
chmod -x "$program"
fault missing start
chmod +x "$program"
printf '#!/bin/sh\ntouch /run/in-hook\nsleep infinity\n' >/etc/hook
chmod +x /etc/hook
printf '[hooks]\nPreRenew=/etc/hook\n' >/etc/kube-renewd/kube-renewd.conf.d/hook.conf

# b. Killed in the middle, again and again: one alarm that counts.
fault killed kill_one KILL
fault crashed kill_one SEGV
drop_in '[Service]' 'TimeoutStartSec=1'
fault late start
systemctl stop 'kube-renewd-hook-*'
no_drop_in
rm /etc/kube-renewd/kube-renewd.conf.d/hook.conf
well killed

# c. What systemd or the loader cannot do.
drop_in '[Service]' 'ReadWritePaths=/nowhere'
fault sandbox start
no_drop_in
well sandbox
drop_in '[Service]' 'LimitAS=8M'
fault memory start
drop_in '[Unit]' 'Requires=broken.service' 'After=broken.service'
printf '[Service]\nType=oneshot\nExecStart=/bin/false\n' >/run/systemd/system/broken.service
systemctl daemon-reload
fault needs start
drop_in '[Unit]' 'JobTimeoutSec=2' 'After=unready.service'
printf '[Service]\nType=notify\nTimeoutStartSec=infinity\nExecStart=/bin/sleep infinity\n' >/run/systemd/system/unready.service
systemctl daemon-reload
systemctl start --no-block unready.service
fault unready start
systemctl stop unready.service
no_drop_in
well needs

# d. What reports itself: failed, configuration, lock held.
mv $state/owed /run/owed 2>/dev/null
touch $state/owed
fault itself start
echo "itself.status=$(show ExecMainStatus)"
rm $state/owed
mv /run/owed $state/owed 2>/dev/null
well itself
echo '[renewal' >/etc/kube-renewd/kube-renewd.conf.d/broken.conf
fault config start
echo "config.status=$(show ExecMainStatus)"
rm /etc/kube-renewd/kube-renewd.conf.d/broken.conf
well config
exec 9>>$state/lock
flock 9
fault locked start
echo "locked.status=$(show ExecMainStatus)"
exec 9>&-
systemctl stop $unit
well locked

# e. No room, and no writing at all, where the report should be.
mkdir /run/saved
cp -a $state/. /run/saved
mount -t tmpfs -o size=256k,mode=711 tmpfs $state
cp -a /run/saved/. $state
cat /dev/zero >$state/filler 2>/dev/null
directory=/run/kube-renewd/alarms
fault full start
echo "full.status=$(show ExecMainStatus)"
rm $state/filler
well full
mount -o remount,ro $state
fault readonly start
umount $state
well readonly
unset directory
echo "end.leftover=$(find $state/public /run/kube-renewd -name '.*' -type f | xargs)"
echo "end.failed=$(systemctl --failed --no-legend 'kube-renewd*' | wc -l)"

# f. A fault, and then a reboot.
chmod -x "$program"
fault reboot start
END

host_script after-reboot <<'END'
. /functions || exit 99
systemctl daemon-reload
look
echo "before.exit=$?"
echo "before.listed=$(grep -c 'renewal-failed  *host' /run/list)"
created=$(member $failed time_created)
drop_in '[Service]' 'ReadWritePaths=/nowhere'
fault rebooted start
[ "$(member $failed time_created)" = "$created" ] && echo "rebooted.since=same"
no_drop_in
well rebooted
echo "rebooted.cleared=$(entries "$EVENT_ALARM_CLEARED")"
END
host_boot -k var/lib/kube-renewd /inside
host_boot /after-reboot

# raised CASE COUNT REASON TITLE [SAMPLES]: alarm, journal, metric; and nothing else has changed.
raised() {
        local name=$1

        tap_like "$(fact "$name.reason")" "^\"kube-renewd.service $3" "$4: the alarm says so"
        tap_is "$(fact "$name.count") $(fact "$name.entries") $(fact "$name.samples")" "$2 1 ${5:-1}" \
                "$4: alarm, journal and metric have it"
        tap_is "$(fact "$name.listed") $(fact "$name.exit")" "1 2" "$4: it is listed, and critical"
        tap_is "$(fact "$name.files") '$(fact "$name.others")' $(fact "$name.helper")" "same '' success" \
                "$4: nothing else has changed"
}

# cleared CASE TITLE
cleared() {
        tap_is "$(fact "$1.well") '$(fact "$1.left")' $(fact "$1.samples-left")" "success 0 '' 0" \
                "$2: a run that is well clears it"
}

tap_is "$(fact timeout)" "" "nothing had to be waited for too long" || tap_note "$FACTS"
raised missing 1 'could not be started .exit status 203/EXEC' "a run that cannot run at all"
raised killed 2 'was killed by signal KILL before it could report' "failure mode 32: a run that is killed"
raised crashed 3 'was killed by signal SEGV before it could report' "a run that crashes"
raised late 4 'took too long' "a run that does not end"
cleared killed "four failures"
raised sandbox 1 'could not be started .exit status 226/NAMESPACE: the sandbox' "a sandbox that cannot be made"
cleared sandbox "a sandbox"
raised memory 1 'could not be started .exit status 127' "no memory for the libraries"
raised needs 2 'was not started: a unit that it needs failed' "a unit that is needed"
raised unready 3 'was not started: a unit that it needs failed or came too late' "a unit that never gets ready"
cleared needs "memory and units"

tap_is "$(fact itself.count) $(fact itself.entries) $(fact itself.listed)" "1 1 1" \
        "what has reported itself is not said twice"
tap_unlike "$(fact itself.reason)" 'kube-renewd.service (ended|was|could)' "and in its own words"
tap_is "$(fact config.listed) $(fact config.entries) $(fact config.others)" "0 0 config-invalid@host.json" \
        "nor what has an alarm of its own"
for name in itself config; do
        tap_is "$(fact $name.files) $(fact $name.helper)" "same success" "$name: nothing else has changed"
        cleared $name "$name"
done
tap_is "$(fact itself.status) $(fact config.status)" "1 78" "failure mode 32: the exit status says which"
tap_is "$(fact locked.status) '$(fact locked.reason)' $(fact locked.entries) $(fact locked.listed)" "75 '' 0 0" \
        "a run that is tried again raises nothing by itself"
cleared locked "a lock"

tap_is "$(fact full.status)" 1 "failure mode 7: a report that does not fit on the disk has failed"
raised full 1 'ended with status 1 and could not write its report' "a full disk" 0
cleared full "a full disk"
tap_like "$(fact readonly.reason)" '^"kube-renewd.service ' "a read-only disk: the alarm is elsewhere"
tap_is "$(fact readonly.entries) $(fact readonly.listed) $(fact readonly.exit)" "1 1 2" \
        "a read-only disk: journal and list have it"
cleared readonly "a read-only disk"
tap_is "$(fact end.leftover) $(fact end.failed)" " 0" "no temporary file is left, no unit has failed"

raised reboot 1 'could not be started .exit status 203/EXEC' "before a reboot"
tap_is "$(fact before.exit) $(fact before.listed)" "2 1" "the alarm outlives a reboot"
tap_is "$(fact rebooted.count) $(fact rebooted.since)" "2 same" "a second fault is one more of the same"
cleared rebooted "after a reboot"
tap_is "$(fact rebooted.cleared)" 1 "and the journal has its end"

# What may be missing when the program cannot start must not be needed by the helper.
if grep -Eq '^SANITIZE = .+' "$BUILDDIR/Makefile"; then
        tap_skip "kube-renewd-failure needs libc alone" "sanitizers bring libraries of their own"
else
        tap_empty "$(ldd "$BUILDDIR/kube-renewd-failure" | grep -Ev '^[[:space:]]*(linux-(vdso|gate)|libc|/lib[^ ]*/ld-[^ ]*)[.]')" \
                "kube-renewd-failure needs libc alone"
fi
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guards of the installed service, in its sandbox under a real systemd: what it is told there of the
# clock, of the boot and of who holds its lock.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

testbed=${TESTBED:-$SRCDIR/tests/system/bed/testbed}
reason=$("$testbed" check --host 2>&1) || tap_skip_all "the test bed cannot run here: $reason"
command -v systemd-nspawn >/dev/null || tap_skip_all "systemd-container is not installed"

# 1. The installed tree; every certificate ends within two days. No component runs: nothing is owed.
tree=$SCRATCH/tree
tap_ok "everything is installed" make -s -C "$BUILDDIR" install DESTDIR="$tree"
mkdir -p "$tree/etc/kubernetes" "$tree/etc/kube-renewd/kube-renewd.conf.d"
printf '[agent]\nLayout=kubeadm\n' >"$tree/etc/kube-renewd/kube-renewd.conf.d/test.conf"
tap_ok "certificates are there" "$KUBE_RENEWD" --root="$tree" --layout=kubeadm \
        --at="$(date -u -d '-28 days' +%FT%TZ)" init --node-name=cp-1 --advertise-address=192.0.2.10 \
        --validity=30d --ca-validity=10y
rm -rf "${tree:?}/var"

# 2. What is done inside; each line is a fact, "name=value".
cat >"$tree/inside" <<'END'
#!/bin/bash
state=/var/lib/kube-renewd
public=$state/public

# start NAME: one run, how it ended, its alarms, and how many certificates it renewed.
start() {
        local since

        since=$(date +%s.%N)
        systemctl stop kube-renewd.service 2>/dev/null
        systemctl reset-failed kube-renewd.service 2>/dev/null
        systemctl start kube-renewd.service 2>/dev/null
        echo "$1.status=$(systemctl show -P ExecMainStatus kube-renewd.service)"
        echo "$1.alarms=$(ls $public/alarms 2>/dev/null | xargs)"
        journalctl --sync
        echo "$1.renewed=$(journalctl -q -o cat --since="@$since" -u kube-renewd.service \
                MESSAGE_ID=7c0683027e384cdcb22ab5d58522d546 | wc -l)"
}
reason() { echo "$1.reason=$(sed -n 's/^  "reason": "\(.*\)",*$/\1/p' "$public/alarms/$2@host.json")"; }
last_run() { printf '{"last_run": "%s"}\n' "$(date -u -d "$1" +%FT%TZ)" >$public/status.json; }

systemctl daemon-reload
systemctl start dbus.socket
mkdir -p $public && chmod 711 $state
flock $state/lock sleep infinity &
until ! flock -n $state/lock true; do sleep 0.1; done
start locked
reason locked postponed
echo "holder=$(pgrep -fx 'sleep infinity' | xargs) $!"
kill $! $(pgrep -fx 'sleep infinity')
wait

last_run '+2 days'
start future
reason future clock-implausible
last_run '-40 days'
start jump
reason jump clock-implausible

# The host was off for as long as nothing ran.
last_run '-20 days'
start off
END
chmod +x "$tree/inside"
facts=$("$testbed" systemd -d "$tree" /inside 2>&1)

fact() {
        sed -n "s/^$1=//p" <<<"$facts"
}

tap_is "$(fact locked.status) $(fact locked.renewed)" "75 0" "failure mode 15: another program holds the lock" || tap_note "$facts"
tap_is "$(fact locked.alarms)" postponed@host.json "failure mode 15: that is an alarm, as little time is left"
tap_like "$(fact locked.reason)" "^process [0-9]+ \((flock|sleep)\) holds the lock '/var/lib/kube-renewd/lock'; '.*' expires " \
        "failure mode 15: which says who holds it"
read -r -a holders <<<"$(fact holder)"
tap_like " ${holders[*]} " " $(fact locked.reason | sed -n 's/^process \([0-9]*\) .*/\1/p') " "and that is true"

tap_is "$(fact future.status) $(fact future.renewed)" "75 0" "failure mode 30: a clock before the last pass"
tap_is "$(fact future.alarms)" "clock-implausible@host.json postponed@host.json" "failure mode 30: is an alarm"
tap_is "$(fact jump.status) $(fact jump.renewed)" "75 0" "failure mode 30: a clock that nobody keeps, far beyond the last pass"
tap_like "$(fact jump.reason)" "after the last pass .* is not synchronised$" "failure mode 30: timedated is asked"

tap_is "$(fact off.status) $(fact off.renewed)" "0 11" "failure mode 17: a host that was off for weeks renews what is due"
tap_is "$(fact off.alarms)" expiring@kubelet.conf.json "failure mode 17: and has missed nothing (the kubelet has)"
tap_done

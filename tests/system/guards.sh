#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The guards of the installed service, in its sandbox under a real systemd: what it is told there of the
# clock, of the boot and of who holds its lock.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree

# 1. The installed tree; every certificate ends within two days. No component runs: nothing is owed.
host_install
host_config test <<<$'[agent]\nLayout=kubeadm'
host_certificates '-28 days' --validity=30d --ca-validity=10y

# 2. What is done inside; each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99
public=$state/public

# run NAME: how it ended, its alarms, and how many certificates it renewed.
run() {
        local before

        before=$(events "$EVENT_CERTIFICATE_RENEWED")
        start
        echo "$1.status=$(show ExecMainStatus)"
        echo "$1.alarms=$(ls $public/alarms 2>/dev/null | xargs)"
        echo "$1.renewed=$(($(events "$EVENT_CERTIFICATE_RENEWED") - before))"
}
reason() { echo "$1.reason=$(member "$public/alarms/$2@host.json" reason | tr -d \")"; }
last_run() { printf '{"last_run": "%s"}\n' "$(date -u -d "$1" +%FT%TZ)" >$public/status.json; }

systemctl daemon-reload
systemctl start dbus.socket
mkdir -p $public && chmod 711 $state
flock $state/lock sleep infinity &
until ! flock -n $state/lock true; do sleep 0.1; done
run locked
reason locked postponed
echo "holder=$(pgrep -fx 'sleep infinity' | xargs) $!"
kill $! $(pgrep -fx 'sleep infinity')
wait

last_run '+2 days'
run future
reason future clock-implausible
last_run '-40 days'
run jump
reason jump clock-implausible

# kubeadm at work, on the host and in a container; and what is only called so. (A shell takes any words.)
limit=/etc/kube-renewd/kube-renewd.conf.d/limit.conf
printf '[renewal]\nPostponeLimit=1h\n' >$limit
mkdir -p /usr/local/lib/kubeadm
ln -s /bin/bash /usr/local/bin/kubeadm
ln -s /bin/bash /usr/local/lib/kubeadm/exporter
last_run '-1 day'
rm -f $public/alarms/*
upgrade() { # NAME COMMAND...: a run while that runs
        local name=$1

        shift
        "$@" -c 'sleep infinity; :' --v=5 upgrade apply v1.36.0 &
        wait_for pgrep -fx 'sleep infinity' >/dev/null
        run "$name"
        echo "$name.said=$(journalctl -q -o cat -u $unit | sed -n 's/^Certificate pass postponed: //p' | tail -n 1)"
        echo "$name.pid=$(pgrep -f '^([^ ]*/)?kubeadm -c' | tail -n 1)"
        kill $(pgrep -fx 'sleep infinity')
        wait
}
upgrade upgrade kubeadm
upgrade container unshare --pid --fork kubeadm
rm $limit
/usr/local/lib/kubeadm/exporter -c 'sleep infinity; :' upgrade apply &
kubeadm -c 'sleep infinity; :' upgrade plan &

# The host was off for as long as nothing ran.
last_run '-20 days'
run off
kill $(pgrep -fx 'sleep infinity')
END
host_boot /inside

tap_is "$(fact locked.status) $(fact locked.renewed)" "75 0" "failure mode 15: another program holds the lock" || tap_note "$FACTS"
tap_is "$(fact locked.alarms)" postponed@host.json "failure mode 15: that is an alarm, as little time is left"
tap_like "$(fact locked.reason)" "^process [0-9]+ \((flock|sleep)\) holds the lock '/var/lib/kube-renewd/lock'; '.*' expires " \
        "failure mode 15: which says who holds it"
read -r -a holders <<<"$(fact holder)"
tap_like " ${holders[*]} " " $(fact locked.reason | sed -n 's/^process \([0-9]*\) .*/\1/p') " "and that is true"

tap_is "$(fact future.status) $(fact future.renewed)" "75 0" "failure mode 30: a clock before the last pass"
tap_is "$(fact future.alarms)" "clock-implausible@host.json postponed@host.json" "failure mode 30: is an alarm"
tap_is "$(fact jump.status) $(fact jump.renewed)" "75 0" "failure mode 30: a clock that nobody keeps, far beyond the last pass"
tap_like "$(fact jump.reason)" "after the last pass .* is not synchronised$" "failure mode 30: timedated is asked"

for name in upgrade container; do
        tap_is "$(fact $name.status) $(fact $name.renewed)" "75 0" "T35 kubeadm upgrade runs ($name): the pass waits" || tap_note "$FACTS"
        tap_is "$(fact $name.said)" "this host is being upgraded: process $(fact $name.pid) runs 'kubeadm upgrade'." \
                "T35 and says for which process ($name)"
done
tap_is "$(fact off.status) $(fact off.renewed)" "0 11" "failure mode 17, 26: a host that was off for weeks renews what is due, whatever is called kubeadm"
tap_is "$(fact off.alarms)" expiring@kubelet.conf.json "failure mode 17: and has missed nothing (the kubelet has)"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a real systemd says of the timer: that it does not run, that it will not after the next boot, and
# that it starts too seldom for the configuration. People and the journal are told, programs are not.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
host_install
host_config test <<<$'[agent]\nLayout=kubeadm\n[renewal]\nRenewBefore=10d'
host_certificates now

# Each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99
fragment=$(show FragmentPath kube-renewd.timer)

# said NAME VERB...: what a verb complains of.
said() {
        local name=$1

        shift
        "$program" "$@" 2>&1 >/dev/null | sed "s/^/$name=/"
}
# calendar LINE...: the timer's times.
calendar() {
        mkdir -p /etc/systemd/system/kube-renewd.timer.d
        printf '%s\n' '[Timer]' 'OnCalendar=' "$@" >/etc/systemd/system/kube-renewd.timer.d/test.conf
        systemctl daemon-reload
        systemctl restart kube-renewd.timer
}

systemctl daemon-reload
systemctl start dbus.socket
systemctl disable --now kube-renewd.timer 2>/dev/null
said inactive check
said inactive-plan plan
echo "plugin=$("$program" check --output=nagios | grep -c timer)"
said json check --output=json
systemctl mask --runtime kube-renewd.timer 2>/dev/null
said masked check
systemctl unmask --runtime kube-renewd.timer 2>/dev/null
systemctl start kube-renewd.timer
said disabled check
systemctl enable kube-renewd.timer 2>/dev/null
said fine check
said fine config
calendar OnCalendar=weekly RandomizedDelaySec=12h
said weekly config
calendar OnCalendar={Mon,Tue,Wed,Thu,Fri,Sat,Sun}
said both check
calendar OnUnitActiveSec=4d
said monotonic check
calendar OnCalendar=weekly
start
journalctl --sync
echo "run=$(journalctl -q -o cat -u "$unit" MESSAGE_ID="$EVENT_CONFIG_WARNING")"
systemctl stop kube-renewd.timer
mv "$fragment" "$fragment.away" && systemctl daemon-reload
said own check
rm $state/public/status.json
said missing check
END
host_boot /inside

begin='^kube-renewd: warning: kube-renewd\.timer is'
rare='has RenewBefore=10d, which leaves no time for a second try: kube-renewd\.timer starts a run every'
tap_like "$(fact inactive)" "$begin inactive, .*'systemctl enable --now kube-renewd.timer' starts it" \
        "a timer that does not run" || tap_note "$FACTS"
tap_like "$(fact masked)" "$begin masked, .*'systemctl unmask kube-renewd.timer', and then 'systemctl enable --now" \
        "one that is masked"
tap_empty "$(fact inactive-plan)" "is no matter of other verbs"
tap_is "$(fact plugin)" 0 "nor of a plugin"
tap_empty "$(fact json)" "nor of who reads data"
tap_like "$(fact disabled)" "$begin active, but nothing starts it at the next boot" "one that nobody has enabled"
tap_empty "$(fact fine)" "nothing is said of one that runs"
tap_like "$(fact weekly)" "test.conf:4: \[renewal\] $rare 7d, up to 12h late; write at least 14d 12h$" "one that runs too seldom"
tap_empty "$(fact both)" "how often several times come is not judged"
tap_empty "$(fact monotonic)" "and so do spans of time"
tap_like "$(fact run)" "$rare 7d" "a run tells the journal"
tap_empty "$(fact own)" "nothing is said while something else starts passes"
tap_like "$(fact missing)" "$begin not installed" "a timer that is not there"
tap_done

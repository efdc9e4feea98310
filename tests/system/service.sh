#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The installed service under a real systemd, in its sandbox: it renews, leaves what monitoring may read
# and nothing else, tells the journal, and does nothing on a host that never was a control plane.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree

# 1. The installed tree, and a control plane of which every leaf is due.
host_install
cp "$SRCDIR/etc/kube-renewd.conf" "$TREE/shipped.conf"
host_manifests
host_certificates '-25 days' --validity=30d --ca-validity=10y

# A server that has no certificate to start with: it waits for the pass, which must not wait for it.
host_unit k3s.service <<'END'
[Service]
Type=notify
TimeoutStartSec=infinity
ExecStart=/bin/sh -c 'touch /run/k3s; exec sleep infinity'
END

# 2. What happens inside. Each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

systemctl daemon-reload
systemctl start --no-block k3s.service
wait_for test -e /run/k3s
systemctl start kube-renewd.timer
echo "timer=$(systemctl is-active kube-renewd.timer) $(show NextElapseUSecRealtime kube-renewd.timer)"
timeout 600 systemctl start $unit
echo "k3s=$(show SubState k3s.service)"
echo "status=$(show ExecMainStatus)"
echo "again=$(show SubState)"
echo "renewed=$(events "$EVENT_CERTIFICATE_RENEWED")"
echo "summaries=$(events "$EVENT_PASS_SUMMARY")"
journalctl --update-catalog
echo "explained=$(journalctl -q -x -o short -u kube-renewd.service | grep -c 'The replaced files are kept')"
echo "denied=$(journalctl -q -o cat -u $unit | grep -ci 'not permitted\|denied\|read-only')"
echo "heartbeat=$(as_nobody cat /var/lib/kube-renewd/public/status.json | grep -c valid_until)"
echo "cached=$(as_nobody "$program" check --cached --output=nagios apiserver | head -n 1)"
echo "backups=$(as_nobody ls /var/lib/kube-renewd/backups 2>/dev/null | wc -l)"
echo "list=$(as_nobody ls /var/lib/kube-renewd 2>/dev/null | wc -l)"
systemctl stop $unit
# outcome: of a start, the alarms that there are, and the layouts that were in use.
outcome() {
        start
        echo "$(show Result) $(show ExecMainStatus) $(ls /var/lib/kube-renewd/public/alarms 2>/dev/null | xargs)" \
                "$(tr -d ' \n' 2>/dev/null </var/lib/kube-renewd/public/status.json | sed -n 's/.*"layouts":\[\([^]]*\).*/\1/p')"
}
# A control plane that is lost.
rm -r /etc/kubernetes
echo "lost=$(outcome)"
# A host that never had one, twice, then with the fleet's configuration.
rm -r /var/lib/kube-renewd
echo "worker=$(outcome)"
echo "still=$(outcome)"
mkdir -p /etc/kube-renewd/kube-renewd.conf.d
echo '[agent]' >/etc/kube-renewd/kube-renewd.conf.d/fleet.conf
echo "fleet=$(outcome)"
rm -r /etc/kube-renewd/kube-renewd.conf.d
# One of another kind, and one that is known by Layout= in the main file alone.
"$program" --layout=vcluster init --node-name=cp-1 --advertise-address=192.0.2.10 >/dev/null
echo "vcluster=$(outcome)"
mv /var/lib/vcluster/pki /srv/pki
cp /shipped.conf /etc/kube-renewd/kube-renewd.conf
sed -i 's/^#Layout=.*/Layout=vcluster/' /etc/kube-renewd/kube-renewd.conf
printf '[layout]\nBaseDirectory=/srv/pki\n' >>/etc/kube-renewd/kube-renewd.conf
echo "named=$(outcome)"
END
host_boot /inside

tap_like "$(fact timer)" '^active .* 00:' "the timer waits for the hour after midnight"
tap_is "$(fact status)" 75 "the service renews, and is unfinished: restarts are owed" || tap_note "$FACTS"
tap_is "$(fact again)" auto-restart "systemd will try again"
tap_is "$(fact renewed)" 11 "the journal has an event for each renewed certificate"
tap_is "$(fact summaries)" 1 "and one summary"
tap_is "$(fact explained)" 11 "which journalctl -x explains"
tap_is "$(fact denied)" 0 "the sandbox was in nobody's way"
tap_is "$(fact heartbeat)" 1 "anybody may read the heartbeat"
tap_like "$(fact cached)" "^KUBE-RENEWD OK - apiserver expires in (1y|36[45]d)" "and have it shown by the program"
tap_is "$(fact backups)" 0 "but not the backups"
tap_is "$(fact list)" 0 "nor look around"
tap_is "$(fact k3s)" start "a component that cannot start keeps no pass from running"
tap_like "$(fact lost)" "^exit-code 78 .*config-invalid@" "a control plane that is lost is an alarm"
tap_is "$(fact worker | xargs)" "success 0" "a host that never was one is left alone"
tap_is "$(fact still | xargs)" "success 0" "every night"
tap_is "$(fact fleet | xargs)" "success 0" "also where it has the configuration of all hosts"
tap_like "$(fact vcluster)" '^success 0  "vcluster"$' "another kind is found" || tap_note "$FACTS"
tap_like "$(fact named)" '^success 0  "vcluster"$' "and one that the main file alone names"
tap_done

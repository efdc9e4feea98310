#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The installed service under a real systemd, in its sandbox: it renews, leaves what monitoring may read
# and nothing else, tells the journal, and does nothing on a host without a control plane.
#
# TESTBED names the program of the test bed, if it is not our own: `TESTBED check --host` says whether it can run here, `TESTBED systemd -d TREE
# COMMAND` boots systemd on a copy of this host with TREE laid over it and runs COMMAND in it.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

testbed=${TESTBED:-$SRCDIR/tests/system/bed/testbed}
reason=$("$testbed" check --host 2>&1) || tap_skip_all "the test bed cannot run here: $reason"
command -v systemd-nspawn >/dev/null || tap_skip_all "systemd-container is not installed"

# 1. The installed tree, and a control plane of which every leaf is due.
tree=$SCRATCH/tree
tap_ok "everything is installed" make -s -C "$BUILDDIR" install DESTDIR="$tree"
mkdir -p "$tree/etc/kubernetes"
cp -R "$SRCDIR/tests/data/kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/manifests" "$tree/etc/kubernetes"
tap_ok "a control plane is there" "$KUBE_RENEWD" --root="$tree" --at="$(date -u -d '-25 days' +%FT%TZ)" \
        init --node-name=cp-1 --advertise-address=192.0.2.10 --validity=30d --ca-validity=10y
rm -rf "${tree:?}/var"

# 2. What happens inside. Each line is a fact, "name=value".
cat >"$tree/inside" <<'END'
#!/bin/bash
show() { systemctl show -P "$1" "$2"; }
count() { journalctl -q -o cat -u kube-renewd.service "$@" | wc -l; }
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

systemctl daemon-reload
systemctl start kube-renewd.timer
echo "timer=$(systemctl is-active kube-renewd.timer) $(show NextElapseUSecRealtime kube-renewd.timer)"
systemctl start kube-renewd.service
echo "status=$(show ExecMainStatus kube-renewd.service)"
echo "again=$(show SubState kube-renewd.service)"
echo "renewed=$(count MESSAGE_ID=7c0683027e384cdcb22ab5d58522d546)"
echo "summaries=$(count MESSAGE_ID=761ea697f80d48c7a3c8efe68579c1ea)"
journalctl --update-catalog
echo "explained=$(journalctl -q -x -o short -u kube-renewd.service | grep -c 'The replaced files are kept')"
echo "denied=$(count | grep -ci 'not permitted\|denied\|read-only')"
echo "heartbeat=$(as_nobody cat /var/lib/kube-renewd/public/status.json | grep -c valid_until)"
program=$(systemctl cat kube-renewd.service | sed -n 's/^ExecStart=[-:!+]*\([^ ]*\) .*/\1/p')
echo "cached=$(as_nobody "$program" check --cached --output=nagios apiserver | head -n 1)"
echo "backups=$(as_nobody ls /var/lib/kube-renewd/backups 2>/dev/null | wc -l)"
echo "list=$(as_nobody ls /var/lib/kube-renewd 2>/dev/null | wc -l)"
systemctl stop kube-renewd.service
rm -r /etc/kubernetes/manifests
systemctl start kube-renewd.service
echo "worker=$(show ConditionResult kube-renewd.service)"
END
chmod +x "$tree/inside"
facts=$("$testbed" systemd -d "$tree" /inside 2>&1)

fact() {
        sed -n "s/^$1=//p" <<<"$facts"
}

tap_like "$(fact timer)" '^active .* 00:' "the timer waits for the hour after midnight"
tap_is "$(fact status)" 75 "the service renews, and is unfinished: restarts are owed" || tap_note "$facts"
tap_is "$(fact again)" auto-restart "systemd will try again"
tap_is "$(fact renewed)" 11 "the journal has an event for each renewed certificate"
tap_is "$(fact summaries)" 1 "and one summary"
tap_is "$(fact explained)" 11 "which journalctl -x explains"
tap_is "$(fact denied)" 0 "the sandbox was in nobody's way"
tap_is "$(fact heartbeat)" 1 "anybody may read the heartbeat"
tap_like "$(fact cached)" "^KUBE-RENEWD OK - apiserver expires in (1y|36[45]d)" "and have it shown by the program"
tap_is "$(fact backups)" 0 "but not the backups"
tap_is "$(fact list)" 0 "nor look around"
tap_is "$(fact worker)" no "a host without a control plane is left alone"
tap_done

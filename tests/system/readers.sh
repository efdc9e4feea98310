#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ReaderGroup= under a real systemd, in the sandbox: its members may read what monitoring looks at, also
# what a run could not report itself, and nobody else may; without it everybody may again.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

testbed=${TESTBED:-$SRCDIR/tests/system/bed/testbed}
reason=$("$testbed" check --host 2>&1) || tap_skip_all "the test bed cannot run here: $reason"
command -v systemd-nspawn >/dev/null || tap_skip_all "systemd-container is not installed"

tree=$SCRATCH/tree
tap_ok "everything is installed" make -s -C "$BUILDDIR" install DESTDIR="$tree"
mkdir -p "$tree/etc/kubernetes" "$tree/etc/kube-renewd/kube-renewd.conf.d"
printf '[agent]\nLayout=kubeadm\n' >"$tree/etc/kube-renewd/kube-renewd.conf.d/layout.conf"
tap_ok "certificates are there" "$KUBE_RENEWD" --root="$tree" --layout=kubeadm init --node-name=cp-1 \
        --advertise-address=192.0.2.10
rm -rf "${tree:?}/var"

# Each line is a fact, "name=value".
cat >"$tree/inside" <<'END'
#!/bin/bash
state=/var/lib/kube-renewd
site=/etc/kube-renewd/kube-renewd.conf.d/site.conf
program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$(systemctl show -P FragmentPath kube-renewd.service)")

as() { setpriv --reuid=65534 --regid="$1" --clear-groups "${@:2}"; }
# look NAME: who sees how much, and whose it is.
look() {
        echo "$1.members=$(as monitoring "$program" check --cached --no-legend --no-headings 2>/dev/null | wc -l)"
        echo "$1.others=$(as 65534 "$program" check --cached --no-legend --no-headings 2>/dev/null | wc -l)"
        echo "$1.access=$(stat -c '%a %U:%G' $state/public)"
}
run() {
        systemctl reset-failed kube-renewd.service 2>/dev/null
        systemctl start kube-renewd.service 2>/dev/null
        echo "$1.status=$(systemctl show -P ExecMainStatus kube-renewd.service)"
        systemctl stop kube-renewd.service
}

systemctl daemon-reload
systemctl start dbus.socket
printf '[alarms]\nReaderGroup=monitoring\n' >$site
run unknown
groupadd --system monitoring
run group
look group
# The group's directory cannot be written, and the run is killed: the alarm is elsewhere, for the group.
mkdir -p /etc/systemd/system/kube-renewd.service.d
printf '[Service]\nExecStart=\nExecStart=/bin/sh -c "kill -KILL $$$$"\nExecStopPost=\n' \
        >/etc/systemd/system/kube-renewd.service.d/killed.conf
systemctl daemon-reload
mount --bind $state/public $state/public && mount -o remount,bind,ro $state/public
run killed
until [ -e /run/kube-renewd/alarms/renewal-failed@host.json ]; do sleep 0.1; done
echo "fallback=$(stat -c '%a %U:%G' /run/kube-renewd/alarms)"
echo "fallback-members=$(as monitoring ls /run/kube-renewd/alarms)"
umount $state/public
rm /etc/systemd/system/kube-renewd.service.d/killed.conf $site
systemctl daemon-reload
run everybody
look everybody
echo "fallback-everybody=$(stat -c '%a %U:%G' /run/kube-renewd/alarms)"
END
chmod +x "$tree/inside"
facts=$("$testbed" systemd -d "$tree" /inside 2>&1)

fact() {
        sed -n "s/^$1=//p" <<<"$facts"
}

tap_is "$(fact unknown.status)" 78 "a group that is not there ends the run" || tap_note "$facts"
tap_like "$(fact group.status)" '^(0|75)$' "one that is there does not"
tap_is "$(fact group.access)" "750 root:monitoring" "it has the directory"
tap_is "$([ "$(fact group.members)" -gt 5 ] && fact group.others)" 0 "members read, and others do not"
tap_is "$(fact fallback)" "750 root:monitoring" "an alarm that could not be written there is the group's, too"
tap_is "$(fact fallback-members)" "renewal-failed@host.json" "whose members find it"
tap_is "$(fact everybody.access)" "755 root:root" "without a group everybody has the directory again"
tap_is "$([ "$(fact everybody.members)" -gt 5 ] && fact everybody.others)" "$(fact everybody.members)" "and reads as much"
tap_is "$(fact fallback-everybody)" "755 root:root" "in both places"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# ReaderGroup= under a real systemd, in the sandbox: its members may read what monitoring looks at, also
# what a run could not report itself, and nobody else may; without it everybody may again.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
host_install
host_config layout <<<$'[agent]\nLayout=kubeadm'
host_certificates now

# Each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99
site=/etc/kube-renewd/kube-renewd.conf.d/site.conf
fallback=/run/kube-renewd/alarms

as() { setpriv --reuid=65534 --regid="$1" --clear-groups "${@:2}"; }
# look NAME: who sees how much, and whose it is.
look() {
        echo "$1.members=$(as monitoring "$program" check --cached --no-legend --no-headings 2>/dev/null | wc -l)"
        echo "$1.others=$(as 65534 "$program" check --cached --no-legend --no-headings 2>/dev/null | wc -l)"
        echo "$1.access=$(stat -c '%a %U:%G' $state/public)"
}
run() {
        start
        echo "$1.status=$(show ExecMainStatus)"
}

systemctl daemon-reload
systemctl start dbus.socket
printf '[alarms]\nReaderGroup=monitoring\n' >$site
run unknown
echo "unknown.access=$(stat -c '%a %U:%G' $state/public)"
echo "unknown.warned=$(journalctl -q -o cat -u "$unit" | grep -c "ReaderGroup=monitoring.*groupadd")"
groupadd --system monitoring
run group
look group
# The group's directory cannot be written, and the run is killed: the alarm is elsewhere, for the group.
drop_in '[Service]' 'ExecStart=' 'ExecStart=/bin/sh -c "kill -KILL $$$$"' 'ExecStopPost='
mount --bind $state/public $state/public && mount -o remount,bind,ro $state/public
run killed
echo "fallback=$(stat -c '%a %U:%G' $fallback)"
echo "fallback-members=$(as monitoring ls $fallback)"
umount $state/public
rm $site
drop_in
run everybody
look everybody
echo "fallback-everybody=$(stat -c '%a %U:%G' $fallback)"
END
host_boot /inside

tap_like "$(fact unknown.status)" '^(0|75)$' "a group that is not there keeps nothing from being renewed" || tap_note "$FACTS"
tap_is "$(fact unknown.access)" "750 root:root" "but the directory is closed"
tap_like "$(fact unknown.warned)" '^[1-9]' "and the journal says why"
tap_like "$(fact group.status)" '^(0|75)$' "one that is there does its work"
tap_is "$(fact group.access)" "750 root:monitoring" "it has the directory"
tap_is "$([ "$(fact group.members)" -gt 5 ] && fact group.others)" 0 "members read, and others do not"
tap_is "$(fact fallback)" "750 root:monitoring" "an alarm that could not be written there is the group's, too"
tap_is "$(fact fallback-members)" "renewal-failed@host.json" "whose members find it"
tap_is "$(fact everybody.access)" "755 root:root" "without a group everybody has the directory again"
tap_is "$([ "$(fact everybody.members)" -gt 5 ] && fact everybody.others)" "$(fact everybody.members)" "and reads as much"
tap_is "$(fact fallback-everybody)" "755 root:root" "in both places"
tap_done

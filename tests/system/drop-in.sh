#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A configuration that needs more than the units allow: the service says what it could not write and how to
# allow it, and with the drop-ins that the program prints, pasted as they are, everything is renewed.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
host_install

# 1. etcd has its own directories and its own user; admin.conf is copied to a home and to a directory with
# a blank; the state is not where it usually is; hooks may take an hour. Every leaf is due.
etcd=4711
mkdir -p "$TREE"/etc/{kubernetes,etcd/pki,etcd/private} "$TREE"/home/ADA/.kube "$TREE/srv/help desk"
host_config site <<'END'
[agent]
Layout=kubeadm
StateDirectory=/srv/state
[certificate etcd-server]
Certificate=/etc/etcd/pki/server.crt
Key=/etc/etcd/private/server.key
[copy ada]
Source=admin.conf
Path=/home/ADA/.kube/config
[copy helpdesk]
Source=admin.conf
Directory=/srv/help desk
Create=yes
[hooks]
Timeout=1h
PostRenew=/bin/true
END
host_certificates '-28 days' --validity=30d --ca-validity=10y
cp "$TREE/etc/kubernetes/admin.conf" "$TREE/home/ADA/.kube/config"
chown $etcd:$etcd "$TREE"/etc/etcd/{pki/server.crt,private/server.key}
rm -rf "$TREE"/srv/state

# 2. What is done inside; each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99
fragment=$(show FragmentPath)
units=$(cd "$(dirname "$fragment")" && echo kube-renewd*.service)

# run NAME: how it ended, what it said, and how much was renewed.
run() {
        local since

        since=$(date +%s.%N)
        start
        echo "$1.status=$(show ExecMainStatus)"
        echo "$1.renewed=$(events "$EVENT_CERTIFICATE_RENEWED" --since="@$since")"
        journalctl -q -o cat --since="@$since" -u "$unit" | sed "s/^/$1.said=/"
}
# paste UNIT...: as the first line says.
paste() {
        local name text file

        for name; do
                text=$("$program" config --drop-in "$name")
                file=$(sed -n '1s/^# //p' <<<"$text")
                mkdir -p "$(dirname "$file")"
                echo "$text" >"$file"
        done
        systemctl daemon-reload
}

systemctl daemon-reload
systemctl start dbus.socket
run state
mkdir -m 711 -p /srv/state
# The state directory is all that is allowed now: certificates are refused one by one.
drop_in '[Service]' 'ReadWritePaths=/srv/state'
run files
rm /run/systemd/system/kube-renewd.service.d/test.conf
paste $units
systemd-analyze verify --man=no ${units/@/@x} 2>&1 | sed 's/^/verify=/'
run pasted
echo "timeout=$(show TimeoutStartUSec)"
echo "owner=$(stat -c %u:%g /etc/etcd/pki/server.crt /etc/etcd/private/server.key | uniq | xargs)"
cmp -s /etc/kubernetes/admin.conf /home/ADA/.kube/config && echo "home=same"
cmp -s /etc/kubernetes/admin.conf '/srv/help desk/admin.conf' && echo "blank=same"

# A run that is killed: what OnFailure= raises is where alarms are now.
rm -rf /var/lib/kube-renewd/public
drop_in '[Service]' 'ExecStart=' 'ExecStart=/bin/sh -c "kill -KILL $$$$"'
start
echo "alarms=$(ls /srv/state/public/alarms | xargs)"
echo "default=$(ls /var/lib/kube-renewd/public 2>/dev/null | xargs)"
END
host_boot /inside

hint="'kube-renewd config --drop-in' prints what it lacks"
tap_is "$(fact state.status)" 1 "without the state directory nothing is done" || tap_note "$FACTS"
tap_like "$(fact state.said)" "/srv/state.*first 'mkdir -m 711 -p /srv/state'; .*$hint" "and the journal says how to allow it"
tap_is "$(fact files.renewed)" 10 "with it all is renewed but what is in another directory"
tap_like "$(fact files.said)" "etcd-server.*'ReadWritePaths=/etc/etcd/pki'.*$hint" "of which it says that"
tap_like "$(fact files.said)" "/home/ADA/.kube.*$hint" "and so it is of a copy"
tap_empty "$(fact verify)" "systemd has nothing to say of the drop-ins"
tap_like "$(fact pasted.status)" '^(0|75)$' "with the drop-ins the service does its work"
tap_is "$(fact pasted.renewed)" 1 "and renews what was left"
tap_unlike "$(fact pasted.said)" "read-only" "as nothing is in its way"
tap_is "$(fact owner)" "$etcd:$etcd" "the files stay their owner's"
tap_is "$(fact home) $(fact blank)" "same same" "the copies are what their source is"
tap_like "$(fact timeout)" '^3h [0-9]+min' "the service may take longer than it may as it is shipped"
tap_like "$(fact alarms)" 'renewal-failed@host' "what OnFailure= raises is where alarms are"
tap_is "$(fact default)" "" "and nothing is where they usually are"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A configuration that needs more than the units allow: the service says what it could not write and how to
# allow it, and with the drop-ins that the program prints, pasted as they are, everything is renewed.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

testbed=${TESTBED:-$SRCDIR/tests/system/bed/testbed}
reason=$("$testbed" check --host 2>&1) || tap_skip_all "the test bed cannot run here: $reason"
command -v systemd-nspawn >/dev/null || tap_skip_all "systemd-container is not installed"

# 1. etcd has its own directories and its own user; admin.conf is copied to a home and to a directory with
# a blank; the state is not where it usually is; hooks may take an hour. Every leaf is due.
tree=$SCRATCH/tree
etcd=4711
tap_ok "everything is installed" make -s -C "$BUILDDIR" install DESTDIR="$tree"
mkdir -p "$tree"/etc/{kubernetes,kube-renewd/kube-renewd.conf.d,etcd/pki,etcd/private} "$tree"/home/ADA/.kube \
        "$tree/srv/help desk" "$tree/srv/state"
cat >"$tree/etc/kube-renewd/kube-renewd.conf.d/site.conf" <<'END'
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
tap_ok "a control plane is there" "$KUBE_RENEWD" --root="$tree" --at="$(date -u -d '-28 days' +%FT%TZ)" \
        init --node-name=cp-1 --advertise-address=192.0.2.10 --validity=30d --ca-validity=10y
cp "$tree/etc/kubernetes/admin.conf" "$tree/home/ADA/.kube/config"
chown $etcd:$etcd "$tree"/etc/etcd/{pki/server.crt,private/server.key}
rm -rf "${tree:?}/var" "$tree"/srv/state/*

# 2. What is done inside; each line is a fact, "name=value".
cat >"$tree/inside" <<'END'
#!/bin/bash
fragment=$(systemctl show -P FragmentPath kube-renewd.service)
units=$(cd "$(dirname "$fragment")" && echo kube-renewd*.service)
failure=kube-renewd-failure@kube-renewd.service.service
program=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$fragment")

# start NAME: one run, how it ended, and what was renewed.
start() {
        local since

        since=$(date +%s.%N)
        systemctl stop kube-renewd.service 2>/dev/null
        systemctl reset-failed kube-renewd.service 2>/dev/null
        systemctl start kube-renewd.service 2>/dev/null
        echo "$1.status=$(systemctl show -P ExecMainStatus kube-renewd.service)"
        journalctl --sync
        journalctl -q -o cat --since="@$since" -u kube-renewd.service | sed "s/^/$1.said=/"
        echo "$1.renewed=$(journalctl -q -o cat --since="@$since" -u kube-renewd.service \
                MESSAGE_ID=7c0683027e384cdcb22ab5d58522d546 | wc -l)"
}
# paste UNIT...: as the first line says.
paste() {
        local unit text

        for unit; do
                text=$("$program" config --drop-in "$unit")
                file=$(sed -n '1s/^# //p' <<<"$text")
                mkdir -p "$(dirname "$file")"
                echo "$text" >"$file"
        done
        systemctl daemon-reload
}

systemctl daemon-reload
systemctl start dbus.socket
start state
# The state directory is all that is allowed now: certificates are refused one by one.
mkdir -p /etc/systemd/system/kube-renewd.service.d
printf '[Service]\nReadWritePaths=/srv/state\n' >/etc/systemd/system/kube-renewd.service.d/state.conf
systemctl daemon-reload
start files
rm /etc/systemd/system/kube-renewd.service.d/state.conf
paste $units
systemd-analyze verify --man=no ${units/@/@x} 2>&1 | sed 's/^/verify=/'
start pasted
echo "timeout=$(systemctl show -P TimeoutStartUSec kube-renewd.service)"
echo "owner=$(stat -c %u:%g /etc/etcd/pki/server.crt /etc/etcd/private/server.key | uniq | xargs)"
cmp -s /etc/kubernetes/admin.conf /home/ADA/.kube/config && echo "home=same"
cmp -s /etc/kubernetes/admin.conf '/srv/help desk/admin.conf' && echo "blank=same"

# A run that is killed: what OnFailure= raises is where alarms are now.
rm -rf /var/lib/kube-renewd/public
printf '[Service]\nExecStart=\nExecStart=/bin/sh -c "kill -KILL $$$$"\n' \
        >/etc/systemd/system/kube-renewd.service.d/killed.conf
systemctl daemon-reload
start killed
until [ -n "$(systemctl show -P ExecMainExitTimestamp $failure)" ]; do sleep 0.1; done
echo "alarms=$(ls /srv/state/public/alarms | xargs)"
echo "default=$(ls /var/lib/kube-renewd/public 2>/dev/null | xargs)"
END
chmod +x "$tree/inside"
facts=$("$testbed" systemd -d "$tree" /inside 2>&1)

fact() {
        sed -n "s/^$1=//p" <<<"$facts"
}

hint="'kube-renewd config --drop-in' prints what the unit of the service lacks"
tap_is "$(fact state.status)" 1 "without the state directory nothing is done" || tap_note "$facts"
tap_like "$(fact state.said)" "/srv/state.*$hint" "and the journal says how to allow it"
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

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kube-renewd-requested.path under a real systemd, this host's and a later one: a request starts the service
# once, whatever becomes of it; one that comes during a pass is not lost; and what systemd gives up in the
# evening is there again in the morning.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
host_install
host_certificates '-1 day' --ca-validity=10y
# No runtime and no manifest: nothing is owed, and nothing is tried again for that.
host_config test <<<$'[agent]\nLayout=kubeadm\n[hooks]\nPreRenew=/midway'
host_unit kube-renewd.service.d/test.conf <<'END'
[Unit]
StartLimitBurst=15
# Somebody's own, in a drop-in.
ConditionPathExists=!/run/not-now
[Service]
Environment=LD_LIBRARY_PATH=/libraries
RestartSec=1
ExecStartPre=+/bin/sh -c 'echo >>/run/starts'
END
# For a release that has none of them, or others.
mkdir "$TREE/libraries"
ldd "$KUBE_RENEWD" | sed -n 's/.* => \(.*\) (.*/\1/p' | grep -v -e '/libc[.]so' -e '/libm[.]so' -e '/ld-' |
        xargs cp -L -t "$TREE/libraries"

host_script midway <<'END'
[ ! -e /run/midway ] || touch "$(</run/midway)"
rm -f /run/midway
END
host_script inside <<'END'
. /host || exit 99
path=kube-renewd-requested.path
requests=$state/renew-requested
pki=/etc/kubernetes/pki

has_receipt() { [ -s $requests/$1 ] && ! grep -q '^sha256' $requests/$1; }
is_idle() { is_over && [[ $(show ActiveState) = @(inactive|failed) ]]; }
is_settled() { is_idle && [ "$(show SubState $path)" = waiting ]; }

# settled NAME: how often the service was started since somebody looked last, once there is nothing left to
# do. Whoever starts it over and over has had the time to do so.
settled() {
        wait_for is_settled
        sleep 1
        wait_for is_settled
        echo "$1=$(wc -l </run/starts) $(show Result)"
        : >/run/starts
}

: >/run/starts
systemctl daemon-reload
systemctl start dbus.socket
echo "enabled=$(systemctl is-enabled $path)"
systemctl -q enable --now $path
echo "directory=$(stat -c '%a %u' $requests)"
settled quiet

before=$(sha256sum <$pki/apiserver.crt)
touch $requests/apiserver
wait_for has_receipt apiserver
settled asked
echo "receipt=$(date -d "$(<$requests/apiserver)" +%s >/dev/null && echo a time)"
[ "$before" != "$(sha256sum <$pki/apiserver.crt)" ] && echo "renewed=yes"
echo "state=$(stat -c %a $state) $(setpriv --reuid=65534 --clear-groups cat $state/public/status.json | grep -c valid_until)"

echo please >$requests/apisrever
wait_for has_receipt apisrever
settled mistaken
echo "told=$(events "$EVENT_REQUEST_REFUSED")"

cp $pki/front-proxy-ca.key /run/key
echo garbage >$pki/front-proxy-ca.key
touch $requests/front-proxy-client
wait_for test -s /run/starts
settled unmet
echo "waits=$(stat -c %s $requests/front-proxy-client)"
cp /run/key $pki/front-proxy-ca.key
touch $requests/apiserver-kubelet-client
wait_for has_receipt apiserver-kubelet-client
wait_for has_receipt front-proxy-client
settled both

echo $requests/scheduler.conf >/run/midway
touch $requests/controller-manager.conf
wait_for has_receipt scheduler.conf
settled midway

# What a drop-in forbids for the time being.
touch /run/not-now
touch $requests/etcd-peer
is_passed_over() { [ "$(show ConditionResult)" = no ]; }
wait_for is_passed_over
wait_for is_idle
rm /run/not-now
touch $requests/etcd-server
wait_for has_receipt etcd-server
wait_for has_receipt etcd-peer
settled later

is_heard() { has_receipt "$1" || [ "$(show ActiveState $path)" = failed ]; }
for ((i = 0; i < 16; i++)); do
        wait_for is_idle
        touch $requests/nobody-$i
        wait_for is_heard nobody-$i
done
echo "busy=$(show ActiveState $path) $(show Result $path)"
wait_for is_over
systemctl start $unit
wait_for is_settled
touch $requests/nobody
wait_for has_receipt nobody
echo "morning=$(show ActiveState $path)"
END

# under NAME OPTION...: on that systemd.
under() {
        local version=$1

        FACTS=
        host_boot "${@:2}" /inside
        tap_is "$(fact enabled)" disabled "$version: nobody has enabled it" || tap_note "$FACTS"
        tap_is "$(fact directory)" "700 0" "$version: it makes the directory"
        tap_is "$(fact quiet)" "0 success" "$version: and starts nothing for that"
        tap_is "$(fact asked)" "1 success" "$version: a request starts the service once"
        tap_is "$(fact receipt) $(fact renewed)" "a time yes" "$version: it is met, and has its receipt"
        tap_is "$(fact state)" "711 1" "$version: others may read what they could before"
        tap_is "$(fact mistaken) $(fact told)" "1 success 1" "$version: a wrong name starts it once, and is told once"
        tap_is "$(fact unmet) $(fact waits)" "1 exit-code 0" "$version: so does a request that cannot be met, which stays"
        tap_is "$(fact both)" "1 success" "$version: and is met together with the next one"
        tap_is "$(fact midway)" "2 success" "$version: what is asked for during a pass is done by a second one"
        tap_is "$(fact later)" "1 success" "$version: where a condition was in the way, the next request is heard"
        tap_is "$(fact busy)" "failed unit-start-limit-hit" "$version: who asks too often is not heard any more"
        tap_is "$(fact morning)" active "$version: before the next start of the service"
        tap_empty "$(fact timeout)" "$version: nothing was waited for in vain" || tap_note "$FACTS"
}

under "systemd $(systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')"
if reason=$("$TESTBED" check --root trixie 2>&1); then
        under "systemd of trixie" -r trixie
else
        tap_skip "a later systemd" "$reason"
fi
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# OnAlarm= under a real systemd, out of the service's sandbox: a site hears of each alarm when it is
# raised, graver and cleared, of no shelved one, and what it did not hear is told again.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree

# 1. The installed tree, and a control plane whose CAs end in a hundred days.
host_install
host_manifests
host_certificates now --key-algorithm=ECDSA-P256 --ca-validity=100d --validity=90d
host_script etc/site <<'END_SITE'
while [ -e /run/hang ]; do sleep 0.1; done
[ ! -e /run/deaf ] || { echo "no route to the fault manager"; exit 7; }
echo "$KUBE_RENEWD_ALARM_STATE $KUBE_RENEWD_ALARM_SEVERITY $KUBE_RENEWD_ALARM_TYPE@$KUBE_RENEWD_ALARM_RESOURCE" >>/run/site
env | sort | grep ^KUBE_RENEWD_ >/run/environment
END_SITE

# 2. What happens inside. Each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99

# night NAME [LINE...]: a pass with these lines in [alarms].
night() {
        local name=$1

        shift
        rm -f /run/site
        { printf '[hooks]\nOnAlarm=/etc/site\n[alarms]\n' && printf '%s\n' "$@"; } \
                >/etc/kube-renewd/kube-renewd.conf.d/site.conf
        start
        echo "$name-status=$(show ExecMainStatus)"
        echo "$name=$(cat /run/site 2>/dev/null | tr '\n' ',')"
}

systemctl start dbus.socket
systemctl daemon-reload
mkdir -p /etc/kube-renewd/kube-renewd.conf.d
night raised
grep -v '_PASS_ID=\|_TIME_' /run/environment | sed 's/^/environment: /'
night again
setpriv --reuid=65534 --regid=65534 --clear-groups "$program" alarms --no-legend --columns=ID,RESOURCE >/run/listed
echo "listed=$? $(xargs </run/listed)"
echo "note=$(stat -c %a /var/lib/kube-renewd/notified.json)"
touch /run/deaf
night graver CACriticalBefore=120d
echo "written=$(jq .exit_status /var/lib/kube-renewd/public/status.json)"
echo "told=$(journalctl -q -o cat -u $unit MESSAGE_ID="$EVENT_HOOK_FAILED" | sort | head -n 1)"
echo "said=$(journalctl -q -o cat -u kube-renewd-hook-on-alarm.service | grep -c '^no route')"
rm /run/deaf
night repeated CACriticalBefore=120d
night shelved CACriticalBefore=120d Shelve=ca-expiring@etcd-ca
night cleared CAExpiringBefore=1d CACriticalBefore=1d Shelve=ca-expiring@etcd-ca

# A site that does not answer: what there is to tell is in the heartbeat already.
touch /run/hang
status=/var/lib/kube-renewd/public/status.json
before=$(jq .generation $status) success=$(jq .last_success $status)
printf '[hooks]\nOnAlarm=/etc/site\n' >/etc/kube-renewd/kube-renewd.conf.d/site.conf
systemctl stop $unit
systemctl start --no-block $unit
until [ "$(systemctl is-active kube-renewd-hook-on-alarm.service)" = activating ]; do sleep 0.1; done
echo "hanging=$(($(jq .generation $status) - before)) $(jq .exit_status $status) $(jq '.alarms | length' $status)"
[ "$(jq .last_success $status)" = "$success" ] && echo "success=none"
echo "hanging-metrics=$(sed -n 's/^kube_renewd_exit_status //p' /var/lib/kube-renewd/public/kube-renewd.prom)"
rm /run/hang
until [ "$(show SubState)" = dead ]; do sleep 0.1; done
echo "answered=$(($(jq .generation $status) - before)) $(jq .exit_status $status)"
END
host_boot /inside

# each STATE SEVERITY CA...
each() {
        local ca

        for ca in "${@:3}"; do
                printf '%s %s ca-expiring@%s,' "$1" "$2" "$ca"
        done
}

cas=(ca etcd-ca front-proxy-ca)
tap_is "$(fact raised)" "$(each raised major "${cas[@]}")" "the site hears of what was raised" || tap_note "$FACTS"
tap_is "$(fact raised-status)" 0 "which is all that the pass has to do"
tap_like "$FACTS" '^environment: KUBE_RENEWD_ALARM_ID=500.200$' "with its number"
tap_like "$FACTS" "^environment: KUBE_RENEWD_ALARM_TEXT=Certificate 'front-proxy-ca' expiring soon on .* UTC[.]$" "and its text"
tap_like "$FACTS" '^environment: KUBE_RENEWD_HOOK=on-alarm$' "and the name of the hook"
tap_is "$(fact again)" "" "but once"
tap_is "$(fact again-status)" 0 "and then there is nothing to tell"
tap_is "$(fact listed)" "2 ID RESOURCE 500.200 ca 500.200 etcd-ca 500.200 front-proxy-ca" "anybody may list the alarms"
tap_is "$(fact note)" 600 "what was told is ours alone"
tap_is "$(fact graver)" "" "a site that is deaf"
tap_is "$(fact graver-status)" 75 "leaves the pass unfinished"
tap_is "$(fact written)" 75 "as its status says"
tap_like "$(fact told)" "^Hook 'on-alarm' \(ca-expiring of 'ca' changed\) failed: .*exit status 7" "and the journal"
tap_is "$(fact said)" 3 "which has the words of the command"
tap_is "$(fact repeated)" "$(each changed critical "${cas[@]}")" "the next pass repeats it"
tap_is "$(fact repeated-status)" 0 "and is finished"
tap_is "$(fact shelved)" "$(each cleared critical etcd-ca)" "a shelved alarm is gone for the site"
tap_is "$(fact cleared)" "$(each cleared critical ca front-proxy-ca)" "a cleared one too, and the shelved one is not told of"
tap_is "$(fact hanging)" "1 75 3" "while a site is told, the heartbeat is there, and says that the pass is not done"
tap_is "$(fact success)" none "which is no success yet"
tap_is "$(fact hanging-metrics)" 75 "and so do the metrics"
tap_is "$(fact answered)" "2 0" "once it has heard, it is"
tap_done

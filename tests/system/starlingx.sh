#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A controller of StarlingX under a real systemd, with stand-ins for its service manager and its fault
# manager: what is asked of whom, in which order, on the active controller and on a standby.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
host_install

# 1. A controller with nine days left. Its service manager restarts etcd when it gets to it, and says at
# once that it will; what it does not know it passes over.
tap_ok "certificates are there" "$KUBE_RENEWD" --root="$TREE" --layout=starlingx --at="$(date -u -d '-21 days' +%FT%TZ)" init \
        --node-name=controller-0 --advertise-address=192.0.2.2 --key-algorithm=ECDSA-P256 --validity=30d --ca-validity=10y
rm -rf "${TREE:?}/var"
mkdir -p "$TREE/etc/platform" "$TREE/opt/platform/config/24.09/etcd" "$TREE"/usr/local/{libexec,bin}
touch "$TREE/etc/platform/.initial_controller_config_complete"
for key in certificate key; do
        sed -n "s/^ *client-$key-data: //p" "$TREE/etc/kubernetes/admin.conf" | base64 -d
done >"$TREE/etc/kubernetes/pki/haproxy_client.pem"
cp "$SRCDIR/packaging/monitoring/on-alarm-starlingx" "$TREE/usr/local/libexec"
host_unit etcd.service <<'END'
[Service]
ExecStart=/bin/sleep infinity
END
host_config site <<'END'
[hooks]
OnAlarm=/usr/local/libexec/on-alarm-starlingx
[host]
NodeName=controller-0
END
for tool in sm-restart sm-restart-safe; do
        host_script usr/bin/$tool <<'END'
echo "${0##*/} $*" >>/run/sm
[ ! -e /run/sm-is-down ] || exit 255
case $2 in
etcd) ! systemctl is-active -q etcd || systemctl --no-block restart etcd ;;
dccertmon) echo "Given service ($2) does not exist." ;;
esac
exit 0
END
done
host_script usr/local/bin/fmClientCli <<'END'
echo "$1 $(sed 's/###/\n/g' <<<"$2" | grep -x '[0-9.]*\|host=.*' | xargs)" >>/run/fm
echo Ok
END

# 2. What happens inside; each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99

# night NAME SPAN: a pass for what has less than that left: how it ended, and what was asked of whom.
night() {
        rm -f /run/sm /run/fm
        printf '[renewal]\nRenewBefore=%s\nValidity=30d\n' "$2" >/etc/kube-renewd/kube-renewd.conf.d/time.conf
        start
        echo "$1-status=$(show ExecMainStatus)"
        echo "$1-sm=$(cat /run/sm 2>/dev/null | tr '\n' ',')"
        echo "$1-fm=$(sort /run/fm 2>/dev/null | tr '\n' ',')"
        echo "$1-etcd=$(show MainPID etcd)"
}
verify() {
        "$program" verify --columns=COMPONENT,CERTIFICATE,STATUS --no-headings --no-legend | sed 's/  */ /g;s/ *$//'
}

systemctl daemon-reload
systemctl start dbus.socket etcd
text=$("$program" config --drop-in)
file=$(sed -n '1s/^# //p' <<<"$text")
mkdir -p "$(dirname "$file")"
echo "$text" >"$file"
systemctl daemon-reload

night quiet 5d
touch /run/sm-is-down
night down 10d
rm /run/sm-is-down
night up 5d
(cd /etc/etcd && sha256sum etcd-*) >/run/here
(cd /opt/platform/config/24.09/etcd && sha256sum etcd-*) >/run/there
cmp /run/here /run/there && echo "shared=$(wc -l </run/there)"
verify | sed 's/^/verified: /'

systemctl stop etcd
rm -f /run/sm
sleep 1 # a new one that ends in the same second as the one before is refused
"$program" renew etcd-server >/run/said 2>&1
echo "standby=$? $(cat /run/sm 2>/dev/null)"
sed 's/^/standby-said: /' /run/said
verify | sed 's/^/standby: /'
printf '[Service]\nExecStart=\nExecStart=/bin/false\n' >/run/broken
mkdir -p /run/systemd/system/etcd.service.d
cp /run/broken /run/systemd/system/etcd.service.d/broken.conf
systemctl daemon-reload
systemctl start etcd
wait_for systemctl is-failed -q etcd
verify | sed 's/^/failed: /'
journalctl --sync
END
host_boot /inside

etcd='sm-restart-safe service etcd,'
clients='sm-restart service sysinv-conductor,sm-restart-safe service cert-mon,sm-restart-safe service dccertmon,sm-restart-safe service haproxy,'
owed=(cert-mon dccertmon etcd haproxy sysinv-conductor)
told() { # OPTION: what the fault manager hears of all of them
        printf -- "$1 250.003 host=controller-0.restart-owed=%s," "${owed[@]}"
}
tap_is "$(fact quiet-status) $(fact quiet-sm)$(fact quiet-fm)" "0 " "a night of nothing" || tap_note "$FACTS"
tap_is "$(fact down-status) $(fact down-sm)" "75 $etcd$clients" "S4 the service manager is asked, etcd first, and does not answer"
tap_is "$(fact down-etcd)" "$(fact quiet-etcd)" "so that etcd runs on"
tap_is "$(fact down-fm)" "$(told -c)" "S3 alarm 250.003 is set for each"
tap_is "$(fact up-status) $(fact up-sm)" "0 $etcd$clients" "failure mode 1: it is asked again the next night, though nothing is due"
tap_unlike "$(fact up-etcd)" "^($(fact quiet-etcd)|0)\$" "etcd is another one"
tap_is "$(fact up-fm)" "$(told -d)" "S3 the alarms are deleted"
tap_is "$(fact shared)" 4 "the other controller can take etcd's pairs"
tap_like "$FACTS" '^verified: etcd etcd-server OK$' "etcd is proven to have started after its files"
tap_like "$FACTS" '^verified: haproxy - UNKNOWN$' "nobody can look at the others"
tap_is "$(fact standby | xargs)" 0 "on a standby, where etcd is not started, nobody is asked"
tap_like "$FACTS" '^standby-said: etcd-server: renewed' "and its certificate is renewed"
tap_like "$FACTS" '^standby: etcd etcd-server OK$' "which is nothing to complain about"
tap_like "$FACTS" '^failed: etcd - NOT RUNNING$' "one that has failed is"
tap_done

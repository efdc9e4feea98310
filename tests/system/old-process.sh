#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real API server of yesterday goes on and answers where the new one should: all is healthy, and still
# nothing is proven. And an etcd that is ill before the restart of who needs it.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

bed_machine old-process
bed_config short <<'END'
[component kube-apiserver]
StopTimeout=0s
StartTimeout=30s
END

# 1. A second API server, the same program with the same flags, on a copy of the old certificates; and a
# redirection as a proxy makes it, so that it answers on 127.0.0.1:6443.
bed_age --files --only apiserver 10
old=$(bed_leaf pki/apiserver.crt)
bed sh -ec 'pid=$(pidof kube-apiserver)
        cp "/proc/$pid/root/usr/local/bin/kube-apiserver" /root/kube-apiserver
        cp -R /etc/kubernetes/pki /root/old-pki
        tr "\0" "\n" <"/proc/$pid/cmdline" | tail -n +2 |
                sed -e "s,/etc/kubernetes/pki,/root/old-pki," -e "s,^--secure-port=.*,--secure-port=7443," |
                xargs systemd-run -q -u old-apiserver /root/kube-apiserver'
tap_ok "an old API server runs beside the new one" bed_wait 60 bed curl -skf -o /dev/null https://127.0.0.1:7443/readyz
redirect() {
        bed iptables -t nat "-$1" OUTPUT -p tcp -d 127.0.0.1 --dport 6443 -j REDIRECT --to-ports 7443
}
redirect A
container=$(bed_container kube-apiserver)
bed_started 75 "an old process answers: nothing is proven"
tap_is "$(bed_served 6443)" "$old" "port 6443 serves the old certificate"
tap_unlike "$(bed_leaf pki/apiserver.crt)" "^$old$" "the new file stays, nothing was rolled back"
tap_unlike "$(bed_container kube-apiserver)" "^($container|)$" "although the API server was restarted"
tap_is "$(bed_alarms)" "restart-owed@kube-apiserver" "the alarm says that it is owed"
tap_status 2 "T39 verify is critical" bed kube-renewd verify
tap_like "$OUTPUT" 'apiserver .*NOT LOADED' "T39 the served certificate is not the file's"
container=$(bed_container kube-apiserver)
leaf=$(bed_leaf pki/apiserver.crt)

redirect D
bed systemctl stop old-apiserver
bed_started 0 "when the old process is gone, the next run proves the new one"
tap_is "$(bed_leaf pki/apiserver.crt) $(bed_container kube-apiserver)" "$leaf $container" \
        "it neither renews nor restarts again"
tap_is "$(bed_alarms)" "" "no alarm is left"

# 2. etcd does not answer: frozen, for less time than the kubelet bears it.
bed systemctl restart kubelet # forgets that it has had to start the API server
bed_wait 60 bed kubectl get --raw /readyz
bed_age --files --only apiserver-etcd-client 10
etcd=$(bed_container etcd)
bed pkill -STOP -x etcd
bed_start
bed pkill -CONT -x etcd
tap_is "$STATUS" 75 "etcd is ill before the restart: unfinished" || tap_note "$(tail -n 20 <<<"$OUTPUT")"
tap_is "$(bed_days pki/apiserver-etcd-client.crt)" 365 "the new file stays"
tap_is "$(bed_alarms)" "restart-owed@kube-apiserver" "the restart is owed"
tap_is "$(bed_container etcd)" "$etcd" "etcd was left alone"
leaf=$(bed_leaf pki/apiserver-etcd-client.crt)
tap_ok "etcd is well again, and so is the API server" bed_wait 120 bed kubectl get --raw /readyz
bed_started 0 "then the next run settles it"
tap_is "$(bed_leaf pki/apiserver-etcd-client.crt)" "$leaf" "without renewing again"
tap_is "$(bed_alarms)" "" "no alarm is left"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real control plane whose certificates end while nobody can renew them: the alarms say so, one after
# the other. Then, with the API server down, one start of the service repairs the cluster. At last the
# host is off for some nights, and its timer catches up.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

components=(etcd kube-apiserver kube-controller-manager kube-scheduler)

# alarms TYPE: the certificates that have such an alarm.
alarms() {
        bed_alarms | sed -n "s/^$1@//p" | xargs
}

# read_only yes|no: the service may not write where the certificates are.
read_only() {
        local file=/etc/systemd/system/kube-renewd.service.d/read-only.conf

        if [ "$1" = yes ]; then
                bed sh -c 'mkdir -p "${0%/*}"; printf "[Service]\nReadWritePaths=\nReadOnlyPaths=/etc/kubernetes\n" >$0' "$file"
        else
                bed rm -f "$file"
        fi
        bed systemctl daemon-reload
}

bed_machine expired
leaves="admin.conf apiserver apiserver-etcd-client apiserver-kubelet-client controller-manager.conf"
leaves+=" etcd-healthcheck-client etcd-peer etcd-server front-proxy-client scheduler.conf"

# 1. The end comes near, and /etc/kubernetes cannot be written.
read_only yes
bed_age --files 2
bed_started 1 "T41 two days before the end, nothing can be renewed"
tap_is "$(alarms expiring)" "$leaves" "T41 each certificate has an alarm: it expires soon"
tap_is "$(alarms expired)" "" "T41 none has expired"
bed_age -1
bed_wait 20 bed sh -c '! kubectl --request-timeout=2s get --raw /readyz'
tap_status 1 "a day after the end the API server is down" bed kubectl --request-timeout=5s get nodes
bed_started 1 "T41 still nothing can be renewed"
tap_is "$(alarms expired)" "$leaves" "T41 each certificate has the graver alarm"
tap_is "$(alarms expiring)" "" "T41 which took the place of the other"
tap_is "$(bed_alarm expired apiserver)" critical "T41 and is critical"
tap_status 2 "check is critical" bed kube-renewd check

# 2. The repair.
read_only no
bed_started 0 "T40 everything expired, the API server down: repaired"
tap_is "$(bed_served 6443)" "$(bed_leaf pki/apiserver.crt)" "T40 the API server serves what is in the file"
tap_is "$(bed_served 2379)" "$(bed_leaf pki/etcd/server.crt)" "T40 and so does etcd"
tap_is "$(bed_days pki/apiserver.crt) $(bed_days admin.conf)" "365 365" "T40 for a year"
tap_status 0 "T40 verify finds nothing" bed kube-renewd verify
tap_status 0 "T40 check finds nothing" bed kube-renewd check
tap_is "$(bed_alarms)" "" "T41 no alarm is left"
tap_ok "T40 the node is ready" bed_wait 60 bed sh -c 'kubectl get nodes | grep -q " Ready "'
tap_like "$(bed_containers "${components[@]}")" '^kube-scheduler .' "T40 all components run"
tap_is "$(bed_containers "${components[@]}" | grep -c ' .')" 4 "T40 each in one container"

# 3. Off for three nights, without power: due at boot. The hour of random delay is taken out.
bed sh -c 'd=/etc/systemd/system/kube-renewd.timer.d; mkdir -p $d
        printf "[Timer]\nRandomizedDelaySec=0\nAccuracySec=1s\n" >$d/now.conf
        systemctl daemon-reload; systemctl -q enable --now kube-renewd.timer'
bed_age --files --only front-proxy-client 10
old=$(bed_leaf pki/front-proxy-client.crt)
bed sh -c 'touch -d "3 days ago" /var/lib/systemd/timers/stamp-kube-renewd.timer; sync'
testbed down -f "$BED" 2>/dev/null
tap_ok "T18 the host boots" testbed up -n "$BED"
tap_ok "T18 the timer catches up" bed_wait 60 bed sh -c 'journalctl -q -b -o cat -u kube-renewd | grep -q "pass finished"'
tap_unlike "$(bed_leaf pki/front-proxy-client.crt)" "^$old$" "T18 what was due at boot is renewed"
bed_wait 240 bed sh -c '[ "$(systemctl show -P SubState kube-renewd)" != start ]'
tap_ok "T18 the API server is back" bed_wait 120 bed kubectl get --raw /readyz
bed_started 0 "T18 and whatever is still owed is settled by the next run"
tap_status 0 "T18 verify finds nothing" bed kube-renewd verify
tap_done

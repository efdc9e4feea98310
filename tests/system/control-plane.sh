#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real control plane with ten days left: one start of the service renews all, restarts what keeps the
# old certificates, in order, and proves what is served; the cluster goes on. Then one certificate at a
# time.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

components=(etcd kube-apiserver kube-controller-manager kube-scheduler)
leaves=(pki/apiserver.crt pki/apiserver-kubelet-client.crt pki/front-proxy-client.crt pki/apiserver-etcd-client.crt
        pki/etcd/server.crt pki/etcd/peer.crt pki/etcd/healthcheck-client.crt
        admin.conf controller-manager.conf scheduler.conf)
cas=(pki/ca.crt pki/front-proxy-ca.crt pki/etcd/ca.crt)

# of NAME LINES: what stands behind that name.
of() {
        sed -n "s/^$1 //p" <<<"$2"
}

# works NAME: a new deployment gets its pod, which takes the controller manager, the scheduler and the
# kubelet.
works() {
        bed sh -c 'kubectl apply -f - >/dev/null && kubectl wait --timeout=60s --for=condition=available deployment/$0' "$1" <<END
apiVersion: apps/v1
kind: Deployment
metadata: {name: $1}
spec:
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      hostNetwork: true
      tolerations: [{operator: Exists}]
      containers: [{name: pause, image: "testbed.test/pause:3.2"}]
END
}

# backups: how many there are.
backups() {
        bed sh -c 'ls /var/lib/kube-renewd/backups 2>/dev/null | wc -l'
}

# same_lines BEFORE AFTER: lines that both have.
same_lines() {
        comm -12 <(sort <<<"$1") <(sort <<<"$2")
}

bed_machine control-plane
bed_age 10

# From here on, the node's own word every second: "True", or nothing while nobody answers.
bed systemd-run -q -u watch-node sh -c 'export KUBECONFIG=/etc/kubernetes/kubelet.conf
        while :; do
                kubectl --request-timeout=2s get node cp1 \
                        -o "jsonpath={.status.conditions[?(@.type==\"Ready\")].status}{\"\n\"}" 2>/dev/null
                sleep 1
        done >/run/watch-node'

# 1. All of them.
before=$(bed_leaves "${leaves[@]}")
authorities=$(bed_leaves "${cas[@]}")
containers=$(bed_containers "${components[@]}")
begin=$(bed_now)
bed_started 0 "all is renewed, restarted and proven"
after=$(bed_leaves "${leaves[@]}")
running=$(bed_containers "${components[@]}")

tap_empty "$(same_lines "$before" "$after")" "every leaf is another one"
tap_is "$(bed_leaves "${cas[@]}")" "$authorities" "no CA is"
tap_is "$(bed_days pki/apiserver.crt)" 365 "and good for a year"
for pair in 6443:pki/apiserver.crt 2379:pki/etcd/server.crt; do
        tap_is "$(bed_served "${pair%%:*}")" "$(bed_leaf "${pair#*:}")" "port ${pair%%:*} serves what is in the file"
done
tap_is "$(bed_served 2380 192.0.2.11)" "$(bed_leaf pki/etcd/peer.crt)" "port 2380 serves what is in the file"
for name in kube-apiserver kube-controller-manager kube-scheduler; do
        tap_unlike "$(of "$name" "$running")" "^$(of "$name" "$containers")$" "$name runs in a new container"
        tap_like "$(of "$name" "$running")" . "$name runs"
done
tap_is "$(of etcd "$running")" "$(of etcd "$containers")" "etcd reads its files by itself, and was left alone"
tap_is "$(bed_created kube-apiserver kube-controller-manager kube-scheduler | sort -k 2 | head -n 1 | cut -d' ' -f1)" \
        kube-apiserver "the API server came first"
tap_is "$(bed_events COMPONENT_RESTARTED COMPONENT "$begin" | xargs)" \
        "kube-apiserver kube-controller-manager kube-scheduler" "the journal tells it in that order"
tap_ok "kubectl works with the new admin.conf" bed kubectl get nodes
tap_like "$OUTPUT" '^cp1 +Ready ' "the node is ready"
tap_ok "controller manager and scheduler do their work" works after-renewal
tap_status 0 "verify finds nothing" bed kube-renewd verify
tap_unlike "$OUTPUT" 'NOT LOADED' "and says so" || tap_note "$OUTPUT"
tap_status 0 "check finds nothing" bed kube-renewd check
tap_is "$(bed_alarms)" "" "there is no alarm"
tap_is "$(backups)" 1 "there is a backup"
backup=$(bed sh -c 'grep -rlF "$(openssl x509 -in /etc/kubernetes/pki/ca.crt | sed -n 2p)" /var/lib/kube-renewd/backups' | wc -l)
tap_is "$backup" 0 "of leaves only"

# 2. Again: nothing to do.
bed_started 0 "T01 a second start does nothing"
tap_is "$(bed_leaves "${leaves[@]}")" "$after" "T01 all files are the same"
tap_is "$(bed_containers "${components[@]}")" "$running" "T01 nothing was restarted"
tap_is "$(backups)" 1 "T01 nothing was backed up"

# 3. One certificate whose user keeps it for life.
bed_age --files --only scheduler.conf 10
before=$(bed_leaves "${leaves[@]}")
bed_started 0 "T02 one leaf inside the threshold is renewed"
after=$(bed_leaves "${leaves[@]}")
tap_is "$(diff <(echo "$before") <(echo "$after") | grep -c '^>')" 1 "T02 only that one"
tap_is "$(bed_leaves "${cas[@]}")" "$authorities" "T02 the CA is the same"
changed=$(diff <(echo "$running") <(bed_containers "${components[@]}") | sed -n 's/^> \([a-z-]*\).*/\1/p' | xargs)
tap_is "$changed" kube-scheduler "T02 only its user was restarted"
running=$(bed_containers "${components[@]}")

# 4. One that the API server of this version keeps. (The controller manager may lose its lease meanwhile,
# and end by itself.)
bed_age --files --only front-proxy-client 10
begin=$(bed_now)
bed_started 0 "T20 front-proxy-client is renewed"
tap_is "$(bed_events COMPONENT_RESTARTED COMPONENT "$begin")" kube-apiserver "T20 only the API server was restarted"
changed=$(diff <(echo "$running") <(bed_containers "${components[@]}") | sed -n 's/^> \([a-z-]*\).*/\1/p' | xargs)
tap_like "$changed" '^kube-apiserver' "T20 it has a new container, and etcd has not"
tap_ok "T20 what uses it is proven" bed_wait 120 bed kube-renewd verify
tap_is "$(bed_alarms)" "" "T20 there is no alarm"

# 5. Through all of it.
bed systemctl stop watch-node
watched=$(bed cat /run/watch-node)
tap_like "$watched" '^True$' "the node was watched"
tap_empty "$(grep -vx True <<<"$watched")" "the node was ready all the time"
bed_explained
tap_done

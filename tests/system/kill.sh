#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The service is killed (SIGKILL) in each stage from the replacing of the files to their proof, on a real
# control plane. The next run completes what was begun, and leaves nothing behind.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

leaves=(pki/apiserver.crt pki/apiserver-kubelet-client.crt pki/front-proxy-client.crt pki/apiserver-etcd-client.crt
        pki/etcd/server.crt pki/etcd/peer.crt pki/etcd/healthcheck-client.crt
        admin.conf controller-manager.conf scheduler.conf)

# kill_at TEXT: starts the service, and kills its process as soon as its status begins with that.
kill_at() {
        bed systemctl stop kube-renewd
        bed bash -c 'systemctl start --no-block kube-renewd
                for ((i = 0; i < 6000; i++)); do
                        state=$(systemctl show -p SubState -p MainPID -p StatusText kube-renewd)
                        case $state in
                        *StatusText=*"$0"*) kill -KILL "$(sed -n s/^MainPID=//p <<<"$state")" && exit 0 ;;
                        *SubState=start*) ;;
                        *) [ "$i" -lt 20 ] || exit 1 ;; # it has ended
                        esac
                done
                exit 1' "$1"
}

# settled: what ends a killed run has ended too.
settled() {
        bed_wait 30 bed sh -c 'case $(systemctl show -P SubState kube-renewd) in start* | stop* | final*) exit 1 ;; esac'
}

manifests() {
        bed sh -c 'cd /etc/kubernetes/manifests && ls -A && sha256sum *'
}

# unpaired: certificates whose key is another's.
unpaired() {
        bed sh -c 'cd /etc/kubernetes/pki; for f in *.crt etcd/*.crt; do
                [ "$(openssl x509 -noout -pubkey -in "$f")" = "$(openssl pkey -pubout -in "${f%.crt}.key")" ] || echo "$f"
        done'
}

# completed TITLE: the next run ends it all.
completed() {
        tap_empty "$(unpaired)" "T36 $1: every certificate has its key"
        bed_started 0 "T36 $1: the next run completes"
        bed_unconfig runtime
        tap_status 0 "T36 $1: all is proven" bed kube-renewd verify
        tap_is "$(bed_alarms)" "" "T36 $1: no alarm is left"
        tap_is "$(manifests)" "$manifests" "T36 $1: the manifests are as they were"
        tap_is "$(bed sh -c 'find /etc/kubernetes /var/lib/kube-renewd/owed /var/lib/kube-renewd/parked -name ".*" -type f 2>/dev/null; \
                ls /var/lib/kube-renewd/owed /var/lib/kube-renewd/parked 2>/dev/null | grep json')" "" "T36 $1: nothing is left over"
}

# killed STATUS TITLE: the story of one kill.
killed() {
        local old container

        bed systemctl restart kubelet # forgets how often it has had to start the scheduler
        bed_age --files --only scheduler.conf 10
        old=$(bed_leaf scheduler.conf)
        container=$(bed_container kube-scheduler)
        tap_ok "T36 $2: killed" kill_at "$1"
        settled
        bed_status
        tap_is "$STATUS" KILL "T36 $2: by a signal"
        completed "$2"
        tap_unlike "$(bed_leaf scheduler.conf)" "^$old$" "T36 $2: the scheduler's file is new"
        tap_unlike "$(bed_container kube-scheduler)" "^($container|)$" "T36 $2: its container too"
}

bed_machine kill
manifests=$(manifests)
bed_config short <<'END'
[component kube-scheduler]
StopTimeout=2s
END

# 1. In the middle of the exchange of all files: strace kills at a given one.
bed_age --files 10
before=$(bed_leaves "${leaves[@]}")
bed systemd-run -q --wait --collect -p StandardError=null strace -f -o /dev/null -e trace=renameat2 \
        -e inject=renameat2:signal=SIGKILL:when=12 "$(bed sh -c 'command -v kube-renewd')" run
new=$(diff <(echo "$before") <(bed_leaves "${leaves[@]}") | grep -c '^>')
tap_like "$new" '^[1-9]$' "T36 replacing: killed when some of ten certificates were new ($new)"
tap_ok "T36 replacing: what is half done is finished or undone at once" bed kube-renewd recover
completed "replacing"
tap_empty "$(comm -12 <(sort <<<"$before") <(bed_leaves "${leaves[@]}" | sort))" "T36 replacing: every leaf is new"

# 2. While a component is restarted, by its runtime and by its manifest, and while it is waited for.
killed "Restarting kube-scheduler" "restarting"
killed "Waiting for kube-scheduler" "waiting for proof"
printf '[runtime]\nEndpoint=unix:///run/nowhere.sock\n' | bed_config runtime
killed "Moving the manifest of kube-scheduler" "moving the manifest"
bed_explained
tap_done

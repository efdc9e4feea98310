#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Three control planes of one cluster, everything due on all of them in the same minute, three services started
# at once: at every moment two API servers answer and two members of etcd, asked every 50 ms. One of them asks for
# its turn with the account of packaging/kubernetes/restart-lease.yaml, the others with admin.conf.
# SWEEP=all: the same in every way in which it may go wrong; HA_CASES names some of them.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99
# shellcheck source=tests/system/ha-cluster.sh
. "$(dirname "$0")/ha-cluster.sh" || exit 99

cases=(at_once holder_killed cut_between_two one_host_dead member_down held_for_ever all_expired etcd_elsewhere)

# The components of this version read their certificates by themselves; here they are to be restarted.
configure() {
        bed_config ha <<'END'
[cluster]
Coordination=lease
[component etcd]
Restart=always
StartTimeout=1min
[component kube-apiserver]
Restart=always
StartTimeout=2min
[component kube-controller-manager]
StartTimeout=1min
[component kube-scheduler]
StartTimeout=1min
END
}

# use_account I: it asks for its turn with the account that is made for that, as the manual has it.
use_account() {
        local token config="kubectl config --kubeconfig=/etc/kube-renewd/restart.conf"
        local can="kubectl --kubeconfig=/etc/kube-renewd/restart.conf auth can-i"

        bed sh -c 'cat >/restart-lease.yaml; kubectl apply -f /restart-lease.yaml' \
                <"$SRCDIR/packaging/kubernetes/restart-lease.yaml" >/dev/null
        tap_result $? "the account for turns is made"
        token=$(bed sh -c 'echo "{\"kind\": \"TokenRequest\", \"apiVersion\": \"authentication.k8s.io/v1\", \"spec\": {}}" |
                kubectl create -f - --raw /api/v1/namespaces/kube-system/serviceaccounts/kube-renewd-restart/token' |
                jq -r .status.token)
        tap_like "$token" '^[^.]+[.][^.]+[.]' "it has a token"
        on "$1" bed sh -c 'umask 077; cat >/etc/kube-renewd/restart.token' <<<"$token"
        on "$1" bed sh -c "$config set-cluster k --server=https://api.testbed.test:6443 \\
                        --embed-certs --certificate-authority=/etc/kubernetes/pki/ca.crt &&
                $config set-credentials u && $config set users.u.tokenFile restart.token &&
                $config set-context x --cluster=k --user=u && $config use-context x" >/dev/null
        tap_result $? "the kubeconfig of the account is made as the manual says"
        on "$1" bed_config account <<'END'
[cluster]
Kubeconfig=/etc/kube-renewd/restart.conf
END
        tap_is "$(on "$1" bed sh -c "$can update leases/kube-renewd-restart -n kube-system")" yes "it may write the Lease"
        tap_is "$(on "$1" bed sh -c "$can list secrets -n kube-system")" no "and see no Secret"
}

# elections: what etcd of this machine has said since $begin of its own end, and of who leads after it.
elections() {
        bed sh -c 'cat /var/log/pods/kube-system_etcd-*/etcd/*.log' |
                awk -v since="$(date -u -d "@${begin%.*}" +%Y-%m-%dT%H:%M:%S)" '
                        $1 < since { next }
                        /etcd Version/ { is_ending = 0 }
                        /received terminated signal/ { is_ending = 1 }
                        /starts leadership transfer/ { print is_ending ? "while it ends" : "before" }'
}

# All at once.
at_once() {
        local title="all at once"

        all_due
        each start
        all_ended 0 "$title"
        one_is_missing_at_most "$title"
        all_renewed "$title"
        all_anew "$title"
        well "$title"
        no_alarms "$title"
        tap_like "$(each bed_events TURN_AWAITED REASON "$begin")" "holds the lease" "$title: somebody has waited for his turn"
        tap_is "$(each bed_events TURN_OVERRIDDEN REASON "$begin")" "" "$title: nobody went without it"
        tap_is "$(each elections | sort -u)" before "$title: who led etcd has let another one lead before it was ended"
        tap_is "$(each bed sh -c 'jq -r ".servers | length" /var/lib/kube-renewd/cluster.json' | sort -u)" 3 \
                "$title: each knows where the three API servers are"
        bed_explained
}

# take_victim: notes the number of the machine that has the turn.
take_victim() {
        local i name

        name=$(holder)
        for i in "${!nodes[@]}"; do
                [ "${nodes[$i]}" != "${name%%/*}" ] || victim=$i
        done
        [ -n "$victim" ]
}

# Who has the turn is killed in the middle of it.
holder_killed() {
        local i victim="" title="holder killed"

        all_due
        each start
        bed_wait 60 take_victim
        tap_result $? "$title: somebody has the turn" || return
        on "$victim" bed systemctl kill -s KILL kube-renewd
        for i in $(up); do
                [ "$i" = "$victim" ] || ended "$i" 0 "$title"
        done
        on "$victim" start
        ended "$victim" 0 "$title: its next pass"
        one_is_missing_at_most "$title"
        all_renewed "$title"
        well "$title"
        no_alarms "$title"
}

# Two hosts do not hear each other: one of them has not got etcd's leader, or the other hears of one member less.
# Meanwhile etcd may elect one leader after the other; but nobody of ours makes it worse.
cut_between_two() {
        local title="cut between two"

        all_due
        on 0 bed ip route add unreachable 192.0.2.12
        on 1 bed ip route add unreachable 192.0.2.11
        sleep 5
        each start
        all_ended '0|75' "$title"
        one_is_missing_at_most "$title"
        on 0 bed ip route del unreachable 192.0.2.12
        on 1 bed ip route del unreachable 192.0.2.11
        well "$title, and together again"
        each start
        all_ended 0 "$title, and together again"
        one_is_missing_at_most "$title, and together again"
        all_renewed "$title, and together again"
        all_anew "$title, and together again"
        no_alarms "$title, and together again"
}

# all_are_left_alone TITLE: etcd and the API servers of those that are up; their files are new.
all_are_left_alone() {
        local i

        for i in $(up); do
                ended "$i" 75 "$1"
                tap_is "$(on "$i" bed_days pki/apiserver.crt)" 365 "$1: files of ${nodes[$i]} are new"
                tap_is "$(on "$i" bed_containers etcd kube-apiserver)" "${before[$i]}" \
                        "$1: etcd and the API server of ${nodes[$i]} are left alone"
                tap_is "$(on "$i" bed_alarms | grep -v missed-run | sort | xargs)" "restart-owed@etcd restart-owed@kube-apiserver" \
                        "$1: and that is an alarm on ${nodes[$i]}"
                tap_like "$(on "$i" bed_alarm restart-owed etcd .reason)" "members of etcd 2 are healthy" "$1: which says why"
                tap_like "$(on "$i" bed_alarm restart-owed kube-apiserver .reason)" "1 are ready, and 2 have to be" \
                        "$1: of the API server, too"
        done
        silent_at_most api 1 "$1"
        silent_at_most etcd 1 "$1"
        tell "$1"
}

# is_restarted_now TITLE: all three are up again: what was owed is done.
is_restarted_now() {
        well "$1"
        each start
        all_ended 0 "$1"
        silent_at_most api 1 "$1"
        silent_at_most etcd 1 "$1"
        anew 0 "$1"
        anew 1 "$1"
        no_alarms "$1"
}

# One host is dead, and with it a member of etcd.
one_host_dead() {
        local title="one host dead"

        testbed down -f "${machines[2]}"
        down[2]=1
        each bed_wait 60 is_well
        all_due
        each start
        all_are_left_alone "$title"
        unset 'down[2]'
        testbed up -n "${machines[2]}"
        is_restarted_now "$title, and back"
}

# One member of etcd is down, and the API server beside it not ready; its host is up.
member_down() {
        local title="one member of etcd down"

        on 2 bed mv /etc/kubernetes/manifests/etcd.yaml /etcd.yaml
        tap_ok "$title" on 2 bed_wait 60 bed sh -c '! curl -s -m 2 http://127.0.0.1:2381/health'
        down[2]=1
        each bed_wait 60 is_well
        all_due
        each start
        all_are_left_alone "$title"
        unset 'down[2]'
        on 2 bed mv /etcd.yaml /etc/kubernetes/manifests/etcd.yaml
        is_restarted_now "$title, and back"
}

# tries N TITLE: passes until all end with 0.
tries() {
        local i try left

        for ((try = 1; try <= $1; try++)); do
                each start
                all_ended '0|75' "$2, try $try"
                left=$(alarms | grep -c .)
                for i in $(up); do
                        on "$i" bed_events TURN_OVERRIDDEN COMPONENT "$begin" | sort | uniq -c | while read -r line; do
                                tap_note "$2: ${nodes[$i]} without its turn: $line"
                        done
                done
                [ "$left" != 0 ] || break
        done
        tap_note "$2: in $try tries"
}

impatient() {
        bed_config timeout <<'END'
[cluster]
LeaseTimeout=1min
END
}

# Somebody holds the lease, and does not say for how long; what all three have ends soon. They go on by
# themselves, and still one after the other.
held_for_ever() {
        local title="held for ever"

        bed kubectl -n kube-system patch lease kube-renewd-restart --type=merge \
                -p '{"spec": {"holderIdentity": "somebody", "leaseDurationSeconds": null}}' >/dev/null
        tap_is "$(holder)" somebody "$title: somebody has the turn"
        each impatient
        all_due 2
        tries 4 "$title"
        one_is_missing_at_most "$title"
        all_renewed "$title"
        all_anew "$title"
        tap_like "$(each bed_events TURN_OVERRIDDEN REASON "$begin")" "'somebody' holds the lease" "$title: nobody waits for ever"
        tap_is "$(holder)" somebody "$title: and he has it again"
        each bed_unconfig timeout
        bed kubectl -n kube-system patch lease kube-renewd-restart --type=merge \
                -p '{"spec": {"holderIdentity": null}}' >/dev/null
        no_alarms "$title"
        well "$title"
}

# Everything has expired everywhere: no API server comes up, and etcd has no quorum to lose. From the moment on at
# which the first of each have answered, no two are silent at the same time.
all_expired() {
        local title="all expired" once_up=1

        all bed_age -1
        begin=$(bed_now)
        tries 3 "$title"
        silent_at_most api 1 "$title"
        silent_at_most etcd 1 "$title"
        tell "$title"
        all_renewed "$title"
        well "$title"
        no_alarms "$title"
}

# leave_etcd I: its etcd is no more, and its API server asks that of the third host.
leave_etcd() {
        local id etcdctl="etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd/ca.crt"

        etcdctl="ETCDCTL_API=3 $etcdctl --cert=/etc/kubernetes/pki/etcd/server.crt --key=/etc/kubernetes/pki/etcd/server.key"
        on 2 bed_wait 60 bed sh -c 'curl -sf -m 5 http://127.0.0.1:2381/health | grep -q true'
        id=$(on 2 bed sh -c "$etcdctl member list" | sed -n "s/^\([0-9a-f]*\), started, ${nodes[$1]}, .*/\1/p")
        on 2 bed sh -c "$etcdctl member remove $id" >/dev/null
        tap_result $? "the member of ${nodes[$1]} is taken out of etcd"
        on "$1" bed sh -c 'cd /etc/kubernetes &&
                sed -i "s#--etcd-servers=.*#--etcd-servers=https://192.0.2.13:2379#" manifests/kube-apiserver.yaml &&
                mv manifests/etcd.yaml / && rm pki/etcd/server.* pki/etcd/peer.* pki/etcd/healthcheck-client.*'
}

# Two control planes that have no etcd: it is on the third host, which has nothing else left. The last case: the
# cluster stays so.
etcd_elsewhere() {
        local i path title="etcd elsewhere"

        leave_etcd 0
        leave_etcd 1
        on 2 bed sh -c 'mv /etc/kubernetes/manifests/kube-*.yaml /'
        down[2]=1
        sleep 25 # the kubelet looks at its manifests every 20 seconds
        for i in 0 1; do
                tap_ok "$title: the API server of ${nodes[$i]} is well" on "$i" bed_wait 180 bed kubectl get --raw /readyz
        done
        each bed rm /var/lib/kube-renewd/cluster.json # as a week later: the third one is none any more
        all_due
        each start
        all_ended 0 "$title"
        silent_at_most api 2 "$title"
        tap_is "$(longest silent etcd-2)" "0.0 0" "$title: etcd is not touched"
        tell "$title"
        for i in 0 1; do
                for path in pki/apiserver.crt pki/apiserver-etcd-client.crt admin.conf; do
                        tap_is "$(on "$i" bed_days "$path")" 365 "$title: $path of ${nodes[$i]} is new"
                done
                tap_is "$(on "$i" bed_served 6443)" "$(on "$i" bed_leaf pki/apiserver.crt)" \
                        "$title: the API server of ${nodes[$i]} shows it"
                tap_unlike "${before[$i]}" "$(on "$i" bed_container kube-apiserver)" \
                        "$title: the API server of ${nodes[$i]} was started anew"
        done
        no_alarms "$title"
}

[ -x "$tool" ] || tap_skip_all "there is no ask-as in this build"
cluster_up ha
each configure
use_account 1
probe_all

[ "${SWEEP:-}" != all ] || HA_CASES=${HA_CASES:-${cases[*]}}
for case in ${HA_CASES:-at_once}; do "$case"; done
tap_done

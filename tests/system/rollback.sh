#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A scheduler that does not get on with its new credentials, on a real control plane: its container does
# not come back, or comes back and is ill. It gets its old file again, and is left alone; a person can
# insist. One that was ill before is not given back a credential that has ended.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

healthy() {
        bed curl -skf -m 2 -o /dev/null https://127.0.0.1:10259/healthz
}

# ill: its process is there, and does not answer.
ill() {
        ! healthy && [ -n "$(bed_container kube-scheduler)" ]
}

# guarded exit|hang: the scheduler starts only with what is accepted. The manifest is written elsewhere and
# moved, since the kubelet runs whatever lies there. Waits until it does.
guarded() {
        bed sh -ec 'sed -e "s,^    - kube-scheduler$,    - /guard/guard\n    - /guard/accepted\n    - /etc/kubernetes/scheduler.conf\n    - $0\n&," \
                -e "s,^    volumeMounts:$,&\n    - mountPath: /guard\n      name: guard," \
                -e "s,^  volumes:$,&\n  - hostPath:\n      path: /etc/guard\n    name: guard," \
                /root/kube-scheduler.yaml >/etc/kubernetes/guarded
                mv /etc/kubernetes/guarded /etc/kubernetes/manifests/kube-scheduler.yaml' "$1"
        tap_ok "a scheduler that will $1" bed_wait 90 runs_guarded "$1"
}

runs_guarded() {
        healthy && bed sh -c 'ctr -n k8s.io containers info "$0" | jq -e --arg mode "$1" ".Spec.process.args[3] == \$mode"' \
                "$(bed_container kube-scheduler)" "$1"
}

# accept: what is in place now; accept_all; accept_nothing
accept() {
        bed cp /etc/kubernetes/scheduler.conf /etc/guard/accepted
}

accept_all() {
        bed sh -c ': >/etc/guard/accepted'
}

accept_nothing() {
        bed sh -c 'echo nothing >/etc/guard/accepted'
}

# rolled_back MODE: the story of one such scheduler.
rolled_back() {
        local old begin container

        bed_age --files --only scheduler.conf 10
        accept
        guarded "$1"
        old=$(bed_leaf scheduler.conf)
        container=$(bed_container kube-scheduler)
        begin=$(bed_now)
        bed_started 1 "$1: the new file is of no use"
        tap_is "$(bed_leaf scheduler.conf)" "$old" "$1: the old file is back"
        tap_ok "$1: the scheduler is healthy" healthy
        tap_unlike "$(bed_container kube-scheduler)" "^($container|)$" "$1: in a new container"
        tap_is "$(bed_alarm rolled-back kube-scheduler)" critical "$1: the alarm is critical"
        tap_is "$(bed_alarms | xargs)" "expiring@scheduler.conf rolled-back@kube-scheduler" \
                "$1: besides the one that the end comes near"
        tap_is "$(bed_events COMPONENT_ROLLED_BACK COMPONENT "$begin")" kube-scheduler "$1: the journal tells"

        container=$(bed_container kube-scheduler)
        bed_started 1 "$1: the next run has nothing that it may do"
        tap_is "$(bed_leaf scheduler.conf) $(bed_container kube-scheduler)" "$old $container" "$1: then it is left alone"
        tap_is "$(bed_alarm rolled-back kube-scheduler .count)" 2 "$1: but not forgotten"

        accept_all
        bed systemctl restart kubelet # forgets how often it has had to start it, as it does after ten minutes
        tap_status 0 "$1: who insists, when the cause is gone, gets it" bed kube-renewd renew scheduler.conf
        tap_like "$OUTPUT" '^kube-scheduler: was restarted and uses the files on disk$' "$1: and reads what was done"
        tap_unlike "$(bed_leaf scheduler.conf)" "^$old$" "$1: a new file"
        tap_ok "$1: a healthy scheduler" healthy
        bed_started 0 "$1: the next run has nothing to do"
        tap_is "$(bed_alarms)" "" "$1: no alarm is left"
}

bed_machine rollback
tap_ok "the guard is built" gcc -static -O2 -o "$SCRATCH/guard" "$SRCDIR/tests/system/guard.c"
bed mkdir -p /etc/guard
testbed put -m "$BED" "$SCRATCH/guard" /etc/guard/guard
bed cp /etc/kubernetes/manifests/kube-scheduler.yaml /root/kube-scheduler.yaml
bed_config short <<'END'
[component kube-scheduler]
StopTimeout=2s
StartTimeout=45s
END

# 1. It does not come back; it comes back and is ill.
rolled_back exit
rolled_back hang

# 2. Ill before the pass.
bed_age --files --only scheduler.conf -1
accept_nothing
bed ctr -n k8s.io tasks kill -s KILL "$(bed_container kube-scheduler)"
tap_ok "a scheduler is ill" bed_wait 60 ill
old=$(bed_leaf scheduler.conf)
bed_started 75 "a scheduler that was ill before is still owed its restart"
tap_unlike "$(bed_leaf scheduler.conf)" "^$old$" "it is not given back a credential that has ended"
tap_is "$(bed_days scheduler.conf)" 365 "its file is new"
tap_is "$(bed_alarms)" "restart-owed@kube-scheduler" "nothing was rolled back"
leaf=$(bed_leaf scheduler.conf)
accept_all
bed systemctl restart kubelet # as above; and it may be in the middle of ending the one that is ill
bed ctr -n k8s.io tasks kill -s KILL "$(bed_container kube-scheduler)" 2>/dev/null
tap_ok "the cause is gone" bed_wait 90 healthy
bed_started 0 "then the next run is content"
tap_is "$(bed_leaf scheduler.conf)" "$leaf" "without renewing again"
tap_is "$(bed_alarms)" "" "no alarm is left"
bed_explained
tap_done

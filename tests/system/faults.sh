#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real control plane on which a restart is not possible, because of the container runtime, or because
# of the kubelet: the new files stay, the restart is owed, the alarm says so night after night, and
# nothing is renewed twice. When the cause is gone, so is the alarm.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

fake=$BUILDDIR/tests/bin/fake-runtime
[ -x "$fake" ] || tap_skip_all "there is no fake runtime in this build (libnghttp2)"

# runtime ARGUMENT...: from now on the runtime is a fake one.
runtime() {
        bed systemctl -q stop fake-runtime 2>/dev/null
        bed systemd-run -q -u fake-runtime --collect /root/fake-runtime /run/fake.sock "$@"
        bed_wait 5 bed test -S /run/fake.sock
}

endpoint() {
        printf '[runtime]\nEndpoint=%s\n' "$1" | bed_config runtime
}

# still_owed TITLE: what holds after each start that could not restart the scheduler.
still_owed() {
        nights=$((nights + 1))
        tap_is "$(bed_leaf scheduler.conf)" "$leaf" "$1: the new file stays, and is not renewed again"
        tap_is "$(bed_container kube-scheduler)" "$container" "$1: the old process goes on"
        tap_is "$(bed_alarm restart-owed kube-scheduler '"\(.severity) \(.count)"')" "major $nights" \
                "$1: the alarm is there, $nights times by now"
        tap_is "$(bed_alarm restart-owed kube-scheduler .time_created)" "$created" "$1: since the first time"
}

bed_machine faults
testbed put -m "$BED" "$fake" /root/fake-runtime
# Alarms that have nothing to do with it, and short deadlines.
bed_config test <<'END'
[alarms]
CAExpiringBefore=50y
[component kube-scheduler]
StopTimeout=2s
StartTimeout=15s
END
container=$(bed_container kube-scheduler)
as_if=kube-scheduler,kube-scheduler-cp1,kube-system,running,0,$(($(date +%s) - 3600))000000000

# 1. Runtimes that do not do it.
bed_age --files --only scheduler.conf 10
endpoint unix:///run/fake.sock
runtime --fault=StopContainer:error "$container,$as_if"
bed_started 75 "T21 the runtime answers an error"
leaf=$(bed_leaf scheduler.conf)
nights=0
created=$(bed_alarm restart-owed kube-scheduler .time_created)
others=$(bed_alarms | grep -v '^restart-owed@')
tap_is "$(bed_days scheduler.conf)" 365 "T21 the file is new"
still_owed "T21 the runtime answers an error"
tap_like "$(bed_alarm restart-owed kube-scheduler .reason)" 'disk' "its words are in the alarm"

runtime --fault=StopContainer:hang "$container,$as_if"
bed_started 75 "T21 the runtime hangs"
still_owed "T21 the runtime hangs"

runtime
bed_started 75 "T21 no container matches"
still_owed "T21 no container matches"

runtime "$container,$as_if"
bed_started 75 "T21 the runtime says it was stopped, and no new container comes"
still_owed "T21 no new container"

# 2. No kubelet to start it again: nothing is stopped. The real old process is seen to be old.
bed_unconfig runtime
bed systemctl stop fake-runtime kubelet
bed_started 75 "T21 the kubelet does not run"
still_owed "T21 the kubelet does not run"
tap_like "$(bed_alarm restart-owed kube-scheduler .reason)" 'kubelet' "T21 the alarm says why"
tap_status 2 "T39 verify is critical" bed kube-renewd verify
tap_like "$OUTPUT" 'scheduler.*NOT LOADED' "T39 the scheduler's file is not loaded: the real old process runs"
tap_unlike "$OUTPUT" '(apiserver|etcd|manager).*NOT LOADED' "T39 all others are"

# The next night comes by the timer.
bed sh -c 'd=/etc/systemd/system/kube-renewd.timer.d; mkdir -p $d
        printf "[Timer]\nRandomizedDelaySec=0\nAccuracySec=1s\n" >$d/now.conf; systemctl daemon-reload
        mkdir -p /var/lib/systemd/timers; touch -d yesterday /var/lib/systemd/timers/stamp-kube-renewd.timer
        systemctl stop kube-renewd; systemctl start kube-renewd.timer'
tap_ok "T21 a night passes" bed_wait 60 bed sh -c \
        '[ "$(jq .count /var/lib/kube-renewd/public/alarms/restart-owed@kube-scheduler.json)" -gt $0 ]' "$nights"
bed systemctl stop kube-renewd.timer
still_owed "T21 the next night"

# A kubelet that ends over and over is active most of the time, and starts nothing.
bed sh -c 'd=/etc/systemd/system/kubelet.service.d; mkdir -p $d
        printf "[Service]\nExecStart=\nExecStart=/bin/sleep 4\nRestartSec=1\n" >$d/zz-ends.conf
        systemctl daemon-reload; systemctl start kubelet'
for i in 1 2 3; do
        bed_started 75 "T21 the kubelet ends over and over ($i)"
        still_owed "T21 the kubelet ends over and over ($i)"
done
bed sh -c 'systemctl stop kubelet; rm /etc/systemd/system/kubelet.service.d/zz-ends.conf; systemctl daemon-reload'

# 3. The cause is gone.
bed systemctl start kubelet
tap_ok "the node is ready again" bed_wait 60 bed sh -c 'kubectl get nodes | grep -q " Ready "'
bed_started 0 "T21 the next run restarts what is owed"
tap_is "$(bed_leaf scheduler.conf)" "$leaf" "T21 without renewing again"
tap_unlike "$(bed_container kube-scheduler)" "^$container$" "T21 the scheduler runs in a new container"
tap_is "$(bed_alarms)" "$others" "T22 its alarm is gone, and no other"
tap_status 0 "T39 verify finds nothing" bed kube-renewd verify

# 4. No runtime at all: the manifest is moved out and back.
bed_age --files --only scheduler.conf 10
container=$(bed_container kube-scheduler)
manifests=$(bed sh -c 'cd /etc/kubernetes/manifests && ls -A && sha256sum *')
printf '[component kube-scheduler]\nStartTimeout=2min\n' | bed_config zz
endpoint unix:///run/nowhere.sock
bed_started 0 "no runtime answers: restarted by its manifest"
tap_unlike "$(bed_container kube-scheduler)" "^$container$" "the scheduler runs in a new container"
tap_is "$(bed sh -c 'cd /etc/kubernetes/manifests && ls -A && sha256sum *')" "$manifests" \
        "the manifests are all there, and nothing else is"
tap_is "$(bed_alarms)" "$others" "no alarm is left"
bed_explained
tap_done

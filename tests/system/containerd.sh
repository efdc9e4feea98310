#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real containerd of our own, with pods as a kubelet has them: kube/cri lists and stops their
# containers, and says what is wrong where it cannot.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

[ "$(id -u)" = 0 ] || tap_skip_all "containers want root"
for tool in containerd containerd-shim-runc-v2 ctr runc; do
        command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
done
tool=$BUILDDIR/tests/system/kube-tool
pod=$BUILDDIR/tests/system/cri-pod
socket=$SCRATCH/containerd.sock
image=localhost/sleep:test
cd "$SCRATCH" || exit 99

# 1. containerd_start [DISABLED]: everything of it is in the scratch directory, but for the sockets of
# its shims. No CNI: pods are in the network of the host. tap_ok runs it in a subshell, so the process
# is known by a file.
containerd_start() {
        cat >config.toml <<TOML
version = 2
root = "$SCRATCH/root"
state = "$SCRATCH/state"
disabled_plugins = [$1]
[grpc]
address = "$socket"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$image"
restrict_oom_score_adj = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
TOML
        rm -f "$socket"
        containerd --config config.toml >>containerd.log 2>&1 &
        echo $! >containerd.pid
        # It says that it is "not initialized yet" for a moment after it has begun to listen.
        for _ in {1..100}; do
                "$tool" cri-list "$socket" a b c >ready.log 2>&1 && return 0
                grep -q 'speaks neither' ready.log && return 0
                sleep 0.1
        done
        tail containerd.log
        return 1
}

containerd_kill() {
        local runtime

        [ -e containerd.pid ] || return 0
        runtime=$(<containerd.pid)
        rm containerd.pid
        kill -KILL "$runtime" 2>/dev/null || return 0
        while [ -e "/proc/$runtime" ]; do
                sleep 0.05
        done
}

shims=ours
[ ! -e /run/containerd ] || shims=theirs
sandboxes=()
clean_up() {
        local sandbox

        for sandbox in "${sandboxes[@]}"; do
                timeout 60 "$pod" "$socket" remove "$sandbox"
        done
        containerd_kill
        # Of a container that could not be removed.
        awk -v ours="$SCRATCH/" 'index($2, ours) == 1 { print $2 }' /proc/mounts | xargs -r umount --lazy
        [ "$shims" = theirs ] || rmdir /run/containerd/{runc/k8s.io,runc,fifo,s,} 2>/dev/null
}
tap_on_exit clean_up

# 2. An image with nothing but sh and sleep, which is the pause of the sandboxes too.
image_make() {
        local file

        mkdir -p image/layer
        { printf '%s\n' /bin/sh /bin/sleep && ldd /bin/sh /bin/sleep | grep -oE '/[^ ]+ \(0x' | cut -d' ' -f1; } |
                sort -u | while read -r file; do
                        cp -L --parents "$file" image/layer
                done
        tar -C image/layer -cf image/layer.tar .
        printf '{"architecture":"%s","os":"linux","config":{"Entrypoint":["/bin/sleep","3600"]},
                "rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$(dpkg --print-architecture)" \
                "$(sha256sum image/layer.tar | cut -d' ' -f1)" >image/config.json
        echo "[{\"Config\":\"config.json\",\"RepoTags\":[\"$image\"],\"Layers\":[\"layer.tar\"]}]" >image/manifest.json
        tar -C image -cf image.tar config.json manifest.json layer.tar
        ctr --address "$socket" --namespace k8s.io images import image.tar
}

# polite, stubborn: what a container runs; the second one has to be killed.
polite=(/bin/sh -c 'trap "exit 0" TERM; while :; do /bin/sleep 0.1; done')
stubborn=(/bin/sh -c 'trap "" TERM; while :; do /bin/sleep 0.1; done')

# start SANDBOX POD CONTAINER ATTEMPT COMMAND...: prints the id.
start() {
        local sandbox=$1 of=$2 name=$3 attempt=$4

        shift 4
        "$pod" "$socket" start "$sandbox" kube-system "$of" "$name" "$attempt" "$image" "$@"
}

list() {
        "$tool" cri-list "$socket" kube-system "$1" "$2" 2>&1
}

# states POD CONTAINER: "ID STATE ATTEMPT POD" each.
states() {
        list "$@" | cut -d' ' -f1-4
}

stop() {
        "$tool" cri-stop "$socket" "$1" "$2" 2>&1
}

# 3. The story.
tap_ok "containerd starts" containerd_start '' || tap_done
tap_ok "it imports an image" image_make || tap_done
sandbox=$("$pod" "$socket" run kube-system etcd-cp1 2>&1) || tap_skip_all "no pod can be made here: $sandbox"
other=$("$pod" "$socket" run kube-system etcdctl-cp1)
sandboxes=("$sandbox" "$other")

tap_like "$("$tool" cri-version "$socket")" "^containerd [0-9][^ ]* at $socket\$" "it says what it is"
tap_is "$(states etcd etcd)" "" "there is no container yet"
before=$(date +%s%N)
first=$(start "$sandbox" etcd-cp1 etcd 0 "${polite[@]}")
start "$sandbox" etcd-cp1 helper 0 "${polite[@]}" >/dev/null
start "$other" etcdctl-cp1 etcd 0 "${polite[@]}" >/dev/null
tap_is "$(states etcd etcd)" "$first running 0 etcd-cp1" "one container of that name and pod is listed"
created=$(list etcd etcd | cut -d' ' -f5)
tap_ok "it was created between then and now" test "$before" -lt "$created" -a "$created" -lt "$(date +%s%N)"

start_of_stop=$SECONDS
tap_ok "it is stopped" stop "$first" 30
tap_ok "by SIGTERM" test $((SECONDS - start_of_stop)) -lt 20
tap_is "$(states etcd etcd)" "$first exited 0 etcd-cp1" "it is still listed"
tap_ok "to stop a stopped one is no error" stop "$first" 30

second=$(start "$sandbox" etcd-cp1 etcd 1 "${stubborn[@]}")
tap_is "$(states etcd etcd)" "$second running 1 etcd-cp1
$first exited 0 etcd-cp1" "the newest is listed first"
tap_ok "who ignores SIGTERM is stopped too" stop "$second" 1
third=$(start "$sandbox" etcd-cp1 etcd 2 "${stubborn[@]}")
tap_ok "and at once" stop "$third" 0
tap_is "$(states etcd etcd | cut -d' ' -f2,3)" "exited 2
exited 1
exited 0" "all of them have stopped"
tap_is "$(states etcd helper | cut -d' ' -f2) $(states etcdctl etcd | cut -d' ' -f2)" "running running" \
        "the containers that were not meant run on"
tap_status 1 "an id that it does not know" stop nowhere 0
tap_like "$OUTPUT" 'gRPC status 5 NOT_FOUND: .*nowhere' "is named by the runtime itself"

# 4. Without it, and with it again.
fourth=$(start "$sandbox" etcd-cp1 etcd 3 "${polite[@]}")
containerd_kill
tap_status 1 "a runtime that was killed" list etcd etcd
tap_like "$OUTPUT" "^kube-tool: container runtime at '$socket': .*connect" "does not answer"
tap_ok "it starts again" containerd_start ''
tap_like "$(states etcd etcd)" "^$fourth running 3 etcd-cp1\$" "its containers have lived on"
tap_ok "and are stopped" stop "$fourth" 5

# As Docker's package of containerd is configured.
"$pod" "$socket" remove "$sandbox" && "$pod" "$socket" remove "$other" && sandboxes=()
containerd_kill
tap_ok "containerd starts without its CRI plugin" containerd_start '"io.containerd.grpc.v1.cri"'
tap_status 1 "a runtime without CRI" list etcd etcd
# It refuses the call, or ends the stream before it has heard all of it.
tap_like "$OUTPUT" 'speaks neither runtime.v1 nor runtime.v1alpha2|HTTP/2' "says that it is none"
tap_done

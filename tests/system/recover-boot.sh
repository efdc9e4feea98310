#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A host goes down in the middle of a pass, and boots: whatever was unfinished is finished before the
# kubelet starts, and nothing that becomes of that keeps the kubelet away. The kubelet is a stand-in that
# notes what it finds at its start.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
strace -o /dev/null true 2>/dev/null || tap_skip_all "strace is not installed or not allowed"

# 1. The installed tree, with a control plane of which every leaf is due. At boot systemd starts the units
# that are wanted by multi-user.target, and our script behind them.
host_install
host_manifests
host_certificates '-25 days' --validity=30d --ca-validity=10y
recover=kube-renewd-recover.service
wants=$TREE/etc/systemd/system/multi-user.target.wants
mkdir -p "$wants"
tap_ok "the recovery is enabled for every boot" systemctl --root="$TREE" -q enable $recover
tap_ok "which is a link" test -L "$wants/$recover"
ln -s ../kubelet.service "$wants"
host_unit kubelet.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/kubelet
END
host_unit testbed-run.service.d/boot.conf <<END
[Unit]
Wants=multi-user.target
After=kubelet.service $recover kube-renewd-failure@$recover.service
END
host_script kubelet <<'END'
. /host || exit 99
{
        echo "unpaired=$(unpaired | wc -l)"
        echo "staged=$(find /etc/kubernetes -name '.*' -type f | wc -l)"
        echo "manifest=$(ls /etc/kubernetes/manifests/kube-apiserver.yaml | wc -l)"
        echo "leaf=$(sha256sum </etc/kubernetes/pki/apiserver.crt)"
        echo "unfinished=$(ls $state | grep -c '^transaction[.][cp]')"
} >/run/kubelet-saw
END
host_script inside <<'END'
. /host || exit 99
unit=kube-renewd-recover.service
helper=kube-renewd-failure@$unit.service
wait_for test -e /run/kubelet-saw
wait_for is_over
sed "s/^/$1./" /run/kubelet-saw
echo "$1.kubelet=$(show ActiveState kubelet.service)"
echo "$1.started=$(show ConditionResult) $(show ActiveState) $(show Result) $(show ExecMainStatus)"
ended=$(show ExecMainExitTimestampMonotonic) began=$(show ExecMainStartTimestampMonotonic kubelet.service)
echo "$1.order=$((ended < began))"
journalctl --sync
# Of a process that has ended at once the journal may not know the unit.
echo "$1.told=$(journalctl -q -o cat MESSAGE_ID="$EVENT_TRANSACTION_RECOVERED" | wc -l)"
echo "$1.alarms=$(ls $state/public/alarms 2>/dev/null | xargs)"
echo "$1.reason=$(member $failed reason)"
echo "$1.repair=$(member $failed repair_action)"
echo "$1.helper=$(show Result "$helper") $(show ExecMainStartTimestampMonotonic "$helper" | sed 's/^[1-9][0-9]*$/ran/')"
END
mv "$TREE/etc/kubernetes" "$SCRATCH/kubernetes"

# pristine: the host as it was before the pass.
pristine() {
        rm -rf "${TREE:?}"/{etc/kubernetes,etc/kube-renewd,var} "$TREE/etc/systemd/system/$recover"{,.d}
        cp -a "$SCRATCH/kubernetes" "$TREE/etc"
}

# power_off CALL N: pristine, and a pass that ends at its Nth call of that.
power_off() {
        pristine
        (strace -f -o /dev/null -e trace="$1" -e inject="$1:signal=KILL:when=$2" \
                "$KUBE_RENEWD" --root="$TREE" run || true) >/dev/null 2>&1
}

# commit_point: which call of renameat() it is.
commit_point() {
        pristine
        strace -o "$SCRATCH/calls" -e trace=renameat "$KUBE_RENEWD" --root="$TREE" run >/dev/null 2>&1
        grep -n 'transaction.prepared.*transaction.committed' "$SCRATCH/calls" | cut -d: -f1
}

leaf() {
        sha256sum <"$SCRATCH/kubernetes/pki/apiserver.crt"
}

# whole SCENE TITLE: what the kubelet has found.
whole() {
        tap_is "$(fact "$1.unpaired") $(fact "$1.staged") $(fact "$1.unfinished") $(fact "$1.manifest")" "0 0 0 1" \
                "T36 $2: the kubelet finds everything whole"
        tap_is "$(fact "$1.kubelet") $(fact "$1.order")" "active 1" "T36 $2: as it starts after the recovery"
}

# 2. In the middle of the swaps.
power_off renameat2 4
cp -a "$TREE/etc/kubernetes" "$SCRATCH/half"
cp -a "$TREE/var" "$SCRATCH/var"
host_boot -k var/lib/kube-renewd /inside swaps
whole swaps "among the swaps"
tap_is "$(fact swaps.started)" "yes inactive success 0" "T36 it has been recovered" || tap_note "$FACTS"
tap_is "$(fact swaps.told)" 1 "T36 and told"
tap_unlike "$(fact swaps.leaf)" "$(leaf)" "T36 the new files count"

# 3. The same without the unit, so that we see that the kubelet sees it; and a second boot has nothing to do.
ln -s /dev/null "$TREE/etc/systemd/system/$recover"
rm -rf "${TREE:?}"/{etc/kubernetes,var}
cp -a "$SCRATCH/half" "$TREE/etc/kubernetes"
cp -a "$SCRATCH/var" "$TREE"
host_boot /inside masked
tap_unlike "$(fact masked.unpaired) $(fact masked.unfinished)" '^0|0$' "without it the kubelet finds pairs that are none"
pristine
"$KUBE_RENEWD" --root="$TREE" run >/dev/null 2>&1
host_boot /inside ordinary
tap_is "$(fact ordinary.started)" "no inactive success 0" "an ordinary boot does not start the program"
tap_is "$(fact ordinary.kubelet)" active "but the kubelet"

# 4. Before the commit point; and a configuration that nobody can read.
power_off renameat "$(commit_point)"
tap_ok "a record that is not committed" test -e "$TREE/var/lib/kube-renewd/transaction.prepared"
echo '[renewal' | host_config broken
host_boot /inside before
whole before "before the commit point"
tap_is "$(fact before.leaf)" "$(leaf)" "T36 the old files count"
tap_is "$(fact before.started)" "yes inactive success 0" "T36 whatever the configuration is"

# 5. A manifest that is out of the kubelet's sight: the only one, so that no layout fits.
pristine
manifests=$TREE/etc/kubernetes/manifests
mkdir -p "$TREE/var/lib/kube-renewd/parked"
mv "$manifests/kube-apiserver.yaml" "$manifests/.kube-apiserver.yaml.kube-renewd"
rm "$manifests"/*.yaml
echo '{"schema_version": 1, "manifest": "/etc/kubernetes/manifests/kube-apiserver.yaml"}' \
        >"$TREE/var/lib/kube-renewd/parked/kube-apiserver.json"
host_boot /inside parked
whole parked "a manifest"

# 6. Nothing that becomes of it keeps the kubelet away, and all of it is an alarm.
power_off renameat2 4
echo garbage >"$TREE/var/lib/kube-renewd/transaction.committed"
host_boot /inside garbage
tap_is "$(fact garbage.started) $(fact garbage.alarms)" "yes failed exit-code 1 renewal-failed@host.json" "a recovery that fails"
tap_like "$(fact garbage.reason)" 'unreadable record' "says why"
tap_is "$(fact garbage.helper)" "success ran" "and once: its words stay"

power_off renameat2 4
host_unit $recover.d/hang.conf <<'END'
[Service]
TimeoutStartSec=1
TimeoutStopSec=1
ExecStart=
ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
END
host_boot /inside hang
tap_is "$(fact hang.started) $(fact hang.alarms)" "yes failed timeout 9 renewal-failed@host.json" "a recovery that hangs"
tap_like "$(fact hang.reason)" "$recover took too long" "is told"
tap_like "$(fact hang.repair)" "journalctl -u $recover" "with where to look"

power_off renameat2 4
host_unit $recover.d/gone.conf <<'END'
[Service]
ExecStart=
ExecStart=/nowhere
END
host_boot /inside gone
tap_is "$(fact gone.started) $(fact gone.alarms)" "yes failed exit-code 203 renewal-failed@host.json" "a program that is gone"
for scene in garbage hang gone; do
        tap_is "$(fact $scene.kubelet) $(fact $scene.order)" "active 1" "$scene: the kubelet starts"
done
tap_is "$(fact timeout)" "" "nothing had to be waited for too long"
tap_done

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # the variables are those of alarms.sh
# One fault for every type of alarm, for tests/system/alarms.sh. What differs for a type from the ordinary:
#
#     host_TYPE          HOW, WHEN and SECOND: how the program is called there, and the second fault
#     scene_TYPE         makes the healthy host
#     fault_TYPE         makes the fault, on disk
#     during_TYPE        WHEN, WRAP and processes, as long as the fault is there (also after a reboot)
#     mend_TYPE          removes it
#
# The ordinary host is a control plane made on $BORN below a root of its own, whose certificate of the API
# server lives for thirty days, and a copy of admin.conf. Its time is --at=: a night on which all is well, and
# one that is not so much later that a run was missed.

BORN=2026-12-01T00:00:00Z
WELL=2026-12-19T00:00:00Z  # the API server's certificate has twelve days left
LATER=2026-12-21T01:00:00Z # and not quite ten
PKI=etc/kubernetes/pki

at() {
        WHEN=(--at="$1")
}

# config: the configuration of this host, from stdin.
config() {
        mkdir -p "$ROOT/etc/kube-renewd"
        cat >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

unconfig() {
        rm "$ROOT/etc/kube-renewd/kube-renewd.conf"
}

quietly() {
        "$@" >/dev/null 2>&1
}

# plane [OPTION...]: a control plane in $ROOT.
plane() {
        mkdir -p "$ROOT/etc"
        quietly "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm init --at="$BORN" --node-name=cp-1 \
                --advertise-address=192.0.2.1 --key-algorithm=ECDSA-P256 --validity=1y "$@"
}

host() {
        at "$WELL"
        SECOND=stale-copy@root-kubeconfig COPIED=etc/kubernetes/admin.conf COPY=root/.kube/config
        MAY_CHANGE=./$PKI/apiserver.crt$'\n'./$PKI/apiserver.key # where time goes on
}

# api_server BORN LIFETIME: its certificate.
api_server() {
        rm "$ROOT/$PKI"/apiserver.*
        config <<END
[host]
NodeName=cp-1
AdvertiseAddress=192.0.2.1
[certificate apiserver]
RecreateMissing=yes
Validity=$2
END
        quietly "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm renew apiserver --at="$1"
        unconfig
        rm -r "$STATE" # nothing has run there yet
}

scene() {
        plane --ca-validity=10y
        api_server "$BORN" 30d
        mkdir -p "$ROOT/root/.kube"
        cp -a "$ROOT/$COPIED" "$ROOT/$COPY"
        cp -a "$ROOT/$PKI" "$ROOT/state.pki"
}

fault() {
        :
}

during() {
        :
}

mend() {
        :
}

second_fault() {
        echo '# mine' >>"$ROOT/$COPY"
}

second_mend() {
        cp -a "$ROOT/$COPIED" "$ROOT/$COPY"
}

# passes_by: this alarm is about a moment, and the next pass clears it.
passes_by() {
        [[ $TYPE = foreign-change || $TYPE = missed-run ]]
}

# --- renewal-failed, expiring, expired: the PKI directory is read-only

# shellcheck disable=SC2016 # expanded by the other shell
read_only_at() {
        at "$1"
        WRAP=(unshare -m bash -c 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"' "$ROOT/$PKI")
}

during_renewal_failed() {
        read_only_at "$LATER"
}

during_expiring() {
        read_only_at "$LATER"
}

scene_expired() {
        scene
        api_server 2026-12-16T00:00:00Z 5d
}

during_expired() {
        read_only_at "$LATER"
}

# --- ca-expiring, ca-expired, ca-limited: a front-proxy CA that is short-lived

# short_ca LIFETIME
short_ca() {
        local made=$ROOT/state.short

        ROOT=$made plane --ca-validity="$1"
        cp -a "$made/$PKI"/front-proxy-* "$ROOT/$PKI/"
}

long_ca() {
        cp -a "$ROOT/state.pki"/front-proxy-* "$ROOT/$PKI/"
}

fault_ca_expiring() {
        short_ca 30d
}

mend_ca_expiring() {
        long_ca
}

fault_ca_expired() {
        short_ca 20d
}

during_ca_expired() {
        at "$LATER"
}

mend_ca_expired() {
        long_ca
}

fault_ca_limited() {
        short_ca 30d
}

during_ca_limited() {
        at "$LATER"
}

mend_ca_limited() {
        long_ca
}

# --- externally-managed-expiring: the CA's key is elsewhere

fault_externally_managed_expiring() {
        mv "$ROOT/$PKI/ca.key" "$ROOT/state.ca.key"
}

during_externally_managed_expiring() {
        at "$LATER"
}

mend_externally_managed_expiring() {
        mv "$ROOT/state.ca.key" "$ROOT/$PKI/ca.key"
}

# --- invalid

fault_invalid() {
        echo garbage >"$ROOT/$PKI/apiserver.crt"
}

mend_invalid() {
        cp -a "$ROOT/state.pki/apiserver.crt" "$ROOT/$PKI/"
}

# --- foreign-change: a pass is killed between two files, and somebody else writes one before the next

fault_foreign_change() {
        at "$LATER"
        quietly strace -f -qq -o /dev/null -e inject=renameat2:signal=KILL:when=1 \
                "$KUBE_RENEWD" "${HOW[@]}" run "${WHEN[@]}"
        cp "$ROOT/$PKI/front-proxy-client.crt" "$ROOT/$PKI/apiserver.crt"
}

during_foreign_change() {
        at "$LATER"
}

# --- postponed: the lock is held

during_postponed() {
        at "$LATER"
        setsid flock "$STATE/lock" sleep infinity &
        holder=$!
        while flock -n "$STATE/lock" true; do sleep 0.1; done
}

mend_postponed() {
        pkill -s "$holder"
        wait "$holder"
}

host_postponed() {
        host
        BLIND=yes
}

scene_postponed() {
        scene
        printf '[renewal]\nPostponeLimit=10d\n' | config
}

# --- config-invalid

host_config_invalid() {
        host
        BLIND=yes
}

fault_config_invalid() {
        printf '[renewal]\nRenewBefore=soon\n' | config
}

mend_config_invalid() {
        unconfig
}

# --- clock-implausible: a night that has been, and one before it

host_clock_implausible() {
        host
        BLIND=yes
}

fault_clock_implausible() {
        quietly "$KUBE_RENEWD" "${HOW[@]}" run --at="$LATER"
}

mend_clock_implausible() {
        at "$LATER"
}

# --- renewal-loop: somebody puts the old certificate back, again and again

fault_renewal_loop() {
        at "$LATER"
        for _ in 1 2 3; do
                quietly "$KUBE_RENEWD" "${HOW[@]}" run "${WHEN[@]}"
                cp -a "$ROOT/state.pki"/apiserver.* "$ROOT/$PKI/"
        done
}

during_renewal_loop() {
        at "$LATER"
}

mend_renewal_loop() {
        at 2026-12-22T03:00:00Z
}

# --- missed-run: five days without one

during_missed_run() {
        at 2026-12-24T00:00:00Z
}

mend_missed_run() {
        at 2026-12-25T00:00:00Z
}

# --- ca-rotation-unfinished: begun eight days ago

rotate_ca() {
        SYSTEMD_LOG_TARGET=journal quietly "$KUBE_RENEWD" "${HOW[@]}" rotate-ca --ca=front-proxy --yes "$@"
}

scene_ca_rotation_unfinished() {
        scene
        rotate_ca --phase=prepare --at=2026-12-13T00:00:00Z
        rm -r "$STATE/public" # no night has passed there yet
}

during_ca_rotation_unfinished() {
        at "$LATER"
}

mend_ca_rotation_unfinished() {
        rotate_ca --phase=abort "${WHEN[@]}"
}

# --- kubelet-rotation-stuck: a plain file where the kubelet wants a link

KUBELET=var/lib/kubelet/pki

scene_kubelet_rotation_stuck() {
        local conf=$ROOT/etc/kubernetes/kubelet.conf

        scene
        mkdir -p "$ROOT/$KUBELET"
        sed -n 's/^ *client-\(certificate\|key\)-data: //p' "$conf" | base64 -d >"$ROOT/$KUBELET/kubelet-client-1.pem"
        ln -s kubelet-client-1.pem "$ROOT/$KUBELET/kubelet-client-current.pem"
        sed -i "s,client-\(certificate\|key\)-data: .*,client-\1: /$KUBELET/kubelet-client-current.pem," "$conf"
}

fault_kubelet_rotation_stuck() {
        cp --remove-destination "$ROOT/$KUBELET/kubelet-client-1.pem" "$ROOT/$KUBELET/kubelet-client-current.pem"
}

mend_kubelet_rotation_stuck() {
        ln -sf kubelet-client-1.pem "$ROOT/$KUBELET/kubelet-client-current.pem"
}

# --- stale-copy: somebody edits the copy of admin.conf; beside it, a file is damaged

host_stale_copy() {
        host
        SECOND=invalid@front-proxy-client
        SECOND_STATUS=1
}

fault_stale_copy() {
        second_fault
}

mend_stale_copy() {
        second_mend
}

second_fault_stale_copy() {
        echo garbage >"$ROOT/$PKI/front-proxy-client.crt"
}

second_mend_stale_copy() {
        cp -a "$ROOT/state.pki/front-proxy-client.crt" "$ROOT/$PKI/"
}

# --- restart-owed, rolled-back, loopback-certificate: services of this host; see services()

live() {
        HOW=(--config="$ROOT/state.conf" --layout="$ROOT/layout.conf")
        WHEN=()
        STATE=$ROOT/state
        SECOND=stale-copy@spare COPIED=web.crt COPY=spare
        MAY_CHANGE=./web.crt$'\n'./web.key$'\n'./spare
}

# live_scene: a CA, a certificate that web@TYPE.service uses, and a copy of it.
live_scene() {
        mkdir -p "$ROOT"
        cat >"$ROOT/layout.conf" <<END
[layout]
Detect=$ROOT/ca.crt
[ca site]
Certificate=$ROOT/ca.crt
Key=$ROOT/ca.key
CommonName=site
[certificate web]
Certificate=$ROOT/web.crt
Key=$ROOT/web.key
CA=site
CommonName=web
SANs=web.example.org
Usage=server
[component web]
Unit=web@$TYPE.service
Uses=$ROOT/web.crt $ROOT/web.key
StartTimeout=10s
[copy spare]
Source=web
Path=$ROOT/spare
Content=certificate
END
        printf '[agent]\nStateDirectory=%s\n' "$STATE" >"$ROOT/state.conf"
        quietly "$KUBE_RENEWD" "${HOW[@]}" init --key-algorithm=ECDSA-P256 --validity=30d --ca-validity=10y
        cp "$ROOT/web.crt" "$ROOT/spare"
        cp "$ROOT/web.crt" "$ROOT/accepted"
        systemctl start "web@$TYPE"
}

host_restart_owed() {
        live
}

scene_restart_owed() {
        live_scene
        : >"$ROOT/state.accepts-all"
}

# One more name: the certificate is due.
fault_restart_owed() {
        printf '[certificate web]\nExtraSANs=new.example.org\n[component web]\nRestartCommand=/bin/false\n' >>"$ROOT/state.conf"
}

mend_restart_owed() {
        sed -i '/^RestartCommand=/d' "$ROOT/state.conf"
}

host_rolled_back() {
        live
}

scene_rolled_back() {
        live_scene
}

fault_rolled_back() {
        printf '[certificate web]\nExtraSANs=new.example.org\n' >>"$ROOT/state.conf"
}

during_rolled_back() {
        systemctl start web@rolled-back
}

# Somebody has found out what was wrong with it, and insists.
mend_rolled_back() {
        : >"$ROOT/state.accepts-all"
        SYSTEMD_LOG_TARGET=journal quietly "$KUBE_RENEWD" "${HOW[@]}" renew web
}

# Time goes on for us and not for systemd, so a process that is started anew is never younger than its debt.
host_loopback_certificate() {
        live
        MENDED=75 LEFT='restart-owed@web '
}

scene_loopback_certificate() {
        live_scene
}

fault_loopback_certificate() {
        printf '[component web]\nLoopbackAge=1d\nRestart=never\n' >>"$ROOT/state.conf"
}

during_loopback_certificate() {
        systemctl start web@loopback-certificate
        sleep 2 # older than a day, a day later
        a_day_later +86400
}

a_day_later() {
        WRAP=(env LD_PRELOAD="$FAKETIME_LIBRARY" FAKETIME="$1" ASAN_OPTIONS=verify_asan_link_order=0)
}

# The clock may go back by less than it would be told for.
mend_loopback_certificate() {
        systemctl restart web@loopback-certificate
        a_day_later +86280
}

# services TREE: web@TYPE, which starts only with a certificate that it accepts.
services() {
        cat >"$1/etc/systemd/system/web@.service" <<'END'
[Service]
ExecStartPre=/bin/sh -c '[ -e /scenes/%i/state.accepts-all ] || cmp -s /scenes/%i/web.crt /scenes/%i/accepted'
ExecStart=/bin/sleep infinity
END
}

# --- pending-csr: who signs is somebody who cannot be asked from here; later it is the CA of this host again

fault_pending_csr() {
        config <<'END'
[certificate apiserver]
Issuer=command
IssuerCommand=/bin/false
RequestTimeout=1s
RenewBefore=15d
END
}

during_pending_csr() {
        at "$LATER"
}

mend_pending_csr() {
        unconfig
}

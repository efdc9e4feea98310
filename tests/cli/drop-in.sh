#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# config --drop-in: what a configuration needs beyond the units as they are shipped, ready to be pasted;
# and nothing at all for a plain kubeadm host.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

units=(kube-renewd.service kube-renewd-recover.service kube-renewd-failure@.service kube-renewd-requested.path)

# configure: the drop-in of the configuration is stdin.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd/kube-renewd.conf.d"
        cat >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/10-site.conf"
}

# drop_in NAME: each unit's is golden. What a layout of ours says has no line number in it.
drop_in() {
        local unit

        for unit in "${units[@]}"; do
                tap_status 0 "$1: $unit" renewd config --drop-in "$unit"
                golden "drop-in-$1-${unit%.service}.text" "$1: $unit needs that"
        done
}

host v1.28.7/rsa2048-default
for unit in "${units[@]}"; do
        tap_status 0 "a kubeadm host" renewd config --drop-in "$unit"
        tap_is "$OUTPUT" "# $unit needs no drop-in for this configuration." "leaves $unit as it is"
done
before=$(cd "$ROOT" && find . | sort)

# 1. External etcd on the same host, as a service, with its files elsewhere.
configure <<'END'
[ca etcd]
Certificate=/etc/etcd/pki/ca.crt
Key=/etc/etcd/pki/ca.key
[certificate etcd-server]
Certificate=/etc/etcd/pki/server.crt
Key=/etc/etcd/private/server.key
[component etcd]
Manifest=
Unit=etcd.service
Uses=/etc/etcd/pki/server.crt
END
drop_in etcd

# 2. Copies in homes, one of root's that is allowed already, and a directory with a blank.
configure <<'END'
[copy ada]
Source=admin.conf
Path=/home/ADA/.kube/config
[copy root]
Source=admin.conf
Path=/root/.kube/site.conf
[copy helpdesk]
Source=admin.conf super-admin.conf
Directory=/srv/help desk
[copy scratch]
Source=apiserver
Directory=/var/tmp/PROXY
END
drop_in copies

# 3. Long hooks.
configure <<'END'
[hooks]
Timeout=1h
PreRenew=/usr/local/bin/drain
Deploy=/usr/local/bin/push
PostRenew=/usr/local/bin/undrain
OnAlarm=/usr/local/bin/page
END
drop_in hooks
tap_status 0 "the configuration itself" renewd config
tap_unlike "$OUTPUT" ReadWritePaths "is printed without --drop-in"

# 4. Another kind of host, whose state is elsewhere, too.
configure <<'END'
[agent]
StateDirectory=/srv/kube-renewd
[component etcd]
Manifest=/srv/pods/etcd.yaml
[component kube-apiserver]
Manifest=/srv/pods/kube-apiserver.yaml
END
drop_in elsewhere

# 5. Services of other names.
configure <<'END'
[runtime]
KubeletUnit=my-kubelet.service
[component proxy]
Unit=my-proxy.service
Uses=/etc/kubernetes/pki/apiserver.crt
END
drop_in names

# 6. Directories that are more than a place for our files.
configure <<'END'
[copy etc]
Source=admin.conf
Path=/etc/y.conf
[copy share]
Source=admin.conf
Path=/usr/share/site/admin.conf
END
for unit in "${units[@]::2}"; do
        tap_status 0 "a copy in /etc: $unit" renewd config --drop-in "$unit"
        tap_unlike "$OUTPUT" '^ReadWritePaths=-/etc$' "opens no /etc"
        tap_like "$OUTPUT" '^ReadWritePaths=-/usr/share/site$' "but a directory below /usr"
        tap_like "$OUTPUT" "kube-renewd: warning: '/etc/y.conf' .* move the file into a directory of its own" "and says so"
done

# 7. What it does not take.
tap_status 2 "an unknown unit is a usage error" renewd config --drop-in kubelet.service
tap_like "$OUTPUT" 'there are: kube-renewd.service, kube-renewd-recover.service' "that lists the units"
tap_status 2 "a unit without --drop-in, too" renewd config kube-renewd.service
tap_status 2 "and a drop-in as JSON" renewd config --drop-in --output=json
rm -r "$ROOT/etc/kube-renewd"
tap_is "$(cd "$ROOT" && find . | sort)" "$before" "nothing was written"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Debian package on a real control plane: installed as it is, it renews all and proves what is served;
# purged, it leaves the control plane as it found it.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99
# shellcheck source=tests/system/package-lib.sh
. "$SRCDIR/tests/system/package-lib.sh" || exit 99

leaves=(pki/apiserver.crt pki/apiserver-kubelet-client.crt pki/front-proxy-client.crt pki/apiserver-etcd-client.crt
        pki/etcd/server.crt pki/etcd/peer.crt pki/etcd/healthcheck-client.crt
        admin.conf controller-manager.conf scheduler.conf)

# content: everything below /etc/kubernetes, with owners and modes.
content() {
        bed sh -c 'find /etc/kubernetes -printf "%p %y %m %u:%G %l\n" | sort
                find /etc/kubernetes -type f -exec sha256sum {} + | sort'
}

package_find
BED_PACKAGE=$PACKAGE
bed_machine package
tap_is "$(bed systemctl is-enabled kube-renewd.timer) $(bed systemctl is-active kube-renewd.timer)" "enabled active" \
        "its timer runs"
tap_is "$(bed systemctl is-active kube-renewd.service)" inactive "nothing else does"
installed=$(content)
bed_started 0 "on a control plane that is in order nothing is done"
tap_is "$(content)" "$installed" "and nothing changed"

bed_age 10
before=$(bed_leaves "${leaves[@]}")
bed_started 0 "what is due is renewed, restarted and proven"
tap_empty "$(comm -12 <(sort <<<"$before") <(bed_leaves "${leaves[@]}" | sort))" "every leaf is another one"
for pair in 6443:pki/apiserver.crt 2379:pki/etcd/server.crt; do
        tap_is "$(bed_served "${pair%%:*}")" "$(bed_leaf "${pair#*:}")" "port ${pair%%:*} serves what is in the file"
done
tap_ok "verify finds every process up to date" bed kube-renewd verify
tap_is "$(bed_alarms)" "" "there is no alarm"
bed_explained

content=$(content)
tap_ok "the package is purged" bed dpkg --purge kube-renewd
tap_is "$(content)" "$content" "the control plane's files are as they were"
tap_empty "$(bed sh -c 'ls -d /var/lib/kube-renewd /run/kube-renewd /etc/kube-renewd /usr/share/kube-renewd 2>/dev/null')" \
        "nothing of it is left"
tap_ok "the cluster works" bed kubectl get nodes
tap_done

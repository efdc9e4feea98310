#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same Debian package on other releases of Debian and Ubuntu, each under its own systemd: it installs with
# what they have, renews, and goes without a trace.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$SRCDIR/tests/system/host.sh" || exit 99
# shellcheck source=tests/system/package-lib.sh
. "$SRCDIR/tests/system/package-lib.sh" || exit 99

package_find
package_tree
cp -R "$SRCDIR/tests/data/kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/manifests" "$TREE/manifests"

host_script inside <<'END'
. /package || exit 99

files >/before
apt install install /kube-renewd.deb || exit 1
echo "install.version=$(is_installed)"
timer_facts install
verify install
systemd-analyze security --no-pager --threshold=23 $unit >/run/security 2>&1
echo "exposure=$? $(sed -n 's/.*Overall exposure level.*: //p; s/.*unrecognized option.*/unknown/p' /run/security)"
renews renew

# libcurl is loaded when it is needed, and may be older than what the program was built with. Somebody
# listens where a container runtime would.
printf '[Socket]\nListenStream=/run/containerd/containerd.sock\nAccept=yes\n' >/run/systemd/system/runtime.socket
printf '[Service]\nStandardInput=socket\nExecStart=/bin/cat\n' >/run/systemd/system/runtime@.service
systemctl daemon-reload
systemctl start runtime.socket
mv /manifests /etc/kubernetes
kube-renewd verify 2>&1 | sed 's/^/curl=/'
systemctl stop runtime.socket

pki=$(pki)
apt purge purge kube-renewd
left purge
[ "$pki" = "$(pki)" ] && echo "purge.pki=same"
END

# on_root NAME: all of it there.
on_root() {
        local reason

        reason=$("$TESTBED" check --root "$1" 2>&1) || { tap_skip "$1" "$reason"; return; }
        FACTS=
        host_boot -r "$1" /inside
        tap_is "$(fact install) $(fact install.version)" "0 installed $VERSION" "$1: it is installed" ||
                tap_note "$FACTS"
        tap_like "$(fact install.listed)" ' 00:.* kube-renewd.timer +kube-renewd.service' "$1: its timer is listed"
        tap_is "$(fact install.recover) $(fact install.failed)" "enabled inactive 0" "$1: it acts at the next boot, and nothing has failed"
        tap_is "$(fact install.verify)" "" "$1: systemd finds nothing wrong with its units"
        # systemd-analyze of 249 knows no threshold.
        tap_like "$(fact exposure)" '^(0 .*OK|1 unknown)' "$1: they are exposed no more than they should be"
        tap_is "$(fact renew.service) $(fact renew.renewed)" "success 0 11 0 due" "$1: the service renews" ||
                tap_note "$FACTS"
        tap_is "$(fact renew.explained)$(fact renew.alarms)" 11 "$1: journalctl -x explains it"
        tap_like "$(fact curl)" "containerd.sock'?: .*(HTTP/2|Empty reply)" "$1: libcurl speaks to a container runtime"
        tap_unlike "$(fact curl)" 'libcurl' "$1: and does all that is asked of it"
        tap_is "$(fact purge)$(fact purge.left)" 0 "$1: purged, it leaves nothing" || tap_note "$(fact purge.said)"
        tap_is "$(fact purge.pki)" same "$1: and the control plane's files are as they were"
}
for root in $("$TESTBED" roots); do
        on_root "$root"
done
tap_done

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Tests of the Debian package that `./dev deb` has made. Sourced by tests of this floor, after
# tests/tap.sh and, if they boot a root, host.sh:
#
#     package_find                   # $PACKAGE and its $VERSION, or skips the whole test, and says why
#     package_repack 1:0 '# new' FILE
#     package_tree                   # $TREE (host.sh): the package, and a control plane that is due
#     host_script inside <<'END'
#     . /package || exit 99          # words of tests/system/package-inside.sh and host-inside.sh
#     apt first install /kube-renewd.deb
#     END
#     host_boot /inside

PACKAGE=
VERSION=

package_find() {
        PACKAGE=$(find "$SRCDIR/build/deb" -maxdepth 1 -name "kube-renewd_*_*.deb" 2>/dev/null | sort -V | tail -n 1)
        [ -n "$PACKAGE" ] || tap_skip_all "there is no package: './dev deb' makes it"
        command -v dpkg-deb >/dev/null || tap_skip_all "dpkg is not installed"
        # shellcheck disable=SC2034 # for the tests
        VERSION=$(dpkg-deb -f "$PACKAGE" Version)
}

# package_repack VERSION LINE FILE: the same package as another version, with LINE first in its configuration.
package_repack() {
        local work=$SCRATCH/repack

        rm -rf "$work"
        dpkg-deb -R "$PACKAGE" "$work" &&
                sed -i "s/^Version: .*/Version: $1/" "$work/DEBIAN/control" &&
                sed -i "1i $2" "$work/etc/kube-renewd/kube-renewd.conf" &&
                dpkg-deb --root-owner-group -Znone -b "$work" "$3" >/dev/null || exit 99
}

# package_tree: certificates of which each is due, and no component that would have to be restarted.
package_tree() {
        host_tree
        host_certificates '-25 days' --validity=30d --ca-validity=10y
        host_config site <<<$'[agent]\nLayout=kubeadm'
        cp -a "$TREE/etc/kubernetes" "$TREE/due" &&
                cp "$PACKAGE" "$TREE/kube-renewd.deb" &&
                cp "$SRCDIR/tests/system/package-inside.sh" "$TREE/package" || exit 99
}

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The tests that the Debian package brings along for Debian's own machinery, on a copy of this host under a
# systemd of its own.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$SRCDIR/tests/system/host.sh" || exit 99

command -v autopkgtest >/dev/null || tap_skip_all "autopkgtest is not installed"
ls "$SRCDIR"/build/deb/kube-renewd_*.deb >/dev/null 2>&1 || tap_skip_all "there is no package: './dev deb' makes it"
host_tree
cp -R "$SRCDIR/build/deb" "$TREE/packages"

# This host may forbid packages to start services, and there is no network inside.
host_script inside <<'END'
rm -rf /usr/sbin/policy-rc.d /etc/apt/sources.list /etc/apt/sources.list.d/*
cd /packages || exit 99
autopkgtest --output-dir results --ignore-restrictions=isolation-container \
        kube-renewd_*.dsc kube-renewd_*_*.deb -- null
echo "status=$?"
sed 's/  */=/' results/summary
END
host_boot /inside
tap_is "$(fact smoke)" PASS "the program on a scratch root"
tap_is "$(fact service)" PASS "the units on a host"
tap_is "$(fact status)" 0 "nothing was skipped or odd" || tap_note "$(tail -n 40 <<<"$FACTS")"
tap_done

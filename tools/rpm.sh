#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rpm.sh [--source-date SECONDS] [--nocheck]: makes the RPM, source and binary, in build/rpm. The
# same source gives the same packages, wherever and whenever they are built. --nocheck leaves its tests out.
set -u
umask 022 # modes are part of the source package
cd "$(dirname "$0")/.." || exit 1

# shellcheck source=tools/package-options.sh
. tools/package-options.sh || exit 1
package_options rpm "$@"
output=$PWD/build/rpm
macros=$PWD/build/rpm-macros

# rpmbuild_quietly ARGUMENT...: no host and no clock of this build is in what it makes.
rpmbuild_quietly() {
        rpmbuild "${options[@]}" --define '_buildhost localhost' \
                --define 'source_date_epoch_from_changelog 1' --define 'use_source_date_epoch_as_buildtime 1' \
                --define 'clamp_mtime_to_source_date_epoch 1' "$@" kube-renewd.spec >>log 2>&1 && return 0
        grep -vE '^(make|[[:space:]]*(CC|AR|RANLIB) )' log | tail -n 60 >&2
        return 1
}

# 1. A release tarball and the spec file.
tarball=$(tools/tarball.sh) || exit 1
rm -rf "$output"
mkdir -p "$output"/{BUILD,SOURCES} && cp "$tarball" "$output/SOURCES" &&
        cp --no-preserve=mode packaging/rpm/kube-renewd.spec "$output" || exit 1

# 2. Debian's rpm lacks systemd's macros, and what Fedora's says of compiler, documentation and shell.
options=()
if [ -z "$(rpm --eval '%{?_unitdir}')" ]; then
        tools/rpm-macros.sh "$macros" || exit 1
        options=(--nodeps "--load=$macros/macros.systemd" --define '_docdir_fmt %%{NAME}'
                --define '__os_install_post bash %{_rpmconfigdir}/brp-compress')
        export CFLAGS='-O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2' LDFLAGS=-s
fi

# 3. A source package keeps the paths that it was made with: they are relative. The binary one would keep
#    a digest of the source package if both were made at once.
cd "$output" || exit 1
rpmbuild_quietly -bs --define '_topdir .' --define '_tmppath .' || exit 1
rpmbuild_quietly -bb --define "_topdir $output" --define "_tmppath $output" ${without_tests:+--nocheck} || exit 1
mv SRPMS/*.rpm RPMS/*/*.rpm . && cd ../.. || exit 1
rm -rf build/rpm/{BUILD,BUILDROOT,RPMS,SOURCES,SPECS,SRPMS,kube-renewd.spec}
find build/rpm -name '*.rpm' ! -name '*.src.rpm' ! -name '*-debug*'

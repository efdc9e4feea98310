#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# deb.sh [--source-date SECONDS] [--nocheck]: makes the Debian package, source and binary, in build/deb. The
# same source gives the same package, wherever and whenever it is built. --nocheck leaves its tests out.
set -u
umask 022 # modes are part of the source package
cd "$(dirname "$0")/.." || exit 1

# shellcheck source=tools/package-options.sh
. tools/package-options.sh || exit 1
package_options deb "$@"

# 1. The release tarball is the source; debian/ is added to it where Debian looks for it.
tarball=$(tools/tarball.sh) || exit 1
name=$(basename "$tarball" .tar.xz)
rm -rf build/deb
mkdir -p build/deb && cd build/deb || exit 1
cp "$tarball" "kube-renewd_${name##*-}.orig.tar.xz" && tar -xf "$tarball" && cp -R "$name/packaging/debian" "$name/debian" || exit 1

# 2. Its tests run while it is built, as anybody's build of it would.
[ -z "$without_tests" ] || export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-} nocheck"
(cd "$name" && dpkg-buildpackage --no-sign -j"$(nproc)") >../deb.log 2>&1 || {
        grep -vE '^(make|[[:space:]]*(CC|AR|RANLIB) )' ../deb.log | tail -n 60 >&2
        exit 1
}
rm -rf "$name"
printf '%s\n' "build/deb/$(ls kube-renewd_*_*.deb)"

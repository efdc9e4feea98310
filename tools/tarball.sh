#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# tarball.sh: makes the release tarball in build/dist and prints its path. The same source gives the
# same bytes, wherever and whenever it is made; an unpacked tarball makes itself again. The date of
# everything in it is SOURCE_DATE_EPOCH, or that of the newest entry in packaging/debian/changelog.
set -u
cd "$(dirname "$0")/.." || exit 1

date=${SOURCE_DATE_EPOCH:-$(date -d "$(sed -n 's/^ -- .*>  //p' packaging/debian/changelog | head -n 1)" +%s)}
version=$(sed -n 's/^AC_INIT(\[kube-renewd\], \[\([^]]*\)\].*/\1/p' configure.ac)
log=build/dist.log

make_tarball() {
        { [ -f Makefile.in ] && [ ! configure.ac -nt configure ]; } || autoreconf -fi || return 1
        mkdir -p build/dist && cd build/dist || return 1
        [ -f Makefile ] || ../../configure -q || return 1
        TAR_OPTIONS="--sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go=rX --mtime=@$date" \
                make -s dist-xz
}

# Two packages may be built at the same time.
mkdir -p build && exec 9>build/dist.lock && flock 9 || exit 1
(make_tarball) >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
echo "$PWD/build/dist/kube-renewd-$version.tar.xz"

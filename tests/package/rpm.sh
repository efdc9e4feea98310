#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The RPM as `./dev rpm` makes it, here without the unit tests: the same bytes wherever it is built,
# nothing that rpmlint would say, and in it what was installed, in the right places and with the right
# modes, and no word of the machine that built it.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

for program in rpmbuild rpm2cpio cpio systemd-analyze; do
        command -v "$program" >/dev/null || tap_skip_all "$program is not installed"
done
spec=$SRCDIR/packaging/rpm/kube-renewd.spec

# 1. Built twice, as by two people: the second has nothing but the release tarball, and no cache. Both have
#    fetched the same macros.
OUTPUT=$("$SRCDIR/tools/rpm.sh" --nocheck 2>&1) || {
        case $OUTPUT in *'cannot download'*) tap_skip_all "$OUTPUT" ;; esac
}
built=$SRCDIR/build/rpm
again=$SCRATCH/somewhere/else
package=$SRCDIR/$(sed '$!d' <<<"$OUTPUT")
[ -f "$package" ]
tap_result $? "it is built" || { tap_note "$OUTPUT"; tap_done; }
source=$(echo "$built"/*.src.rpm)
mkdir -p "$again"
rpm2cpio "$source" | cpio -i --quiet --to-stdout '*.tar.xz' | tar -C "$again" -xJ --strip-components=1
[ ! -e "$built-macros" ] || { mkdir "$again/build" && cp -R "$built-macros" "$again/build"; }
tap_ok "and again" env CCACHE_DISABLE=1 TZ=Asia/Tokyo LANG=de_DE.UTF-8 LC_ALL=C.UTF-8 HOME="$SCRATCH" \
        bash -c 'umask 077; cd / && exec "$0" --nocheck' "$again/tools/rpm.sh"
hashes() {
        (cd "$1" && sha256sum -- *.rpm)
}
tap_is "$(hashes "$again/build/rpm")" "$(hashes "$built")" "with the same bytes, source and binary"
tap_is "$(hashes "$built" | wc -l)" 2 "which are two files"

# 2. What it says of itself.
query() {
        rpm -qp "$@" "$package" 2>/dev/null
}

tap_is "$(query --qf '%{VERSION}')" "$(sed -n 's/^AC_INIT(\[kube-renewd\], \[\([0-9.]*\)\].*/\1/p' "$SRCDIR/configure.ac")" \
        "its version is the program's"
tap_is "$(query --qf '%{VERSION}-%{RELEASE}')" "$(query --changelog | sed -n '1s/.* - //p')" "which the newest change names, too"
tap_is "$(sed -n 's/^%global pass_timeout //p' "$spec")" \
        "$(systemd-analyze timespan "$(sed -n 's/^TimeoutStartSec=//p' "$SRCDIR/systemd/kube-renewd.service.in")" |
                sed -n 's/.*s: \([0-9]*\)000000$/\1/p')" "it waits for a pass as long as systemd does"
tap_like "$(query --requires)" '^libcurl' "it wants libcurl, though it is not linked"
if command -v rpmlint >/dev/null; then
        tap_ok "rpmlint has nothing to say" rpmlint -c "$SRCDIR/packaging/rpm/rpmlint.toml" "$package" "$source" "$spec"
        tap_like "$OUTPUT" ' 0 errors, 0 warnings' "not even a warning" || tap_note "$OUTPUT"
else
        tap_skip "rpmlint has nothing to say" "rpmlint is not installed"
fi
for script in PREIN POSTIN PREUN POSTUN; do
        query --qf "%{$script}" >"$SCRATCH/$script"
        tap_ok "scriptlet $script is one that sh can read" sh -n "$SCRATCH/$script"
        tap_unlike "$(cat "$SCRATCH/$script")" '%' "and has no macro left"
done

# 3. Its files.
files=$(query --qf '[%{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME} %{FILENAMES}\n]')
tap_empty "$(grep -Ev '^[^ ]* root:root ' <<<"$files")" "everything is root's"
tap_empty "$(grep -Ev '^(-rw-r--r--|-rwxr-xr-x|drwxr-xr-x|l)' <<<"$files")" "with the usual modes"
tap_empty "$(awk '{ print $3 }' <<<"$files" | grep -Ev \
        '^/(etc/kube-renewd|usr/(bin|libexec|lib/(systemd|\.build-id)|share/(kube-renewd|doc|licenses|man|bash-completion|zsh)))(/|$)')" \
        "nothing is in an odd place"
tap_is "$(query --configfiles)" /etc/kube-renewd/kube-renewd.conf "the configuration is marked as such"
tap_is "$(query --qf '[%{FILEFLAGS:fflags} %{FILENAMES}\n]' | sed -n 's/^\([a-z]*\) .*conf$/\1/p' | grep c)" cn \
        "and is never replaced when it was changed"
tap_is "$(query --licensefiles)" /usr/share/licenses/kube-renewd/LICENSE "the license is, too"
for file in /usr/bin/kube-renewd /usr/libexec/kube-renewd/kube-renewd-failure /usr/lib/systemd/system/kube-renewd.{service,timer} \
        /usr/lib/systemd/system/kube-renewd-{failure@,recover}.service /usr/lib/systemd/system-preset/80-kube-renewd.preset \
        /usr/lib/systemd/catalog/kube-renewd.catalog /usr/share/man/man8/kube-renewd.8.gz \
        /usr/share/doc/kube-renewd/NEWS; do
        tap_like "$files" " $file\$" "$file is there"
done

mkdir "$SCRATCH/tree"
rpm2cpio "$package" | (cd "$SCRATCH/tree" && cpio -idm --quiet --no-absolute-filenames)
tap_empty "$(grep -rlaF -e "$SRCDIR" -e "$BUILDDIR" -e "$SCRATCH" "$SCRATCH/tree")" "nothing tells where it was built"
for program in usr/bin/kube-renewd usr/libexec/kube-renewd/kube-renewd-failure; do
        dynamic=$(readelf -dW "$SCRATCH/tree/$program")
        tap_unlike "$dynamic" '\((RPATH|RUNPATH)\)' "$program looks for libraries nowhere else"
        tap_like "$dynamic" 'FLAGS.* NOW.*PIE' "$program binds at once, at any address"
done
tap_like "$("$SCRATCH/tree/usr/bin/kube-renewd" --version 2>&1)" "kube-renewd $(query --qf '%{VERSION}')" "the program runs"
tap_empty "$(sed -n 's/^enable //p' "$SCRATCH"/tree/usr/lib/systemd/system-preset/*.preset | while read -r unit; do
        [ -e "$SCRATCH/tree/usr/lib/systemd/system/$unit" ] || echo "$unit"
done)" "the preset names units that are there"

# 4. Without a network there is one error, and it says what is missing.
printf 'Acquire::Retries "0"; Acquire::http::Proxy "http://127.0.0.1:9"; Acquire::https::Proxy "http://127.0.0.1:9";\n' >"$SCRATCH/apt.conf"
if command -v apt-get >/dev/null; then
        tap_status 1 "no network" env APT_CONFIG="$SCRATCH/apt.conf" "$SRCDIR/tools/rpm-macros.sh" "$SCRATCH/macros"
        tap_is "$OUTPUT" "./dev rpm: apt-get cannot download the source package of systemd, which has its macros for spec files" \
                "is told in one line"
else
        tap_skip "no network" "there is no apt-get"
fi
tap_done

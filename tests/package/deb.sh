#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The Debian package as `./dev deb` makes it, here without the unit tests: the same bytes wherever it is
# built, nothing that lintian would say, in it what was installed, in the right places and with the right
# modes, and no word of the machine that built it.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

for program in dpkg-buildpackage dh; do
        command -v "$program" >/dev/null || tap_skip_all "$program is not installed"
done

# 1. Built twice, as by two people: the second has nothing but the release tarball, and no cache.
tap_ok "it is built" "$SRCDIR/tools/deb.sh" --nocheck || tap_done
built=$SRCDIR/build/deb
again=$SCRATCH/somewhere/else
mkdir -p "$again" && tar -C "$again" -xf "$built"/*.orig.tar.xz --strip-components=1
tap_ok "and again" env CCACHE_DISABLE=1 TZ=Asia/Tokyo LANG=de_DE.UTF-8 LC_ALL=C.UTF-8 HOME="$SCRATCH" \
        bash -c 'umask 077; cd / && exec "$0" --nocheck' "$again/tools/deb.sh"
hashes() {
        (cd "$1" && sha256sum -- *.*deb *.dsc *.tar.xz)
}
tap_is "$(hashes "$again/build/deb")" "$(hashes "$built")" "with the same bytes, source, binary and debug symbols"
package=$(echo "$built"/kube-renewd_*.deb)
symbols=$(echo "$built"/kube-renewd-dbgsym_*.*deb)
tap_is "$(hashes "$built" | wc -l)" 5 "which are five files"

# 2. What is in it.
root=$SCRATCH/root
dpkg-deb -x "$package" "$root"
dpkg-deb -e "$package" "$SCRATCH/control"
dpkg-deb -x "$symbols" "$SCRATCH/symbols"
listing=$(dpkg-deb -c "$package")
files=$(cd "$root" && find . ! -type d | sort)
ours='^\./((etc|usr/libexec|usr/share|usr/share/doc)/kube-renewd/|(usr/)?lib/systemd/system/kube-renewd|usr/bin/kube-renewd$'
ours+='|usr/lib/systemd/catalog/kube-renewd|usr/share/man/man[578]/kube-renewd|usr/share/bash-completion/completions/kube-renewd'
ours+='|usr/share/zsh/vendor-completions/_kube-renewd$|usr/share/lintian/overrides/kube-renewd$)'
tap_empty "$(grep -vE "$ours" <<<"$files")" "every file has its name, where such files are"
tap_empty "$(grep -vE '^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x) root/root ' <<<"$listing")" "everything is root's, and for all to read"
tap_is "$(cd "$root" && find . -type f -perm -1 -printf '%h\n' | sort -u | xargs)" \
        "./usr/bin ./usr/libexec/kube-renewd ./usr/share/doc/kube-renewd/examples" "and only programs can be executed"
tap_is "$(cat "$SCRATCH/control/conffiles")" "$(sed -n 's,^\./etc/,/etc/,p' <<<"$files")" "what is below /etc is a conffile"

unitdir=$root$(pkg-config --variable=systemdsystemunitdir systemd)
units() {
        find "$1" -maxdepth 1 -type f -printf '%f\n' | sed -n 's/^\(.*\.\(service\|timer\)\)\(\.in\)\?$/\1/p' | sort -u
}
tap_is "$(units "$unitdir")" "$(units "$SRCDIR/systemd")" \
        "every unit is where systemd looks for it"
programs=$(sed -n 's/^Exec[A-Za-z]*=[-:!+@]*\([^ ]*\).*/\1/p' "$unitdir"/* | sort -u)
tap_empty "$(for program in $programs; do [ -x "$root$program" ] || echo "$program"; done)" \
        "and starts what is in the package"
tap_like "$programs" '^/usr/bin/kube-renewd$' "with its full name"
for page in $(cd "$SRCDIR/man" && ls -- *.scd); do
        tap_like "$files" "/${page%.scd}\\.gz$" "${page%.scd} is there"
done
tap_like "$(zcat "$root/usr/share/doc/kube-renewd/changelog.Debian.gz" | head -n 1 | tr -d '()')" \
        "^kube-renewd $(dpkg-deb -f "$package" Version) " "so is the changelog"
tap_like "$files" '/doc/kube-renewd/NEWS(\.gz)?$' "and what is new in it"

# 3. Its binaries.
for program in "$root/usr/bin/kube-renewd" "$root/usr/libexec/kube-renewd/kube-renewd-failure"; do
        name=$(basename "$program")
        dynamic=$(readelf -dW "$program")
        tap_unlike "$dynamic" '\((RPATH|RUNPATH)\)' "$name looks for libraries nowhere else"
        tap_like "$dynamic" 'FLAGS.* NOW.*PIE' "$name binds at once, at any address"
done
tap_is "$("$root/usr/bin/kube-renewd" --version)" "kube-renewd $(dpkg-deb -f "$package" Version | sed 's/-[^-]*$//')" \
        "it runs, and is of that version"
tap_empty "$(grep -rlaF -e "$SRCDIR" -e "$BUILDDIR" -e "$SCRATCH" "$root" "$SCRATCH/control" "$SCRATCH/symbols")" \
        "nothing tells where it was built"

# 4. What it asks for: libcurl, which it loads by itself, by both its names; and no newer library than the
#    oldest release has in which it can be installed, Ubuntu 22.04.
depends=$(dpkg-deb -f "$package" Depends)
tap_like "$depends" '(^|, )libcurl4 \(>= 7\.76\) \| libcurl3-gnutls \(>= 7\.76\)(,|$)' "it depends on libcurl, in either flavour"
too_new() {
        local library version wanted

        while read -r library version; do
                wanted=$(grep -oE "(^|, )$library(t64)? \(>= [^)]*\)" <<<"$depends" | sed 's/.*>= \(.*\))/\1/')
                dpkg --compare-versions "${wanted:-missing}" le "$version" || echo "$library ${wanted:-is missing}"
        done
}
tap_empty "$(too_new <<'END'
libgnutls30 3.7.3
libinih1 53
libjansson4 2.13.1
libnettle8 3.7.3
libprotobuf-c1 1.3.3
libsmartcols1 2.37.2
libsystemd0 249.11
libyaml-0-2 0.2.2
END
)" "and on no newer library than Ubuntu 22.04 has"
if dpkg --compare-versions "$(dpkg-query -W -f '${Version}' libc6)" lt 2.37; then
        tap_empty "$(too_new <<<'libc6 2.35')" "nor a newer libc"
else
        tap_skip "nor a newer libc" "it is built with one here"
fi

# Each version of lintian has its own opinions; those of Debian 12's are all followed.
case $(lintian --version 2>/dev/null) in
*' v2.116.'*) level='>=pedantic' ;;
*) level='>=error' ;;
esac
if command -v lintian >/dev/null; then
        tap_empty "$(lintian --allow-root --profile debian --display-level "$level" --tag-display-limit 0 "$built"/*.changes 2>&1)" \
                "lintian has nothing to say"
else
        tap_skip "lintian has nothing to say" "lintian is not installed"
fi
tap_done

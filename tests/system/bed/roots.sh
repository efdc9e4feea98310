# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, here and keep are of testbed
# Roots: other releases of Debian and Ubuntu, for `testbed systemd -r NAME`. Sourced by testbed.
#
# $dir/roots/NAME        the root, a plain folder; never written to once it is there
# $dir/roots/NAME.stamp  digest of what it was made from
# $dir/roots/NAME.lock   held shared by who boots it
#
# The table. A root is a minimal system with systemd and what the package of kube-renewd depends on under the
# names of that release, so that nothing need be downloaded to install it. One has libcurl in its GnuTLS
# flavour, the others have OpenSSL's.
roots=()                # names; each is the suite, too
declare -A root_title   # for people
declare -A root_archive # whose: root_source_ARCHIVE
declare -A root_packages

# root NAME TITLE ARCHIVE PACKAGES: a row of the table.
root() {
        roots+=("$1")
        root_title[$1]=$2
        root_archive[$1]=$3
        root_packages[$1]="systemd systemd-sysv dbus udev libinih1 libyaml-0-2 libjansson4 libsmartcols1 libprotobuf-c1 $4"
}

root bookworm 'Debian 12' debian 'libgnutls30 libnettle8 libcurl3-gnutls'
root trixie 'Debian 13' debian 'libgnutls30t64 libnettle8t64 libcurl4t64'
root jammy 'Ubuntu 22.04' ubuntu 'apt libgnutls30 libnettle8 libcurl4'
root noble 'Ubuntu 24.04' ubuntu 'apt libgnutls30t64 libnettle8t64 libcurl4t64'

# What the keys of Ubuntu's archive are taken from, below its mirror.
ubuntu_keyring=pool/main/u/ubuntu-keyring/ubuntu-keyring_2023.11.28.1_all.deb
ubuntu_keyring_sha256=36de43b15853ccae0028e9a767613770c704833f82586f28eb262f0311adb8a8
ubuntu_mirror=http://archive.ubuntu.com/ubuntu

root_valid() { [ "${root_title[$1]:-}" ] || die "no root '$1': there are ${roots[*]}"; }

# root_digest NAME
root_digest() {
        local text="$1 ${root_archive[$1]} ${root_packages[$1]}"

        text+=$(declare -f root_make "root_source_${root_archive[$1]}")
        sha256sum <<<"$text" | cut -d' ' -f1
}

# root_is_made NAME: it is there, and was made from what would be taken today.
root_is_made() {
        local stamp

        { read -r stamp <"$dir/roots/$1.stamp"; } 2>/dev/null && [ "$stamp" = "$(root_digest "$1")" ]
}

# root_fault NAME: why it cannot be booted, or nothing.
root_fault() {
        local fault

        fault=$(host_fault)
        if [ -z "$fault" ] && ! root_is_made "$1"; then
                fault="the root of ${root_title[$1]} is not there: './dev bed root $1' makes it"
        fi
        echo "$fault"
}

# The mirror that this machine's own apt uses, if it is a Debian, and the keys that it has.
root_source_debian() {
        local mirror

        mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
                awk '$2 == "Debian" && $3 !~ /-/ { print $1; exit }')
        printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
                "${mirror:-http://deb.debian.org/debian}" "$1"
}

# Ubuntu's own, and the keys out of the package of its archive of which we know the digest.
root_source_ubuntu() {
        local keyring=$dir/roots/ubuntu-keyring

        if [ ! -e "$keyring" ]; then
                rm -rf "$keyring.new"
                /usr/lib/apt/apt-helper -c "$dir/roots/apt.conf" download-file "$ubuntu_mirror/$ubuntu_keyring" \
                        "$keyring.deb" "SHA256:$ubuntu_keyring_sha256" >&2
                dpkg-deb -x "$keyring.deb" "$keyring.new"
                mv -T "$keyring.new" "$keyring"
        fi
        printf 'deb [signed-by=%s] %s %s main universe\n' \
                "$keyring/usr/share/keyrings/ubuntu-archive-keyring.gpg" "$ubuntu_mirror" "$1"
}

# root_make NAME: as apt on this machine reaches its mirrors (a proxy), with a short patience.
root_make() {
        local new=$dir/roots/$1.new

        rm -rf --one-file-system "$new"
        {
                apt-config dump | grep -E '^Acquire::(http|https|Check-|Max-|ForceIPv|Queue-Mode)' || true
                printf '%s\n' 'Acquire::Languages "none";' 'Acquire::http::Timeout "20";' 'Acquire::Retries "2";'
        } >"$dir/roots/apt.conf"
        "root_source_${root_archive[$1]}" "$1" >"$dir/roots/$1.list"
        nice -n 10 mmdebstrap --mode=root --variant=minbase --format=directory --aptopt="$dir/roots/apt.conf" \
                --include="${root_packages[$1]// /,}" "$1" "$new" "$dir/roots/$1.list"
        rm -rf "$new"/etc/apt/sources.list "$new"/etc/apt/sources.list.d "$new"/etc/apt/apt.conf.d/99mmdebstrap \
                "$new"/etc/resolv.conf "$new"/etc/hostname
}

# cmd_root [NAME...]: makes those that are not there, all if none is named.
cmd_root() {
        local name lock failed=0 start=$SECONDS

        if [ $# != 1 ]; then
                [ $# -gt 0 ] || set -- "${roots[@]}"
                # Not `root_make || ...`: that would switch off errexit inside.
                for name; do "$here/testbed" root "$name" || failed=1; done
                exit $failed
        fi
        name=$1
        root_valid "$name"
        mkdir -p "$dir/roots" "$dir/log"
        touch "$dir/.kube-renewd-testbed"
        exec {lock}>"$dir/roots/lock"
        flock -w 900 "$lock" || die "another testbed makes a root in '$dir'"
        if root_is_made "$name"; then return; fi
        # shellcheck source=tools/packages.sh
        . "$here/../../../tools/packages.sh" || exit 1
        need bed
        quiet "root-$name" root_make "$name"
        exec {lock}>"$dir/roots/$name.lock"
        flock -w 900 "$lock" || die "the old root '$name' is in use"
        rm -rf --one-file-system "${dir:?}/roots/$name" "$dir/roots/$name.stamp"
        mv -T "$dir/roots/$name.new" "$dir/roots/$name"
        root_digest "$name" >"$dir/roots/$name.stamp"
        say "root of ${root_title[$name]}: made in $((SECONDS - start)) s, $(du -sh "$dir/roots/$name" | cut -f1)"
}

# cmd_roots [--missing]: the names; those alone that `root` would make.
cmd_roots() {
        local name

        for name in "${roots[@]}"; do
                [ "${1:-}" = --missing ] && root_is_made "$name" || echo "$name"
        done
}

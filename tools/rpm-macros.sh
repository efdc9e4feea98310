#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rpm-macros.sh DIRECTORY: systemd's macros for spec files, its helper for their scriptlets and its file
# triggers are in DIRECTORY, as Fedora installs them. Debian ships none of them, but has their templates
# in the source package of systemd: fetched once, with the mirrors and keys of the host's own apt.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C

# shellcheck source=tools/packages.sh
. tools/packages.sh || exit 1

# What systemd's own build writes into the templates; the names are those of several versions.
declare -A values=(
        [BINFMT_DIR]=/usr/lib/binfmt.d
        [ENVIRONMENT_DIR]=/usr/lib/environment.d
        [KERNEL_INSTALL_DIR]=/usr/lib/kernel/install.d
        [LIBEXECDIR]=/usr/lib/systemd
        [MODPROBE_DIR]=/usr/lib/modprobe.d
        [MODULESLOAD_DIR]=/usr/lib/modules-load.d
        [ROOTLIBEXECDIR]=/usr/lib/systemd
        [SYSCTL_DIR]=/usr/lib/sysctl.d
        [SYSTEMD_CATALOG_DIR]=/usr/lib/systemd/catalog
        [SYSTEMD_UPDATE_HELPER_PATH]=/usr/lib/systemd/systemd-update-helper
        [SYSTEM_DATA_UNIT_DIR]=/usr/lib/systemd/system
        [SYSTEM_ENV_GENERATOR_DIR]=/usr/lib/systemd/system-environment-generators
        [SYSTEM_GENERATOR_DIR]=/usr/lib/systemd/system-generators
        [SYSTEM_PRESET_DIR]=/usr/lib/systemd/system-preset
        [SYSUSERS_DIR]=/usr/lib/sysusers.d
        [TMPFILES_DIR]=/usr/lib/tmpfiles.d
        [UDEV_HWDB_DIR]=/usr/lib/udev/hwdb.d
        [UDEV_RULES_DIR]=/usr/lib/udev/rules.d
        [UPDATE_HELPER_USER_TIMEOUT]=15s
        [UPDATE_HELPER_USER_TIMEOUT_SEC]=15
        [USER_DATA_UNIT_DIR]=/usr/lib/systemd/user
        [USER_ENV_GENERATOR_DIR]=/usr/lib/systemd/user-environment-generators
        [USER_GENERATOR_DIR]=/usr/lib/systemd/user-generators
        [USER_PRESET_DIR]=/usr/lib/systemd/user-preset
        [USER_TMPFILES_DIR]=/usr/share/user-tmpfiles.d
)

fail() {
        echo "./dev rpm: $1" >&2
        exit 1
}

# own_sources DIRECTORY: the files of the host's apt that name where systemd comes from, for its source.
own_sources() {
        local uri file

        for uri in $(apt-cache madison systemd | awk '{ print $5 }' | sort -u); do
                grep -slF -- "$uri" /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}
        done | sort -u | while read -r file; do
                sed -E 's/^([[:space:]]*)deb([[:space:]])/\1deb-src\2/; s/^Types:.*/Types: deb-src/' "$file" \
                        >"$1/$(basename "$file")"
        done
        [ -n "$(ls "$1")" ]
}

# download DIRECTORY: systemd's source package, as it was published.
download() {
        local options

        mkdir -p "$1"/{sources,lists/partial,cache/archives/partial}
        own_sources "$1/sources" || { lists_update && own_sources "$1/sources"; } || return 1
        options=(-q -o "APT::Sandbox::User=$(id -un)" -o Dir::Etc::SourceList=/dev/null
                -o "Dir::Etc::SourceParts=$1/sources" -o "Dir::State::Lists=$1/lists" -o "Dir::Cache=$1/cache")
        (cd "$1" && apt-get "${options[@]}" update && apt-get "${options[@]}" source --download-only systemd) \
                >"$1/log" 2>&1
}

# render TEMPLATE FILE: fails on a name that has no value.
render() {
        local name script=()

        for name in "${!values[@]}"; do
                script+=(-e "s,{{ *$name *}},${values[$name]},g")
        done
        sed "${script[@]}" "$1" >"$2" && ! grep -n '{[{%]' "$2" >&2
}

directory=${1:?}
[ ! -d "$directory" ] || exit 0
command -v apt-get >/dev/null || fail "neither rpm nor apt knows systemd's macros here: install systemd-rpm-macros"
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
download "$scratch" ||
        fail "apt-get cannot download the source package of systemd, which has its macros for spec files"
tar -C "$scratch" --strip-components=1 -xf "$scratch"/systemd_*.orig.tar.* --wildcards '*/src/rpm/*.in' || exit 1
mkdir -p "$(dirname "$directory")" "$scratch/done" || exit 1
for template in "$scratch"/src/rpm/*.in; do
        file=$(basename "$template" .in)
        render "$template" "$scratch/done/$file" || fail "systemd's template $file.in is not understood"
        chmod --reference="$template" "$scratch/done/$file"
done
rm -rf "$directory.new"
cp -R "$scratch/done" "$directory.new" && mv "$directory.new" "$directory"

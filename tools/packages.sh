# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What each kind of work needs from Debian or Ubuntu, in one place. Sourced by ./dev.
#
# "a|b" is the first of the two that this release has; "a?" is left out where there is no such
# package: its tests then skip and say why.

declare -A packages=(
        [build]='autoconf automake make gcc libc6-dev pkg-config libgnutls28-dev nettle-dev libsystemd-dev
                libinih-dev libyaml-dev libjansson-dev libsmartcols-dev
                libcurl4-openssl-dev|libcurl4-gnutls-dev libprotobuf-c-dev protobuf-c-compiler libcmocka-dev scdoc'
        [check]='clang openssl libnghttp2-dev jq acl attr xz-utils faketime python3-jsonschema python3-yaml zsh bash-completion
                tmux bsdutils strace softhsm2 gnutls-bin libp11-kit-dev'
        [demo]='jq'
        [lint]='clang-format-14|clang-format shellcheck codespell man-db systemd'
        [crash]='strace jq openssl python3'
        [system]='etcd-server etcd-client|etcd-server openssl strace softhsm2 gnutls-bin libfaketime jq systemd-container containerd|containerd.io
                runc|containerd.io'
        [bed]='mmdebstrap iproute2 systemd-container bsdutils util-linux'
        [coverage]='gcovr jq'
        [memcheck]='valgrind strace'
        [bench]='openssl iproute2 util-linux binutils dpkg-dev'
        [fuzz]='clang'
        [deb]='debhelper dpkg-dev bash-completion systemd-dev|systemd'
        [package]='lintian autopkgtest?'
        [rpm]='rpm rpm2cpio cpio rpmlint?'
        [deep]='clang-tidy cppcheck libnghttp2-dev'
)

# package_here NAME: it is installed.
package_here() {
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# package_known NAME: apt can install it.
package_known() {
        apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'
}

# packages_of KIND: its words, and the runtime of clang's sanitizers under the name of this release.
packages_of() {
        local version

        xargs -n 1 <<<"${packages[$1]}"
        case " ${packages[$1]} " in
        *'clang '*)
                version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p')
                printf 'libclang-rt-%s-dev?\n' "$version"
                ;;
        esac
}

# packages_missing KIND...: what has to be installed for them.
packages_missing() {
        local kind word name

        for kind; do
                for word in $(packages_of "$kind"); do
                        for name in $(tr '|' ' ' <<<"${word%\?}"); do
                                package_here "$name" && continue 2
                        done
                        for name in $(tr '|' ' ' <<<"${word%\?}"); do
                                package_known "$name" && break
                        done
                        package_known "$name" || [ "$name" = "$word" ] || [ "${word%\?}" = "$word" ] || continue
                        echo "$name"
                done
        done | sort -u
}

# need KIND...: installs what is missing, or ends with one error that says how to.
need() {
        local missing name

        if ! command -v dpkg-query >/dev/null; then
                echo "./dev: this is neither Debian nor Ubuntu, so nothing is installed for you" >&2
                return 0
        fi
        missing=$(packages_missing "$@" | xargs)
        [ -n "$missing" ] || return 0
        if [ "$(id -u)" != 0 ]; then
                echo "./dev: missing packages; run: sudo apt-get install $missing" >&2
                exit 1
        fi
        echo "./dev: updating the package lists to install what is missing"
        apt-get -q update >/dev/null || { echo "./dev: apt-get update failed" >&2; exit 1; }
        missing=$(packages_missing "$@" | xargs) # by name, now that apt knows every name
        [ -n "$missing" ] || return 0
        echo "./dev: installing $missing"
        # shellcheck disable=SC2086 # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 install \
                --no-install-recommends $missing >/dev/null ||
                { echo "./dev: apt-get install failed" >&2; exit 1; }
        # The tests start an etcd and a containerd of their own; those of the packages have nothing to do here.
        for name in etcd-server:etcd containerd:containerd; do
                case " $missing " in
                *" ${name%:*} "*)
                        [ ! -d /run/systemd/system ] || systemctl -q disable --now "${name#*:}" 2>/dev/null || true
                        ;;
                esac
        done
}

# package_unpack NAME DIRECTORY: its files are below DIRECTORY.
package_unpack() {
        local scratch status=1

        scratch=$(mktemp -d) || return 1
        # apt-get writes where it stands, as root under a name of its own.
        [ "$(id -u)" != 0 ] || chown _apt "$scratch" 2>/dev/null || true
        (cd "$scratch" && apt-get -q download "$1") >/dev/null 2>&1 &&
                dpkg-deb -x "$scratch/"*.deb "$2" && status=0
        rm -rf "$scratch"
        return "$status"
}

# lists_update: the package lists may be old, or none yet. Once, and only root can.
lists_update() {
        [ "$(id -u)" = 0 ] && [ -z "${lists_are_new:-}" ] || return 1
        lists_are_new=yes
        apt-get -q update >/dev/null 2>&1
}

# unpack NAME...: their files are below build/neighbours, for tests that start a program from there and
# skip where it is not. What is there is kept.
unpack() {
        local directory=build/neighbours name

        mkdir -p "$directory" || return 0
        for name; do
                [ ! -e "$directory/.$name" ] || continue
                if package_unpack "$name" "$directory" ||
                        { lists_update && package_unpack "$name" "$directory"; }; then
                        touch "$directory/.$name"
                        echo "./dev: unpacked $name into $directory for the tests"
                else
                        echo "./dev: no $name for the tests: apt-get cannot download it here" >&2
                fi
        done
        return 0
}

# unpack_neighbours: the daemons that a test starts itself. Never installed: their packages would start
# services. They want no shared library but libc's and systemd's, and the one that is unpacked with them.
unpack_neighbours() {
        local http

        http=$(apt-cache depends systemd-journal-remote 2>/dev/null | sed -n 's/.*Depends: \(libmicrohttpd[0-9a-z]*\)$/\1/p')
        unpack prometheus prometheus-node-exporter nagios4-core systemd-journal-remote "${http:-libmicrohttpd12}"
}

# make_roots: other releases of Debian and Ubuntu, which tests boot (tests/system/bed/roots.sh). What is
# there is kept; the tests skip where one is missing and say why.
make_roots() {
        local testbed=tests/system/bed/testbed name

        "$testbed" check --host >/dev/null 2>&1 || return 0
        mkdir -p build
        for name in $("$testbed" roots --missing); do
                if "$testbed" root "$name" >"build/root-$name.log" 2>&1; then
                        echo "./dev: made a root of '$name' for the tests"
                else
                        echo "./dev: no root of '$name' for the tests: see build/root-$name.log" >&2
                fi
        done
        return 0
}

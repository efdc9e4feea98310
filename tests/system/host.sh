# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Tests under a systemd of their own, without Kubernetes: a copy of this host (`testbed systemd` of
# tests/system/bed/README.md), with a tree laid over its root. Sourced by tests of this floor, after
# tests/tap.sh:
#
#     host_tree                                    # $TREE, or skips the whole test, and says why
#     host_install                                 # what `make install` installs
#     host_certificates '-25 days' --validity=30d
#     host_config test <<<$'[agent]\nLayout=kubeadm'
#     host_script inside <<'END'                   # what is done there: each line it prints is a fact
#     . /host || exit 99                           # words of tests/system/host-inside.sh
#     start
#     echo "status=$(show ExecMainStatus)"
#     END
#     host_boot /inside                            # a second or two; options of `testbed systemd` go first
#     tap_is "$(fact status)" 0 "a run" || tap_note "$FACTS"

TESTBED=${TESTBED:-$SRCDIR/tests/system/bed/testbed}
TREE=  # laid over the root
FACTS= # what the boots have printed

host_tree() {
        local reason

        reason=$("$TESTBED" check --host 2>&1) || tap_skip_all "the test bed cannot run here: $reason"
        command -v systemd-nspawn >/dev/null || tap_skip_all "systemd-container is not installed"
        TREE=$SCRATCH/tree
        mkdir -p "$TREE"
        cp "$SRCDIR/tests/system/host-inside.sh" "$TREE/host" || exit 99
        sed -n 's/^#define \(EVENT_[A-Z_]*\) *"\(.*\)"$/\1=\2/p' "$SRCDIR/src/renew/event/events.h" >>"$TREE/host"
}

host_install() {
        tap_ok "everything is installed" make -s -C "$BUILDDIR" install DESTDIR="$TREE"
        echo "program=$(cd "$TREE" && find . -name kube-renewd -type f -perm -u=x | sed 's,^\.,,')" >>"$TREE/host"
}

# host_certificates TIME OPTION...: PKI and kubeconfigs as `init` makes them at that time ("-25 days").
host_certificates() {
        local at

        at=$(date -u -d "$1" +%FT%TZ)
        shift
        tap_ok "certificates are there" "$KUBE_RENEWD" --root="$TREE" --layout=kubeadm --at="$at" init \
                --node-name=cp-1 --advertise-address=192.0.2.10 "$@"
        rm -rf "${TREE:?}/var"
}

# host_manifests: of static pods, none of which runs.
host_manifests() {
        mkdir -p "$TREE/etc/kubernetes"
        cp -R "$SRCDIR/tests/data/kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/manifests" "$TREE/etc/kubernetes"
}

# host_config NAME: a drop-in of that name; its text comes from stdin.
host_config() {
        mkdir -p "$TREE/etc/kube-renewd/kube-renewd.conf.d"
        cat >"$TREE/etc/kube-renewd/kube-renewd.conf.d/$1.conf"
}

# host_unit NAME: a unit of that name, or a drop-in (x.service.d/y.conf); its text comes from stdin.
host_unit() {
        mkdir -p "$(dirname "$TREE/etc/systemd/system/$1")"
        cat >"$TREE/etc/systemd/system/$1"
}

# host_script PATH: a program; its text comes from stdin.
host_script() {
        mkdir -p "$(dirname "$TREE/$1")"
        { echo '#!/bin/bash' && cat; } >"$TREE/$1"
        chmod 755 "$TREE/$1"
}

# host_boot [OPTION...] COMMAND...
host_boot() {
        FACTS+=$("$TESTBED" systemd -d "$TREE" "$@" 2>&1)$'\n'
}

# fact NAME: the value in "NAME=value" among $FACTS.
fact() {
        sed -n "s/^$1=//p" <<<"$FACTS"
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The program's life in a scratch directory, for tools that watch it: sourced after tools/floors.sh.
#
#     night PROGRAM COMMAND...      COMMAND, as "valgrind -q", goes before each call of PROGRAM
#
# A control plane is made, looked at, renewed, renewed again and killed amid the swaps, recovered,
# passed by the timer's run, and put back. Fails on the first status that is not the usual one; says which.

night_root=

# night_step STATUSES ARGUMENT...
night_step() {
        local expected=$1 status

        shift
        "${night_command[@]}" --root="$night_root" --layout=kubeadm "$@" >"$night_root.output" 2>&1
        status=$?
        [[ " $expected " == *" $status "* ]] && return
        echo "'$*' ended in $status:"
        cat "$night_root.output"
        return 1
}

# night_killed PROGRAM: amid the swaps, and not watched.
night_killed() {
        (strace -f -qq -o /dev/null -e inject=renameat2:signal=KILL:when=3 \
                "$1" --root="$night_root" --layout=kubeadm renew --all) >/dev/null 2>&1
        [ -e "$night_root/var/lib/kube-renewd/transaction.committed" ] || { echo "the run was not interrupted"; return 1; }
}

night() {
        local program=$1 past backup night_command scratch status=0

        shift
        night_command=("$@" "$program")
        scratch=$(mktemp -d) || return 1
        night_root=$scratch/root
        past=$(date -u -d '-25 days' +%Y-%m-%dT%H:%M:%SZ)
        export KUBE_RENEWD_LAYOUT_PATH=$PWD/etc/layouts TZ=UTC
        mkdir -p "$night_root/etc/kubernetes" &&
                cp -R tests/data/kubeadm/v1.28.7/rsa2048-default/etc-kubernetes/manifests "$night_root/etc/kubernetes" &&
                night_step 0 --at="$past" init --node-name=cp-1 --advertise-address=192.0.2.10 --validity=30d --ca-validity=10y &&
                night_step '1 2' check && night_step '1 2' check --output=json && night_step 0 plan --all &&
                night_step '0 75' renew --all && night_step '0 1 2 3' verify && night_step '0 1 2' alarms &&
                night_killed "$program" && night_step 0 recover && night_step '0 75' run &&
                backup=$("$program" --root="$night_root" backup list --no-headings | awk '{ print $1; exit }') &&
                night_step '0 75' restore "$backup" || status=1
        rm -rf "$scratch"
        return $status
}

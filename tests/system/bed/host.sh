# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, here and timeout are of testbed
# Can the bed run on this host, and is it there? Sourced by testbed.

host_fault() {
        local needed

        [ "$(id -u)" = 0 ] || { echo "it must run as root"; return; }
        [ "$(uname -m)" = x86_64 ] || { echo "it is only for x86_64"; return; }
        grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || { echo "it needs Debian 12 (bookworm)"; return; }
        for needed in cpu cpuacct cpuset memory pids devices freezer; do
                grep -qE "^[1-9][0-9]*:([^:]*,)?$needed(,[^:]*)?:" /proc/self/cgroup ||
                        { echo "cgroup controller '$needed' is not on a version 1 hierarchy"; return; }
        done
        grep -q 'name=systemd:' /proc/self/cgroup || { echo "no cgroup hierarchy 'name=systemd'"; return; }
        grep -qw overlay /proc/filesystems || { echo "the kernel has no overlayfs"; return; }
        unshare --mount --pid --net --uts --ipc --cgroup --fork true 2>/dev/null ||
                { echo "namespaces cannot be made"; return; }
        [ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -ge 2000 ] ||
                { echo "it needs 2 GB of free memory"; return; }
}

# fault_here: why the bed cannot be used, or nothing. With --host: why it could not even be built.
fault_here() {
        local fault need=8 free parent=$dir

        fault=$(host_fault)
        if [ -z "$fault" ] && [ "${1:-}" != --host ] && ! built; then
                fault="it is not built in '$dir': run './dev bed build'"
        fi
        if [ -z "$fault" ]; then
                ! built || need=1
                while [ ! -d "$parent" ]; do parent=$(dirname "$parent"); done
                free=$(($(stat -f -c '%a * %S / 1073741824' "$parent")))
                [ "$free" -ge "$need" ] || fault="it needs $need GB free in '$parent', which has $free"
        fi
        echo "$fault"
}

cmd_check() {
        local fault changed=

        if [ "${1:-}" = --root ]; then
                root_valid "${2:?--root NAME}"
                fault=$(root_fault "$2")
        else
                fault=$(fault_here "$@")
        fi
        [ -z "$fault" ] || { echo "$fault"; exit 77; }
        [ "${1:-}" != --root ] || { echo "the root of ${root_title[$2]} can run here"; return; }
        ! built || changed=$(stages_changed)
        echo "the bed can run here${changed:+, but $changed has changed since: './dev bed build' makes it anew}"
}

built() { [ -e "$dir/stamps/pristine" ]; }

lock() {
        mkdir -p "$dir"
        exec 9>"$dir/lock"
        flock -w 900 9 || die "another testbed holds '$dir/lock'"
}

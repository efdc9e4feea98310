# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, here and timeout are of testbed
# Machines: their files, their network, their processes. Sourced by testbed.
#
# $dir/m/NAME/root       its file system without /usr; a plain folder, /etc and /var are in it
# $dir/m/NAME/usr        upper layer of its /usr; the lower one, $dir/usr, is shared
# $dir/m/NAME/{host,address,lan,origin}
# $dir/m/NAME/state      pids, cgroups, console of the last boot
# $dir/{fresh,pristine}  root and containerd's store, to be copied

valid_name() { [[ $1 =~ ^[a-z]([-a-z0-9]*[a-z0-9])?$ ]] || die "bad machine name '$1'"; }
property() { cat "$dir/m/$1/$2"; }
started_at() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

# A process of ours, by number and start time: never a stranger that got the number later.
alive() {
        local pid start
        [ -e "$1" ] || return 1
        read -r pid start <"$1" || return 1
        [ "$(started_at "$pid")" = "$start" ] &&
                [ "$(sed 's/^.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null || echo Z)" != Z ]
}
running() { alive "$dir/m/$1/state/init"; }
need_running() { running "$1" || die "machine '$1' is not up"; }
machines() { find "$dir/m" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' 2>/dev/null | sort; }

# Large files that nothing writes in place are linked; containerd's databases are copied.
clone() {
        local from=$1 machine=$dir/m/$2 database
        mkdir -p "$machine/usr/upper" "$machine/usr/work"
        cp -a "$from/root" "$machine/root"
        cp -al "$from/containerd" "$machine/root/var/lib/containerd"
        (cd "$from/containerd" && find . -name '*.db') | while read -r database; do
                cp -a --remove-destination "$from/containerd/$database" \
                        "$machine/root/var/lib/containerd/$database"
        done
}

save() {
        local machine=$dir/m/$1
        rm -rf "$machine"/root/var/log/journal/* "$machine"/root/var/log/pods/* \
                "$machine"/root/var/log/containers/* "$machine/root/.oldroot"
        mv "$machine/root/var/lib/containerd" "$2/containerd"
        mv "$machine/root" "$2/root"
        remove_machine "$1"
}

identify() {
        local name=$1 host=$2 address=$3 lan=$4 api=${5:-$3} machine=$dir/m/$1
        mkdir -p "$machine/state" "$machine/usr/upper" "$machine/usr/work"
        echo "$host" >"$machine/host"
        echo "$address" >"$machine/address"
        echo "$lan" >"$machine/lan"
        echo "$host" >"$machine/root/etc/hostname"
        write_hosts "$name" "$api"
}

write_hosts() {
        printf '127.0.0.1 localhost\n::1 localhost\n%s %s\n%s api.testbed.test\n' \
                "$(property "$1" address)" "$(property "$1" host)" "$2" >"$dir/m/$1/root/etc/hosts"
}

lan_file() { echo "$dir/lan/$1"; }

lan_up() {
        local file
        file=$(lan_file "$1")
        ! mountpoint -q "$file" || return 0
        mkdir -p "$dir/lan"
        : >"$file"
        unshare --net="$file" ip link add br0 type bridge
        nsenter --net="$file" ip link set br0 up
}

# Gone with its last machine.
lan_down() {
        local file name
        file=$(lan_file "$1")
        [ -e "$file" ] || return 0
        for name in $(machines); do
                [ "$(property "$name" lan 2>/dev/null)" != "$1" ] || ! running "$name" || return 0
        done
        ! mountpoint -q "$file" || umount "$file"
        rm -f "$file"
}

boot() {
        local name=$1 machine=$dir/m/$1 outer init state=starting i
        ! running "$name" || return 0
        sweep "$name"
        rm -rf "$machine/state"
        mkdir "$machine/state"
        lan_up "$(property "$name" lan)"
        date -u +%Y-%m-%dT%H:%M:%SZ >"$machine/state/since"
        env MACHINE="$machine" LOWER_USR="$dir/usr" HOST_NAME="$(property "$name" host)" \
                ADDRESS="$(property "$name" address)" LAN="$(lan_file "$(property "$name" lan)")" \
                PORT="port$(property "$name" address | cut -d. -f4)" \
                CGROUP="kube-renewd-testbed-$(printf '%s' "$dir" | cksum | cut -d' ' -f1)-$name" \
                HOST_MOUNTS="$(readlink /proc/self/ns/mnt)" \
                setsid unshare --mount --propagation private "$here/machine-init" outer \
                </dev/null >"$machine/state/console" 2>&1 9>&- &
        outer=$!
        echo "$outer $(started_at "$outer")" >"$machine/state/outer"
        for ((i = 0; i < 200; i++)); do
                [ ! -e "$machine/state/started" ] || break
                alive "$machine/state/outer" || break
                sleep 0.05
        done
        if [ ! -e "$machine/state/started" ]; then
                pull "$name"
                cat "$machine/state/console" >&2
                die "machine '$name' did not start"
        fi
        read -r init _ <"/proc/$outer/task/$outer/children" || [ -n "$init" ] # no newline there
        echo "$init $(started_at "$init")" >"$machine/state/init"
        for ((i = 0; i < 600; i++)); do
                state=$(enter "$name" systemctl is-system-running 2>/dev/null || true)
                case $state in running | degraded) return 0 ;; esac
                running "$name" || break
                sleep 0.1
        done
        say "systemd of '$name' is '$state' (see 'testbed logs -m $name')"
}

enter() {
        local pid start name=$1
        shift
        read -r pid start <"$dir/m/$name/state/init"
        nsenter -t "$pid" -C -m -u -i -n -p -r -w env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
                KUBECONFIG=/etc/kubernetes/admin.conf \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" 9>&-
}

# Ready: all four components answer their health checks, the kubelet has reported their containers
# as started since the last boot (or since $2), and the node is Ready. The pods' own Ready condition
# is no use: this kubelet may take a minute more to set it after a startup probe. After a join it
# may take as long to report the pods at all, so $3 says how many must be.
wait_ready() {
        local name=$1 since=${2:-} pods=${3:-4} start=$SECONDS host
        [ -n "$since" ] || since=$(property "$name" state/since)
        host=$(property "$name" host)
        until enter "$name" bash -s "$host" "$since" "$pods" <"$here/is-ready" >/dev/null 2>&1; do
                running "$name" || die "machine '$name' went down"
                [ $((SECONDS - start)) -lt "$timeout" ] ||
                        die "machine '$name' is not ready after $timeout s (see 'testbed logs -m $name kubelet')"
                sleep 0.3
        done
}

await_end() {
        local file=$1 tenths=$2 i
        for ((i = 0; i < tenths; i++)); do
                alive "$file" || return 0
                sleep 0.1
        done
        return 1
}

# Remove what a machine leaves on the host: its cgroups and, with the last one, the network.
sweep() {
        local machine=$dir/m/$1 i
        if [ -e "$machine/state/cgroups" ]; then
                for ((i = 0; i < 30; i++)); do
                        ! env MACHINE="$machine" HOST_MOUNTS="$(readlink /proc/self/ns/mnt)" \
                                unshare --mount --propagation private "$here/machine-init" sweep \
                                9>&- || break
                        sleep 0.1
                done
                rm -f "$machine/state/cgroups"
        fi
        lan_down "$(property "$1" lan)"
}

# Orderly: what systemd does on SIGRTMIN+4.
halt() {
        local state=$dir/m/$1/state pid start
        if running "$1"; then
                read -r pid start <"$state/init"
                kill -s RTMIN+4 "$pid"
                if ! await_end "$state/init" 900; then
                        say "'$1' does not power off: pulling the plug"
                        kill -KILL "$pid"
                fi
        fi
        pull "$1"
}

# Pull the plug: process 1 is killed, and with it the kernel ends every process of the machine.
pull() {
        local state=$dir/m/$1/state file pid start
        for file in "$state/init" "$state/outer"; do
                if alive "$file"; then
                        read -r pid start <"$file"
                        kill -KILL "$pid" 2>/dev/null || true
                        await_end "$file" 100 || die "process $pid of machine '$1' does not end"
                fi
        done
        rm -f "$state/init" "$state/outer" "$state/started"
        sweep "$1"
}

remove_machine() {
        local machine=$dir/m/$1
        [ -d "$machine" ] || return 0
        [ ! -e "$machine/lan" ] || pull "$1"
        rm -rf --one-file-system "$machine"
}

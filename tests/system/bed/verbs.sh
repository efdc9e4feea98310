# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, here and timeout are of testbed
# The verbs, but for check. Sourced by testbed.

# What is already there is kept; machines are copies of the last stage, and go with it.
cmd_build() {
        local fault name start=$SECONDS

        fault=$(fault_here --host)
        [ -z "$fault" ] || die "$fault"
        # shellcheck source=tools/packages.sh
        . "$here/../../../tools/packages.sh" || exit 1
        need bed
        lock
        mkdir -p "$dir/stamps" "$dir/log" "$dir/m"
        touch "$dir/.kube-renewd-testbed"
        stages_plan
        if [ ${#stages_to_make[@]} != 0 ]; then
                for name in $(machines); do
                        ! running "$name" || die "'$name' is up: take it down first ('down $name')"
                done
                for name in $(machines); do remove_machine "$name"; done
        fi
        stages_make
        say "built in $((SECONDS - start)) s: $(du -sh "$dir" | cut -f1) in '$dir'"
}

cmd_up() {
        local name='' wait=1 join='' three='' to=cp1 number pods=4
        while [ $# -gt 0 ]; do
                case $1 in
                -n | --no-wait) wait= ;;
                --join) join=1 ;;
                --three) three=1 ;;
                --to) to=$2 && shift ;;
                -*) die "up: unknown option '$1'" ;;
                *) name=$1 ;;
                esac
                shift
        done
        name=${name:-${join:+cp2}}
        name=${name:-cp1}
        valid_name "$name"
        built || die "not built in '$dir': run './dev bed build'"
        lock
        if [ "$three" ]; then
                three_up "$name"
                return
        fi
        if [ ! -e "$dir/m/$name/origin" ]; then
                remove_machine "$name" # what an interrupted `up` may have left
                if [ -z "$join" ]; then
                        clone "$dir/pristine" "$name"
                        identify "$name" cp1 192.0.2.11 "$name"
                        echo pristine >"$dir/m/$name/origin"
                else
                        need_running "$to"
                        number=$(for other in $(machines); do
                                if [ "$(property "$other" lan 2>/dev/null)" = "$(property "$to" lan)" ]; then
                                        property "$other" address | cut -d. -f4
                                fi
                        done | sort -n | tail -n1)
                        clone "$dir/fresh" "$name"
                        identify "$name" "$name" "192.0.2.$((number + 1))" "$(property "$to" lan)" \
                                "$(property "$to" address)"
                        boot "$name"
                        join "$name" "$to"
                        pods=0
                        echo "joined to $to" >"$dir/m/$name/origin"
                fi
        fi
        boot "$name"
        flock -u 9
        [ -z "$wait" ] || wait_ready "$name" '' "$pods"
        say "'$name' is up${wait:+ and ready}"
}

# The CA keys are copied by hand (kubeadm's documented other way to --upload-certs). Until it has
# joined, the new node's name for the API is the first node's address; from then on its own.
join() {
        local name=$1 to=$2
        enter "$to" tar -C /etc/kubernetes -cf - pki/ca.crt pki/ca.key pki/sa.key pki/sa.pub \
                pki/front-proxy-ca.crt pki/front-proxy-ca.key pki/etcd/ca.crt pki/etcd/ca.key |
                enter "$name" sh -ec 'mkdir -p /etc/kubernetes; tar -C /etc/kubernetes -xpf -'
        enter "$name" sed -i "s/NODE_NAME/$(property "$name" host)/; s/NODE_ADDRESS/$(property "$name" address)/" /etc/kubeadm/join.yaml
        quiet "join-$name" enter "$name" kubeadm join --config /etc/kubeadm/join.yaml --skip-phases=preflight
        write_hosts "$name" "$(property "$name" address)"
}

machine_option() {
        machine=cp1
        consumed=0
        if [ "${1:-}" = -m ]; then
                machine=${2:?-m needs a name}
                consumed=2
        fi
        need_running "$machine"
}

cmd_exec() {
        machine_option "$@"
        shift "$consumed"
        [ $# -gt 0 ] || set -- bash -l
        enter "$machine" "$@"
}

cmd_put() {
        machine_option "$@"
        shift "$consumed"
        local from=${1:?put SRC DEST} to=${2:?put SRC DEST} base mode
        if [ -d "$from" ]; then
                # shellcheck disable=SC2016 # expanded inside
                tar -C "$from" --xattrs --acls -cf - . | enter "$machine" sh -ec \
                        'mkdir -p "$1"; tar -C "$1" --no-overwrite-dir --keep-directory-symlink -xpf -' sh "$to"
        else
                base=$(basename "$from")
                mode=$(stat -L -c %a "$from")
                # shellcheck disable=SC2016 # expanded inside
                enter "$machine" sh -ec '
                        to=$1; [ ! -d "$to" ] || to=$to/$2
                        cat >"$to.put"; chmod "$3" "$to.put"; mv "$to.put" "$to"' \
                        sh "$to" "$base" "$mode" <"$from"
        fi
}

cmd_get() {
        machine_option "$@"
        shift "$consumed"
        local from=${1:?get SRC DEST} to=${2:?get SRC DEST}
        if enter "$machine" test -d "$from"; then
                mkdir -p "$to"
                enter "$machine" tar -C "$from" -cf - . | tar -C "$to" -xpf -
        else
                [ ! -d "$to" ] || to=$to/$(basename "$from")
                enter "$machine" cat "$from" >"$to"
        fi
}

cmd_logs() {
        local machine=cp1 root file
        if [ "${1:-}" = -m ]; then
                machine=${2:?-m needs a name}
                shift 2
        fi
        root=$dir/m/$machine/root
        [ -d "$root" ] || die "no machine '$machine'"
        case ${1:-} in
        etcd | kube-apiserver | kube-controller-manager | kube-scheduler)
                find "$root/var/log/pods" -path "*_$1-*/$1/*.log" -printf '%T@ %p\n' | sort -n |
                        while read -r _ file; do
                                echo "==> ${file#"$root"} <=="
                                cat "$file"
                        done
                ;;
        '')
                cat "$dir/m/$machine/state/console"
                journalctl -q --no-pager -D "$root/var/log/journal"
                ;;
        *) journalctl -q --no-pager -D "$root/var/log/journal" -u "$1" ;;
        esac
}

# With --files the processes go on with what they have loaded.
cmd_age() {
        local machine days lifetime=365 only=() files='' since

        while [[ ${1:-} == --* ]]; do
                case $1 in
                --lifetime) lifetime=${2:?--lifetime DAYS} && shift ;;
                --only) IFS=, read -ra only <<<"${2:?--only NAME,...}" && shift ;;
                --files) files=1 ;;
                *) die "age: unknown option '$1'" ;;
                esac
                shift
        done
        days=${1:?age DAYS [NAME]}
        machine=${2:-cp1}
        [[ $days =~ ^-?[0-9]+$ && $lifetime =~ ^[0-9]+$ ]] || die "age: not a number of days"
        need_running "$machine"
        [ "$files" ] || stop_control_plane "$machine"
        enter "$machine" bash -s -- "$days" "$lifetime" "${only[@]}" <"$here/age-certificates"
        [ ! "$files" ] || return 0
        since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
        enter "$machine" systemctl start kubelet
        if [ "$days" -gt 0 ]; then
                wait_ready "$machine" "$since"
        else
                wait_started "$machine"
        fi
        say "'$machine' has certificates that end $days days from now, and uses them"
}

stop_control_plane() {
        # shellcheck disable=SC2016 # expanded inside
        enter "$1" sh -ec '
                systemctl stop kubelet
                for task in $(ctr -n k8s.io tasks ls -q); do
                        ctr -n k8s.io tasks kill -a -s KILL "$task" || true
                done' >/dev/null 2>&1
}

# Nothing can become ready with certificates that have ended: all that there is has been started.
wait_started() {
        local i

        for ((i = 0; i < timeout * 2; i++)); do
                [ "$(enter "$1" ctr -n k8s.io tasks ls | grep -c RUNNING)" -lt 6 ] || break
                sleep 0.5
        done
}

cmd_down() {
        local force='' name
        if [ "${1:-}" = -f ]; then
                force=1
                shift
        fi
        name=${1:-cp1}
        [ -d "$dir/m/$name" ] || die "no machine '$name'"
        lock
        if [ "$force" ]; then pull "$name"; else halt "$name"; fi
        say "'$name' is down"
}

cmd_reset() {
        local name=${1:-cp1}
        [ -d "$dir/m/$name" ] || die "no machine '$name'"
        lock
        pull "$name"
        if [ "$(property "$name" origin 2>/dev/null)" = pristine ]; then
                remove_machine "$name"
                clone "$dir/pristine" "$name"
                identify "$name" cp1 192.0.2.11 "$name"
                echo pristine >"$dir/m/$name/origin"
                say "'$name' is pristine, and down"
        else
                remove_machine "$name"
                say "'$name' had joined another machine: removed"
        fi
}

cmd_remove() {
        local name=${1:?remove NAME}

        [ -d "$dir/m/$name" ] || die "no machine '$name'"
        lock
        remove_machine "$name"
}

cmd_status() {
        local name
        if built; then
                echo "built in '$dir', $(du -sh "$dir" | cut -f1)"
        else
                echo "not built in '$dir'"
        fi
        for name in $(machines); do
                printf '%s: %s, host %s, %s, network %s, %s\n' "$name" \
                        "$(if running "$name"; then echo "up (pid $(cut -d' ' -f1 "$dir/m/$name/state/init"))"; else echo down; fi)" \
                        "$(property "$name" host)" "$(property "$name" address)" "$(property "$name" lan)" \
                        "$(property "$name" origin 2>/dev/null || echo incomplete)"
        done
}

cmd_clean() {
        local name
        [ -e "$dir/.kube-renewd-testbed" ] || {
                say "nothing in '$dir'"
                return
        }
        lock
        for name in $(machines); do remove_machine "$name"; done
        rm -rf --one-file-system "$dir/lan" "$dir/three"
        [ "${1:-}" = --machines ] || rm -rf --one-file-system "$dir"
}

# systemd alone, without Kubernetes
cmd_systemd() {
        local trees=() keep='' root='' disk='' lock
        while [[ "${1:-}" = -[dkrs] ]]; do
                [ -n "${2:-}" ] || die "systemd: $1 needs a word"
                case $1 in
                -r) root=$2 ;;
                -s) disk=$(readlink -f "$2") ;;
                -d) trees+=("$(readlink -f "$2")") ;;
                -k) keep=$2 ;;
                esac
                shift 2
        done
        [ -z "$keep" ] || [ ${#trees[@]} -gt 0 ] || die "systemd: -k needs a -d to keep it in"
        [ $# -gt 0 ] || die "systemd: which command?"
        command -v systemd-nspawn >/dev/null || die "systemd: needs Debian's package systemd-container"
        if [ "$root" ]; then
                root_valid "$root"
                root_is_made "$root" || die "systemd: $(root_fault "$root")"
                exec {lock}>"$dir/roots/$root.lock" # nobody replaces it meanwhile
                flock -s "$lock"
        fi
        STAGE='' ROOT=${root:+$dir/roots/$root} DISK=$disk TREES=$(printf '%s\n' "${trees[@]}") KEEP=$keep \
                "$here/systemd-run-once" "$@"
}

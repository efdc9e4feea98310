#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What surrounds the program and cannot be trusted: descriptors, limits, umask and environment of who starts it, things
# that are no files in the place of files, /proc, names and texts that others have chosen; and what must be kept: ACLs
# and labels. (Names in certificates and kubeconfigs: check.sh.)

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

STATE=var/lib/kube-renewd
PKI=etc/kubernetes/pki

# intact: what is wrong with the files of a control plane after a pass.
intact() {
        local file

        for file in "$ROOT/$PKI"/*.crt "$ROOT/$PKI"/etcd/*.crt; do
                [ "$(openssl x509 -in "$file" -noout -pubkey 2>&1)" = "$(openssl pkey -in "${file%.crt}.key" -pubout 2>&1)" ] ||
                        echo "${file#"$ROOT/"}"
        done
        find "$ROOT" -name '.kube-renewd-*' -o -name 'transaction.*'
}

# controls TEXT: lines of it with a control character, or with one that is no UTF-8.
controls() {
        LC_ALL=C grep -anP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' <<<"$1"
        iconv -f UTF-8 -t UTF-8 <<<"$1" >/dev/null 2>&1 || echo "not UTF-8"
}

# Descriptors. Were one below 3 free, a file of ours would get it, and our messages.
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
        host v1.28.7/ecdsa-p256
        bash -c "\"\$@\" $closed" closed "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" renew apiserver >/dev/null 2>&1
        tap_is "$?" 75 "with '$closed' a pass ends as ever"
        tap_empty "$(intact)" "and no message is in a file"
        tap_is "$(jq -r .id "$ROOT/$STATE"/backups/*/manifest.json | wc -l)" 1 "nor in a backup"
done

# Limits and umask.
host v1.28.7/ecdsa-p256
tap_status 75 "an open umask" bash -c 'umask 0; exec "$@"' umask "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
tap_empty "$(cd "$ROOT" && find var \( -perm /022 -o -type f -path '*/backups/*' -perm /077 \))" \
        "lets nobody write our state, or read a backup"
rm -rf "$ROOT"
host v1.28.7/ecdsa-p256
tap_status 75 "a closed umask" bash -c 'umask 777; exec "$@"' umask "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
tap_is "$(stat -c %a "$ROOT/$STATE/public/status.json" "$ROOT/$PKI/apiserver.crt" "$ROOT/$PKI/apiserver.key" | xargs)" "644 644 600" \
        "hides nothing that is for others"
for limit in '-n 4' '-n 12' '-f 0' '-f 1' '-u 1' '-t 1'; do
        rm -rf "$ROOT"
        host v1.28.7/ecdsa-p256
        { bash -c "ulimit $limit && \"\$@\"" limit "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run; } >/dev/null 2>&1
        renewd recover --at="$TEN_DAYS" >/dev/null 2>&1
        tap_empty "$(intact)" "T36 with 'ulimit $limit' a pass does all or nothing"
done

# The environment of a shell: none of it is for us.
host v1.28.7/ecdsa-p256
tap_status 75 "a hostile environment" env -i \
        KUBE_RENEWD_LAYOUT_PATH="$KUBE_RENEWD_LAYOUT_PATH" JOURNAL_STREAM=$'8:9\033[2J' INVOCATION_ID=$'x\033[2J\n/../..' \
        NOTIFY_SOCKET=/nowhere LISTEN_FDS=7 LISTEN_PID=1 WATCHDOG_USEC=1 SYSTEMD_LOG_LEVEL=$'\033[2J' SYSTEMD_LOG_TARGET=journal \
        DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere SSLKEYLOGFILE="$SCRATCH/keylog" GNUTLS_SYSTEM_PRIORITY_FILE=/nowhere \
        MALLOC_PERTURB_=165 MALLOC_ARENA_MAX=0 MALLOC_TRIM_THRESHOLD_=0 GLIBC_TUNABLES=glibc.malloc.check=3:x=y \
        http_proxy=http://192.0.2.9:1 HTTPS_PROXY=http://192.0.2.9:1 XDG_RUNTIME_DIR=/nowhere XDG_CONFIG_HOME=/nowhere KUBECONFIG=/nowhere \
        TZ=:/etc/shadow TZDIR=/nowhere LC_ALL=$'\033[2J' TMPDIR=/nowhere HOME=/nowhere PATH=/nowhere TERM=$'\033[2J' COLUMNS=-1 \
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run
tap_empty "$(controls "$OUTPUT")" "shows nothing of itself"
tap_empty "$(intact)" "and breaks nothing"
tap_empty "$(controls "$(find "$ROOT/$STATE" -name '*.json' -exec cat {} +)")" "nor is it in a report"

# Things that are no files, in the place of each file in turn: nothing waits for them, nothing opens them. Each file has
# one of them; SWEEP=all tries all.
host v1.28.7/ecdsa-p256
mv "$ROOT" "$SCRATCH/plane"
things=(fifo loop socket directory)
if [ "$(id -u)" = 0 ] && mknod "$SCRATCH/device" c 1 5 2>/dev/null && head -c 1 "$SCRATCH/device" >/dev/null 2>&1; then
        things+=(device)
else
        tap_skip "devices in the place of files" "no device can be made here"
fi
# thing KIND PATH: what has that name now.
thing() {
        rm -rf "$2"
        mkdir -p "$(dirname "$2")"
        case $1 in
        fifo) mkfifo "$2" ;;
        loop) ln -s "${2##*/}" "$2" ;;
        socket) (cd "$(dirname "$2")" && python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "${2##*/}") ;;
        directory) mkdir "$2" ;;
        device) mknod "$2" c 1 5 ;; # /dev/zero never ends
        esac
}
# beside KIND FILE: a fresh control plane with that in the place of that file, and a pass. What went wrong.
beside() {
        local status

        ROOT=$SCRATCH/host
        rm -rf "$ROOT"
        cp -a "$SCRATCH/plane" "$ROOT"
        thing "$1" "$ROOT/$2"
        timeout 60 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" run >"$SCRATCH/output" 2>&1
        status=$?
        [[ $status =~ ^(0|1|75|78)$ ]] || echo "$1 as $2: ended with $status"
        [ "$(stat -c %F "$ROOT/$2" 2>/dev/null)" != 'regular file' ] || grep -q "$STATE" <<<"$2" || echo "$1 as $2: is gone"
        rm -rf "${ROOT:?}/$2"
        [ ! -e "$SCRATCH/plane/$2" ] || cp -a "$SCRATCH/plane/$2" "$ROOT/$2"
        # Its own half may be of before.
        renewd check --at="$TEN_DAYS" --no-headings --columns=status,path | grep -E 'MISMATCH|INVALID' |
                grep -vF "/${2%.*}." | sed "s|^|$1 as $2: |"
}
trouble=
tried=0
while read -r file; do
        for i in "${!things[@]}"; do
                [ "${SWEEP:-}" = all ] || [ $((tried % ${#things[@]})) = "$i" ] || continue
                trouble+=$(beside "${things[i]}" "$file")
        done
        tried=$((tried + 1))
done < <(cd "$SCRATCH/plane" && find etc -type f ! -name 'sa.*' | sort)
tap_empty "$trouble" "T07 something else is in the place of each of $tried files: the pass ends, and the others stay whole"

# The same where we have our configuration, and our state.
trouble=
tried=0
for file in etc/kube-renewd/kube-renewd.conf etc/kube-renewd/kube-renewd.conf.d etc/kube-renewd/kube-renewd.conf.d/x.conf \
        var/lib/kubelet/pki/kubelet-client-current.pem var/lib/kubelet/config.yaml $STATE $STATE/lock $STATE/transaction.prepared \
        $STATE/transaction.committed $STATE/history.json $STATE/notified.json $STATE/owed $STATE/owed/etcd.json $STATE/held \
        $STATE/held/etcd.json $STATE/parked $STATE/backups $STATE/public $STATE/public/status.json $STATE/public/alarms \
        $STATE/public/alarms/expired@apiserver.json $STATE/public/shelved $STATE/public/kube-renewd.prom; do
        for i in "${!things[@]}"; do
                [ "${SWEEP:-}" = all ] || [ $((tried % ${#things[@]})) = "$i" ] || continue
                trouble+=$(beside "${things[i]}" "$file")
        done
        tried=$((tried + 1))
done
tap_empty "$trouble" "T07 or in $tried places of configuration and state"
mkdir "$SCRATCH/layouts"
for thing in "${things[@]}"; do
        thing "$thing" "$SCRATCH/layouts/kubeadm.conf"
        tap_status 3 "T07 a $thing as a layout" env KUBE_RENEWD_LAYOUT_PATH="$SCRATCH/layouts" timeout 60 \
                "$KUBE_RENEWD" --root="$SCRATCH/plane" --layout=kubeadm check
        thing "$thing" "$SCRATCH/plane/config"
        tap_status 3 "T07 a $thing as --config" timeout 60 "$KUBE_RENEWD" --root="$SCRATCH/plane" --layout=kubeadm --config=/config check
        rm -rf "$SCRATCH/plane/config"
done

# Links of /proc lead anywhere, and are not followed: neither where one is planted, nor where a kubeconfig, a manifest or
# the configuration names a path through one.
magic_paths() {
        local link

        for link in /proc/self/cwd /proc/self/root"$SCRATCH"/elsewhere /proc/thread-self/cwd; do
                rm -rf "$ROOT" "$SCRATCH/elsewhere"
                cp -a "$SCRATCH/plane" "$ROOT"
                mkdir -p "$ROOT/proc" "$SCRATCH/elsewhere/state" "$ROOT/etc/kube-renewd"
                cp "$SCRATCH/plane/$PKI"/apiserver.* "$SCRATCH/plane/etc/kubernetes/admin.conf" "$SCRATCH/elsewhere"
                sed -i "s|client-certificate-data: .*|client-certificate: $link/apiserver.crt|
                        s|client-key-data: .*|client-key: $link/apiserver.key|" "$ROOT/etc/kubernetes/scheduler.conf"
                sed -i "s|--tls-cert-file=.*|--tls-cert-file=$link/apiserver.crt|" "$ROOT/etc/kubernetes/manifests/kube-apiserver.yaml"
                printf '[certificate elsewhere]\nCertificate=%s/apiserver.crt\nKey=%s/apiserver.key\nCA=kubernetes\n' "$link" "$link" \
                        >"$ROOT/etc/kube-renewd/kube-renewd.conf"
                printf '[copy there]\nSource=admin.conf\nPath=%s/admin.conf\n[copy new]\nSource=admin.conf\nPath=%s/new\nCreate=yes\n' \
                        "$link" "$link" >>"$ROOT/etc/kube-renewd/kube-renewd.conf"
                before=$(cd "$SCRATCH/elsewhere" && find . -type f -exec sha256sum {} +)
                below_proc run --at="$EXPIRED"
                tap_is "$(renewd check --at="$EXPIRED" --no-headings --no-legend --columns=status apiserver admin.conf | xargs)" "OK OK" \
                        "beside paths through $link the others are renewed"
                printf '[agent]\nStateDirectory=%s/state\n' "$link" >>"$ROOT/etc/kube-renewd/kube-renewd.conf"
                below_proc run --at="$EXPIRED"
                tap_like "$OUTPUT" 'ended with [1-9]' "and a state directory there is refused"
                tap_is "$(cd "$SCRATCH/elsewhere" && find . -type f -exec sha256sum {} +)" "$before" "but nothing there is touched"
        done
}
# below_proc ARGUMENT...: the program on that host, which has a /proc, started in $SCRATCH/elsewhere.
below_proc() {
        # shellcheck disable=SC2016 # it is for that shell
        OUTPUT=$(cd "$SCRATCH/elsewhere" && unshare -m bash -c 'mount --bind /proc "$0/proc" && exec timeout 60 "$@"' \
                "$ROOT" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm "$@" 2>&1; echo "ended with $?")
}
ROOT=$SCRATCH/host
rm -rf "$ROOT"
cp -a "$SCRATCH/plane" "$ROOT"
mkdir "$ROOT/proc"
if [ "$(id -u)" = 0 ] && unshare -m mount --bind /proc "$ROOT/proc" 2>/dev/null; then
        for link in /proc/self/fd/9 /proc/self/root/etc/shadow /proc/self/cwd/secret /proc/self/environ /proc/self/mem /proc/kmsg; do
                ln -sf $link "$ROOT/$PKI/apiserver.crt"
                # shellcheck disable=SC2016 # it is for that shell
                OUTPUT=$(cd "$SCRATCH" && unshare -m bash -c 'mount --bind /proc "$0/proc" && shift 0 && exec timeout 60 "$@" 9<"$0/etc/kubernetes/pki/apiserver.key"' \
                        "$ROOT" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$NEW" check 2>&1)
                tap_like "$OUTPUT" '^apiserver .*(INVALID|MISSING)' "T07 $link is not a certificate"
        done
        magic_paths
else
        tap_skip "links through /proc" "it cannot be mounted here"
fi

# Names and texts. A word of somebody's is never a command to a terminal, nor a line of a log.
ROOT=$SCRATCH/host
rm -rf "$ROOT"
cp -a "$SCRATCH/plane" "$ROOT"
evil=$'evil\033]0;x\007\r\n<0>kernel: \302\233\377'
mkdir -p "$ROOT/etc/kube-renewd/kube-renewd.conf.d" "$ROOT/$STATE/backups/$evil" "$ROOT/$STATE/public/alarms" "$ROOT/$STATE/owed"
printf '[renewal]\nRenewBefor%s=1\n[%s]\n' "$evil" "${evil%%$'\r'*}" >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/$evil.conf"
printf '[certificate %s]\nCertificate=/%s.crt\nKey=/%s.key\nCA=kubernetes\n' "${evil%%$'\r'*}" "${evil%%$'\r'*}" "${evil%%$'\r'*}" \
        >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/50-name.conf"
sed -i "s|image: .*|image: \"evil\\\\e[2J\\\\u009b:v1.28.7\"|; s|name: kube-scheduler|name: \"evil\\\\e[2J\"|" \
        "$ROOT/etc/kubernetes/manifests/kube-scheduler.yaml"
printf '{"type":"%s"}' "$evil" >"$ROOT/$STATE/public/alarms/expired@$evil.json"
printf '%s' "$evil" >"$ROOT/$STATE/lock"
printf '%s' "$evil" >"$ROOT/$STATE/transaction.prepared"
printf '{"%s":1}' "$evil" >"$ROOT/$STATE/owed/kube-scheduler.json"
printf '{"%s":1}' "$evil" >"$ROOT/$STATE/history.json"
for words in check 'check --output=json' 'check --output=tree' 'check --output=prometheus' 'check --output=nagios' \
        'check --output=kubeadm-json' 'check --cached' 'check --cached --output=nagios' plan 'plan --output=yaml' verify 'explain kube-scheduler' alarms 'alarms --output=json' \
        'alarms --output=nagios' 'backup list' "restore $evil" "explain $evil" "renew $evil" "$evil" "--$evil" "check --output=$evil" \
        "check --at=$evil" "check --columns=$evil" "--layout=/$evil check" "--config=/$evil check" run recover config 'config --output=json'; do
        IFS=' ' read -r -d '' -a arguments < <(printf '%s\0' "$words")
        OUTPUT=$(renewd "${arguments[@]}" --at="$EXPIRED" 2>&1)
        tap_empty "$(controls "$OUTPUT")" "'$(printf %q "$words")' sends no control character"
        OUTPUT=$(renewd "${arguments[@]}" 2>&1)
        tap_unlike "$OUTPUT" '^<0>kernel' "nor a line of somebody else's"
done
rm -f "$ROOT/$STATE/public/alarms/expired@$evil.json"
tap_empty "$(controls "$(find "$ROOT/$STATE/public" -type f -exec cat {} +)")" "nor has a report one"

# ACLs, labels and all else that belongs to a file: on it afterwards, of a new inode.
ROOT=$SCRATCH/host
rm -rf "$ROOT"
cp -a "$SCRATCH/plane" "$ROOT"
label() {
        setfattr -n "$1" -v "$2" "$ROOT/$3" 2>/dev/null
}
if command -v setfattr >/dev/null && label user.note "kept" $PKI/apiserver.key; then
        files=("$PKI/apiserver.key" "$PKI/apiserver.crt" etc/kubernetes/admin.conf)
        for file in "${files[@]}"; do
                label user.note "of $file" "$file"
                label trusted.note "of $file" "$file"
                label security.selinux "system_u:object_r:kubernetes_file_t:s0" "$file"
                ! command -v setfacl >/dev/null || setfacl -m u:4321:r,g:4322:r "$ROOT/$file" 2>/dev/null
        done
        # Whoever is named by default shall see no key but those that he sees already.
        chmod 755 "$SCRATCH" "$ROOT"
        ! command -v setfacl >/dev/null || find "$ROOT" -type d -exec setfacl -d -m u:666:rwx,m::rwx {} + 2>/dev/null
        # readable UID: files with keys that this user can read.
        readable() {
                [ "$(id -u)" = 0 ] || return 0
                find "$ROOT" -type f \( -name '*.key' -o -name '*.conf' -o -path '*/backups/*' \) -print0 |
                        setpriv --reuid="$1" --regid="$1" --clear-groups xargs -0 grep -lE 'PRIVATE KEY|client-key-data' 2>/dev/null
        }
        seen=$(readable 4321)
        marks() {
                (cd "$ROOT" && getfattr -d -m - -e hex "${files[@]}" 2>/dev/null; stat -c '%n %a %u:%g' "${files[@]}")
        }
        before=$(marks)
        inode=$(stat -c %i "$ROOT/$PKI/apiserver.key")
        tap_like "$before" '^user.note=' "what belongs to files: $(sed -n 's/^\([a-z.]*\)=.*/\1/p' <<<"$before" | sort -u | xargs)"
        tap_status 75 "a pass" renewd run --at="$TEN_DAYS"
        tap_is "$(marks)" "$before" "keeps ACL, label and mode of each"
        tap_unlike "$(stat -c %i "$ROOT/$PKI/apiserver.key")" "^$inode$" "on new files"
        tap_is "$(readable 4321)" "$seen" "who was given a key by its ACL has the new one, and no other: $(wc -w <<<"$seen")"
        tap_empty "$(readable 666)" "who is named by the ACLs of directories has none"
        tap_status 75 "so does a restore" renewd restore "$(renewd backup list --no-headings | awk '{ print $1; exit }')" --at="$NEW"
        tap_is "$(marks)" "$before" "which keeps them, too"
else
        tap_skip "ACLs and labels" "there are no extended attributes here"
fi
tap_done

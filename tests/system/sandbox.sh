#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The sandbox of the service, line by line, under this host's systemd and that of Debian 13. Each path that it
# may write and each capability is taken away, one at a time, and something is not done then; with all of
# them everything is. What else a process could do is not possible inside. The shipped drop-ins are read
# without a word, and do what they say.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

# shellcheck source=tests/system/host.sh
. "$SRCDIR/tests/system/host.sh" || exit 99

host_tree
! grep -Eq '^SANITIZE = .+' "$BUILDDIR/Makefile" || tap_skip_all "a sanitizer needs what the sandbox forbids"

# 1. What is installed.
user=ann
host_install
cp "$BUILDDIR/tests/system/sandbox-probe" "$TREE/sandbox-probe" || exit 99
program=$(cd "$TREE" && find . -name kube-renewd-failure -type f)
drop_ins=$(cd "$TREE" && find . -name drop-ins -type d)
printf 'failure=%s\ndrop_ins=%s\nuser=%s\n' "${program#.}" "${drop_ins#.}" "$user" >>"$TREE/host"
host_config test <<END
[agent]
Layout=kubeadm
[copy ann-kubeconfig]
Source=admin.conf
Path=/home/$user/.kube/config
END

# 2. The host to which each pass comes. Every leaf is due. Those of etcd are its user's, in a directory of its
#    own; a group may read admin.conf; root and Ann have a copy. A "renew --kubelet" was interrupted, and an
#    earlier run could not report where alarms are (this alarm is made inside).
scene=$TREE/scene
kubelet_file=kubelet-client-2026-06-01-00-00-00.pem
mkdir "$scene"
TREE=$scene host_certificates '-25 days' --key-algorithm=ECDSA-P256 --validity=30d --ca-validity=10y
mkdir -p "$scene/root/.kube" "$scene/home/$user/.kube" "$scene/var/lib/kubelet/pki" "$scene/var/lib/kube-renewd"
chmod 711 "$scene/var/lib/kube-renewd"
chown -R 4321:4321 "$scene/etc/kubernetes/pki/etcd" && chmod 700 "$scene/etc/kubernetes/pki/etcd"
chown 0:4322 "$scene/etc/kubernetes/admin.conf" && chmod 640 "$scene/etc/kubernetes/admin.conf"
cp "$scene/etc/kubernetes/admin.conf" "$scene/root/.kube/config"
cp "$scene/etc/kubernetes/admin.conf" "$scene/home/$user/.kube/config"
chown -R 4323:4323 "$scene/home/$user" && chmod 700 "$scene/home/$user"
echo unfinished >"$scene/var/lib/kubelet/pki/$kubelet_file"
mkdir "$TREE/keys"
for ca in ca etcd/ca front-proxy-ca; do
        openssl pkcs8 -topk8 -nocrypt -in "$scene/etc/kubernetes/pki/$ca.key" -out "$TREE/keys/${ca/\//-}.pem" 2>/dev/null
done
printf '{"schema_version": 1, "link": "/var/lib/kubelet/pki/kubelet-client-current.pem", "file": "%s"}\n' \
        "$kubelet_file" >"$scene/var/lib/kube-renewd/kubelet-rotation.json"

# 3. What happens inside. Each line is a fact, "case.name=value".
host_script inside <<'END'
. /host || exit 99
differ() { ! cmp -s "$1" "$2"; }
access() { (cd "$1" && find etc/kubernetes "home/$user" root/.kube -printf '%p %U:%G %m\n' 2>/dev/null | sort); }

# setting KEY: all that the unit file says.
setting() {
        systemctl cat "$unit" | sed -n "s/^$1=//p" | xargs
}

# but WORD WORD...: all but the first, which is one of them.
but() {
        local first=$1 word

        shift
        for word; do [ "$word" = "$first" ] || printf '%s ' "$word"; done
}

# drop_in_of UNIT LINE...: its only one.
drop_in_of() {
        mkdir -p "/run/systemd/system/$1.d"
        printf '%s\n' "${@:2}" >"/run/systemd/system/$1.d/test.conf"
        systemctl daemon-reload
}

# undone: what a pass was to do, and has not.
undone() {
        local pki=etc/kubernetes/pki

        cd /
        for name in apiserver etcd/server; do
                ! cmp -s "$pki/$name.crt" "/scene/$pki/$name.crt" || echo "$name"
        done
        ! cmp -s etc/kubernetes/admin.conf /scene/etc/kubernetes/admin.conf || echo admin.conf
        [ ! -e root ] || ! differ root/.kube/config etc/kubernetes/admin.conf || echo copy
        [ ! -e "home/$user" ] || ! differ "home/$user/.kube/config" etc/kubernetes/admin.conf || echo copy-at-home
        [ -z "$(ls var/lib/kubelet/pki)" ] || echo interrupted
        [ -z "$(ls run/kube-renewd/alarms)" ] || echo alarm
        [ -s var/lib/kube-renewd/public/status.json ] || echo status
        [ "$(access /)" = "$before" ] || echo access
}

# pass NAME LINE...: one, with these lines as a drop-in.
pass() {
        local name=$1

        shift
        rm -rf /etc/kubernetes "/home/$user" /root/.kube /var/lib/kubelet /var/lib/kube-renewd /run/kube-renewd
        tar -C /scene -cf - . | tar -C / --no-overwrite-dir -xpf -
        [ -z "${prepare:-}" ] || "$prepare"
        before=$(access /)
        drop_in_of "$unit" '[Unit]' OnFailure= '[Service]' Restart=no "$@"
        systemctl start "$unit" 2>/dev/null
        journalctl --sync
        echo "$name.status=$(show ExecMainStatus)"
        echo "$name.undone=$(undone | xargs)"
        echo "$name.said=$(journalctl -q -o cat -p warning -u "$unit" --cursor-file=/run/cursor | tr '\n' ' ')"
}

# probe NAME UNIT LINE...: what a process of that unit could do.
probe() {
        local name=$1 of=$2

        shift 2
        drop_in_of "$of" '[Service]' ExecStart= ExecStart=/sandbox-probe ExecStopPost= StandardOutput=append:/run/probed \
                'ExecStart=/bin/grep -E "^(CapBnd|CapEff|NoNewPrivs|Seccomp|Umask):" /proc/self/status' \
                'ExecStart=/bin/sh -c "echo core:$$(ulimit -Hc)"' \
                'ExecStart=/bin/sh -c "echo uts:$$(readlink /proc/self/ns/uts | grep -c $$(cat /run/uts))"' "$@"
        rm -f /run/probed /{usr,etc,var/lib,run/systemd/system,run/home,root,etc/etcd,etc/kubernetes,var/lib/kube-renewd}/probe*
        systemctl start "$of" 2>/dev/null
        sed "s/:[[:space:]]*/=/; s/^/$name./" /run/probed
}

echo "host.systemd=$(systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"

# 3a. The alarm of a run that could not report.
mkdir -p /var/lib/kube-renewd /scene/run
mount -t tmpfs -o ro tmpfs /var/lib/kube-renewd
"$failure" "$unit" 2>/dev/null
umount /var/lib/kube-renewd
cp -a /run/kube-renewd /scene/run/
echo "host.alarm=$(ls /scene/run/kube-renewd/alarms)"

# 3b. Passes.
paths=$(setting ReadWritePaths)
capabilities=$(setting CapabilityBoundingSet)
home=-/home/$user/.kube
echo "host.paths=$paths"
echo "host.capabilities=$capabilities"
pass all "ReadWritePaths=$home"
pass home
for path in $paths; do
        pass "${path//\//.}" ReadWritePaths= "ReadWritePaths=$(but "$path" $paths) $home"
done
pass state "ReadWritePaths=$home" StateDirectory=
for capability in $capabilities; do
        pass "$capability" "ReadWritePaths=$home" CapabilityBoundingSet= "CapabilityBoundingSet=$(but "$capability" $capabilities)"
done
all_is_roots() {
        chown -R 0:0 /etc/kubernetes
        rm -r "/home/$user"
}
prepare=all_is_roots pass roots "$(cat "$drop_ins/root-only.conf")"
prepare= pass foreign "$(cat "$drop_ins/root-only.conf")"

# 3c. What else could be done.
mkdir -p /etc/etcd /etc/kubernetes /root/.ssh "/home/$user/.kube"
ln -s "/home/$user" /run/home
ln -s /tmp /run/tmp && touch /run/tmp/file
echo secret | tee /root/.ssh/id /etc/shadow >/run/home/.kube/config
readlink /proc/self/ns/uts | tr -dc 0-9 >/run/uts
printf '[Service]\nType=oneshot\nExecStart=/bin/true\n' >/run/systemd/system/boundless.service
probe inside "$unit"
probe roots "$unit" "$(cat "$drop_ins/root-only.conf")"
echo "roots.strays=$(find /root /home -name probe | xargs)"
probe others "$unit" "$(cat "$drop_ins/other-directories.conf")"
probe outside boundless.service

# 3d. The same without each of the lines: a process can do more, or systemd finds the service too open. Only
#     PrivateMounts= follows from others, which versions before 257 do not see when they judge.
exposure() {
        systemd-analyze security --no-pager --offline=yes --threshold="$1" "$unit" >/run/exposure
}
file=$(show FragmentPath)
probe line "$unit" >/run/whole
while read -r line; do
        grep -vxF -- "$line" "$file" >"/run/systemd/system/$unit"
        probe line "$unit" >/run/without
        ! cmp -s /run/whole /run/without || ! exposure 23 || echo "host.unnoticed=$line"
done < <(sed '1,/^StateDirectoryMode=/d; /^\(#\|$\|ReadWritePaths=\|PrivateMounts=\)/d' "$file")
rm "/run/systemd/system/$unit"

# 3e. All three CA keys in a token, whose PIN only the drop-in hands over.
in_token() { rm /etc/kubernetes/pki/{ca,etcd/ca,front-proxy-ca}.key; }
module=$(find /usr/lib /usr/lib64 -name libsofthsm2.so -print -quit 2>/dev/null)
if command -v softhsm2-util >/dev/null && [ "$module" ] && [ -s /keys/ca.pem ]; then
        pin=8214095577
        token=/etc/kube-renewd/kube-renewd.conf.d/token.conf
        install -D -m 600 /dev/stdin /etc/kube-renewd/pkcs11-pin <<<$pin
        softhsm2-util --init-token --free --label cas --so-pin 12345678 --pin $pin >/dev/null
        printf '[pkcs11]\nModule=%s\n' "$module" >$token
        for ca in kubernetes:ca etcd:etcd-ca front-proxy:front-proxy-ca; do
                softhsm2-util --import "/keys/${ca#*:}.pem" --token cas --label "${ca%:*}" --id "0$((++id))" --pin $pin >/dev/null
                printf '[ca %s]\nKey=pkcs11:token=cas;object=%s\n' "${ca%:*}" "${ca%:*}" >>$token
        done
        prepare=in_token pass closed "ReadWritePaths=$home"
        prepare=in_token pass pkcs11 "$(cat "$drop_ins/pkcs11.conf")" "ReadWritePaths=$home"
        echo "pkcs11.heard=$({ journalctl -q -o export && systemctl show "$unit" && cat /var/lib/kube-renewd/public/status.json; } | grep -c $pin)"
        rm $token
fi
drop_in_of "$unit"

# 3f. What systemd says.
exposed() {
        exposure "$2"
        echo "$1.exposed=$? $(sed -n 's/.*: \([0-9.]*\) .*/\1/p' /run/exposure)"
}
exposed inside 23
for file in "$drop_ins"/*.conf; do
        name=$(basename "$file" .conf)
        of=$unit
        ! grep -q '^\[Timer\]' "$file" || of=kube-renewd.timer
        drop_in_of "$of" "$(cat "$file")"
        echo "$name.verify=$(systemd-analyze verify --man=no kube-renewd.service kube-renewd-recover.service kube-renewd.timer 2>&1 | tr '\n' ' ')"
        [ "$name" != root-only ] || exposed roots 18
        [ "$name" != ha ] || echo "ha.delay=$(systemctl show -P RandomizedDelayUSec kube-renewd.timer)"
        drop_in_of "$of"
done
END

# pass_is NAME STATUS UNDONE SAID DESCRIPTION: of a pass, SAID is a part of it.
pass_is() {
        tap_is "status $(fact "$1.status"), undone: $(fact "$1.undone")" "status $2, undone: $3" "$host: $5" ||
                tap_note "$(fact "$1.said")"
        tap_like "$(fact "$1.said")" "$4" "$host: and it is said"
}

# possible NAME: what a process could do.
possible() {
        sed -n "s/^$1\.\(.*\)=yes\$/\1/p" <<<"$FACTS" | xargs
}

# refused NAME: and what not.
refused() {
        sed -n "s/^$1\.\([a-z-]*\)=E[A-Z]*\$/\1/p" <<<"$FACTS" | xargs
}

# 4. What is missing when one thing is taken away; all the rest of the scene is done nevertheless, or nothing.
declare -A without_status without_undone without_said
without() {
        without_status[$1]=$2 without_undone[$1]=$3 without_said[$1]=$4
}
certificates='apiserver etcd/server admin.conf'
may_keep="belongs to user 4321 and group 4321, 'CapabilityBoundingSet=CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE' in the unit would allow"
without -/etc/kubernetes 1 "$certificates" "'/etc/kubernetes/pki' is read-only here"
without -/var/lib/kubelet/pki 0 interrupted "beside '/var/lib/kubelet/pki/kubelet-client-current.pem': Read-only file system"
without -/run/kube-renewd/alarms 1 alarm "cannot remove '/run/kube-renewd/alarms/renewal-failed@host.json': Read-only file system"
without -/root/.kube 0 copy "'/root/.kube' is read-only here"
without CAP_CHOWN 1 'etcd/server admin.conf' "$may_keep"
without CAP_FOWNER 1 'etcd/server copy-at-home' "$may_keep"
without CAP_DAC_OVERRIDE 1 'etcd/server copy-at-home' "cannot open '/etc/kubernetes/pki/etcd/server.crt': Permission denied"

judge_passes() {
        local name

        pass_is all 0 '' "'$kubelet_file' is removed" "everything is done in the sandbox"
        pass_is home 0 copy-at-home "'ReadWritePaths=/home/$user/.kube' in the unit of the service would allow it" \
                "what a host needs beyond it is told"
        for name in $(fact host.paths) $(fact host.capabilities); do
                if [ "${without_status[$name]:-}" ]; then
                        pass_is "${name//\//.}" "${without_status[$name]}" "${without_undone[$name]}" "${without_said[$name]}" \
                                "without ${name#-} something is not done"
                else
                        tap_result 1 "$host: something needs ${name#-}, or the line goes"
                fi
        done
        pass_is state 1 "$certificates interrupted status" "cannot open '/var/lib/kube-renewd/lock': Read-only file system" \
                "without StateDirectory= nothing is done"
        pass_is roots 0 '' "'$kubelet_file' is removed" "root-only.conf: everything is done where all is root's"
        tap_like "$(fact foreign.status) $(fact foreign.undone) $(fact foreign.said)" \
                "^1 .*etcd/server admin.conf.*Permission denied.*belongs to user 0 and group 4322" \
                "$host: root-only.conf: what is not is told"
}

judge_probes() {
        if [ -z "$(refused outside)" ]; then
                tap_is "$(possible outside | wc -w)" "$(grep -c '^ *{"' "$SRCDIR/tests/system/sandbox-probe.c")" \
                        "$host: everything is possible in a service without a sandbox" || tap_note "$FACTS"
        else
                tap_skip "$host: everything is possible in a service without a sandbox" \
                        "this host itself refuses: $(refused outside)"
        fi
        tap_is "$(possible inside)" "write-kubernetes write-state read-home change-owner inet" "$host: what is possible in the sandbox" ||
                tap_note "$FACTS"
        tap_is "$(fact inside.Umask) $(fact inside.NoNewPrivs) $(fact inside.Seccomp) $(fact inside.core) $(fact inside.uts)" "0077 1 2 0 0" \
                "$host: files for root, no new privileges, a filter, no core, a host name of its own"
        tap_empty "$(fact host.unnoticed)" "$host: no line of the sandbox can go unnoticed"
        tap_is "$(fact inside.CapBnd) $(fact inside.CapEff)" "000000000000000b 000000000000000b" \
                "$host: CHOWN, DAC_OVERRIDE, FOWNER and no other capability"
        tap_is "$(possible others)" "write-etcd $(possible inside)" "$host: other-directories.conf allows that directory"
        # Some versions have a home there that can be written to, and is gone with the service.
        tap_is "$(possible roots | sed 's/write-root //')" "write-kubernetes write-state inet" "$host: root-only.conf leaves that"
        tap_is "$(fact roots.strays)" "" "$host: and nothing in a home"
        tap_is "$(fact roots.CapBnd) $(fact roots.CapEff)" "0000000000000000 0000000000000000" "$host: without any capability"
        if [ "$(fact pkcs11.status)" ]; then
                pass_is closed 1 "$certificates" "Cannot renew certificate 'apiserver': CA 'ca' cannot sign: .*pkcs11:token=cas;object=kubernetes" \
                        "with CA keys in a token, nothing is renewed without a PIN"
                pass_is pkcs11 0 '' "'$kubelet_file' is removed" "pkcs11.conf: everything is done, by the keys in the token"
                tap_is "$(fact pkcs11.heard)" 0 "$host: nobody hears the PIN"
        else
                tap_skip "$host: pkcs11.conf opens a token" "softhsm2 is not installed there"
        fi
}

judge_words() {
        local name

        tap_like "$(fact inside.exposed)" '^0 ' "$host: exposure is at most 2.3: $(fact inside.exposed | cut -d' ' -f2)"
        tap_like "$(fact roots.exposed)" '^0 ' "$host: with root-only.conf at most 1.8: $(fact roots.exposed | cut -d' ' -f2)"
        for name in $(cd "$SRCDIR/systemd/drop-ins" && ls); do
                tap_is "$(grep -c "^${name%.conf}\.verify=\$" <<<"$FACTS")" 1 "$host: systemd has nothing to say about $name" ||
                        tap_note "$(fact "${name%.conf}.verify")"
        done
        tap_is "$(fact ha.delay)" 6h "$host: ha.conf spreads the passes over six hours"
}

# 5. Here, and there.
judge() {
        FACTS=
        host_boot "$@" /inside
        host="systemd $(fact host.systemd)"
        tap_is "$(fact host.alarm)" renewal-failed@host.json "$host: an earlier run could not report" || tap_note "$FACTS"
        judge_passes
        judge_probes
        judge_words
}
judge
reason=$("$TESTBED" check --root trixie 2>&1) || { tap_skip "Debian 13" "$reason"; tap_done; }
judge -r trixie
tap_done

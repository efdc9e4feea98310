#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Errors: what somebody meets at the command line is one sentence that says what, where and what to do.
# To the letter; a change of a word is seen here first.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

as=() # who runs the program

# says STATUS TEXT ARGUMENT...: it ends so, says exactly that on stderr, and nothing else.
says() {
        local expected=$1 text=$2 output status

        shift 2
        output=$("${as[@]}" "$KUBE_RENEWD" "$@" 2>"$SCRATCH/stderr")
        status=$?
        tap_is "$status: $output$(cat "$SCRATCH/stderr")" "$expected: kube-renewd: $text" "${*//$SCRATCH/...}"
}

# What was typed.
says 2 "no verb was given ('kube-renewd --help' lists what there is)"
says 2 "unknown verb 'chekc', did you mean 'check'? ('kube-renewd --help' lists what there is)" chekc
says 2 "unknown verb 'frobnicate' ('kube-renewd --help' lists what there is)" frobnicate
says 3 "unknown option '--colums', did you mean '--columns'? ('kube-renewd --help' lists what there is)" check --colums=x
says 2 "'plan' takes no option '--columns' ('kube-renewd plan --help' lists what there is)" plan --columns=x
says 3 "no column 'statsu'; did you mean 'STATUS'?" check --columns=certificate,statsu
says 3 "no column 'colour'; there are COMPONENT,CERTIFICATE,PROOF,STATUS,ENDPOINT,SINCE,FLAG,PATH,REASON, and 'all'" \
        verify --columns=colour
says 3 "--columns= is empty; give it as --columns=LIST" check --columns=
says 3 "'verify' has no --output='xml'; it is one of table|json|yaml" verify --output=xml
says 3 "--output needs a value; give it as --output=FORMAT" check --output
says 2 "--all takes no value" plan --all=yes
says 3 "--at='soon' is no time; write it as 2027-11-11T23:26:00Z or 2027-11-11" check --at=soon
says 2 "'renew' writes: it takes --at= only together with --root=; 'plan' and 'check' judge this host at any time" \
        renew --at=2027-11-11
says 2 "'run' takes no names, but 'now' was given" run now
says 2 "'explain' lacks what it is about; write 'kube-renewd explain NAME...'" explain
says 2 "'restore' does not take 'b' too; write 'kube-renewd restore ID'" restore a b
says 2 "'backup lisst' is unknown; it is 'backup create', 'backup list' or 'backup verify [ID...]'" backup lisst
says 2 "--validity='x' is no span of time; write it as 365d or 8760h" init --validity=x
says 2 "--kubelet renews nothing else; leave out --all" renew --kubelet --all

# Where it should look.
mkdir "$SCRATCH/empty" "$SCRATCH/layouts"
cp "$SRCDIR/etc/layouts/kubeadm.conf" "$SCRATCH/layouts"
export KUBE_RENEWD_LAYOUT_PATH="$SCRATCH/layouts"
says 3 "--root: cannot open root directory '$SCRATCH/nowhere': No such file or directory" --root="$SCRATCH/nowhere" check
layouts=$(cd "$KUBE_RENEWD_LAYOUT_PATH" && printf '%s\n' *.conf | sed 's/[.]conf$//' | paste -sd, | sed 's/,/, /g')
says 3 "no layout fits this host; name one with --layout= or Layout= in [agent] (there are: $layouts); it has none of /etc/kubernetes/manifests/kube-apiserver.yaml, /etc/kubernetes/admin.conf, /etc/kubernetes/pki/apiserver.crt, /etc/kubernetes/pki/apiserver.key" --root="$SCRATCH/empty" check
says 78 "--layout: there is no layout 'kubadm'; name one with --layout= or Layout= in [agent] (there are: $layouts)" \
        --root="$SCRATCH/empty" --layout=kubadm plan
says 78 "--layout: cannot open '/my.conf': No such file or directory" --root="$SCRATCH/empty" --layout=/my.conf plan
says 78 "--config: cannot open '/my.conf': No such file or directory" --root="$SCRATCH/empty" --config=/my.conf plan
says 3 "'/var/lib/kube-renewd/public/status.json' is missing: no pass has reported on this host yet; look at \
'systemctl status kube-renewd.timer kube-renewd.service', or start the service" --root="$SCRATCH/empty" check --cached

# Which one is meant.
host v1.28.7/ecdsa-p256
for verb in plan renew explain; do
        says 2 "no certificate is called 'apisrever'; did you mean 'apiserver'?" --root="$ROOT" "$verb" apisrever
done
says 3 "no certificate is called 'x'; 'kube-renewd check' lists their names" --root="$ROOT" check x
says 2 "'ca' is a CA certificate, and a pass never renews those; 'kube-renewd explain ca' says when it ends" \
        --root="$ROOT" renew ca
says 2 "there is no backup '2027'; 'kube-renewd backup list' lists their ids" --root="$ROOT" restore 2027
says 1 "'/etc/kubernetes/pki/ca.crt' exists: init never overwrites; move it away, or name another --root=" --root="$ROOT" init

# What is configured: the file, the line, the remedy.
mkdir "$ROOT/etc/kube-renewd"
main=/etc/kube-renewd/kube-renewd.conf

# refuses LINE TEXT CONFIGURATION: such a file cannot be used because of that line.
refuses() {
        printf '%s\n' "$3" >"$ROOT$main"
        says 78 "$main:$1: $2" --root="$ROOT" config
}
refuses 2 "RenewBefore=soon is not a time span; write for example 15d" $'[renewal]\nRenewBefore=soon'
refuses 2 "ReuseKey=maybe is not a boolean; write yes or no" $'[renewal]\nReuseKey=maybe'
refuses 1 "'[renewal' lacks its ']'; write [section] or [section name]" '[renewal'
refuses 1 "'RenewBefore=5d' stands before the first section; write [section] above" RenewBefore=5d
refuses 3 "'RenewBefore' is neither [section] nor Key=Value" $'\n[renewal]\nRenewBefore'
refuses 2 "[certificate] needs a name; write [certificate NAME]" $'[certificate]\nKey=/x'
refuses 2 "ExtraSANs=b_d..x is not a subject alternative name; write for example DNS:cp-1.example.com or IP:192.0.2.10" \
        $'[certificate apiserver]\nExtraSANs=b_d..x'
refuses 4 "[certificate x] names CA=kubernets, but there is no [ca kubernets]; did you mean 'kubernetes'?" \
        $'[certificate x]\nCertificate=/x\nKey=/y\nCA=kubernets'
refuses 2 "there is no layout 'kubadm'; name one with --layout= or Layout= in [agent] (there are: $layouts)" $'[agent]\nLayout=kubadm'
printf '[renewal]\nRenewBefor=5d\n[renewl]\nX=1\n' >"$ROOT$main"
tap_is "$("$KUBE_RENEWD" --root="$ROOT" config 2>&1 >/dev/null)" \
        "kube-renewd: warning: $main:2: unknown key 'RenewBefor' in [renewal], ignoring; did you mean 'RenewBefore'?
kube-renewd: warning: $main:4: unknown section [renewl], ignoring; did you mean [renewal]?" "what is unknown is a warning"
rm -r "$ROOT/etc/kube-renewd"

# Who else is there, and what is in the way.
mkdir -p "$ROOT/var/lib/kube-renewd"
echo 4242 >"$ROOT/var/lib/kube-renewd/lock"
exec 9<>"$ROOT/var/lib/kube-renewd/lock"
flock -x 9
says 75 "another kube-renewd with PID 4242 holds the lock '/var/lib/kube-renewd/lock'" --root="$ROOT" recover
exec 9<&-
rm -r "$ROOT/var/lib/kube-renewd"
touch "$ROOT/var/lib/kube-renewd"
says 1 "cannot open '/var/lib/kube-renewd': Not a directory" --root="$ROOT" recover
says 3 "cannot open '/var/lib/kube-renewd/public/alarms': Not a directory" --root="$ROOT" alarms
rm "$ROOT/var/lib/kube-renewd"

# What only root may do.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
        install -m 755 "$KUBE_RENEWD" "$SCRATCH/kube-renewd"
        KUBE_RENEWD=$SCRATCH/kube-renewd
        KUBE_RENEWD_LAYOUT_PATH=$SCRATCH/layouts
        cp -R "$SRCDIR/etc/layouts" "$KUBE_RENEWD_LAYOUT_PATH"
        chmod 755 "$SCRATCH" "$ROOT"
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        if "${as[@]}" "$KUBE_RENEWD" --version >/dev/null 2>&1; then
                mkdir "$ROOT/var/lib/kube-renewd"
                says 1 "cannot open '/var/lib/kube-renewd/lock': Permission denied; try it as root" --root="$ROOT" renew
                says 1 "cannot open '/var/lib/kube-renewd/lock': Permission denied; try it as root" --root="$ROOT" recover
                mkdir -m 700 "$ROOT/var/lib/kube-renewd/backups"
                says 1 "cannot open '/var/lib/kube-renewd/backups': Permission denied; try it as root" --root="$ROOT" backup list
                tap_status 2 "what can be read is listed" "${as[@]}" "$KUBE_RENEWD" --root="$ROOT" check
                tap_like "$OUTPUT" '^kube-renewd: not everything could be read; root can read all of it$' "and who could read the rest is said"
        else
                tap_skip "what only root may do" "nobody else may read ${SCRATCH%/*}"
        fi
else
        tap_skip "what only root may do" "only root can be somebody else"
fi
tap_done

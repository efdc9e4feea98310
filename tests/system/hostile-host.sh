#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What other processes of a host see of the service while it renews: command lines and environments of it and of the hooks
# that it starts, what the hooks have open, the journal, and files in the places that everybody may write.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

memory=$BUILDDIR/tests/crash/memory
[ -x "$memory" ] || tap_skip_all "'$memory' is not built"
host_tree
host_install
host_certificates '-25 days' --validity=30d --ca-validity=10y
mkdir -p "$TREE/root"
cp "$memory" "$SRCDIR/tests/crash/private-numbers" "$TREE/root"
cp -R "$TREE/etc/kubernetes" "$TREE/root/old"

# A hook that looks at what it was given.
host_script etc/hook <<'END'
cat /proc/self/environ >>/run/seen
ls -l /proc/$$/fd >/run/look-$$
sed -n "s/.* \([0-9]*\) -> /$KUBE_RENEWD_HOOK \1 /p" /run/look-$$ >>/run/descriptors
sleep 0.3 # long enough for everybody to look
END

# A name that commands a terminal, of a user of a kubeconfig that anybody may have written.
conf=$TREE/etc/kubernetes/scheduler.conf
data=$(grep -E '^ *client-(certificate|key)-data: ' "$conf")
printf '%s\n' '- name: "evil\e]0;x\a\r\n<0>kernel: \x9b2J"' '  user:' "$data" >"$SCRATCH/user"
sed -i "/^users:/r $SCRATCH/user" "$conf"
host_config hooks <<'END'
[agent]
Layout=kubeadm
[hooks]
PreRenew=/etc/hook
Deploy=/etc/hook
PostRenew=/etc/hook
OnAlarm=/etc/hook
END

host_script inside <<'END'
. /host || exit 99
systemctl start dbus.socket
systemctl daemon-reload
touch /run/look
while [ -e /run/look ]; do
        cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ
done >/run/seen-by-others 2>/dev/null &
find /tmp /var/tmp /dev/shm /run -xdev -type f 2>/dev/null | sort >/root/before
timeout 120 systemctl start $unit
rm /run/look
wait
echo "status=$(show ExecMainStatus)"
echo "renewed=$(events "$EVENT_CERTIFICATE_RENEWED")"
echo "caught=$(tr '\0' '\n' </run/seen-by-others | sort | uniq -c | grep -c 'KUBE_RENEWD_HOOK=') $(tr '\0' '\n' </run/seen-by-others | grep -c '^run$')"
numbers='/root/private-numbers /etc/kubernetes /root/old /var/lib/kube-renewd/backups'
echo "known=$($numbers | wc -l)"
for what in seen seen-by-others; do
        /root/memory "$numbers" </run/$what >/run/found
        echo "$what=$? $(head -n 1 /run/found)"
done
journalctl -q -o export | cat >/run/journal
/root/memory "$numbers" </run/journal >/run/found
echo "journal=$? $(head -n 1 /run/found)"
echo "own=$(grep -ac '^_COMM=kube-renewd' /run/journal) $(journalctl -q -o cat -u $unit | grep -c evil)"
echo "escapes=$(journalctl -q -o export -u $unit | grep -acP '\x1b|\x07|\r|\xc2\x9b|^(MESSAGE=)?<0>')"
/root/memory "$numbers" </etc/kubernetes/pki/ca.key >/dev/null
echo "control=$?"
sort -u /run/descriptors | sed 's/^/descriptor: /'
find /tmp /var/tmp /dev/shm /run -xdev -type f 2>/dev/null | sort | comm -13 /root/before - |
        grep -vE '^/run/(seen|seen-by-others|look-[0-9]*|descriptors|journal|found|systemd/|log/|udev/|dbus/)' | sed 's/^/file: /'
END
host_boot /inside

tap_like "$(fact status)" '^(0|1|75)$' "a pass with hooks comes to its end" || tap_note "$FACTS"
tap_like "$(fact renewed)" '^[1-9]' "and has renewed"
tap_like "$(fact caught)" '^[1-9][0-9]* [1-9]' "its command line was seen while it ran, and the environment of its hooks"
tap_like "$(fact known)" '^[1-9][0-9]' "every key that there was and is, is looked for"
tap_is "$(fact control)" 1 "and would be found"
tap_is "$(fact seen-by-others | xargs)" 0 "no key is in a command line, or in an environment, of any process"
tap_is "$(fact seen | xargs)" 0 "nor in what a hook is given"
tap_is "$(fact journal | xargs)" 0 "nor in the journal"
tap_like "$(fact own)" '^[1-9][0-9]* [1-9]' "which has what the service says"
tap_is "$(fact escapes)" 0 "with no character that commands a terminal"
tap_like "$FACTS" '^descriptor: [a-z-]+ 1 ' "a hook has its own output"
tap_empty "$(grep '^descriptor: ' <<<"$FACTS" | grep -vE ' [012] |/etc/hook$')" "and no descriptor of ours"
tap_empty "$(grep '^file: ' <<<"$FACTS")" "nothing of it is left where everybody may write"
tap_done

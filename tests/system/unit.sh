#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Services and commands under a real systemd: each way a restart or a command can end, told as it was
# and in time, and no part of our sandbox in a command.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree

# 1. Services that behave in every way.
mkdir -p "$TREE/etc/systemd/system"
cp "$BUILDDIR/tests/system/unit-tool" "$TREE/unit-tool" || exit 99

# service NAME LINE...: a [Service] of these lines.
service() {
        local name=$1

        shift
        printf '%s\n' '[Service]' TimeoutStopSec=1 "$@" | host_unit "$name.service"
}

service good 'ExecStart=/bin/sleep infinity'
service broken 'Type=notify' 'ExecStart=/bin/false'
service crashing 'ExecStart=/bin/false' 'Restart=always' 'RestartSec=60'
service hanging 'Type=notify' 'ExecStart=/bin/sleep infinity' 'TimeoutStartSec=infinity'
ln -s /dev/null "$TREE/etc/systemd/system/masked.service"
service ending 'ExecStart=/bin/true' 'Type=oneshot'
# The nightly service's sandbox around the tool itself.
sed -n '/^ProtectSystem=/,$p' "$BUILDDIR/systemd/kube-renewd.service" >"$SCRATCH/sandbox"
service boxed 'Type=oneshot' 'StandardOutput=truncate:/run/boxed' \
        'Environment=ASAN_OPTIONS=detect_leaks=0' \
        'ExecStart=/unit-tool run from-the-box 10 -- /etc/look-around' "$(cat "$SCRATCH/sandbox")"
service asked 'Type=oneshot' 'StandardOutput=truncate:/run/asked' \
        'Environment=ASAN_OPTIONS=detect_leaks=0' \
        'ExecStart=/unit-tool ask asked-from-the-box 10 -- /bin/sh -c "touch /usr/asked; echo there; exit 5"' \
        "$(cat "$SCRATCH/sandbox")"
service clocked 'Type=oneshot' 'StandardOutput=truncate:/run/clocked' \
        'Environment=ASAN_OPTIONS=detect_leaks=0' \
        'ExecStart=/unit-tool synchronised -' "$(cat "$SCRATCH/sandbox")"
host_script etc/look-around <<'END_LOOK'
exec >/run/look-around
touch /usr/written && sed -n 's/^CapEff:[[:space:]]*\|^NoNewPrivs:[[:space:]]*//p' /proc/self/status
grep -c . <(env)
END_LOOK
host_script etc/tell <<'END_TELL'
printf '%s\n' "$WHAT" "$@" >/run/told
END_TELL
host_script etc/stubborn <<'END_STUBBORN'
trap '' TERM
sleep 1000 & sleep 1001
END_STUBBORN

# 2. What happens inside: each line is a fact, "name=value", a duration is in whole seconds.
host_script inside <<'END_INSIDE'
fact() {
        local name=$1 start=$SECONDS

        shift
        echo "$name=$("$@" | tr '\n' ' ')"
        echo "$name-took=$((SECONDS - start))"
}
tool() { /unit-tool "$@"; }
pid() { systemctl show -P MainPID "$1"; }
state() { tool look "$1" | cut -d' ' -f1,2; }

systemctl start dbus.socket
systemctl start good
old=$(pid good)
fact looked tool look good.service
echo "expected=active running $old $(($(date -d "$(systemctl show -P ExecMainStartTimestamp good)" +%s)))"
fact restarted tool restart good.service 20
[ "$(pid good)" != "$old" ] && [ "$(pid good)" != 0 ] && echo "pid=new"
systemctl stop good
fact stopped state good.service
fact started tool restart good.service 20
fact missing state nowhere.service
fact missing-restart tool restart nowhere.service 20
fact broken tool restart broken.service 20
fact broken-state state broken.service
fact crashing tool restart crashing.service 3
fact crashing-state state crashing.service
fact hanging tool restart hanging.service 2
fact hanging-state state hanging.service
systemctl stop hanging
fact ending tool restart ending.service 20
fact masked tool restart masked.service 20

fact run tool run ok 20 WHAT='50% of $HOME "new"' -- /etc/tell '$WHAT' '%n' 'two words' ''
echo "told=$(tr '\n' '|' </run/told)"
fact exit tool run three 20 -- /bin/sh -c 'echo the reason; exit 3'
echo "journal=$(journalctl -q -o cat -u kube-renewd-three.service | grep -c '^the reason')"
fact signal tool run killed 20 -- /bin/sh -c 'kill -SEGV $$'
fact hang tool run hang 2 -- /bin/sleep infinity
fact stubborn tool run stubborn 2 -- /etc/stubborn
echo "left=$(pgrep -fc 'sleep 100[01]')"
fact answer tool ask answer 20 WHAT='two
lines' -- /bin/sh -c 'printf "%s|%s" "$WHAT" "$1"; echo not this >&2; exit 5' sh 'a word'
echo "answer-journal=$(journalctl --sync; journalctl -q -o cat -u kube-renewd-answer.service | grep -c '^not this\|^two')"
fact silent tool ask silent 20 -- /bin/true
fact no-output tool ask no-output 20 -- /bin/sh -c 'exec >&-; exit 2'
echo "exactly=$(tool ask exactly 20 -- /bin/sh -c 'head -c 65536 /dev/zero | tr "\0" a' | tr -d '0 \n' | wc -c)"
fact too-much tool ask too-much 20 -- /bin/sh -c 'head -c 65537 /dev/zero | tr "\0" a'
fact without-end tool ask without-end 20 -- /bin/sh -c 'yes; exit 0'
fact rubbish tool ask rubbish 20 -- /bin/sh -c 'printf "a\0b"'
fact reopens tool ask reopens 20 -- /bin/sh -c 'printf first; truncate -s 0 /dev/stdout; exit 1'
fact ask-signal tool ask ask-killed 20 -- /bin/sh -c 'echo half; kill -KILL $$'
fact ask-hang tool ask ask-hang 2 -- /bin/sh -c 'echo half; sleep 1000'
fact ask-nothing tool ask ask-nothing 20 -- /usr/bin/nowhere
fact ask-relative tool ask ask-relative 20 -- true
fact nothing tool run nothing 20 -- /usr/bin/nowhere
fact relative tool run relative 20 -- true
tool run twice 20 -- /bin/sleep 5 & sleep 2
fact twice tool run twice 20 -- /bin/true
wait %% 2>/dev/null
fact odd tool run 'a b/c@%' 20 -- /bin/true
echo "forgotten=$(systemctl list-units --all --no-legend 'kube-renewd-*' | wc -l)"
fact clock tool synchronised -
systemctl start clocked
echo "clock-in-the-box=$(cat /run/clocked)"
systemctl start asked
echo "asked=$(cat /run/asked) $(ls /usr/asked)"
systemctl start boxed
echo "boxed=$(cat /run/boxed)"
echo "box=$(tr '\n' ' ' </run/look-around)"

mkdir -p /other/run/dbus
python3 -c 'import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("/other/run/dbus/system_bus_socket")
s.listen(5)
time.sleep(1000)' &
sleep 1
ROOT=/other fact mute tool look good.service
kill %%
systemctl stop dbus.socket dbus.service
fact no-bus tool look good.service
END_INSIDE
host_boot /inside
FACTS=${FACTS// $'\n'/$'\n'}

# quick NAME AT-MOST: it was told in time.
quick() {
        [ "$(fact "$1-took")" -le "$2" ] 2>/dev/null
        tap_result $? "$1: told within $2 seconds" || tap_note "$(fact "$1-took")"
}

tap_like "$(fact looked)" "^$(fact expected)[0-9]{6}\$" "a running service: state, process, since when" || tap_note "$FACTS"
tap_is "$(fact restarted)" "" "a restart"
tap_is "$(fact pid)" new "which made another process"
tap_is "$(fact stopped)" "inactive dead" "T38 a stopped service"
tap_is "$(fact started)" "" "a restart starts it"
tap_is "$(fact missing)" "not-found dead" "T38 a service that does not exist"
tap_like "$(fact missing-restart)" "^ENOENT: cannot restart 'nowhere.service': systemd: " "cannot be restarted"
tap_is "$(fact broken)" "EREMOTEIO: 'broken.service' was restarted and did not come back (result: exit-code); see: journalctl -u broken.service" \
        "a service that fails to start"
tap_is "$(fact broken-state)" "failed failed" "T38 has failed"
tap_like "$(fact crashing)" "^ETIMEDOUT: 'crashing.service' was restarted and is not up in time: activating \(auto-restart\); see" \
        "a service that crashes over and over"
tap_is "$(fact crashing-state)" "activating auto-restart" "T38 is not running"
quick crashing 6
tap_like "$(fact hanging)" "^ETIMEDOUT: cannot restart 'hanging.service': systemd has not ended the job in time" \
        "a service that is never ready"
tap_is "$(fact hanging-state)" "activating start" "T38 is activating"
quick hanging 5
tap_like "$(fact ending)" "^EREMOTEIO: 'ending.service' was restarted and ended at once \(result: success\)" "a service that ends"
tap_like "$(fact masked)" "^[A-Z]+: cannot restart 'masked.service': systemd: .* masked" "a masked service"

tap_is "$(fact run)" "" "a command"
tap_is "$(fact told)" '50% of $HOME "new"|$WHAT|%n|two words||' "gets its words and its environment as they are"
tap_is "$(fact exit)" "EREMOTEIO: '/bin/sh' ended with exit status 3; see: journalctl -u kube-renewd-three.service" \
        "a command that fails"
tap_is "$(fact journal)" 1 "has written to its journal"
tap_is "$(fact signal | sed 's/core-dump/signal/')" \
        "EREMOTEIO: '/bin/sh' was ended by signal SIGSEGV (signal); see: journalctl -u kube-renewd-killed.service" \
        "a command that is killed"
tap_is "$(fact hang)" "ETIMEDOUT: '/bin/sleep' took longer than 2 seconds; see: journalctl -u kube-renewd-hang.service" \
        "a command that hangs"
quick hang 5
tap_like "$(fact stubborn)" "^ETIMEDOUT: '/etc/stubborn' took longer than 2 seconds" "a command that does not want to end"
quick stubborn 12
tap_is "$(fact left)" 0 "leaves nothing behind"
tap_is "$(fact answer)" "5 two lines|a word" "a command is asked: its status and what it printed"
tap_is "$(fact answer-journal)" 1 "its journal has what it wrote to standard error, and not the answer"
tap_is "$(fact silent | xargs)" "0" "an answer may be empty"
tap_is "$(fact no-output | xargs)" "2" "also of who has closed its output"
tap_is "$(fact exactly)" 65536 "64 KiB are an answer"
tap_is "$(fact too-much)" "EFBIG: '/bin/sh': it has printed more than 64 KiB" "a byte more is none"
tap_is "$(fact without-end)" "EFBIG: '/bin/sh': it has printed more than 64 KiB" "nor is one without end, which takes no memory"
tap_is "$(fact rubbish)" "EBADMSG: '/bin/sh': it has printed what is no text" "nor what is no text"
tap_is "$(fact reopens)" "1 first" "nobody can take back an answer"
tap_is "$(fact ask-signal)" "EREMOTEIO: '/bin/sh' was ended by signal SIGKILL (signal); see: journalctl -u kube-renewd-ask-killed.service" \
        "who is killed has not answered"
tap_is "$(fact ask-hang)" "ETIMEDOUT: '/bin/sh' took longer than 2 seconds; see: journalctl -u kube-renewd-ask-hang.service" \
        "nor has who hangs"
quick ask-hang 5
tap_like "$(fact ask-nothing)" "^EREMOTEIO: '/usr/bin/nowhere' could not be executed" "nor who does not exist"
tap_like "$(fact ask-relative)" "^EINVAL: command 'ask-relative' does not begin with an absolute path" "nor a relative path"
tap_is "$(fact nothing)" "EREMOTEIO: '/usr/bin/nowhere' could not be executed; see: journalctl -u kube-renewd-nothing.service" \
        "a command that does not exist"
tap_is "$(fact relative)" "EINVAL: command 'relative' does not begin with an absolute path" "a relative path"
tap_like "$(fact twice)" "^EBUSY: cannot start '/bin/true' as 'kube-renewd-twice.service': systemd: " "one of a name at a time"
tap_is "$(fact odd)" "" "a name that no unit can have"
tap_is "$(fact forgotten)" 0 "systemd forgets them all"
# nspawn forbids to ask the kernel, too: timedated answers, if only that it does not know of anybody.
tap_like "$(fact clock)" '^[-01]+ [01]' "timedated is asked whether the clock is synchronised"
tap_like "$(fact clock-in-the-box)" "^-1 $(fact clock | cut -d' ' -f2)\$" \
        "in the sandbox, too, where the kernel may not be" || tap_note "$FACTS"
tap_is "$(fact boxed)" "" "a command can be started out of the sandbox" || tap_note "$(cat "$SCRATCH/sandbox")"
tap_like "$(fact box)" "^[0-9a-f]*fff 0 [0-9]" "and has no part of it" || tap_note "$FACTS"
tap_is "$(fact asked)" "5 there /usr/asked" "a command can be asked out of the sandbox, of which it has no part" || tap_note "$FACTS"
tap_like "$(fact mute)" "^ETIMEDOUT: cannot reach systemd through" "a bus that never speaks"
quick mute 25
tap_like "$(fact no-bus)" "^(ENOENT|ECONNREFUSED): cannot reach systemd through" "no bus"
tap_done

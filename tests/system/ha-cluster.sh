# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Three control planes of one cluster, and what is asked of them all the time. Sourced by tests/system/ha.sh,
# after tests/system/bed.sh:
#
#     cluster_up ha                        # machines ha, ha2, ha3, with kube-renewd; or the test ends
#     probe_all                            # from here on each is asked every 50 ms, from outside
#     all_due; each start; ended 0 0 title
#     one_is_missing_at_most title
#
# A member of etcd, or an API server, is silent while it gives no answer at all, and ill while it does not
# answer 200. While etcd elects a leader all its members are ill, whoever runs it: how long, is a figure. That
# two of them are silent at the same time is what must never be.

tool=$BUILDDIR/tests/system/ask-as
dir=${TESTBED_DIR:-/var/cache/kube-renewd-testbed}
machines=()
nodes=(cp1 cp2 cp3)
leaves=(pki/apiserver.crt pki/apiserver-etcd-client.crt pki/etcd/server.crt pki/etcd/peer.crt admin.conf scheduler.conf)
probes=()
before=() # containers of each, before its pass
down=()   # set for a machine that is
begin=0

# An election takes etcd a second or two, and a machine that is busy some more.
ELECTION=20

# on I COMMAND...: the command on machine number I; the words of bed.sh speak to it meanwhile.
on() {
        local BED=${machines[$1]}

        shift
        "$@"
}

# up: the numbers of those that are up.
up() {
        local i

        for i in "${!machines[@]}"; do [ -n "${down[$i]:-}" ] || echo "$i"; done
}

# each COMMAND...: on all of them that are up, one after the other.
each() {
        local i

        for i in $(up); do on "$i" "$@"; done
}

# all COMMAND...: on all of them that are up, at the same time.
all() {
        local i jobs=()

        for i in $(up); do
                on "$i" "$@" &
                jobs+=($!)
        done
        wait "${jobs[@]}"
}

# cluster_up NAME
cluster_up() {
        local name

        bed_take "$1"
        machines=("$1" "${1}2" "${1}3")
        for name in "${machines[@]}"; do
                testbed remove "$name" 2>/dev/null
                tap_on_exit testbed remove "$name"
        done
        tap_ok "three control planes start" testbed up --three "$1" || tap_done
        each bed_install
}

# probe NAME URL HOST:PORT FILE...: asks it every 50 ms from outside, with what is in the files at that moment.
probe() {
        local name=$1

        shift
        nsenter --net="$dir/lan/$BED" "$tool" "$1" "$2" 50 "${@:3}" >"$SCRATCH/$name" 8>&- &
        probes+=($!)
}

probe_all() {
        local i etc address

        nsenter --net="$dir/lan/$BED" ip addr add 192.0.2.250/24 dev br0
        for i in "${!machines[@]}"; do
                etc=$dir/m/${machines[$i]}/root/etc/kubernetes
                address=192.0.2.1$((i + 1))
                probe "api-$i" https://kubernetes:6443/readyz "$address:6443" "$etc/admin.conf"
                probe "etcd-$i" https://localhost:2379/health "$address:2379" \
                        "$etc"/pki/etcd/{ca.crt,healthcheck-client.crt,healthcheck-client.key}
        done
        tap_on_exit eval 'kill "${probes[@]}" 2>/dev/null'
}

# gaps silent|ill FILE: "BEGIN END" of each time since $begin in which it was that. With $once_up, only after it
# has answered for the first time.
gaps() {
        awk -v since="$begin" -v kind="$1" -v waiting="${once_up:-}" '
                $1 < since { next }
                { is_bad = kind == "silent" ? $2 ~ /^(none|broken)$/ : $2 != "200" }
                is_bad && waiting { next }
                { waiting = ""; last = $1 }
                is_bad && !bad { bad = $1 }
                !is_bad && bad { print bad, $1; bad = 0 }
                END { if (bad) printf "%s %.3f\n", bad, last + 1 }' "$SCRATCH/$2"
}

# together silent|ill api|etcd: "MOST LONGEST TIMES": how many of them were that at the same moment, at most; how
# long two or more were at a stretch, at most; and how often.
together() {
        local i

        for i in "${!machines[@]}"; do gaps "$1" "$2-$i"; done | awk '{ print $1, 1; print $2, -1 }' | sort -n -k1,1 -k2,2 |
                awk '{
                        if (n < 2 && n + $2 >= 2) { start = $1; times++ }
                        if (n >= 2 && n + $2 < 2 && $1 - start > longest) longest = $1 - start
                        n += $2
                        if (n > most) most = n
                } END { printf "%d %.1f %d\n", most, longest, times }'
}

# longest silent|ill FILE: "SECONDS TIMES"
longest() {
        gaps "$1" "$2" | awk '{ if ($2 - $1 > m) m = $2 - $1 } END { printf "%.1f %d\n", m, NR }'
}

# tell TITLE: the figures, for people.
tell() {
        local i kind most seconds times text

        tap_note "$1: $(awk -v since="$begin" -v now="$(bed_now)" 'BEGIN { printf "%d", now - since }') s"
        for i in "${!machines[@]}"; do
                text=
                for kind in api etcd; do
                        read -r seconds times < <(longest silent "$kind-$i")
                        text+=", $kind silent $times times, for $seconds s at most"
                done
                tap_note "$1: ${nodes[$i]}$text"
        done
        for kind in api etcd; do
                read -r most seconds times < <(together silent "$kind")
                text="at most $most silent at once"
                read -r most seconds times < <(together ill "$kind")
                tap_note "$1: $kind: $text; two or more ill $times times, for $seconds s at most"
        done
}

# asked NAME: how often each of the three was asked since $begin, the least.
asked() {
        local i

        for i in "${!machines[@]}"; do awk -v since="$begin" '$1 >= since { n++ } END { print n + 0 }' "$SCRATCH/$1-$i"; done |
                sort -n | head -n 1
}

# silent_at_most api|etcd N TITLE
silent_at_most() {
        local most

        read -r most _ < <(together silent "$1")
        tap_ok "$3: at every moment $((${#machines[@]} - $2)) of the $1 answer" [ "$most" -le "$2" ]
}

# one_is_missing_at_most TITLE: so there is a quorum, and somebody to ask, at every moment.
one_is_missing_at_most() {
        local kind seconds

        for kind in api etcd; do
                tap_like "$(asked "$kind")" '^[1-9][0-9]{2,}$' "$1: every $kind was asked all the time"
                silent_at_most "$kind" 1 "$1"
                read -r _ seconds _ < <(together ill "$kind")
                tap_ok "$1: two of the $kind are well, but for the time of an election" [ "${seconds%.*}" -lt "$ELECTION" ]
        done
        tell "$1"
}

is_over() {
        local state

        state=$(bed systemctl show -p ActiveState -p SubState kube-renewd)
        [[ $state != *=activating* || $state == *auto-restart* ]]
}

start() {
        bed systemctl stop kube-renewd 2>/dev/null
        bed systemctl start --no-block kube-renewd
}

# ended I STATUS TITLE: its service comes to its end with that.
ended() {
        local state

        on "$1" bed_wait 1200 is_over
        state=$(on "$1" bed systemctl show -p ExecMainStatus --value kube-renewd)
        tap_like "$state" "^($2)$" "$3: ${nodes[$1]} ends with $2" ||
                tap_note "$(on "$1" bed journalctl -q -o cat -u kube-renewd --since "@$begin" | grep -v '^Renewed')"
}

all_ended() {
        local i

        for i in $(up); do ended "$i" "$@"; done
}

# holder: who has the turn, by whoever answers.
holder() {
        local i

        for i in $(up); do
                on "$i" bed kubectl --request-timeout=3s -n kube-system get lease kube-renewd-restart \
                        -o 'jsonpath={.spec.holderIdentity}' 2>/dev/null && return
        done
}

# calm: a kubelet that has just been started holds no container back because of restarts before.
calm() {
        bed systemctl restart kubelet
        bed_wait 60 bed curl -sf -m 2 http://127.0.0.1:10248/healthz
}

# all_due [DAYS]: on all that are up, at the same time.
all_due() {
        local i

        all calm
        all bed_age --files "${1:-10}"
        for i in $(up); do before[i]=$(on "$i" bed_containers etcd kube-apiserver); done
        sleep 1
        begin=$(bed_now)
}

# renewed I TITLE: its files are new, its API server and etcd show them.
renewed() {
        local path

        for path in "${leaves[@]}"; do
                tap_is "$(on "$1" bed_days "$path")" 365 "$2: $path of ${nodes[$1]} is new"
        done
        tap_is "$(on "$1" bed_served 6443)" "$(on "$1" bed_leaf pki/apiserver.crt)" "$2: the API server of ${nodes[$1]} shows it"
        tap_is "$(on "$1" bed_served 2380 "192.0.2.1$(($1 + 1))")" "$(on "$1" bed_leaf pki/etcd/peer.crt)" \
                "$2: etcd of ${nodes[$1]} shows it to the others"
}

# anew I TITLE: etcd and the API server are other containers now.
anew() {
        tap_empty "$(comm -12 <(sort <<<"${before[$1]}") <(on "$1" bed_containers etcd kube-apiserver | sort))" \
                "$2: etcd and the API server of ${nodes[$1]} were started anew"
}

all_renewed() {
        local i

        for i in $(up); do renewed "$i" "$1"; done
}

all_anew() {
        local i

        for i in $(up); do anew "$i" "$1"; done
}

is_well() {
        bed kubectl --request-timeout=5s get --raw /readyz >/dev/null &&
                bed curl -sf -m 5 http://127.0.0.1:2381/health | grep -q true
}

# well TITLE: the cluster is, and nobody has the turn.
well() {
        local i

        for i in $(up); do
                tap_ok "$1: the API server and etcd of ${nodes[$i]} are well" on "$i" bed_wait 180 is_well
        done
        tap_is "$(holder)" "" "$1: nobody has the turn"
}

alarms() {
        each bed_alarms | grep -v missed-run
}

no_alarms() {
        tap_empty "$(alarms)" "$1: there is no alarm"
}

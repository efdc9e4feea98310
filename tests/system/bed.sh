# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Tests on a real control plane: a machine of the test bed (tests/system/bed/README.md), kube-renewd
# installed in it. Sourced by tests of this floor, after tests/tap.sh:
#
#     bed_machine expired              # or skips the whole test, and says why
#     bed_age -1
#     bed_start                        # systemctl start kube-renewd
#     tap_is "$STATUS" 0 "T40 everything expired is repaired"
#     tap_is "$(bed_served 6443)" "$(bed_leaf pki/apiserver.crt)" "the API server shows it"
#
# The machine is this test's alone, and gone when the test ends. Paths are below /etc/kubernetes unless
# they begin with a slash.

TESTBED=${TESTBED:-$SRCDIR/tests/system/bed/testbed}
BED=    # name of the machine
STATUS= # exit status of the last bed_start

# testbed VERB ARGUMENT...: without the lock that bed_machine holds, which a machine would keep.
testbed() {
        "$TESTBED" "$@" 8>&-
}

# bed COMMAND...: runs it in the machine.
bed() {
        testbed exec -m "$BED" "$@"
}

# bed_take NAME: no other test uses machines of that name meanwhile.
bed_take() {
        local reason lock=${TESTBED_DIR:-/var/cache/kube-renewd-testbed}/test-$1.lock

        reason=$(testbed check 2>&1) || tap_skip_all "no control plane to test on: $reason"
        [ "$reason" = "the bed can run here" ] || tap_note "$reason"
        # Another checkout may run the same test; the lock ends with this process.
        exec 8>"$lock"
        flock -w 1500 8 || tap_skip_all "another test has used the machine '$1' for too long"
        BED=$1
}

# bed_machine NAME: boots a pristine machine with kube-renewd in it.
bed_machine() {
        bed_take "$1"
        testbed remove "$BED" 2>/dev/null
        tap_on_exit testbed remove "$BED"
        tap_ok "a control plane starts" testbed up "$BED" || { tap_done; }
        bed_install
}

# bed_install: the Debian package $BED_PACKAGE, or what `make install` installs, as a package would leave it.
bed_install() {
        local tree=$SCRATCH/destdir

        if [ -n "${BED_PACKAGE:-}" ]; then
                testbed put -m "$BED" "$BED_PACKAGE" /kube-renewd.deb
                tap_ok "the package is installed" bed dpkg -i /kube-renewd.deb || tap_done
                return
        fi
        make -s -C "$BUILDDIR" install DESTDIR="$tree" >"$SCRATCH/install.log" 2>&1 &&
                testbed put -m "$BED" "$tree" / &&
                bed systemctl daemon-reload &&
                bed journalctl -q --update-catalog
        tap_result $? "kube-renewd is installed" || { tap_note "$(cat "$SCRATCH/install.log")"; tap_done; }
}

# bed_config NAME: a drop-in of that name; its text comes from stdin.
bed_config() {
        bed sh -c 'd=/etc/kube-renewd/kube-renewd.conf.d; mkdir -p $d; cat >$d/$0.conf' "$1"
}

# bed_unconfig NAME
bed_unconfig() {
        bed rm -f "/etc/kube-renewd/kube-renewd.conf.d/$1.conf"
}

# bed_age [OPTION...] DAYS: see `testbed age`.
bed_age() {
        # What passes count within a day is forgotten: it is of months ago.
        bed sh -c 'cd /var/lib/kube-renewd 2>/dev/null && [ -e history.json ] || exit 0
                jq ".renewals = []" history.json >history.new && mv history.new history.json'
        testbed age "$@" "$BED" >"$SCRATCH/age.log" 2>&1 && return 0
        tap_result 1 "certificates are made old: $*"
        tap_note "$(cat "$SCRATCH/age.log")"
}

# bed_start: systemctl start kube-renewd. $STATUS is what the program ended with, or KILL for a signal;
# $OUTPUT what it and systemd had to say.
bed_start() {
        bed systemctl stop kube-renewd 2>/dev/null # a retry that systemd has planned
        STATUS=0
        OUTPUT=$(bed sh -c 'since=$(date +%s.%N)
                systemctl start kube-renewd || status=$?
                journalctl -q -o cat -u kube-renewd --since "@$since"
                exit ${status:-0}' 2>&1) || bed_status
}

# bed_status: $STATUS of a run that has failed. (systemd forgets a service that has ended well.)
bed_status() {
        local line

        STATUS=
        while read -r line; do
                case $line in
                ExecMainCode=1) ;;
                ExecMainCode=*) STATUS=KILL ;;
                ExecMainStatus=*) STATUS=${STATUS:-${line#*=}} ;;
                esac
        done < <(bed systemctl show -p ExecMainCode -p ExecMainStatus kube-renewd)
}

# bed_started STATUS DESCRIPTION: bed_start ends with that; what it printed is shown where not.
bed_started() {
        bed_start
        tap_is "$STATUS" "$1" "$2" || tap_note "$(tail -n 30 <<<"$OUTPUT")"
}

# bed_path PATH
bed_path() {
        [[ $1 == /* ]] && echo "$1" || echo "/etc/kubernetes/$1"
}

# bed_leaf PATH: SHA-256 of the first certificate of a PEM file, or of the client certificate in a kubeconfig.
bed_leaf() {
        bed sh -c 'case $0 in
                *.conf) sed -n "s/^ *client-certificate-data: //p" "$0" | base64 -d ;;
                *) cat "$0" ;;
                esac | openssl x509 -outform der | sha256sum | cut -d" " -f1' "$(bed_path "$1")"
}

# bed_leaves NAME...: the same of several, one a line.
bed_leaves() {
        local path

        for path; do bed_leaf "$path"; done
}

# bed_days PATH: days until the certificate ends, rounded up.
bed_days() {
        bed sh -c 'end=$(case $0 in
                *.conf) sed -n "s/^ *client-certificate-data: //p" "$0" | base64 -d ;;
                *) cat "$0" ;;
                esac | openssl x509 -noout -enddate)
                echo $((($(date -d "${end#*=}" +%s) - $(date +%s) + 86399) / 86400))' "$(bed_path "$1")"
}

# bed_served PORT [HOST]: SHA-256 of the leaf that a fresh handshake shows, without a client certificate.
bed_served() {
        bed sh -c 'timeout 5 openssl s_client -connect "$1:$0" </dev/null 2>/dev/null |
                openssl x509 -outform der 2>/dev/null | sha256sum | cut -d" " -f1' "$1" "${2:-127.0.0.1}"
}

# bed_container NAME: id of the running container of that component, or nothing.
bed_container() {
        bed sh -c 'running=$(ctr -n k8s.io tasks ls | awk "\$3 == \"RUNNING\" { print \$1 }")
                ctr -n k8s.io containers ls -q "labels.\"io.kubernetes.container.name\"==$0" | grep -xF "$running"' "$1"
}

# bed_containers NAME...: "NAME ID" of each.
bed_containers() {
        local name

        for name; do echo "$name $(bed_container "$name")"; done
}

# bed_wait SECONDS COMMAND...: until the command succeeds; fails if it never does.
bed_wait() {
        local end=$((SECONDS + $1))

        shift
        until "$@" >/dev/null 2>&1; do
                [ "$SECONDS" -lt "$end" ] || return 1
                sleep 0.3
        done
}

# bed_alarm TYPE RESOURCE [FILTER]: a field of an active alarm (jq), or nothing.
bed_alarm() {
        bed sh -c 'cat "$0" 2>/dev/null' "/var/lib/kube-renewd/public/alarms/$1@$2.json" | jq -r "${3:-.severity}"
}

# bed_alarms: all that are active, "TYPE@RESOURCE", sorted.
bed_alarms() {
        bed sh -c 'cd /var/lib/kube-renewd/public/alarms 2>/dev/null && ls | sed "s/[.]json$//" | sort'
}

# bed_events EVENT FIELD [SINCE]: that field of each such event (a name of renew/event/events.h), in order.
bed_events() {
        local id

        id=$(sed -n "s/^#define EVENT_$1 *\"\(.*\)\"/\1/p" "$SRCDIR/src/renew/event/events.h")
        bed journalctl -q -o json --since "@${3:-0}" "MESSAGE_ID=${id:-none}" | jq -r ".$2"
}

# bed_explained: every event that this machine has seen is explained by `journalctl -x`, in full.
bed_explained() {
        local events ids text

        events=$(bed journalctl -q -o json _COMM=kube-renewd | jq -r '.MESSAGE_ID // empty' | sort -u)
        tap_like "$events" '^[0-9a-f]{32}$' "there are events"
        mapfile -t ids <<<"$events"
        tap_empty "$(bed sh -c 'for id; do journalctl --list-catalog "$id" >/dev/null 2>&1 || echo "$id"; done' \
                explained "${ids[@]}")" "each is in the catalog"
        text=$(bed journalctl -q -x _COMM=kube-renewd | grep -oE '@[A-Z_]+@' | sort -u)
        tap_empty "$text" "and journalctl -x has a value for every field of its text"
}

# bed_now: the time inside, for --since.
bed_now() {
        date +%s.%N
}

# bed_created NAME...: "NAME TIME" of the running container of each.
bed_created() {
        local name

        for name; do
                echo "$name $(bed ctr -n k8s.io containers info "$(bed_container "$name")" | jq -r .CreatedAt)"
        done
}

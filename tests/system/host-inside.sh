# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # for the scripts that source it
# What the scripts have inside that tests/system/host.sh boots: they source it as /host. Below this text
# there are $program, where it is installed, and the ids of renew/event/events.h, as $EVENT_ALARM_RAISED.

unit=kube-renewd.service
state=/var/lib/kube-renewd
failed=$state/public/alarms/renewal-failed@host.json

# show PROPERTY [UNIT]
show() {
        systemctl show -P "$1" "${2:-$unit}"
}

# events EVENT [MATCH...]: how often the journal of the service has it.
events() {
        journalctl --sync
        journalctl -q -o cat -u $unit MESSAGE_ID="$1" "${@:2}" | wc -l
}

# member FILE KEY: of a JSON file that the program wrote.
member() {
        sed -n "s/^  \"$2\": \(.*[^,]\),*\$/\1/p" "$1" 2>/dev/null
}

# wait_for COMMAND...: until it succeeds.
wait_for() {
        local i

        for ((i = 0; i < 600; i++)); do
                "$@" && return
                sleep 0.1
        done
        echo "timeout=$*"
        return 1
}

# is_over: neither the service nor what is started for its failure has anything left to do.
is_over() {
        [ -z "$(systemctl list-jobs --no-legend "$unit" 'kube-renewd-failure@*')" ]
}

# drop_in LINE...: of the service, and all that there is of it.
drop_in() {
        mkdir -p "/run/systemd/system/$unit.d"
        printf '%s\n' "$@" >"/run/systemd/system/$unit.d/test.conf"
        systemctl daemon-reload
}

# start: one run, and what OnFailure= makes of it.
start() {
        systemctl stop $unit 2>/dev/null
        systemctl reset-failed 'kube-renewd*' 2>/dev/null
        timeout 60 systemctl start $unit 2>/dev/null
        wait_for is_over
}

# unpaired: certificates below /etc/kubernetes/pki whose key is another's.
unpaired() {
        local certificate

        find /etc/kubernetes/pki -name '*.crt' | while read -r certificate; do
                [ "$(openssl x509 -noout -pubkey -in "$certificate")" = \
                        "$(openssl pkey -pubout -in "${certificate%.crt}.key")" ] || echo "$certificate"
        done
}

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Three hosts, as who looks after all of them sees them: their status.json as one table, their journals
# brought together by a real systemd-journal-remote, asked as kube-renewd-fleet(7) says. (Alerts of a
# fleet: tests/system/metrics.sh.)

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

neighbours=${NEIGHBOURS:-$SRCDIR/build/neighbours}
for remote in "$neighbours"/lib/systemd/systemd-journal-remote "$neighbours"/usr/lib/systemd/systemd-journal-remote; do
        [ ! -x "$remote" ] || break
done
library=$(dirname "$(find "$neighbours" -name 'libmicrohttpd.so.*' 2>/dev/null | head -n 1)")
# journal_remote ARGUMENT...
journal_remote() {
        LD_LIBRARY_PATH=$library "$remote" "$@"
}
journal_remote --version >/dev/null 2>&1 || tap_skip_all "systemd-journal-remote is not here; './dev system' unpacks it"
command -v jq >/dev/null || tap_skip_all "jq is not installed"
page=$SRCDIR/man/kube-renewd-fleet.7.scd

host_tree
host_install
host_script inside <<'END'
. /host || exit 99
hostname "$1"
start
journalctl --sync
mkdir -p /gathered
cp -RL $state/public/. /gathered
journalctl -q -o export -u $unit >/gathered/journal
echo "$1=$(show ExecMainStatus)"
END

# host NAME: one night of a host; what it has to say is in $SCRATCH/fleet/NAME then.
host() {
        host_boot -k /gathered /inside "$1"
        mkdir -p "$SCRATCH/fleet"
        rm -rf "${SCRATCH:?}/fleet/$1"
        mv "$TREE/gathered" "$SCRATCH/fleet/$1"
        rm -rf "${TREE:?}/var/lib/kube-renewd"
}

# 1. One renews everything, one has nothing to do, and the last was given a configuration that is none.
host_manifests
host_certificates '-25 days' --validity=30d --ca-validity=10y
host cp-1
rm -rf "$TREE/etc/kubernetes"
host_manifests
host_certificates '-1 hour' --ca-validity=10y
host cp-2
host_config rollout <<<$'[renewal]\nRenewBefore=soon'
host cp-3
tap_is "$(fact cp-1) $(fact cp-2) $(fact cp-3)" "75 0 78" "three hosts have had their night" || tap_note "$FACTS"

# command_of_page WORDS: the first command of the page that begins so.
command_of_page() {
        sed -n "s/^	*\($1.*\)/\1/p" "$page" | head -n 1
}

# 2. Their status, as a table.
table=$(cd "$SCRATCH/fleet" && bash -c "$(command_of_page 'jq -r ')")
tap_is "$(cut -f 1,2 <<<"$table" | tr '\t\n' '  ')" "cp-1 75 cp-2 0 " "one table of all that had a pass" || tap_note "$table"
tap_unlike "$(cut -f 4 <<<"$table")" '^$' "each says until when it is true"
tap_is "$(cd "$SCRATCH/fleet" && echo */alarms/config-invalid*)" "cp-3/alarms/config-invalid@host.json" "the other one has its alarm"

# 3. Their journals, in one.
mkdir -p "$SCRATCH/remote"
for host in cp-1 cp-2 cp-3; do
        tap_ok "the journal of $host is brought over" \
                journal_remote --output="$SCRATCH/remote/remote-$host.journal" "$SCRATCH/fleet/$host/journal"
done

# asked COMMAND [OPTION...]: what it prints of the journals that were brought together.
asked() {
        local command=${1//\/var\/log\/journal\/remote/$SCRATCH/remote}

        shift
        bash -c "$command -q --no-pager $*" 2>&1
}
mapfile -t questions < <(sed -n 's/^	*\(journalctl -D .*\)$/\1/p' "$page")
tap_is "${#questions[@]}" 3 "the page has questions"
tap_is "$(asked "${questions[0]}" -o json | jq -r ._HOSTNAME | sort | uniq -c | xargs)" "11 cp-1" \
        "what was renewed, and where"
tap_is "$(asked "${questions[0]}" -o json | jq -r .CERTIFICATE | grep -cx 'apiserver\|admin.conf')" 2 \
        "each event says of which certificate it is"
tap_unlike "$(asked "${questions[1]}" -o json | jq -r ._HOSTNAME | sort -u | xargs)" 'cp-3' "whose restarts failed"
pass=$(jq -r .pass_id "$SCRATCH/fleet/cp-1/status.json")
tap_like "$(asked "${questions[2]/PASS_ID=ID/PASS_ID=$pass}" -o json | jq -r ._HOSTNAME | sort | uniq -c | xargs)" \
        '^[1-9][0-9]+ cp-1$' "everything of one pass is of one host"
summary=$(grep -oE '\*[0-9a-f]{32}\* \(the summary\)' "$page" | tr -d '*' | cut -d ' ' -f 1)
tap_is "$(asked "journalctl -D /var/log/journal/remote MESSAGE_ID=$summary" -o json | jq -r ._HOSTNAME | sort -u | xargs)" \
        "cp-1 cp-2" "the host that renews nothing is the one without a summary"
tap_empty "$(grep -l 'PRIVATE KEY' -r "$SCRATCH/fleet")" "no key left a host"
tap_done

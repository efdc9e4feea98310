#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two control planes, two members of one etcd: none of them is restarted, since the other cannot go on
# alone; not while both are well, and not while the other is away.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

bed_machine quorum
tap_on_exit testbed remove quorum2
tap_ok "a second control plane joins" testbed up --join quorum2 --to "$BED"

# etcd of this version reads its certificates by itself; here it is to be restarted.
bed_config always <<'END'
[component etcd]
Restart=always
StartTimeout=30s
END

etcd=$(bed_container etcd)
bed_age --files --only etcd-server 10
bed_started 75 "one of two members is not restarted"
tap_is "$(bed_container etcd)" "$etcd" "etcd was left alone"
tap_is "$(bed_days pki/etcd/server.crt)" 365 "its certificate is new"
tap_is "$(bed_served 2379)" "$(bed_leaf pki/etcd/server.crt)" "and served"
tap_is "$(bed_alarms)" "restart-owed@etcd" "its restart is owed"
tap_like "$(bed_alarm restart-owed etcd .reason)" 'quorum|member' "the alarm says why"
tap_ok "the cluster goes on" bed kubectl get --raw /readyz

# The other one loses its power: etcd has no leader, the API server no answer.
testbed down -f quorum2
tap_ok "without the other member etcd is ill" bed_wait 30 bed sh -c '! curl -sf -m 2 http://127.0.0.1:2381/health'
bed_started 75 "etcd is ill before the restart: unfinished"
tap_is "$(bed_leaf pki/etcd/server.crt)" "$(bed_served 2379)" "its new file stays"
tap_like "$(bed_alarms)" "restart-owed@etcd" "its restart is owed"
tap_unlike "$(bed_alarms)" "rolled-back" "nothing was rolled back"

testbed up -n quorum2
tap_ok "with both members the cluster is back" bed_wait 90 bed kubectl get --raw /readyz
bed_unconfig always
bed_started 0 "an etcd that reads its files by itself needs no restart"
tap_is "$(bed_alarms)" "" "no alarm is left"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The examples for OnAlarm=: what they tell their neighbours, word for word.

# shellcheck source=tests/tap.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/tap.sh" || exit 99

examples=$SRCDIR/packaging/monitoring
export FM_HEARD=$SCRATCH/heard FM_ANSWER=Ok

# alarm STATE TYPE RESOURCE ID SEVERITY TEXT REASON: the environment of the hook.
alarm() {
        export KUBE_RENEWD_HOOK=on-alarm KUBE_RENEWD_HOSTNAME=controller-0 KUBE_RENEWD_ALARM_STATE=$1 \
                KUBE_RENEWD_ALARM_TYPE=$2 KUBE_RENEWD_ALARM_RESOURCE=$3 KUBE_RENEWD_ALARM_ID=$4 \
                KUBE_RENEWD_ALARM_SEVERITY=$5 KUBE_RENEWD_ALARM_TEXT=$6 KUBE_RENEWD_ALARM_REASON=$7 \
                KUBE_RENEWD_ALARM_REPAIR_ACTION="Do it." KUBE_RENEWD_ALARM_EVENT_TYPE=operational-violation \
                KUBE_RENEWD_ALARM_PROBABLE_CAUSE=certificate-expiration
}

# starlingx: how it ends, and in $OUTPUT what the fault manager heard.
starlingx() {
        : >"$FM_HEARD"
        PATH=$SRCDIR/tests/bin:$PATH "$examples/on-alarm-starlingx" 2>"$SCRATCH/said"
        STATUS=$?
        OUTPUT=$(cat "$FM_HEARD")
}

failed="Kubernetes certificates renewal failed."
alarm raised renewal-failed apiserver 250.003 major "$failed" "the disk is full"
starlingx
tap_is "$OUTPUT" "-c
### ###250.003###set###host###host=controller-0.renewal-failed=apiserver### ###major###$failed###operational-violation### ###Do it. Reason: the disk is full### ### ###" \
        "an alarm is set, field by field"
tap_is "$STATUS" 0 "and that is all"
alarm raised renewal-failed host 250.003 major "$failed" "the disk is full"
starlingx
tap_like "$OUTPUT" '###set###host###host=controller-0### ###' "what is about the host is of the host alone"
alarm changed ca-expiring etcd-ca 500.200 critical "Certificate 'etcd-ca' expiring soon on 2027-12-01, 00:00:00 UTC." "x"
starlingx
tap_like "$OUTPUT" "^### ###500.200###set###host###host=controller-0.ca-expiring=etcd-ca### ###critical###Certificate 'etcd-ca' expiring" \
        "a graver one is set again"
alarm cleared expired apiserver 500.210 critical "Certificate 'apiserver' expired." "x"
starlingx
tap_is "$OUTPUT" "$(printf '%s\n' -d '###500.210###host=controller-0.expired=apiserver###')" "a cleared one is deleted, and no other"
tap_is "$STATUS" 0 "and that is all"

# What has no number there is not told: 250.003 stops upgrades.
alarm raised stale-copy root-kubeconfig "" minor "A copy." "x"
starlingx
tap_is "$STATUS $OUTPUT" "0 " "failure mode 26: what has no number is none of its alarms"

# Hostile names: the separator, and what a shell would eat.
alarm raised expired 'ca#2/a###b$(touch x)`id`"*' 500.210 critical "Certificate 'ca#2/a####' expired.#" '\x0a%s\n'
starlingx
tap_is "$(sed -n 2p "$FM_HEARD" | sed 's/###/\n/g' | wc -l)" 15 "a name does not make fields"
tap_like "$OUTPUT" 'host=controller-0.expired=ca#2/a# ##b\$\(touch x\)`id`"\*###' "it stays what it is"
tap_like "$OUTPUT" "Certificate 'ca#2/a# ## #' expired.# ###" "and so does a text"
tap_like "$OUTPUT" 'Reason: \\x0a%s\\n###' "and a reason"

# Refusals.
alarm cleared expired apiserver 500.210 critical "Certificate 'apiserver' expired." "x"
FM_ANSWER=FM_ERR_ENTITY_NOT_FOUND
starlingx
tap_is "$STATUS" 0 "somebody has deleted it by hand"
FM_ANSWER=FM_ERR_NOCONNECT
starlingx
tap_is "$STATUS $(cat "$SCRATCH/said")" "1 fmClientCli -d: FM_ERR_NOCONNECT" "an absent fault manager is a failure, to be repeated"
alarm raised expired apiserver 500.210 critical "Certificate 'apiserver' expired." "x"
starlingx
tap_is "$STATUS" 1 "to set one, too"
FM_ANSWER=FM_ERR_ALARM_EXISTS
starlingx
tap_is "$STATUS" 0 "one that is there already is set"

# The central log.
printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' >"$SCRATCH/logger"
chmod +x "$SCRATCH/logger"
tap_ok "a central log" env PATH="$SCRATCH:$PATH" "$examples/on-alarm-log" loghost
tap_is "$(sed -n '2p;/^daemon/p' <<<"$OUTPUT" | xargs)" "loghost daemon.crit" "hears of it by its severity"
tap_like "$OUTPUT" '^alarm raised: expired of apiserver$' "which alarm it is"
alarm cleared expired apiserver 500.210 critical "Certificate 'apiserver' expired." "x"
tap_ok "a cleared one" env PATH="$SCRATCH:$PATH" "$examples/on-alarm-log" loghost
tap_like "$OUTPUT" '^daemon.notice$' "is no error"

# What they read is what the manual promises.
tap_empty "$(grep -ohE 'KUBE_RENEWD_[A-Z_]+' "$examples"/on-alarm-* | sort -u | while read -r name; do
        grep -qF "*$name*" "$SRCDIR/man/kube-renewd.conf.5.scd" || echo "$name"
done)" "every variable is in the manual"
tap_done

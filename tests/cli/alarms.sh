#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Alarms, pass by pass: what raises them, what clears them, what lists them, and what is shelved.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

STATE=var/lib/kube-renewd
PKI=etc/kubernetes/pki

# shelve PATTERN...: the configuration says so.
shelve() {
        mkdir -p "$ROOT/etc/kube-renewd"
        printf '[alarms]\nShelve=%s\n' "$*" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# active [DIRECTORY]: "TYPE@RESOURCE ..."; of the shelved ones with the directory.
active() {
        find "$ROOT/$STATE/public/${1:-alarms}" -name '[!.]*' -type f -printf '%f\n' 2>/dev/null | sed 's/[.]json$//' |
                sort | xargs
}

# alarm FILTER TYPE@RESOURCE: a member of an alarm.
alarm() {
        jq -r "$1" "$ROOT/$STATE/public/alarms/$2.json"
}

# night STATUS TIME DESCRIPTION: a pass.
night() {
        tap_status "$1" "$3" renewd run --at="$2"
}

# 1. What lists them. Without its CA nothing of etcd is renewed.
host v1.28.7/ecdsa-p256
night 0 "$NEW" "nothing is wrong"
tap_status 0 "no alarm" renewd alarms --at="$NEW"
tap_is "$OUTPUT" "0 active alarms" "is said"
host v1.28.7/ecdsa-p256
rm "$ROOT/$PKI/etcd/ca.crt"
shelve 'renewal-failed@etcd-peer restart-owed@*'
night 1 "$TEN_DAYS" "a CA is missing"
tap_status 2 "major alarms are critical" renewd alarms --at="$TEN_DAYS"
golden alarms.table "as a table"
tap_status 2 "with the shelved ones" renewd alarms --at="$TEN_DAYS" --shelved --no-legend
golden alarms-shelved.table "as a table, too"
tap_status 2 "columns by name" renewd alarms --at="$TEN_DAYS" --shelved --columns=id,shelved,count,resource --no-headings --no-legend
tap_like "$OUTPUT" '^250.003 yes +1 etcd-peer$' "number, shelf and count"
tap_status 2 "JSON" renewd alarms --at="$TEN_DAYS" --output=json
OUTPUT=$(jq '[.[] | select(.resource == "etcd-server" or .resource == "etcd-ca") | .pass_id = "(pass)"]' <<<"$OUTPUT")
golden alarms.json "is what is in the files"
tap_status 2 "JSON with the shelved ones" renewd alarms --at="$TEN_DAYS" --shelved --output=json
tap_is "$(jq -c '[(.alarms | length), [.shelved[].resource]]' <<<"$OUTPUT")" \
        '[9,["etcd-peer","kube-apiserver","kube-controller-manager","kube-scheduler"]]' "is two lists"
tap_is "$(jq -c '[(.alarms | length), (.shelved | length)]' "$ROOT/$STATE/public/status.json")" '[9,4]' "as in the status"
tap_status 3 "no names are taken" renewd alarms --at="$TEN_DAYS" etcd-server
tap_like "$OUTPUT" "takes no names" "and that is said"
tap_is "$(stat -c %a "$ROOT/$STATE"/public/{alarms,shelved}{,/*} | sort | uniq -c | xargs)" "13 644 2 755" "anybody may read them"

# Whoever has no rights on this host sees the same.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
        renewd alarms --at="$TEN_DAYS" --shelved >"$SCRATCH/root-sees"
        chmod 711 "$SCRATCH" "$ROOT"
        chmod 700 "$ROOT/etc/kubernetes"
        tap_status 2 "nobody lists them" setpriv --reuid=65534 --regid=65534 --clear-groups \
                "$KUBE_RENEWD" --root="$ROOT" alarms --at="$TEN_DAYS" --shelved
        tap_is "$OUTPUT" "$(cat "$SCRATCH/root-sees")" "and sees what root sees"
        chmod 755 "$ROOT/etc/kubernetes"
else
        tap_skip "nobody lists them" "only root can become nobody"
fi

# 2. Exit status by the worst of the active ones.
keep=$SCRATCH/keep
mv "$ROOT/$STATE/public/alarms" "$keep"
mkdir "$ROOT/$STATE/public/alarms"
tap_status 0 "shelved ones do not count" renewd alarms --at="$TEN_DAYS" --shelved
for severity in warning:1 minor:1 major:2 critical:2; do
        jq ".severity = \"${severity%:*}\"" "$keep/invalid@etcd-ca.json" >"$ROOT/$STATE/public/alarms/invalid@etcd-ca.json"
        tap_status "${severity#*:}" "one that is ${severity%:*}" renewd alarms --at="$TEN_DAYS"
done
echo '{"type":' >"$ROOT/$STATE/public/alarms/expired@apiserver.json"
tap_status 3 "what is no alarm is unknown" renewd alarms --at="$TEN_DAYS"
tap_like "$OUTPUT" "^kube-renewd: 'expired@apiserver.json' in public/alarms is no alarm" "and named"
tap_like "$OUTPUT" '^critical +invalid +etcd-ca ' "beside the others"
mv "$ROOT/$STATE/public/alarms/expired@apiserver.json" "$ROOT/$STATE/public/shelved"
tap_status 2 "who does not ask for shelved ones" renewd alarms --at="$TEN_DAYS"
tap_status 3 "does not hear of what is none among them" renewd alarms --at="$TEN_DAYS" --shelved
rm "$ROOT/$STATE/public/shelved/expired@apiserver.json"

# 3. From one pass to the next.
host v1.28.7/ecdsa-p256
mv "$ROOT/$PKI/etcd/ca.crt" "$SCRATCH/etcd-ca.crt"
shelve 'restart-owed@*'
night 1 "$TEN_DAYS" "T41 its CA is missing"
etcd='apiserver-etcd-client etcd-healthcheck-client etcd-peer etcd-server'
# shellcheck disable=SC2086 # words
tap_is "$(active)" "$(printf 'expiring@%s ' $etcd kubelet.conf)invalid@etcd-ca $(printf 'renewal-failed@%s ' $etcd | xargs)" \
        "T41 what was to be renewed expires"
tap_is "$(alarm '.text' expiring@etcd-server)" "Certificate 'etcd-server' expiring soon on 2027-11-21, 23:26:06 UTC." \
        "T41 with its date"
night 1 2027-12-01 "T41 ten days later"
tap_unlike "$(active | xargs -n 1)" '^expiring@' "T41 nothing expires any more"
# shellcheck disable=SC2086 # words
tap_is "$(active | xargs -n 1 | grep '^expired@' | xargs)" "$(printf 'expired@%s ' $etcd kubelet.conf | xargs)" "T41 it has expired"
tap_is "$(alarm '"\(.count) \(.time_created)"' renewal-failed@etcd-server)" "2 2027-11-11T23:26:00Z" "an alarm that stays is counted"
before=$(active)
mv "$SCRATCH/etcd-ca.crt" "$ROOT/$PKI/etcd/ca.crt"
night 75 2027-12-02 "T22 the CA is back"
tap_is "$(active)" "$(xargs -n 1 <<<"$before" | grep -v 'etcd\|^missed-run@' | xargs)" \
        "T41 T22 its alarms are gone, and no other"

# Who was not restarted is owed it, however often somebody looks.
shelve none@none
digests >"$SCRATCH/before"
for day in 3 4 5; do
        night 75 "2027-12-0$day" "failure mode 1: night $day ends unfinished"
        tap_is "$(alarm '"\(.count) \(.time_created)"' restart-owed@etcd)" "$((day - 1)) 2027-12-02T00:00:00Z" \
                "failure mode 1: the alarm of a restart that did not happen stays"
done
tap_is "$(changed)" "" "failure mode 1: and nothing is renewed again"

# 4. No false alarm: each would keep somebody from upgrading.
host v1.28.7/ecdsa-p256
night 0 "$NEW" "failure mode 26: nothing is due"
tap_is "$(active)" "" "failure mode 26: no alarm"
host v1.28.7/ecdsa-p256
mkdir -p "$ROOT/$STATE"
shelve 'restart-owed@* expiring@kubelet.conf'
tap_status 75 "failure mode 26: another process renews" flock "$ROOT/$STATE/lock" \
        "$KUBE_RENEWD" --root="$ROOT" run --at="$TEN_DAYS"
tap_is "$(active)" "" "failure mode 26: no alarm while there is time"
night 75 "$TEN_DAYS" "failure mode 26: what was due is renewed"
tap_is "$(active)" "" "failure mode 26: and was never an alarm"
tap_is "$(active shelved)" "expiring@kubelet.conf restart-owed@etcd restart-owed@kube-apiserver $(
        printf 'restart-owed@kube-%s ' controller-manager scheduler | xargs)" "failure mode 26: what is true is told"

# 5. Several faults are several alarms, each with its reason.
host v1.28.7/ecdsa-p256
rm "$ROOT/$PKI/etcd/ca.crt"
echo garbage >"$ROOT/etc/kubernetes/scheduler.conf"
cp "$ROOT/$PKI/apiserver.key" "$ROOT/$PKI/front-proxy-client.key"
night 1 "$TEN_DAYS" "failure mode 27: three faults"
tap_like "$(alarm .reason renewal-failed@etcd-server)" "'/etc/kubernetes/pki/etcd/ca.crt' is missing" "failure mode 27: the first"
tap_like "$(alarm .reason renewal-failed@etcd-peer)" "'/etc/kubernetes/pki/etcd/ca.crt' is missing" "failure mode 27: of each certificate"
tap_like "$(alarm .reason invalid@scheduler.conf)" "scheduler.conf" "failure mode 27: the second"
tap_like "$(alarm .reason invalid@front-proxy-client)" "key" "failure mode 27: the third"
tap_like "$(active | xargs -n 1)" '^restart-owed@kube-apiserver$' "failure mode 27: beside what was done"

# 6. A certificate that has expired is in the report, not in its way.
host v1.28.7/ecdsa-p256
rm "$ROOT/$PKI/ca.key"
night 1 "$EXPIRED" "failure mode 31: a certificate has expired and stays so"
tap_is "$(jq -r '[.certificates[] | select(.status == "EXPIRED") | .name] | join(" ")' "$ROOT/$STATE/public/status.json")" \
        "apiserver apiserver-kubelet-client admin.conf controller-manager.conf scheduler.conf kubelet.conf" \
        "failure mode 31: the status says so"
tap_is "$(jq '.certificates | length' "$ROOT/$STATE/public/status.json")" 14 "failure mode 31: and has all the others"
tap_like "$(active | xargs -n 1)" '^expired@apiserver$' "failure mode 31: an alarm, too"
tap_like "$(cat "$ROOT/$STATE/public/kube-renewd.prom")" '^x509_cert_expired\{.*\} 1$' "failure mode 31: and the metrics"
for output in table tree json yaml kubeadm-json nagios prometheus; do
        tap_status 2 "failure mode 31: check as $output" renewd check --at="$EXPIRED" --output=$output
        tap_like "$OUTPUT" 'front.proxy.client' "failure mode 31: lists what has not expired"
done
tap_status 2 "failure mode 31: alarms" renewd alarms --at="$EXPIRED"
tap_like "$OUTPUT" '^critical +expired +apiserver ' "failure mode 31: lists it"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Files in Secrets, as far as nobody is asked (below another root nobody is): what plan, dry run and explain
# say, what is owed, and what waits for a standby's next one.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# configure SECTION: that section, and which Secret.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd"
        printf '%s\nKubeconfig=/etc/host.conf\nNamespace=host\nSecret=pki\n' "$1" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

host v1.28.7/ecdsa-p256
configure $'[publish standby]\nSource=ca etcd-ca admin.conf\nData=web.crt:apiserver.crt'
tap_status 0 "the plan" renewd plan --at="$TEN_DAYS" apiserver admin.conf
tap_like "$OUTPUT" '^  Secret host/pki$' "has the Secret"
tap_like "$OUTPUT" '^    admin.conf, web.crt$' "and its keys that change"
tap_status 0 "the plan as JSON" renewd plan --at="$TEN_DAYS" apiserver admin.conf --output=json
tap_is "$(jq -c '.publications' <<<"$OUTPUT")" \
        '[{"keys":["admin.conf","web.crt"],"name":"standby","namespace":"host","secret":"pki"}]' "has them too"
tap_status 0 "a plan of something else" renewd plan --at="$TEN_DAYS" front-proxy-client
tap_unlike "$OUTPUT" 'Secret' "has no Secret"
tap_status 0 "a dry run" renewd renew --at="$TEN_DAYS" apiserver --dry-run
tap_like "$OUTPUT" '^Secret host/pki would be written, 1 key of it$' "says it"
tap_status 0 "explain" renewd explain --at="$TEN_DAYS" apiserver etcd-ca
tap_like "$OUTPUT" 'published +Secret host/pki: web.crt$' "knows where it is published"
tap_like "$OUTPUT" 'published +Secret host/pki: etcd-ca.crt$' "a CA, too"
tap_status 75 "a pass" renewd run --at="$TEN_DAYS"
tap_like "$OUTPUT" '^publish-standby is owed since .*, for 2 new files$' "says what is owed"
alarm=$ROOT/var/lib/kube-renewd/public/alarms/stale-copy@publish-standby.json
tap_like "$(jq -r .reason "$alarm")" "^Secret 'host/pki' is owed them since " "and so does the alarm"

# No longer configured, it is owed no longer.
rm "$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 75 "a pass that does not know it" renewd run --at="$TEN_DAYS"
tap_ok "clears the alarm" test ! -e "$alarm"
tap_ok "and raises no other" test ! -e "${alarm/stale-copy/restart-owed}"

host v1.28.7/ecdsa-p256
configure $'[fetch active]\nSource=apiserver'
tap_status 0 "the plan of a standby" renewd plan --at="$TEN_DAYS" --output=json
tap_is "$(jq -r '.steps[].certificate' <<<"$OUTPUT" | grep -cx apiserver)" 0 "leaves what is fetched"
tap_is "$(jq -r '.steps[].certificate' <<<"$OUTPUT" | grep -cx front-proxy-client)" 1 "and has the others"
tap_status 0 "the plan two days before the end" renewd plan --at=2027-11-19T23:26:00Z --output=json
tap_is "$(jq -r '.steps[].certificate' <<<"$OUTPUT" | grep -cx apiserver)" 1 "has it"
tap_status 0 "who names it" renewd renew --at="$TEN_DAYS" apiserver --dry-run
tap_like "$OUTPUT" '^apiserver: would be renewed' "need not wait"
tap_status 0 "explain of a standby" renewd explain --at="$TEN_DAYS" apiserver
tap_like "$OUTPUT" 'fetched +Secret host/pki: apiserver.crt, apiserver.key$' "knows where it comes from"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# config: what is effective and where it comes from; a wrong value stops every verb before it has
# touched anything.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# configure TEXT: the main file of $ROOT.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd/kube-renewd.conf.d"
        printf '%b' "$1" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# everything: each file below $ROOT, our own state included.
everything() {
        (cd "$ROOT" && find . -type f -exec sha256sum {} + | sort -k 2)
}

host v1.28.7/rsa2048-default
tap_status 0 "without any file" renewd config
tap_like "$OUTPUT" '^RenewBefore=15d +# default$' "defaults are named as such"
tap_like "$OUTPUT" '^\[certificate apiserver\]$' "the layout is part of it"
tap_like "$OUTPUT" '^Certificate=/etc/kubernetes/pki/apiserver.crt +# .*layouts/kubeadm.conf:[0-9]+$' "with file and line"

configure '[renewal]\nRenewBefore=20d\n'
printf '[renewal]\nRenewBefore=25d\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/10-site.conf"
tap_status 0 "with a file and a drop-in" renewd config
tap_like "$OUTPUT" '^RenewBefore=25d +# /etc/kube-renewd/kube-renewd.conf.d/10-site.conf:2$' "the last one counts, and is named"
tap_status 0 "as JSON" renewd config --output=json
tap_is "$(jq -r '.[] | select(.section == "renewal" and .key == "RenewBefore") | .value' <<<"$OUTPUT")" 25d "the same as JSON"
rm "$ROOT/etc/kube-renewd/kube-renewd.conf.d/10-site.conf"

configure '[renewal]\nRenewBefor=20d\n'
tap_status 0 "an unknown key is no error" renewd config
tap_like "$OUTPUT" "^kube-renewd: warning: /etc/kube-renewd/kube-renewd.conf:2: .*'RenewBefor'.*'RenewBefore" \
        "but a warning with the nearest known one"

configure '[renewal]\nRenewBefore=2d\n'
for verb in config check; do
        tap_status 0 "little time for a second try is no error of '$verb'" renewd $verb --at="$NEW"
        tap_like "$OUTPUT" 'warning: .*:2: \[renewal\] has RenewBefore=2d, which .* kube-renewd.timer .* every 1d' \
                "but a warning"
done
tap_status 0 "who reads data" renewd check --at="$NEW" --output=json
tap_unlike "$OUTPUT" timer "is not told"

configure '[alarms]\nReaderGroup=monitoring\n'
tap_status 0 "a group that is gone is no error" renewd config
tap_like "$OUTPUT" "warning: .*:2: \[alarms\] has ReaderGroup=monitoring, but .* 'groupadd --system monitoring' makes it" \
        "but a warning, and how to make it"
echo "monitoring:x:$(id -g):" >"$ROOT/etc/group"
tap_status 0 "the same group, once it is there" renewd config
tap_like "$OUTPUT" '^ReaderGroup=monitoring +# .*:2$' "is part of the configuration"
rm "$ROOT/etc/group"

configure '[renewal]\nRenewBefore=soon\n'
before=$(everything)
for verb in config plan renew init "explain apiserver" "backup list"; do
        # shellcheck disable=SC2086 # a verb and its name
        tap_status 78 "a bad value stops '$verb'" renewd $verb
        tap_like "$OUTPUT" '^kube-renewd: /etc/kube-renewd/kube-renewd.conf:2: .*soon' "'$verb' names file, line and value"
done
for verb in check alarms; do
        tap_status 3 "a bad value is unknown to '$verb'" renewd "$verb"
done
tap_is "$(everything)" "$before" "and nothing was touched"
tap_status 78 "a bad value at night" renewd run
tap_ok "leaves an alarm" test -e "$ROOT/var/lib/kube-renewd/public/alarms/config-invalid@host.json"
rm -r "$ROOT/var/lib/kube-renewd"
[ -n "$(ls "$ROOT/var/lib")" ] || rmdir "$ROOT/var/lib"
[ -n "$(ls "$ROOT/var")" ] || rmdir "$ROOT/var"
tap_is "$(everything)" "$before" "and touches nothing else"
printf '[renewal]\nRenewBefore=9d\n' >"$ROOT/etc/other.conf"
tap_status 0 "--config= is read instead" renewd config --config=/etc/other.conf
tap_like "$OUTPUT" '^RenewBefore=9d +# /etc/other.conf:2$' "and counts"
tap_status 78 "--config= must exist" renewd config --config=/etc/none.conf
rm -r "$ROOT/etc/kube-renewd" "$ROOT/etc/kubernetes"
tap_status 78 "no layout fits an empty host" "$KUBE_RENEWD" --root="$ROOT" plan
tap_like "$OUTPUT" '^kube-renewd: no layout fits this host' "and that is said"
night() { "$KUBE_RENEWD" --root="$ROOT" run; }
before=$(everything)
tap_status 0 "a worker at night" night
tap_like "$OUTPUT" 'no layout fits this host.*: nothing to do$' "says that there is nothing to do"
tap_is "$(everything)" "$before" "and writes nothing"
configure '[agent]\nLayout=frobnicate\n'
tap_status 78 "a layout by name that is not there is an error at night, too" night
configure '[agent]\n'
tap_status 0 "once it is mended" night
tap_ok "the alarm is cleared" test ! -e "$ROOT/var/lib/kube-renewd/public/alarms/config-invalid@host.json"
tap_ok "and that was no pass" test ! -e "$ROOT/var/lib/kube-renewd/public/status.json"
rm -rf "$ROOT/var/lib/kube-renewd" "$ROOT/etc/kube-renewd"
for sign in transaction.prepared public/status.json; do
        mkdir -p "$ROOT/var/lib/kube-renewd/public"
        touch "$ROOT/var/lib/kube-renewd/$sign"
        tap_status 78 "a host that has had a pass ($sign)" night
        tap_ok "has an alarm" test -e "$ROOT/var/lib/kube-renewd/public/alarms/config-invalid@host.json"
        rm -r "$ROOT/var/lib/kube-renewd"
done
tap_status 78 "an unknown layout" "$KUBE_RENEWD" --root="$ROOT" --layout=frobnicate plan
tap_done

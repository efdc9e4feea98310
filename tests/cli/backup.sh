#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# backup and restore: what was replaced can be listed, compared and put back, and that be undone.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

files() {
        (cd "$ROOT/etc" && find . -type f -exec sha256sum {} + -printf '%m %u:%g %p\n' | sort -k 2)
}
ids() {
        renewd backup list --columns=id --no-headings --no-legend
}

host v1.28.7/ecdsa-p256
[ "$(id -u)" != 0 ] || chown 1234:5678 "$ROOT/etc/kubernetes/pki/apiserver.key"
chmod 640 "$ROOT/etc/kubernetes/pki/apiserver.key"
tap_status 0 "no backup yet" renewd backup list
tap_is "$OUTPUT" "0 backups" "an empty list says so"
tap_status 75 "a renewal" renewd renew --at="$TEN_DAYS" scheduler.conf
first=$(ids)
old=$(files)
tap_status 75 "another in the same second" renewd renew --at="$TEN_DAYS"
new=$(files)
tap_status 0 "T33 each left a backup" renewd backup list
tap_is "$(grep -cE '^20271111T232600Z-[0-9a-f]+ +(1|16) OK +renew' <<<"$OUTPUT")" 2 "T33 two in one second are two"
tap_is "$(find "$ROOT/var/lib/kube-renewd/backups" -type d ! -perm 700 -o -type f ! -perm 600)" "" \
        "T33 directories are 0700 and files 0600"
tap_status 0 "T33 every file is as noted" renewd backup verify
tap_status 0 "T33 of one backup too" renewd backup verify "$first"
second=$(ids | grep -v -e "$first")

tap_status 0 "a dry run" renewd restore --dry-run "$second" --at="$TEN_DAYS"
tap_like "$OUTPUT" '^/etc/kubernetes/pki/apiserver.crt: .*kube-apiserver' "says what would come back"
tap_like "$OUTPUT" '^16 files would change$' "and how much"
tap_is "$(files)" "$new" "and writes nothing"
tap_status 75 "T33 restored, restarts are owed" renewd restore "$second" --at="$TEN_DAYS"
tap_is "$(files)" "$old" "T33 exact bytes, owner and mode are back"
undo=$(renewd backup list --output=json | jq -r '.[] | select(.reason | startswith("restore")) | .id')
tap_status 75 "restoring can be undone" renewd restore "$undo" --at="$TEN_DAYS"
tap_is "$(files)" "$new" "by the same verb"

tap_status 1 "what has expired is not restored" renewd restore "$first" --at="$EXPIRED"
tap_like "$OUTPUT" '^kube-renewd: .*expired.*--force' "without --force"
tap_status 2 "an unknown id" renewd restore nonesuch
tap_like "$OUTPUT" "'kube-renewd backup list' lists" "is answered with where to look"
tap_status 2 "an id that would lead out" renewd restore ../../../../etc
saved=$ROOT.saved
mv "$ROOT/etc/kubernetes" "$saved"
mkdir -p "$ROOT/etc/kubernetes/pki/etcd"
tap_ok "backups are listed where nothing is left to detect" "$KUBE_RENEWD" --root="$ROOT" backup list
tap_ok "and one can be restored" "$KUBE_RENEWD" --root="$ROOT" restore "$second" --dry-run --force --at="$TEN_DAYS"
rm -r "$ROOT/etc/kubernetes"
mv "$saved" "$ROOT/etc/kubernetes"
tap_status 0 "T33 a backup on request" renewd backup create --at="$TEN_DAYS"
whole=$OUTPUT
before=$(files)
tap_status 0 "T33 is whole" renewd backup verify "$whole"
tap_is "$(renewd backup list --output=json | jq -r ".[] | select(.id == \"$whole\") | .files[]" | sort)" \
        "$(cd "$ROOT" && find etc/kubernetes -type f ! -name 'sa.*' ! -name 'kubelet.*.pem' | sed 's|^|/|' | sort)" \
        "T33 and has all that can be replaced, and no service accounts' keys"
tap_status 2 "it takes no names" renewd backup create now
tap_status 75 "everything is replaced" renewd renew --all --at=2027-11-13
rm "$ROOT/etc/kubernetes/pki/ca.key" "$ROOT/etc/kubernetes/manifests/etcd.yaml"
tap_status 75 "T33 and restored" renewd restore "$whole" --at=2027-11-14
tap_is "$(files)" "$before" "T33 with exact bytes, owner and mode, also of what was lost"
tap_is "$(find "$ROOT/var/lib/kube-renewd/backups" -type d ! -perm 700 -o -type f ! -perm 600)" "" \
        "T33 and nobody else may read any of it"
printf 'x' >>"$(find "$ROOT/var/lib/kube-renewd/backups/$first" -type f ! -name manifest.json | head -n 1)"
tap_status 1 "a damaged backup" renewd backup verify "$first"
tap_status 1 "is not restored" renewd restore "$first" --at=2027-11-14
rm "$ROOT/var/lib/kube-renewd/backups/$first/manifest.json"
tap_status 0 "one without manifest is listed" renewd backup list
tap_like "$OUTPUT" "^$first .*INVALID" "as invalid"
tap_done

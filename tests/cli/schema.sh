#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every document that the program prints or leaves, in several situations, is what share/schema says; and
# what is not is refused. (That the words in the schemas are those of the program: test-schema.c.)

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
# shellcheck source=tests/cli/rotate-lib.sh
. "$SRCDIR/tests/cli/rotate-lib.sh" || exit 99

python=
for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import jsonschema' 2>/dev/null; then
                python=$candidate
                break
        fi
done
[ -n "$python" ] || tap_skip_all "python3-jsonschema is not installed"

# Documents are kept until the end, when one process validates them all: DIRECTORY/NUMBER.json is what
# line NUMBER of stdin (from 1) names the schema of. It prints "NUMBER SCHEMA /place: what is wrong".
cat >"$SCRATCH/validate.py" <<'END'
import json
import pathlib
import sys
import warnings

warnings.simplefilter("ignore")
import jsonschema

schemas, documents = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
validators = {}
for file in schemas.glob("*.schema.json"):
        schema = json.loads(file.read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        validators[file.name] = jsonschema.Draft7Validator(
                schema, resolver=jsonschema.RefResolver(file.as_uri(), schema))
for number, name in enumerate(sys.stdin.read().split(), 1):
        document = json.loads((documents / f"{number}.json").read_text(encoding="utf-8"))
        for error in validators[f"{name}.schema.json"].iter_errors(document):
                place = "/".join(str(step) for step in error.absolute_path)
                print(number, name, f"/{place}: {error.message[:200]}")
print("that is all")
END

documents=$SCRATCH/documents
mkdir "$documents"
schemas=()
titles=()
verdicts=()

# keep VERDICT SCHEMA TITLE FILE...: these are valid, or are refused.
keep() {
        local verdict=$1 schema=$2 title=$3 file

        shift 3
        for file; do
                schemas+=("$schema")
                titles+=("$title")
                verdicts+=("$verdict")
                cp "$file" "$documents/${#schemas[@]}.json"
        done
}

# prints SCHEMA TITLE ARG...: the program prints JSON, and not an empty one.
prints() {
        local schema=$1 title=$2

        shift 2
        renewd "$@" --output=json >"$SCRATCH/printed.json" 2>/dev/null
        tap_like "$(jq -r 'length > 0' "$SCRATCH/printed.json")" true "$title: $* prints something"
        keep valid "$schema" "$title: $*" "$SCRATCH/printed.json"
}

# everything TITLE AT: all that can be asked of this host.
everything() {
        local state=$ROOT/var/lib/kube-renewd

        prints check "$1" check --at="$2"
        prints plan "$1" plan --at="$2"
        prints plan "$1" plan --all --at="$2"
        prints verify "$1" verify --at="$2"
        renewd run --at="$2" >/dev/null 2>&1
        keep valid status "$1: status.json" "$state/public/status.json"
        if [ -n "$(ls -A "$state/public/alarms" 2>/dev/null)" ]; then
                keep valid alarm "$1: an alarm file" "$state/public/alarms/"*.json
                prints alarms "$1" alarms
        fi
        if [ -n "$(ls -A "$state/backups" 2>/dev/null)" ]; then
                prints backup "$1" backup list
        fi
        prints check "$1" check --cached --at="$2"
}

# 1. Every kind of host, and every kind of fault.
host v1.28.7/rsa2048-default
everything "all valid" "$NEW"
everything "ten days left" "$TEN_DAYS"
host v1.28.7/extetcd-external
everything "external etcd, expired" "$EXPIRED"
host v1.20.2/rsa2048-default
rm "$ROOT"/etc/kubernetes/pki/{ca.key,apiserver.key,front-proxy-client.crt,etcd/ca.crt}
printf 'garbage' >"$ROOT/etc/kubernetes/pki/etcd/peer.crt"
printf '{[' >"$ROOT/etc/kubernetes/admin.conf"
everything "much is broken" "$TEN_DAYS"
everything "much is broken, a night later" 2027-11-12T23:26:00Z
rm -r "${ROOT:?}/var"
everything "much is broken, and has expired" "$EXPIRED"
host v1.28.7/ecdsa-p256
sed -n '/^users:/,$p' "$ROOT/etc/kubernetes/admin.conf" | tail -n +2 |
        sed 's/kubernetes-admin/"evil\\e[2J\\x07\\u009b\\u202e"/' >"$SCRATCH/user"
cat "$SCRATCH/user" >>"$ROOT/etc/kubernetes/admin.conf"
mkdir -p "$ROOT/etc/kube-renewd" "$ROOT/root/.kube"
cp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/root/.kube/config"
printf '[certificate apiserver]\nExtraSANs=DNS:new.example\nKeyAlgorithm=RSA-2048\n[certificate etcd-peer]\nRecreateMissing=yes\n' \
        >"$ROOT/etc/kube-renewd/kube-renewd.conf"
rm "$ROOT"/etc/kubernetes/pki/etcd/peer.*
everything "a hostile name, a copy, a missing SAN, one to create" "$NEW"

# Some alarms are shelved.
host v1.28.7/rsa2048-default
rm "$ROOT/etc/kubernetes/pki/ca.key"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[alarms]\nShelve=*@apiserver\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
everything "a shelved alarm" "$TEN_DAYS"
prints alarms "a shelved alarm" alarms --shelved
tap_like "$(jq '.shelved | length' "$SCRATCH/printed.json")" '^1$' "there is one"
keep valid alarm "its file" "$ROOT/var/lib/kube-renewd/public/shelved/"*.json

# A pass that saw nothing, and one whose name nobody knows.
host v1.28.7/rsa2048-default
rm -r "$ROOT/etc/kubernetes/pki"
renewd run --at="$NEW" >/dev/null 2>&1
keep valid status "nothing can be read: status.json" "$ROOT/var/lib/kube-renewd/public/status.json"
find "$ROOT/var/lib/kube-renewd/public/alarms" -name '*.json' -print0 >"$SCRATCH/alarms"
mapfile -t -d '' alarms <"$SCRATCH/alarms"
tap_like "${#alarms[@]}" '^[1-9]' "nothing can be read: there are alarms"
keep valid alarm "nothing can be read: an alarm file" "${alarms[@]}"

# CAs on their way, one whose key is elsewhere, one that cannot be read, one of which somebody has changed a file.
rotating_host v1.28.7/rsa2048-default
mkdir -p "$ROOT/etc/kube-renewd" "$ROOT/opt"
cp "$ROOT/$PKI/apiserver.crt" "$ROOT/opt/client.crt"
printf '[certificate watched]\nCertificate=/opt/client.crt\nCA=kubernetes\nWatch=yes\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
rm "$ROOT/$PKI/front-proxy-ca.key"
printf 'garbage' >"$ROOT/$PKI/etcd/ca.crt"
cp "$ROOT/$PKI/ca.crt" "$SCRATCH/old.crt"
prints rotate-ca "no rotation" rotate-ca --status
for step in prepare trust-both reissue; do
        phase $step --ca=kubernetes >/dev/null 2>&1
        prints rotate-ca "$step" rotate-ca --status
done
cp "$SCRATCH/printed.json" "$SCRATCH/rotate-ca.json"
phase abort --ca=kubernetes >/dev/null 2>&1
prints rotate-ca "abort" rotate-ca --status
tap_is "$(jq -c '[.cas[].state]' "$SCRATCH/printed.json")" '["Aborting","External","Refused"]' "there is one of each state"
cp "$ROOT/opt/client.crt" "$ROOT/$PKI/ca.crt"
prints rotate-ca "somebody's change" rotate-ca --status
tap_is "$(jq -c '[.cas[].state]' "$SCRATCH/printed.json")" '["Unknown","External","Refused"]' "and of the last one"

# 2. What is not as the schemas say is refused.
host v1.28.7/rsa2048-default
rm "$ROOT/etc/kubernetes/pki/etcd/ca.key"
renewd run --at="$TEN_DAYS" >/dev/null 2>&1
renewd plan --all --at="$TEN_DAYS" --output=json >"$SCRATCH/plan.json"
renewd verify --at="$TEN_DAYS" --output=json >"$SCRATCH/verify.json" 2>/dev/null
renewd backup list --output=json >"$SCRATCH/backup.json"
status=$ROOT/var/lib/kube-renewd/public/status.json
jq '.alarms[0]' "$status" >"$SCRATCH/alarm.json"
jq '.alarms' "$status" >"$SCRATCH/alarms.json"
jq '.certificates' "$status" >"$SCRATCH/check.json"
cp "$status" "$SCRATCH/status.json"
while read -r schema change; do
        keep valid "$schema" "$schema before $change" "$SCRATCH/$schema.json"
        jq "$change" "$SCRATCH/$schema.json" >"$SCRATCH/broken.json"
        keep refused "$schema" "$schema: $change" "$SCRATCH/broken.json"
done <<'END'
alarm del(.pass_id)
alarm .type = "surprise"
alarm .severity = "fatal"
alarm .time_created = "2027-11-11 23:26"
alarm .count = 0
alarm .text = "a\u001b[2J"
alarm .more = 1
alarms .[0].resource = ""
alarms .[0] = null
check .[0].status = "FINE"
check .[0].expiryTime = "tomorrow"
check .[0].sha256 = "00"
check .[0].more = 1
check del(.[1].loaded)
status del(.valid_until)
status .valid_until = "2027-02-30T00:00:60Z"
status .exit_status = 4
status .certificates[2].kind = "cert"
status .alarms[0].type = "surprise"
status .shelved = [1]
status del(.shelved)
status .restarts_owed[0].paths[0] = "relative"
status .more = 1
plan .steps[0].action = "improve"
plan .steps[0].new.expiryTime = null
plan del(.proofs)
plan .restarts[0].more = 1
plan .skips[0].outcome = ""
verify .[0].status = "FINE"
verify del(.[0].endpoint)
backup .[0].files[0] = 1
backup .[0].time = 0
rotate-ca .state = "Fine"
rotate-ca .cas[0].state = "Fine"
rotate-ca .cas[0].new.sha256 = "0"
rotate-ca .cas[0].checklist[0].state = "perhaps"
rotate-ca del(.cas[0].owed)
rotate-ca .more = 1
END

# 3. The verdicts.
complaints=$(printf '%s\n' "${schemas[@]}" | "$python" "$SCRATCH/validate.py" "$SRCDIR/share/schema" "$documents" 2>&1)
tap_is "$(tail -n 1 <<<"$complaints")" "that is all" "all documents were looked at"
for ((i = 0; i < ${#schemas[@]}; i++)); do
        found=$(grep "^$((i + 1)) " <<<"$complaints")
        if [ "${verdicts[i]}" = valid ]; then
                tap_empty "$found" "${titles[i]} is valid"
        else
                tap_like "$found" "^$((i + 1)) ${schemas[i]} /" "${titles[i]} is refused"
        fi
done

# 4. Everything that is in the tree is installed.
tap_is "$(cd "$SRCDIR/share/schema" && ls)" "$(sed -n 's,^\tshare/schema/\([a-z.-]*\).*,\1,p' "$SRCDIR/share/Makemodule.am")" \
        "every schema is installed"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# V8: files of this host in a Secret of a real API server, and the way back: with the roles of the examples,
# against somebody who writes at the same time, without an answer, and on a standby (the same machine, with
# older files).

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

examples=/usr/share/doc/kube-renewd/examples
secret=control-plane-certs

# stored KEY: what the Secret has under that key.
stored() {
        bed kubectl -n standby get secret $secret -o json | jq -r --arg key "$1" '.data[$key] // empty' | base64 -d
}

# stored_keys: their names.
stored_keys() {
        bed kubectl -n standby get secret $secret -o json | jq -r '.data | keys | join(" ")'
}

# is_published TITLE: each file is there as it is on disk.
is_published() {
        local key path

        while read -r key path; do
                tap_is "$(stored "$key" | sha256sum)" "$(bed cat "/etc/kubernetes/$path" | sha256sum)" "V8 $1: $key is there"
        done <<'END'
ca.crt pki/ca.crt
web.pem pki/web.crt
web.key pki/web.key
admin.conf admin.conf
END
}

# patch JSON: somebody else changes the Secret.
patch() {
        bed kubectl -n standby patch secret $secret --type=merge -p "$1" >/dev/null
}

has_token() {
        [ -n "$(bed kubectl -n standby get sa "$1" -o 'jsonpath={.secrets[0].name}')" ]
}

# account NAME: /etc/kube-renewd/NAME.conf, with the token of that service account.
account() {
        tap_ok "there is a token of kube-renewd-$1" bed_wait 30 has_token "kube-renewd-$1"
        bed sh -ec 'umask 077; cd /etc/kube-renewd; config="kubectl config --kubeconfig=$0.conf"
                secret=$(kubectl -n standby get sa "kube-renewd-$0" -o "jsonpath={.secrets[0].name}")
                kubectl -n standby get secret "$secret" -o "jsonpath={.data.token}" | base64 -d >"$0.token"
                $config set-cluster k --server=https://192.0.2.11:6443 --embed-certs \
                        --certificate-authority=/etc/kubernetes/pki/ca.crt
                $config set-credentials u; $config set users.u.tokenFile "$0.token"
                $config set-context x --cluster=k --user=u; $config use-context x' "$1" >/dev/null
}

# version: of the Secret; another one after each change.
version() {
        bed kubectl -n standby get secret $secret -o 'jsonpath={.metadata.resourceVersion}'
}

# section publish|fetch SOURCE...
section() {
        printf '[%s control-plane]\nSource=%s\nData=web.pem:web.crt\nKubeconfig=%s\nNamespace=standby\nSecret=%s\n' \
                "$1" "${*:2}" "/etc/kube-renewd/$1.conf" $secret | bed_config "$1"
}

bed_machine publish
bed_now >"$SCRATCH/since"
testbed put -m "$BED" "$SRCDIR/packaging/kubernetes" $examples # dpkg leaves them out here
bed mkdir -p /etc/kube-renewd
tap_ok "the API server takes the roles" bed sh -ec 'kubectl create namespace standby
        for file in "$0"/secret-*.yaml; do kubectl -n standby apply -f "$file"; done' $examples
account publish
account fetch
# A pair that nobody waits for.
bed_config test <<'END'
[certificate web]
Certificate=/etc/kubernetes/pki/web.crt
Key=/etc/kubernetes/pki/web.key
CA=kubernetes
CommonName=web
SANs=DNS:web.test
Usage=server
RecreateMissing=yes
END
section publish ca web admin.conf

# 1. It is made.
tap_like "$(bed kube-renewd plan)" 'Secret standby/control-plane-certs' "V8 the plan says what would be published"
bed_started 0 "V8 a pass publishes"
is_published "made"
tap_is "$(stored_keys)" "admin.conf ca.crt web.key web.pem" "V8 and no key of a CA"
tap_is "$(bed_alarms)" "" "no alarm"

# 2. Others write at the same time: what they write stays, and so does what we do.
bed_age --files --only admin.conf 10
bed sh -c 'touch /run/writers; for i in 1 2; do
        while [ -e /run/writers ]; do
                kubectl -n standby patch secret "$0" --type=merge -p "{\"data\": {\"other$i\": \"dGhlaXJz\"}}" >/dev/null
                kubectl -n standby annotate --overwrite secret "$0" "test/$i=$(date +%N)" >/dev/null
        done &
done; wait' $secret >/dev/null 2>&1 &
writers=$!
bed_start
tap_like "$STATUS" '^(0|75)$' "V8 a pass while others write"
bed rm /run/writers
wait "$writers"
bed_started 0 "V8 and one after that"
is_published "others write"
tap_is "$(stored_keys)" "admin.conf ca.crt other1 other2 web.key web.pem" "V8 keys that nobody has named are kept"

# 3. Nobody answers.
bed sed -i 's/:6443/:6444/' /etc/kube-renewd/publish.conf
bed_started 0 "V8 a night without an answer is nothing where nothing is new"
tap_is "$(bed_alarms)" "" "V8 and no alarm"
bed_age --files --only admin.conf 10
bed_started 75 "V8 no API server: it is owed"
tap_is "$(bed_days admin.conf)" 365 "V8 while the file is renewed"
tap_is "$(bed_alarm stale-copy publish-control-plane)" minor "V8 the alarm"
tap_like "$(bed_alarm stale-copy publish-control-plane .reason)" 'is owed them since .*; .*6444' "V8 says why"
bed sed -i 's/:6444/:6443/' /etc/kube-renewd/publish.conf
bed_started 0 "V8 the next pass"
is_published "owed"
tap_is "$(bed_alarms)" "" "V8 the alarm is gone"

# 4. A standby: older files, and one pair is not there.
bed_unconfig publish
section fetch web admin.conf
published=$(bed_leaf admin.conf)
pair=$(bed sh -c 'cat /etc/kubernetes/pki/web.*' | sha256sum)
bed_age --files --only admin.conf 10
bed rm /etc/kubernetes/pki/web.crt /etc/kubernetes/pki/web.key
tap_like "$(bed kube-renewd plan)" "Secret 'standby/control-plane-certs' holds a newer one" "V8 the plan of a standby says so"
bed_started 0 "V8 a standby takes what is newer"
tap_is "$(bed_leaf admin.conf)" "$published" "V8 the kubeconfig has the published certificate"
tap_is "$(bed sh -c 'cat /etc/kubernetes/pki/web.*' | sha256sum)" "$pair" "V8 the pair is the published one"
tap_is "$(bed stat -c %a /etc/kubernetes/pki/web.key)" 600 "V8 its key is for root alone"
tap_ok "V8 and it works" bed kubectl get --raw /readyz

# 5. One that is not sound refuses all of it.
bed_age --files --only admin.conf 10
before=$(bed_leaf admin.conf)
patch "{\"data\": {\"web.key\": \"$(bed base64 -w 0 /etc/kubernetes/pki/front-proxy-client.key)\"}}"
bed_started 1 "V8 a key that does not belong"
tap_is "$(bed_leaf admin.conf)" "$before" "V8 nothing is taken, and nothing is due before the limit"
tap_is "$(bed_alarm stale-copy fetch-control-plane .reason)" \
        "Secret 'standby/$secret': 'web': the key does not belong to the certificate" "V8 the alarm says why"
patch "{\"data\": {\"web.key\": \"$(bed base64 -w 0 /etc/kubernetes/pki/web.key)\"}}"
bed_started 0 "V8 it is sound again"
tap_is "$(bed_leaf admin.conf)" "$published" "V8 and taken"
tap_is "$(bed_alarms)" "" "V8 the alarm is gone"

# 6. Both sections on one host: what is newer is taken, and nothing is written back.
section publish ca web admin.conf
bed_age --files --only admin.conf 10
before=$(version)
bed_started 0 "V8 both ways"
tap_is "$(bed_leaf admin.conf)" "$published" "V8 what is newer is taken"
tap_is "$(stored web.key | sha256sum)" "$(bed cat /etc/kubernetes/pki/web.key | sha256sum)" "V8 and is what is published"
tap_is "$(version)" "$before" "V8 nothing is written back"

# 7. What nobody must read.
bed journalctl -q -o export --since "@$(cat "$SCRATCH/since")" >"$SCRATCH/journal"
tap_like "$(grep -c kube-renewd "$SCRATCH/journal")" '^[0-9]{2,}$' "the journal has the words of the service"
for text in "$(bed sed -n 2p /etc/kubernetes/pki/web.key)" "$(bed base64 -w 60 /etc/kubernetes/pki/web.key | sed -n 3p)"; do
        tap_like "$text" '^.{40}' "there is a key"
        tap_is "$(grep -cF -- "$text" "$SCRATCH/journal")" 0 "no key is in the journal"
done
bed_explained
tap_done

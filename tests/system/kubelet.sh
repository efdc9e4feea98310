#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real kubelet that cannot renew its own certificate: expired while the host was off, or a plain file
# where its certificate store wants a link. An alarm, and renew --kubelet.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

bed_machine kubelet
current=/var/lib/kubelet/pki/kubelet-client-current.pem

link() {
        bed readlink "$current"
}

# node_is_ready: and it is the kubelet of now that says so.
node_is_ready() {
        [ "$(bed kubectl get node cp1 -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ] &&
                [[ $(bed kubectl -n kube-node-lease get lease cp1 -o jsonpath='{.spec.renewTime}') > $repaired ]]
}

api_answers() {
        bed curl -fsko /dev/null https://127.0.0.1:6443/readyz
}

# expired FILE: stops the kubelet; the same node, the same key, a year that ended long ago.
expired() {
        bed bash -euc '
                cd /var/lib/kubelet/pki
                systemctl stop kubelet
                openssl req -new -key "$1" -subj /O=system:nodes/CN=system:node:cp1 |
                        faketime -f -400d openssl x509 -req -days 365 -set_serial 4711 \
                                -CA /etc/kubernetes/pki/ca.crt -CAkey /etc/kubernetes/pki/ca.key \
                                -extfile <(echo extendedKeyUsage=clientAuth) >new
                (umask 077; { cat new; openssl pkey -in "$1"; } >old)
                mv old "$0"
                rm new' "$1" "$current"
}

# 1. It has expired, and the API server still runs.
old=kubelet-client-2020-01-01-00-00-00.pem
tap_ok "the kubelet has a certificate that has expired" expired "$old"
bed sh -ec 'ln -sfn "/var/lib/kubelet/pki/$0" "$1"; systemctl start --no-block kubelet' "$old" "$current"
tap_ok "with which it does not start" bed_wait 60 bed sh -c '[ "$(systemctl show -P NRestarts kubelet)" -gt 0 ]'
bed_started 0 "a night that renews nothing"
tap_is "$(bed_alarm kubelet-rotation-stuck kubelet.conf)" critical "T42 the alarm" || tap_note "$(bed_alarms)"
tap_status 0 "T42 renew --kubelet" bed kube-renewd renew --kubelet || tap_note "$(bed journalctl -q -n 20 -u kubelet)"
repaired=$(bed date -u +%FT%T)
tap_unlike "$(link)" '2020-01-01' "T42 the link leads to a new file"
tap_ok "T42 the kubelet runs" bed systemctl is-active kubelet
tap_ok "T42 and reports that its node is ready" bed_wait 60 node_is_ready
tap_is "$(bed_alarms)" "" "T42 no alarm is left"
tap_is "$(bed_events CERTIFICATE_RENEWED CERTIFICATE)" "" "T42 it was not the service that did it"

# 2. Somebody has restored it from an archive.
bed sh -ec 'cp --remove-destination "$(readlink "$0")" "$0"; systemctl restart kubelet' "$current"
bed_started 0 "the next night"
tap_is "$(bed_alarm kubelet-rotation-stuck kubelet.conf)" major "T42 a plain file: the alarm"

# While the host is off it expires, and when it is on again nobody starts the API server.
tap_ok "and it has expired" expired "$(basename "$current")"
bed sh -c 'ctr -n k8s.io tasks ls -q | xargs -n 1 ctr -n k8s.io tasks kill -a -s KILL
        systemctl start --no-block kubelet'
sum=$(bed sha256sum "$current" | cut -d' ' -f1)
tap_ok "with which the kubelet does not start" bed_wait 60 bed sh -c '[ "$(systemctl show -P NRestarts kubelet)" -gt 0 ]'
tap_is "$(api_answers && echo yes)" "" "and the API server does not run"
tap_status 0 "T42 renew --kubelet" bed kube-renewd renew --kubelet || tap_note "$(bed journalctl -q -n 20 -u kubelet)"
repaired=$(bed date -u +%FT%T)
tap_like "$(link)" "^/var/lib/kubelet/pki/kubelet-client-20" "T42 a link again"
tap_is "$(bed sh -c 'sha256sum /var/lib/kubelet/pki/*-replaced.pem' | cut -d' ' -f1)" "$sum" "T42 the file is kept"
tap_ok "T42 the kubelet runs with it" bed systemctl is-active kubelet
tap_ok "T42 and starts the API server" bed_wait 240 api_answers
tap_ok "T42 and its node is ready" bed_wait 120 node_is_ready
tap_is "$(bed_alarms)" "" "T42 no alarm is left"

# 3. Where the CA is elsewhere.
before=$(link)
bed mv /etc/kubernetes/pki/ca.key /root/ca.key
tap_status 1 "T42 refused without the key of the CA" bed kube-renewd renew --kubelet
tap_like "$OUTPUT" "^kubelet.conf: failed: CA 'ca' cannot sign: " "T42 in one sentence"
tap_is "$(link)" "$before" "T42 and nothing has changed"
bed_explained
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real control plane gets new CAs, all three of them, while clients go on: old and new ones, who trust the old
# CA, the new one or both, ask the API server and etcd every 100 ms. Nobody is refused for trust before trust-new;
# then the old ones are, and the new ones work. Before that, the way back from trust-both and from reissue.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

tool=$BUILDDIR/tests/system/ask-as
api=https://kubernetes:6443/api
etcd=https://localhost:2379/health
manifests=/etc/kubernetes/manifests
clients=()

# client NAME URL PORT FILE...: one more who asks every 100 ms.
client() {
        local name=$1 url=$2 port=$3

        shift 3
        bed systemd-run -q -u "ask-$name" -p StandardOutput="truncate:/run/ask-$name" \
                /root/ask-as "$url" "127.0.0.1:$port" 100 "$@"
        clients+=("$name")
}

# refused NAME SINCE: what was refused to that client since then, for trust or by a status. A server that is just
# ending resets connections, and one that is not ready yet says 503; one that refuses says why.
refused() {
        bed awk -v since="$2" '$1 >= since && $2 != "200" && $2 != "none" && $2 !~ /^5/ && !/reset by peer|SSL_ERROR_SYSCALL/' "/run/ask-$1" | head -n 3
}

# answered NAME SINCE: how many of its requests were answered since then.
answered() {
        bed awk -v since="$2" '$1 >= since && $2 == "200" { n++ } END { print n + 0 }' "/run/ask-$1"
}

# nobody_refused SINCE TITLE
nobody_refused() {
        local name

        for name in "${clients[@]}"; do
                tap_empty "$(refused "$name" "$1")" "T16 $2: $name is refused nothing"
                tap_like "$(answered "$name" "$1")" '^[1-9][0-9]+$' "T16 $2: and is answered"
        done
}

# phase NAME [STATUS] [OPTION...]: rotate-ca does it; all is proven then.
phase() {
        local name=$1 status=${2:-0}

        shift; shift
        begin=$(bed_now)
        tap_status "$status" "T16 rotate-ca --phase=$name" \
                bed env SYSTEMD_LOG_TARGET=journal kube-renewd rotate-ca --phase="$name" --yes "$@" || tap_note "$OUTPUT"
        sleep 1
}

# settled TITLE: the cluster is well after a phase.
settled() {
        tap_ok "T16 $1: the API server is ready" bed_wait 60 bed kubectl get --raw /readyz
        tap_ok "T16 $1: the node is ready" bed_wait 120 bed sh -c 'kubectl get nodes --no-headers | grep -q " Ready "' ||
                tap_note "$(bed kubectl get nodes; bed journalctl -q -u kubelet -n 8 --no-pager)"
        tap_status 0 "T16 $1: verify finds nothing" bed kube-renewd verify || tap_note "$OUTPUT"
        # Who signs has one certificate, or it would not have begun: a controller that does its work is proof.
        tap_ok "T16 $1: the kubelet lets the API server in" bed kubectl -n kube-system logs --tail=1 etcd-cp1
        bed kubectl create namespace "works-$((++works))" >/dev/null
        tap_ok "T16 $1: the controller manager works" \
                bed_wait 60 bed kubectl -n "works-$works" get serviceaccount default
}

# fingerprints FILE: of each certificate in it, one a line.
fingerprints() {
        bed sh -c 'awk "/BEGIN CERT/ { n++ } { print > (\"/run/part-\" n) }" "$0"
                for part in /run/part-?*; do openssl x509 -in "$part" -outform der 2>/dev/null | sha256sum; done |
                        cut -d" " -f1; rm -f /run/part-*' "$(bed_path "$1")"
}

# status FILTER: of `rotate-ca --status`.
status() {
        bed kube-renewd rotate-ca --status --output=json | jq -r "$1"
}

# as_kubeconfig FILE CA: a copy of admin.conf that trusts this CA file alone.
as_kubeconfig() {
        bed sh -c 'ca=$(base64 -w0 "$1")
                sed "s|certificate-authority-data:.*|certificate-authority-data: $ca|" "${2:-/etc/kubernetes/admin.conf}" >"$0"' "$@"
}

# kubelet_name: who its client certificate says that it is.
kubelet_name() {
        bed openssl x509 -in /var/lib/kubelet/pki/kubelet-client-current.pem -noout -subject
}

[ -x "$tool" ] || tap_skip_all "there is no ask-as in this build"
bed_machine rotate-ca
testbed put -m "$BED" "$tool" /root/ask-as
works=0
name=$(kubelet_name)
cas=(pki/ca.crt pki/etcd/ca.crt pki/front-proxy-ca.crt)
old=$(bed_leaves "${cas[@]}")
before=$(bed sh -c 'cd /etc/kubernetes && find . -type f | sort | xargs sha256sum')
manifest=$(bed sha256sum "$manifests/kube-controller-manager.yaml")
token=$(bed sh -c 'kubectl -n kube-system get secret -o json |
        jq -r "[.items[] | select(.type == \"kubernetes.io/service-account-token\")][0].data.token" | base64 -d')

# 1. Who asks. The old ones keep what they have today, and one of each trusts the old CA alone.
bed sh -c 'mkdir /root/old /root/new
        cd /etc/kubernetes && cp -r admin.conf pki/ca.crt pki/etcd /root/old'
client old-admin "$api" 6443 /root/old/admin.conf
client new-admin "$api" 6443 /etc/kubernetes/admin.conf
client old-etcd "$etcd" 2379 /root/old/etcd/ca.crt /root/old/etcd/healthcheck-client.crt /root/old/etcd/healthcheck-client.key
client new-etcd "$etcd" 2379 /etc/kubernetes/pki/etcd/{ca.crt,healthcheck-client.crt,healthcheck-client.key}

# 2. Nothing without --yes.
tap_status 0 "a dry run is well" bed kube-renewd rotate-ca
tap_is "$(bed sh -c 'cd /etc/kubernetes && find . -type f | sort | xargs sha256sum')" "$before" "a dry run changes nothing"
tap_is "$(status .state)" Ready "the state says so"

# 3. On to reissue. From now on there are those who trust the new CA alone.
phase prepare
bed sh -c 'jq -r .new.pem /var/lib/kube-renewd/ca-rotation/kubernetes.json >/root/new/ca.crt'
tap_is "$(status '.cas[0].phase')" prepare "the new CA is made, and nobody knows it"
phase trust-both
settled "trust-both"
nobody_refused "$begin" "trust-both"
tap_is "$(status .state)" CertificateAuthorityRotating "the state says so"
tap_is "$(fingerprints pki/ca.crt | head -n 1)" "$(head -n 1 <<<"$old")" "trust-both: who reads the first one sees who signs"
tap_is "$(fingerprints pki/ca.crt | wc -l)" 2 "trust-both: two are trusted"
as_kubeconfig /root/new/new-only.conf /root/new/ca.crt
as_kubeconfig /root/old/new-only.conf /root/new/ca.crt /root/old/admin.conf
client new-only-old-leaf "$api" 6443 /root/old/new-only.conf
sleep 2
nobody_refused "$begin" "trust-both, with those who trust the new CA alone"

phase reissue
settled "reissue"
nobody_refused "$begin" "reissue"
tap_is "$(fingerprints pki/ca.crt | sed -n 2p)" "$(head -n 1 <<<"$old")" "reissue: the old CA comes second now"
as_kubeconfig /root/new/new-only.conf /root/new/ca.crt
as_kubeconfig /root/new/old-only.conf /root/old/ca.crt
client new-only "$api" 6443 /root/new/new-only.conf
client old-only "$api" 6443 /root/new/old-only.conf
sleep 2
nobody_refused "$begin" "reissue, with those who trust one CA alone"
tap_is "$(kubelet_name)" "$name" "the kubelet has its name"
tap_ok "the kubelet's certificate is of the new CA" bed sh -c 'openssl verify -partial_chain -trusted /root/new/ca.crt \
        /var/lib/kubelet/pki/kubelet-client-current.pem'

# 4. Back from reissue, in two steps: everything is as it was.
phase abort
settled "abort after reissue"
nobody_refused "$begin" "abort after reissue"
tap_is "$(fingerprints pki/ca.crt | head -n 1)" "$(head -n 1 <<<"$old")" "abort after reissue: the old CA signs again"
tap_is "$(fingerprints pki/ca.crt | wc -l)" 2 "abort after reissue: both are trusted while leaves of the new one may be about"
bed systemctl stop ask-new-only ask-old-only ask-new-only-old-leaf
clients=(old-admin new-admin old-etcd new-etcd)
phase abort
settled "abort after trust-both"
nobody_refused "$begin" "abort after trust-both"
tap_is "$(bed_leaves "${cas[@]}")" "$old" "abort after trust-both: the CAs are the old ones"
tap_is "$(bed sha256sum "$manifests/kube-controller-manager.yaml")" "$manifest" "abort after trust-both: the manifest is, too"
tap_is "$(fingerprints pki/ca.crt | wc -l)" 1 "abort after trust-both: and nobody else is trusted"
tap_is "$(status .state)" Ready "abort after trust-both: no rotation is under way"

# 5. Once more, all the way.
phase prepare
phase trust-both
phase reissue
nobody_refused "$begin" "reissue"
tap_empty "$(status '.cas[].checklist[] | select(.state == "unknown") | .name')" "everything on the checklist could be asked"
phase trust-new 75
tap_like "$OUTPUT" "cluster-info, open: the CA that goes is all that is" "trust-new waits for who trusts the old CA alone" ||
        tap_note "$OUTPUT"
tap_ok "the remedy of the checklist" bed kubeadm init phase bootstrap-token --skip-token-print \
        --config /etc/kubeadm/init.yaml
tap_ok "helps" bed_wait 90 bed sh -c 'kube-renewd rotate-ca --status --output=json |
        jq -e "[.cas[].checklist[] | select(.state == \"open\")] == []"' || tap_note "$(status '.cas[].checklist[]')"
phase trust-new
settled "trust-new"
new=$(bed_leaves "${cas[@]}")
tap_empty "$(comm -12 <(sort <<<"$old") <(sort <<<"$new"))" "trust-new: every CA is another one"
tap_is "$(fingerprints pki/ca.crt | wc -l)" 1 "trust-new: and alone"
tap_is "$(bed sha256sum "$manifests/kube-controller-manager.yaml")" "$manifest" "trust-new: the manifest is as it was"
tap_is "$(status .state)" Ready "trust-new: no rotation is under way"
begin=$(bed_now)
sleep 3
for who in old-admin old-etcd; do
        tap_is "$(answered "$who" "$begin")" 0 "T16 trust-new: $who is refused"
        tap_like "$(refused "$who" "$begin")" . "T16 trust-new: by somebody who answers"
done
for who in new-admin new-etcd; do
        tap_empty "$(refused "$who" "$begin")" "T16 trust-new: $who is refused nothing"
        tap_like "$(answered "$who" "$begin")" '^[1-9]' "T16 trust-new: and is answered"
done
tap_is "$(bed curl -sk -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" https://127.0.0.1:6443/api)" 200 \
        "a service account's token of before is valid"
tap_is "$(bed_alarms | grep -v expiring)" "" "there is no alarm"
tap_empty "$(bed sh -c 'ls /var/lib/kube-renewd/ca-rotation 2>/dev/null')" "nothing of it is left"
bed_explained
tap_done

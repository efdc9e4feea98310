#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T19 on a real control plane: `kubeadm certs renew all` writes all files, in place and without any lock, while a pass does.
# Whoever wins, no pair is left mixed, the next pass finds nothing broken, and the control plane works. Then what a pass
# that speaks to real servers leaves in its memory, and what a hostile environment makes of it.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/bed.sh
. "$(dirname "$0")/bed.sh" || exit 99

memory=$BUILDDIR/tests/crash/memory
[ -x "$memory" ] || tap_skip_all "'$memory' is not built"

leaves=(pki/apiserver.crt pki/apiserver-kubelet-client.crt pki/front-proxy-client.crt pki/apiserver-etcd-client.crt
        pki/etcd/server.crt pki/etcd/peer.crt pki/etcd/healthcheck-client.crt
        admin.conf controller-manager.conf scheduler.conf)

# unpaired: certificates whose key is another's, in files and in kubeconfigs.
unpaired() {
        bed bash -c 'cd /etc/kubernetes
                of() { openssl x509 -noout -pubkey 2>&1; }
                for f in pki/*.crt pki/etcd/*.crt; do
                        [ "$(of <"$f")" = "$(openssl pkey -pubout -in "${f%.crt}.key" 2>&1)" ] || echo "$f"
                done
                for f in admin.conf controller-manager.conf scheduler.conf; do
                        [ "$(sed -n "s/^ *client-certificate-data: //p" $f | base64 -d | of)" = \
                                "$(sed -n "s/^ *client-key-data: //p" $f | base64 -d | openssl pkey -pubout 2>&1)" ] || echo "$f"
                done'
}

# together DELAY: both at once, kubeadm that many seconds later. Their exit statuses are $OUTPUT.
together() {
        OUTPUT=$(bed bash -c 'kube-renewd run >/root/pass.log 2>&1 & pass=$!
                sleep "$0"
                kubeadm certs renew all >/root/kubeadm.log 2>&1 & kubeadm=$!
                wait $pass; echo "pass $?"
                wait $kubeadm; echo "kubeadm $?"' "$1" 2>&1)
}

bed_machine hostile
bed systemctl stop kube-renewd.timer
# What is about files needs no restarts, after which the kubelet would make everybody wait.
for component in etcd kube-apiserver kube-controller-manager kube-scheduler; do
        printf '[component %s]\nRestart=never\n' $component
done | bed_config restarts
told=0
for delay in 0 0.1 0.2 0.3 0.5; do
        bed_age --files 10
        before=$(bed_leaves "${leaves[@]}")
        together $delay
        tap_like "$OUTPUT" '^pass (0|1|75)$' "T19 kubeadm $delay s later: the pass ends in its own way"
        tap_like "$OUTPUT" '^kubeadm [01]$' "T19 so does kubeadm"
        tap_empty "$(unpaired)" "T19 every key belongs to its certificate"
        tap_empty "$(comm -12 <(sort <<<"$before") <(bed_leaves "${leaves[@]}" | sort))" "T19 none of the old ones is left"
        ! bed grep -qE 'somebody else|foreign' /root/pass.log || told=$((told + 1))
done
tap_note "the pass has met kubeadm in $told of 5 times"
bed_unconfig restarts
bed_config short <<'END'
[component kube-controller-manager]
StopTimeout=2s
[component kube-scheduler]
StopTimeout=2s
END
bed_started 0 "T19 the next night proves all, and restarts what has to be"
tap_is "$(bed kube-renewd check --no-headings --columns=status "${leaves[@]##*/}" 2>/dev/null | grep -vc OK)" 0 "T19 every certificate is fine"
tap_status 0 "T19 and used" bed kube-renewd verify
tap_is "$(bed_alarms)" "" "T19 no alarm is left"
tap_is "$(bed sh -c 'find /etc/kubernetes /var/lib/kube-renewd -name ".kube-renewd-*" -o -name "transaction.*"')" "" "T19 and nothing else"
tap_ok "kubectl is served" bed_wait 60 bed kubectl --kubeconfig=/etc/kubernetes/admin.conf get nodes

# A pass that tries credentials, asks the runtime, and shakes hands.
testbed put -m "$BED" "$memory" /root/memory
testbed put -m "$BED" "$SRCDIR/tests/crash/private-numbers" /root/private-numbers
bed systemctl restart kubelet # forgets how often it has had to start them
bed_age --files 10
tap_ok "a pass with real neighbours leaves no key in memory" \
        bed /root/memory '/root/private-numbers /etc/kubernetes /var/lib/kube-renewd/backups' kube-renewd run
tap_is "$(bed_days admin.conf) $(bed_days pki/apiserver.crt)" "365 365" "and has renewed"
tap_empty "$(bed sh -c 'journalctl -q _COMM=kube-renewd -o export | grep -aE "PRIVATE KEY|client-key-data|LS0tLS1CRUdJTi"')" \
        "no key is in the journal"

# What a shell of root may have in its environment.
bed systemctl restart kubelet
bed_age --files --only admin.conf,apiserver,scheduler.conf 10
environment=(http_proxy=http://192.0.2.99:1 https_proxy=http://192.0.2.99:1 HTTPS_PROXY=http://192.0.2.99:1
        ALL_PROXY=socks5://192.0.2.99:1 NO_PROXY= SSL_CERT_FILE=/nowhere SSL_CERT_DIR=/nowhere CURL_CA_BUNDLE=/nowhere
        CURL_HOME=/nowhere SSLKEYLOGFILE=/root/keylog OPENSSL_CONF=/nowhere GNUTLS_SYSTEM_PRIORITY_FILE=/nowhere
        GNUTLS_DEBUG_LEVEL=9 KUBECONFIG=/nowhere HOME=/nowhere TMPDIR=/nowhere LC_ALL=xx TZ=:/nowhere)
tap_status 0 "a hostile environment does not keep a pass from renewing and proving" \
        bed env "${environment[@]}" timeout 300 kube-renewd run
tap_is "$(bed_days admin.conf) $(bed_days pki/apiserver.crt)" "365 365" "the certificates are new"
tap_status 0 "nor from showing it" bed env "${environment[@]}" timeout 300 kube-renewd verify
tap_ok "and no secrets of its connections are written down" bed test ! -e /root/keylog
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# explain: who signed it, who uses it, what a new file needs, what breaks.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

host v1.28.7/rsa2048-default
for name in apiserver controller-manager.conf etcd-ca kubelet.conf admin.conf; do
        tap_status 0 "$name can be explained" renewd explain "$name" --at="$NEW"
        golden "explain-$name.text" "$name as people read it"
done
mkdir -p "$ROOT/root/.kube"
cp "$ROOT/etc/kubernetes/admin.conf" "$ROOT/root/.kube/config"
tap_status 0 "a copy" renewd explain admin.conf --at="$NEW"
tap_like "$OUTPUT" '^  copied to   /root/.kube/config$' "is told"
echo "# mine" >>"$ROOT/root/.kube/config"
tap_status 0 "one that was edited" renewd explain admin.conf --at="$NEW"
tap_like "$(tr -s ' \n' ' ' <<<"$OUTPUT")" "copied to /root/.kube/config '/root/.kube/config' is not what" "too, and how it differs"
fingerprint=$(openssl x509 -noout -fingerprint -sha256 -in "$ROOT/etc/kubernetes/pki/etcd/server.crt" |
        sed 's/.*=//; s/://g' | tr A-F a-f)
tap_status 0 "etcd-server" renewd explain etcd-server --at="$NEW"
tap_like "$OUTPUT" "^  SHA-256     $fingerprint\$" "the fingerprint is openssl's"
tap_status 2 "an unknown name is a usage error" renewd explain apisrever
tap_like "$OUTPUT" "did you mean 'apiserver'\?" "answered with the nearest"
tap_status 2 "no name is a usage error" renewd explain
rm "$ROOT/etc/kubernetes/pki/ca.key"
tap_status 0 "T10 without the CA's key" renewd explain apiserver --at="$NEW"
tap_like "$OUTPUT" '^  signed by .*its key is elsewhere' "T10 the key is elsewhere"
tap_like "$(tr -s ' \n' ' ' <<<"$OUTPUT")" 'due never: it is signed elsewhere' "T10 so it is never due"
rm "$ROOT/etc/kubernetes/pki/apiserver.crt"
tap_status 0 "T05 what is missing can be explained" renewd explain apiserver --at="$NEW"
tap_like "$OUTPUT" '^  state       MISSING$' "T05 as missing"
host v1.20.2/rsa2048-default
tap_status 0 "on an older host" renewd explain apiserver --at="$NEW"
tap_like "$(tr -s ' \n' ' ' <<<"$OUTPUT")" "kube-apiserver 1.20.2: --tls-cert-file, --tls-private-key-file is not \
relied on to load it by itself before 1.23: restart" "its version counts"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[component kube-scheduler]\nRestart=never\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 0 "what is restarted by hand" renewd explain scheduler.conf --at="$NEW"
tap_like "$OUTPUT" 'keeps embedded credentials: restart, by hand \(Restart=never\)$' "is said so"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layouts k0s and k0s-worker, on trees as a start of them leaves: github.com/k0sproject/k0s
# cmd/controller/certificates.go, pkg/component/controller/etcd.go (setupCerts), pkg/certificate/manager.go,
# pkg/component/worker/kubelet.go. Names of CAs, subjects and their groups, and a year are theirs.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
# shellcheck source=tests/cli/product-lib.sh
. "$SRCDIR/tests/cli/product-lib.sh" || exit 99

PKI=var/lib/k0s/pki

leaves() {
        local name

        leaf $PKI/admin $PKI/ca /O=system:masters/CN=kubernetes-admin clientAuth,serverAuth
        leaf $PKI/konnectivity $PKI/ca /O=system:masters/CN=kubernetes-konnectivity clientAuth,serverAuth
        leaf $PKI/ccm $PKI/ca /O=system:kube-controller-manager/CN=system:kube-controller-manager clientAuth,serverAuth
        leaf $PKI/scheduler $PKI/ca /O=system:kube-scheduler/CN=system:kube-scheduler clientAuth,serverAuth
        leaf $PKI/apiserver-kubelet-client $PKI/ca /O=system:masters/CN=apiserver-kubelet-client clientAuth,serverAuth
        leaf $PKI/server $PKI/ca /O=kubernetes/CN=kubernetes clientAuth,serverAuth DNS:kubernetes,DNS:localhost,IP:127.0.0.1
        leaf $PKI/k0s-api $PKI/ca /O=kubernetes/CN=k0s-api clientAuth,serverAuth DNS:kubernetes,DNS:localhost,IP:127.0.0.1
        leaf $PKI/front-proxy-client $PKI/front-proxy-ca /O=front-proxy-client/CN=front-proxy-client clientAuth,serverAuth
        leaf $PKI/apiserver-etcd-client $PKI/etcd/ca /O=apiserver-etcd-client/CN=apiserver-etcd-client clientAuth,serverAuth IP:127.0.0.1
        leaf $PKI/etcd/server $PKI/etcd/ca /O=etcd-server/CN=etcd-server clientAuth,serverAuth DNS:localhost,IP:127.0.0.1
        leaf $PKI/etcd/peer $PKI/etcd/ca /O=etcd-peer/CN=192.0.2.10 clientAuth,serverAuth IP:192.0.2.10
        for name in admin konnectivity ccm scheduler; do
                embedded $PKI/$name.conf $PKI/$name $PKI/ca.crt
        done
}

# kubelet CA: its own, of a worker.
kubelet() {
        local directory=var/lib/k0s/kubelet/pki

        leaf $directory/client "$1" /O=system:nodes/CN=system:node:node-1 clientAuth "" "${2:-365}"
        leaf $directory/server "$1" /O=system:nodes/CN=system:node:node-1 serverAuth IP:192.0.2.10
        for name in client server; do
                cat "$ROOT/$directory/$name".{crt,key} >"$ROOT/$directory/kubelet-$name-2026-11-22-00-00-00.pem"
                ln -s "kubelet-$name-2026-11-22-00-00-00.pem" "$ROOT/$directory/kubelet-$name-current.pem"
                rm "$ROOT/$directory/$name".{crt,key}
        done
        by_files var/lib/k0s/kubelet.conf $directory/kubelet-client-current $PKI/ca.crt
        sed -i 's/current\.\(crt\|key\)/current.pem/' "$ROOT/var/lib/k0s/kubelet.conf"
}

controller() {
        product
        authority $PKI/ca kubernetes-ca
        authority $PKI/front-proxy-ca kubernetes-front-proxy-ca
        authority $PKI/etcd/ca etcd-ca
        leaves
}

controller
kubelet $PKI/ca
digests >"$SCRATCH/before"
tap_status 0 "the configuration" renewd config
tap_like "$OUTPUT" '^Layout=k0s  *# .*/k0s.conf:' "the layout of a controller is found"
tap_unlike "$OUTPUT" "^kube-renewd: warning" "and makes no warning"
tap_status 0 "a day old, all is well" renewd check --at="$(in_days 1)"
tap_is "$(renewd check --at="$(in_days 1)" --output=json | jq -r '.[].name' | grep -v '[#/]' | sort | xargs)" \
        "$(printf '%s\n' admin konnectivity ccm scheduler {admin,konnectivity,ccm,scheduler,kubelet}.conf apiserver-kubelet-client server \
                k0s-api front-proxy-client apiserver-etcd-client etcd-{server,peer} kubelet-{client,server} ca front-proxy-ca etcd-ca |
                sort | xargs)" "each certificate and kubeconfig has its row"
tap_is "$(unlisted | grep -v 2026-11-22)" "" "no other file holds a certificate"

tap_status 0 "the plan on the day" renewd plan --at="$(in_days 336)" --output=json
tap_is "$(jq -r '[.steps[] | select(.action != "restart")] | length' <<<"$OUTPUT")" 0 "is nothing but a restart"
tap_is "$(jq -r '.steps | length' <<<"$OUTPUT")" 15 "for all that k0s makes, and not the kubelet's"
tap_is "$(jq -r '[.restarts[] | .component] | join(" ")' <<<"$OUTPUT")" k0scontroller "of the controller"
tap_status 75 "a run" renewd run --at="$(in_days 336)"
tap_is "$(alarms | tr ' ' '\n' | grep -v 'missed\|kubelet')" restart-owed@k0scontroller "owes it"
tap_is "$(digests | diff "$SCRATCH/before" -)" "" "nothing is written"
tap_status 1 "another CA" renewd rotate-ca --ca=kubernetes --yes --at="$(in_days 337)"
tap_like "$OUTPUT" "'k0scontroller' renews what CA 'kubernetes' has signed" "is not for us to make"

# k0s tells its own certificates by their issuer, and leaves others alone; so do we.
controller
authority elsewhere corporate-ca
leaf $PKI/server elsewhere /CN=kubernetes serverAuth DNS:kubernetes 300
tap_status 1 "a certificate of somebody else runs out" renewd run --at="$(in_days 290)"
tap_is "$(alarms | tr ' ' '\n' | grep -v missed)" externally-managed-expiring@server "which is an alarm, and no restart"
product
tap_status 1 "an empty host" renewd --layout=k0s init
tap_like "$OUTPUT" "there is nothing to make here: 'k0scontroller' makes" "is not for init"

# A datastore elsewhere, and no konnectivity.
controller
rm -r "$ROOT/$PKI"/{etcd,apiserver-etcd-client.*,konnectivity.*,k0s-api.*}
tap_status 0 "what a controller may lack" renewd check --at="$(in_days 1)"

# A worker: watched, and nothing to restart.
product
authority ca kubernetes-ca
mkdir -p "$ROOT/$PKI"
kubelet ca 300
mv "$ROOT/ca.crt" "$ROOT/$PKI/ca.crt"
rm "$ROOT/ca.key"
digests >"$SCRATCH/before"
tap_like "$(renewd config)" '^Layout=k0s-worker  *# .*/k0s-worker.conf:' "the layout of a worker is found"
tap_status 0 "a day old, all is well" renewd check --at="$(in_days 1)"
tap_is "$(renewd check --at="$(in_days 1)" --output=json | jq -r '.[].name' | sort | xargs)" "ca kubelet-client kubelet-server kubelet.conf" \
        "all of a worker is listed"
tap_status 0 "a kubelet that does not renew its own" renewd run --at="$(in_days 290)"
tap_like "$(alarms)" "kubelet-rotation-stuck@kubelet" "is an alarm"
tap_is "$(digests | diff "$SCRATCH/before" -)" "" "and nothing is written"
tap_done

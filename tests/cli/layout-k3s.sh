#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The layouts k3s, k3s-agent, rke2 and rke2-agent, on trees as a start of them leaves: github.com/k3s-io/k3s
# pkg/daemons/control/deps/deps.go (genCerts, KubeConfig), pkg/agent/config/config.go (get),
# pkg/cluster/https.go (dynamic-cert.json); RKE2 is the same program by another name. Names of CAs, of
# subjects and their groups, the chain behind each leaf, P-256 keys and a year are theirs.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
# shellcheck source=tests/cli/product-lib.sh
. "$SRCDIR/tests/cli/product-lib.sh" || exit 99

CHAIN=yes
PROGRAM= # k3s or rke2
TLS=     # its directories
AGENT=
CRED=

kind_of() {
        PROGRAM=$1
        TLS=var/lib/rancher/$PROGRAM/server/tls
        CRED=var/lib/rancher/$PROGRAM/server/cred
        AGENT=var/lib/rancher/$PROGRAM/agent
}

leaves() {
        local masters=/O=system:masters name

        leaf "$TLS/client-admin" "$TLS/client-ca" "$masters/CN=system:admin" clientAuth
        leaf "$TLS/client-supervisor" "$TLS/client-ca" "$masters/CN=system:$PROGRAM-supervisor" clientAuth
        leaf "$TLS/client-controller" "$TLS/client-ca" /CN=system:kube-controller-manager clientAuth
        leaf "$TLS/client-scheduler" "$TLS/client-ca" /CN=system:kube-scheduler clientAuth
        leaf "$TLS/client-kube-apiserver" "$TLS/client-ca" "$masters/CN=system:apiserver" clientAuth
        leaf "$TLS/client-kube-proxy" "$TLS/client-ca" /CN=system:kube-proxy clientAuth
        leaf "$TLS/client-$PROGRAM-controller" "$TLS/client-ca" "/CN=system:$PROGRAM-controller" clientAuth
        leaf "$TLS/client-$PROGRAM-cloud-controller" "$TLS/client-ca" "/CN=$PROGRAM-cloud-controller-manager" clientAuth
        leaf "$TLS/client-auth-proxy" "$TLS/request-header-ca" /CN=system:auth-proxy clientAuth
        leaf "$TLS/serving-kube-apiserver" "$TLS/server-ca" /CN=kube-apiserver serverAuth DNS:kubernetes,DNS:kubernetes.default,IP:127.0.0.1
        leaf "$TLS/etcd/client" "$TLS/etcd/server-ca" /CN=etcd-client clientAuth
        leaf "$TLS/etcd/server-client" "$TLS/etcd/server-ca" /CN=etcd-server serverAuth,clientAuth DNS:kine.sock
        leaf "$TLS/etcd/peer-server-client" "$TLS/etcd/peer-ca" /CN=etcd-peer serverAuth,clientAuth DNS:kine.sock
        for name in kube-scheduler kube-controller-manager; do
                leaf "$TLS/$name/$name" "$TLS/server-ca" "/CN=$name" serverAuth DNS:localhost,IP:127.0.0.1
        done
        leaf listener "$TLS/server-ca" "/O=$PROGRAM/CN=$PROGRAM" serverAuth DNS:kubernetes,IP:127.0.0.1
        jq -n --rawfile crt "$ROOT/listener.crt" --rawfile key "$ROOT/listener.key" --arg name "$PROGRAM-serving" \
                '{metadata: {name: $name}, data: {"tls.crt": ($crt | @base64), "tls.key": ($key | @base64)}, type: "kubernetes.io/tls"}' \
                >"$ROOT/$TLS/dynamic-cert.json"
        rm "$ROOT"/listener.*
        embedded "etc/rancher/$PROGRAM/$PROGRAM.yaml" "$TLS/client-admin" "$TLS/server-ca.crt"
}

# agent TLS: what a server hands out.
agent() {
        local name

        cp "$ROOT/$1"/{server,client}-ca.crt "$ROOT/$AGENT"
        leaf "$AGENT/client-kubelet" "$1/client-ca" /O=system:nodes/CN=system:node:node-1 clientAuth
        leaf "$AGENT/serving-kubelet" "$1/server-ca" /CN=node-1 serverAuth DNS:node-1,DNS:localhost,IP:127.0.0.1
        leaf "$AGENT/client-kube-proxy" "$1/client-ca" /CN=system:kube-proxy clientAuth
        leaf "$AGENT/client-$PROGRAM-controller" "$1/client-ca" "/CN=system:$PROGRAM-controller" clientAuth
        by_files "$AGENT/kubelet.kubeconfig" "$AGENT/client-kubelet" "$AGENT/server-ca.crt"
        by_files "$AGENT/kubeproxy.kubeconfig" "$AGENT/client-kube-proxy" "$AGENT/server-ca.crt"
        by_files "$AGENT/${PROGRAM}controller.kubeconfig" "$AGENT/client-$PROGRAM-controller" "$AGENT/server-ca.crt"
}

authorities() {
        authority "$1/server-ca" "$PROGRAM-server-ca@1700000000"
        authority "$1/client-ca" "$PROGRAM-client-ca@1700000000"
}

# server PROGRAM: a host with one, and its own agent.
server() {
        local name

        product
        kind_of "$1"
        authorities "$TLS"
        authority "$TLS/request-header-ca" "$PROGRAM-request-header-ca@1700000000"
        authority "$TLS/etcd/server-ca" etcd-server-ca@1700000000
        authority "$TLS/etcd/peer-ca" etcd-peer-ca@1700000000
        mkdir -p "$ROOT/$AGENT"
        leaves
        cp "$ROOT/$TLS/client-ca.crt" "$ROOT/$TLS/client-ca.nochain.crt"
        cp "$ROOT/$TLS/server-ca.crt" "$ROOT/$TLS/server-ca.nochain.crt"
        for name in admin supervisor controller scheduler; do
                by_files "$CRED/$name.kubeconfig" "$TLS/client-$name" "$TLS/server-ca.crt"
        done
        by_files "$CRED/api-server.kubeconfig" "$TLS/client-kube-apiserver" "$TLS/server-ca.crt"
        by_files "$CRED/cloud-controller.kubeconfig" "$TLS/client-$PROGRAM-cloud-controller" "$TLS/server-ca.crt"
        agent "$TLS"
}

# names: of the leaves, each once.
names() {
        renewd check --at="$(in_days 1)" --output=json | jq -r '.[].name' | grep -v '[#/]' | sort | xargs
}

expected_names() {
        local p=$PROGRAM

        printf '%s\n' client-{admin,supervisor,controller,scheduler,kube-apiserver,kube-proxy,"$p"-controller,"$p"-cloud-controller} \
                client-auth-proxy serving-kube-apiserver kube-controller-manager kube-scheduler dynamic-cert etcd-{client,server,peer} \
                agent-{client-kubelet,serving-kubelet,client-kube-proxy,client-"$p"-controller} \
                agent-{kubelet,kubeproxy,"$p"controller}.kubeconfig {admin,supervisor,controller,scheduler,api-server,cloud-controller}.kubeconfig \
                "$p.yaml" {server,client,request-header,etcd-server,etcd-peer,agent-server,agent-client}-ca | sort | xargs
}

# 1. A server: found, and all of it listed.
for kind in "k3s k3s" "rke2 rke2-server"; do
        read -r name component <<<"$kind"
        server "$name"
        digests >"$SCRATCH/before"
        tap_status 0 "$name: the configuration" renewd config
        tap_like "$OUTPUT" "^Layout=$name  *# .*/$name.conf:" "$name: the layout is found"
        tap_unlike "$OUTPUT" "^kube-renewd: warning" "$name: and makes no warning"
        tap_status 0 "$name: a day old, all is well" renewd check --at="$(in_days 1)"
        tap_is "$(names)" "$(expected_names)" "$name: each certificate and kubeconfig has its row"
        tap_is "$(unlisted | grep -v nochain)" "" "$name: no other file holds a certificate"
        tap_is "$(renewd check --at="$(in_days 1)" --output=json dynamic-cert | jq -r '.[0].subject')" "$name" \
                "$name: the Secret in a file is read"
        tap_status 0 "$name: on the day before it is due" renewd run --at="$(in_days 334)"
        tap_is "$(alarms)" "" "$name: nothing is told"

        # 2. Due: the component is owed a restart, with the reason, and nothing is written.
        tap_status 0 "$name: the plan on the day" renewd plan --at="$(in_days 336)" --output=json
        tap_is "$(jq -r '[.steps[].action] | unique | join(" ")' <<<"$OUTPUT")" restart "$name: is a restart for all of them"
        tap_is "$(jq -r '[.restarts[] | .component] | join(" ")' <<<"$OUTPUT")" "$component" "$name: one"
        tap_like "$(jq -r '.restarts[0].reason' <<<"$OUTPUT")" "^renews client-admin, .* when it is started$" "$name: which says what for"
        tap_like "$(renewd plan --at="$(in_days 336)" | tr -s ' \n' ' ')" \
                "client-admin: expires in .*, inside RenewBefore=30d renewed by $component" "$name: and so it is printed"
        tap_status 75 "$name: a run" renewd run --at="$(in_days 336)"
        tap_is "$(alarms)" "restart-owed@$component" "$name: owes it"
        tap_is "$(jq -r '.renews' "$ROOT/var/lib/kube-renewd/owed/$component.json")" true "$name: for the sake of renewal"
        since=$(jq -r '.since' "$ROOT/var/lib/kube-renewd/owed/$component.json")
        tap_status 75 "$name: a second try" renewd run --at="$(in_days 336)"
        tap_like "$OUTPUT" "^client-admin: postponed: a restart of '$component', which renews it, was asked for" "$name: asks for no second one"
        tap_status 75 "$name: the next night" renewd run --at="$(in_days 337)"
        tap_is "$(jq -r '.since' "$ROOT/var/lib/kube-renewd/owed/$component.json")" "$since" "$name: it is the same debt"

        tap_is "$(digests | diff "$SCRATCH/before" -)" "" "$name: and nothing of its own is written"

        # 3. By hand.
        [ "$name" = k3s ] || continue
        tap_status 0 "$name: all" renewd renew --all --dry-run --at="$(in_days 339)"
        tap_like "$OUTPUT" "^$component would be restarted$" "$name: would restart it, too"
        tap_status 75 "$name: one of them" renewd renew client-admin --at="$(in_days 339)"
        tap_like "$OUTPUT" "^client-admin: pending: the restart of '$component', which renews it, is still owed" "$name: asks for the restart"
        tap_status 1 "$name: a request" renewd csr client-admin --at="$(in_days 340)"
        tap_like "$OUTPUT" "'client-admin' is renewed by '$component' when that is started \(RenewedBy=\): nobody else has it signed; 'kube-renewd renew client-admin' restarts it$" \
                "$name: is refused, and why"
        tap_status 1 "$name: what somebody has signed" renewd install client-admin "$ROOT/$TLS/client-admin.crt" --at="$(in_days 340)"
        tap_like "$OUTPUT" "is renewed by '$component' when that is started" "$name: is not installed"
        tap_status 1 "$name: another CA" renewd rotate-ca --ca=client --at="$(in_days 340)" --yes
        tap_like "$OUTPUT" "'$component' renews what CA 'client' has signed when it is started .*: the tools of that product rotate it" \
                "$name: is not for us to make"
        tap_status 0 "$name: explain" renewd explain client-admin --at="$(in_days 340)"
        tap_like "$OUTPUT" "made by  *restart: '$component' renews it when it is started" "$name: says who renews it"
        tap_like "$OUTPUT" "used by  *$component: RenewedBy=$" "$name: and who uses it"
        tap_unlike "$(renewd config --drop-in --at="$(in_days 340)")" '^ReadWritePaths=.*rancher' "$name: the service need not write there"
        tap_is "$(digests | diff "$SCRATCH/before" -)" "" "$name: and still nothing is written"
done

# 4. It has renewed all, by itself: nothing is due any more. A copy of the kubeconfig follows.
server k3s
mkdir -p "$ROOT/root/.kube"
cp "$ROOT/etc/rancher/k3s/k3s.yaml" "$ROOT/root/.kube/config"
tap_status 0 "a copy for root" renewd run --at="$(in_days 1)"
leaves
tap_status 0 "k3s was started, and has renewed" renewd run --at="$(in_days 2)"
tap_ok "the copy is what its source is" cmp "$ROOT/etc/rancher/k3s/k3s.yaml" "$ROOT/root/.kube/config"
tap_is "$(alarms)" "" "and nothing is wrong"

# 5. What was put there by somebody else k3s leaves alone, and so do we: no restart in vain.
authority elsewhere other-ca
leaf "$TLS/kube-scheduler/kube-scheduler" elsewhere /CN=kube-scheduler serverAuth DNS:localhost 300
tap_status 1 "another one's certificate runs out" renewd run --at="$(in_days 290)"
tap_is "$(alarms)" "externally-managed-expiring@kube-scheduler missed-run@host" "which is an alarm, and no restart"

# 6. Missing files are an alarm; made anew where that is wanted.
server k3s
rm "$ROOT/$TLS"/client-admin.*
tap_status 1 "a pair is missing" renewd run --at="$(in_days 1)"
tap_is "$(alarms)" "invalid@admin.kubeconfig invalid@client-admin" "which is an alarm"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[certificate client-admin]\nRecreateMissing=yes\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 75 "with RecreateMissing=yes" renewd run --at="$(in_days 2)"
tap_is "$(jq -r '.component' "$ROOT"/var/lib/kube-renewd/owed/*.json)" k3s "it is owed the start that makes it"

# 7. CAs: a year before their end, each once.
server k3s
renewd run --at="$(in_days 3300)" >/dev/null 2>&1
tap_is "$(alarms | tr ' ' '\n' | grep ca-expiring | xargs)" \
        "$(printf 'ca-expiring@%s-ca\n' agent-client agent-server client etcd-peer etcd-server request-header server | xargs)" \
        "350 days before the CAs end each of them is an alarm"

# 8. Elsewhere, and where there is nothing yet.
product
kind_of k3s
tap_status 1 "an empty host" renewd --layout=k3s init
tap_like "$OUTPUT" "there is nothing to make here: 'k3s' makes certificates and CAs when it is started" "is not for init"
server k3s
mkdir -p "$ROOT/srv"
mv "$ROOT/var/lib/rancher/k3s" "$ROOT/srv/k3s"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[agent]\nLayout=k3s\n[layout]\nBaseDirectory=/srv/k3s\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_like "$(renewd check --at="$(in_days 1)" --columns=path client-admin)" '^/srv/k3s/server/tls/client-admin.crt' "another --data-dir is found"

# 9. An agent alone.
for name in k3s rke2; do
        product
        kind_of "$name"
        authorities ca
        mkdir -p "$ROOT/$AGENT"
        agent ca
        rm -r "$ROOT/ca"
        digests >"$SCRATCH/before"
        tap_like "$(renewd config)" "^Layout=$name-agent  *# .*/$name-agent.conf:" "$name: the layout of an agent is found"
        tap_status 0 "$name: a day old, all is well" renewd check --at="$(in_days 1)"
        tap_is "$(unlisted)" "" "$name: all of an agent is listed"
        tap_status 75 "$name: a run when they end" renewd run --at="$(in_days 350)"
        tap_is "$(alarms | tr ' ' '\n' | grep owed)" "restart-owed@$name-agent" "$name: owes a restart of the agent"
        tap_is "$(digests | diff "$SCRATCH/before" -)" "" "$name: and has written nothing"
done
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A k3s.service that renews its certificates when it is started, under a real systemd and with the nightly
# service in its sandbox: restarted once, proven, and nothing of its files is written by us. One that
# refuses is an alarm, and no second restart.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
host_install

# 1. The files of a k3s server that was started 350 days ago, made by our own `init` of a layout with the same
# paths (tests/cli/layout-k3s.sh says whose they are).
tls=/var/lib/rancher/k3s/server/tls
cred=/var/lib/rancher/k3s/server/cred
{
        for ca in server client request-header; do
                printf '[ca %s]\nCertificate=%s/%s-ca.crt\nKey=%s/%s-ca.key\nCommonName=k3s-%s-ca@1700000000\n' \
                        $ca $tls $ca $tls $ca $ca
        done
        while read -r name ca usage cn; do
                printf '[certificate %s]\nCertificate=%s/%s.crt\nKey=%s/%s.key\nCA=%s\nUsage=%s\nCommonName=%s\n' \
                        "$name" $tls "$name" $tls "$name" "$ca" "$usage" "$cn"
        done <<'END'
client-admin client client system:admin
client-controller client client system:kube-controller-manager
client-scheduler client client system:kube-scheduler
client-kube-apiserver client client system:apiserver
client-kube-proxy client client system:kube-proxy
client-k3s-controller client client system:k3s-controller
client-auth-proxy request-header client system:auth-proxy
serving-kube-apiserver server server kube-apiserver
END
        printf '[kubeconfig k3s.yaml]\nPath=/etc/rancher/k3s/k3s.yaml\nCA=client\nServer=https://127.0.0.1:6443\nCommonName=system:admin\n'
} >"$TREE/made.conf"
mkdir -p "$TREE/etc/rancher/k3s" "$TREE$tls" "$TREE$cred" "$TREE/root/.kube"
tap_ok "certificates are there" "$KUBE_RENEWD" --root="$TREE" --layout=/made.conf init \
        --at="$(date -u -d '-350 days' +%FT%TZ)" --node-name=cp-1 --key-algorithm=ECDSA-P256
rm -rf "$TREE/var/lib/kube-renewd" "$TREE/made.conf"
for name in admin:client-admin controller:client-controller scheduler:client-scheduler api-server:client-kube-apiserver; do
        printf '%s\n' 'apiVersion: v1' 'kind: Config' 'current-context: Default' \
                "clusters: [{name: local, cluster: {server: 'https://127.0.0.1:6444', certificate-authority: $tls/server-ca.crt}}]" \
                'contexts: [{name: Default, context: {cluster: local, user: user}}]' \
                "users: [{name: user, user: {client-certificate: $tls/${name#*:}.crt, client-key: $tls/${name#*:}.key}}]" \
                >"$TREE$cred/${name%:*}.kubeconfig"
        chmod 600 "$TREE$cred/${name%:*}.kubeconfig"
done
cp "$TREE/etc/rancher/k3s/k3s.yaml" "$TREE/root/.kube/config"

# 2. The stand-in: at its start it renews what ends within 120 days, with a new key, unless it is told not
# to; like k3s some seconds after it began, and it says when it is ready. What it has written it notes.
host_script usr/local/bin/k3s <<'END'
cd /var/lib/rancher/k3s/server/tls || exit 1
echo start >>/run/starts
sleep 1
renew() {
        local ca=$1 name=$2

        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key.new" 2>/dev/null &&
                openssl x509 -x509toreq -in "$name.crt" -signkey "$name.key" -copy_extensions copyall -out /run/csr 2>/dev/null &&
                openssl x509 -req -in /run/csr -force_pubkey <(openssl pkey -in "$name.key.new" -pubout) -CA "$ca-ca.crt" -CAkey "$ca-ca.key" \
                        -set_serial "0x$(openssl rand -hex 8)" -days 365 -copy_extensions copyall -out /run/crt 2>/dev/null || exit 1
        cat /run/crt "$ca-ca.crt" >"$name.crt"
        cat "$name.key.new" >"$name.key"
        rm "$name.key.new"
}
for name in client-{admin,controller,scheduler,kube-apiserver,kube-proxy,k3s-controller} request-header:client-auth-proxy server:serving-kube-apiserver; do
        ca=${name%%:*}
        [ "$ca" != "$name" ] || ca=client
        name=${name#*:}
        openssl x509 -checkend $((120 * 86400)) -noout -in "$name.crt" >/dev/null || [ -e /run/refuse ] || renew "$ca" "$name"
done
[ -e /run/refuse ] ||
        sed -i "s,client-certificate-data: .*,client-certificate-data: $(base64 -w0 client-admin.crt),; s,client-key-data: .*,client-key-data: $(base64 -w0 client-admin.key)," \
                /etc/rancher/k3s/k3s.yaml
/files >/run/made
systemd-notify --ready
exec sleep infinity
END
host_script files <<'END'
find /var/lib/rancher /etc/rancher -type f -exec stat -c '%n %i %a %u %Y' {} + -exec sha256sum {} + | sort
END
host_unit k3s.service <<'END'
[Service]
Type=notify
NotifyAccess=all
KillMode=control-group
ExecStart=/usr/local/bin/k3s
END
host_config k3s <<'END'
[component k3s]
StartTimeout=10s
END

# 3. Nights.
host_script inside <<'END'
. /host || exit 99
alarms() { (cd /var/lib/kube-renewd/public/alarms && ls) 2>/dev/null | sed 's/\.json$//' | xargs; }
starts() { wc -l </run/starts; }
# night NAME: the service, and what became of it.
night() {
        start
        /files | diff -q - /run/made >/dev/null
        echo "$1=$(show ExecMainStatus) starts $(starts) untouched $? alarms $(alarms)"
}
systemctl daemon-reload
systemctl start dbus.socket
echo "layout=$("$program" config | sed -n 's/^Layout=\([^ ]*\).*/\1/p')"
touch /run/refuse
systemctl start k3s.service
mkdir -p /etc/kube-renewd/kube-renewd.conf.d
printf '[hooks]\nPreRenew=/usr/bin/false\n' >/etc/kube-renewd/kube-renewd.conf.d/hook.conf
night forbidden
rm /etc/kube-renewd/kube-renewd.conf.d/hook.conf
night refused
echo "reason=$(sed -n 's/^  "reason": "\(.*\)",*$/\1/p' /var/lib/kube-renewd/public/alarms/renewal-failed@client-admin.json)"
night again
rm /run/refuse
"$program" renew client-admin >/run/out 2>&1
echo "named=$? starts $(starts)"
echo "said=$(grep -m1 '^client-admin:' /run/out)"
night after
echo "renewed=$("$program" check --output=json | grep -c '"status": "OK"') of $("$program" check --output=json | grep -c '"status"')"
"$program" verify >/run/verified 2>&1
echo "verified=$?"
echo "proof=$(grep -m1 -o 'makes it by itself' /run/verified)"
echo "copy=$(cmp /etc/rancher/k3s/k3s.yaml /root/.kube/config && echo same)"
echo "backups=$(find /var/lib/kube-renewd/backups -path '*rancher*' -type f | wc -l)"
night quiet
END
host_boot /inside

tap_is "$(fact layout)" k3s "the layout is found"
tap_like "$(fact forbidden)" '^1 starts 1 untouched 0 alarms .*renewal-failed@host' "PreRenew= can forbid the restart" || tap_note "$FACTS"
tap_like "$(fact refused)" '^1 starts 2 untouched 0 alarms .*renewal-failed@client-admin ' "a start that renews nothing is an alarm" || tap_note "$FACTS"
tap_like "$(fact reason)" "^'k3s' was restarted .* to renew it, and it is due all the same: expires in" "which says so"
tap_like "$(fact again)" '^1 starts 2 untouched 0 alarms .*renewal-failed@client-admin ' "and it is not restarted again"
tap_is "$(fact named)" "0 starts 3" "who names it has it restarted"
tap_like "$(fact said)" '^client-admin: renewed, until ' "and renewed"
tap_is "$(fact after)" "0 starts 3 untouched 0 alarms" "that was for all of them, and nothing is wrong"
tap_like "$(fact renewed)" '^([0-9]+) of \1$' "each is new"
tap_is "$(fact verified)" 0 "and proven"
tap_is "$(fact proof)" "makes it by itself" "as far as that can be"
tap_is "$(fact copy)" same "the administrator's copy follows"
tap_is "$(fact backups)" 0 "no file of k3s was ever replaced"
tap_is "$(fact quiet)" "0 starts 3 untouched 0 alarms" "and no night after that does anything"
tap_done

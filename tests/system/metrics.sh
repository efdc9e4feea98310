#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a pass writes for Prometheus, read by those who will read it: promtool, a real node_exporter with
# a link to the file in its textfile directory, and a real Prometheus that scrapes it and has our alert
# rules. The programs are Debian's, unpacked below $NEIGHBOURS (./dev does it), not installed.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

bin=${NEIGHBOURS:-$SRCDIR/build/neighbours}/usr/bin
for tool in promtool prometheus-node-exporter prometheus; do
        "$bin/$tool" --version >/dev/null 2>&1 || tap_skip_all "$tool is not here; './dev system' unpacks it"
done
for tool in curl jq openssl; do
        command -v "$tool" >/dev/null || tap_skip_all "$tool is not installed"
done
rules=$SRCDIR/packaging/monitoring/prometheus-rules.yml

# 1. The rules, as they are shipped, pass their tests; and a rule that never fires would not.
tap_ok "the alert rules are rules" "$bin/promtool" check rules "$rules"
tap_ok "they pass their tests" "$bin/promtool" test rules "${rules%.yml}.test.yml"
mkdir "$SCRATCH/rules"
cp "${rules%.yml}.test.yml" "$SCRATCH/rules/"
sed '/alert: KubeRenewdRestartOwed/{n;s/>/</}' "$rules" >"$SCRATCH/rules/prometheus-rules.yml"
tap_status 1 "a broken rule is seen" "$bin/promtool" test rules "$SCRATCH/rules/prometheus-rules.test.yml"

# 2. T23: 48 hours left, 30 minutes left, garbage, and a threshold of 24 hours. The CA's key of the one
# that expires is elsewhere, or the pass would renew it.
root=$SCRATCH/root
pki=$root/etc/kubernetes/pki
prom=$root/var/lib/kube-renewd/public/kube-renewd.prom
then=$(date -u -d '-10 days' +%FT%TZ)

renewd() {
        "$KUBE_RENEWD" --root="$root" --layout=kubeadm "$@"
}

mkdir -p "$root/etc/kube-renewd"
cat >"$root/etc/kube-renewd/kube-renewd.conf" <<END
[renewal]
RenewBefore=24h
[certificate apiserver]
Validity=12d
[certificate etcd-server]
Validity=10d 30min
END
tap_ok "a control plane of ten days ago" "$KUBE_RENEWD" --root="$root" --at="$then" init --node-name=cp-1 \
        --advertise-address=192.0.2.10 --key-algorithm=ECDSA-P256 --validity=9d --ca-validity=10y
tap_ok "renewed then" renewd renew --all --at="$then"
mv "$pki/etcd/ca.key" "$SCRATCH/"
cp "$pki/front-proxy-client.crt" "$SCRATCH/"
echo garbage >"$pki/front-proxy-client.crt"

# One whose name wants to be more than a label: quotes, a backslash, a line of its own, and bytes that
# are no UTF-8, which costs it its signature.
openssl req -new -key "$pki/apiserver-kubelet-client.key" -out "$SCRATCH/evil.csr" \
        -subj "$(printf '/O=QQQQ/CN=evil"\\\\} 1\nx509_read_errors 7')" 2>"$SCRATCH/req.log"
{
        echo "-----BEGIN CERTIFICATE-----"
        openssl x509 -req -in "$SCRATCH/evil.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -days 365 -outform der \
                -set_serial 0x7fffffffffffffffffffffffffffffffffffffff 2>>"$SCRATCH/req.log" |
                sed 's/QQQQ/a\xff\xfeb/' | base64
        echo "-----END CERTIFICATE-----"
} >"$pki/apiserver-kubelet-client.crt"

renewd run >"$SCRATCH/run.log" 2>&1
tap_is "$(stat -c %a "$prom")" 644 "everybody may read what the pass wrote" || tap_note "$(cat "$SCRATCH"/*.log)"
tap_status 0 "promtool has nothing to say about it" "$bin/promtool" check metrics <"$prom"
tap_empty "$OUTPUT" "not a word"
tap_ok "nor about what check prints" sh -c "'$KUBE_RENEWD' --root='$root' --layout=kubeadm check --output=prometheus | '$bin/promtool' check metrics"
tap_ok "nor about the golden file" "$bin/promtool" check metrics <"$SRCDIR/tests/cli/golden/check-v1.28.7-rsa2048-default.prom"
cp "$prom" "$SCRATCH/more.prom"
echo 'kube_renewd_alarm{type="renewal-failed",resource="host",severity="major",alarm_id="250.003",shelved="false"} 1' >>"$SCRATCH/more.prom"
tap_status 0 "an alarm can be appended" "$bin/promtool" check metrics <"$SCRATCH/more.prom"
tap_empty "$OUTPUT" "and belongs to its family"

# 3. Ports that nobody listens on.
ports=()
while [ "${#ports[@]}" -lt 2 ]; do
        port=$((20000 + RANDOM % 12000))
        [[ " ${ports[*]} " != *" $port "* ]] && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && ports+=("$port")
done
exporter=127.0.0.1:${ports[0]}
prometheus=127.0.0.1:${ports[1]}

# start NAME COMMAND...: in the background, until the test ends.
start() {
        local log=$SCRATCH/$1.log

        shift
        "$@" >"$log" 2>&1 &
        tap_on_exit stop $!
}
stop() {
        kill -KILL "$1" && wait "$1"
} 2>/dev/null

# comes_true TITLE COMMAND...: within a minute it succeeds.
comes_true() {
        local title=$1 deadline=$((SECONDS + 60))

        shift
        until "$@" >"$SCRATCH/last" 2>&1; do
                if [ "$SECONDS" -ge "$deadline" ]; then
                        tap_result 1 "$title"
                        tap_note "$(tail -n 5 "$SCRATCH/last" "$SCRATCH"/*.log)"
                        return 1
                fi
                sleep 0.2
        done
        tap_result 0 "$title"
}

# 4. node_exporter, with nothing but the link, and nobody in particular.
as_nobody=()
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
mkdir "$SCRATCH/textfile"
ln -s "$prom" "$SCRATCH/textfile/kube-renewd.prom"
chmod 755 "$SCRATCH"
cp "$bin/prometheus-node-exporter" "$SCRATCH/node-exporter" # nobody may be unable to reach the one that is there
start exporter "${as_nobody[@]}" "$SCRATCH/node-exporter" --web.listen-address="$exporter" --collector.disable-defaults \
        --web.disable-exporter-metrics --collector.textfile --collector.textfile.directory="$SCRATCH/textfile"

scrape() {
        curl -fsS --max-time 10 "http://$exporter/metrics"
}

# scraped LINE: the exporter shows this line.
scraped() {
        scrape | grep -Fqx -- "$1"
}

status_of() {
        scrape | sed -n "s/^kube_renewd_certificate_status{certificate=\"$1\",status=\"\(.*\)\"} 1\$/\1/p"
}

comes_true "node_exporter reads it through a link" scraped 'node_textfile_scrape_error 0'
tap_is "$(status_of apiserver)" OK "T23 with 48 hours left it is OK"
tap_is "$(status_of etcd-server)" EXPIRING "T23 with 30 minutes left it is EXPIRING"
tap_is "$(status_of front-proxy-client)" INVALID "T23 garbage is INVALID"
tap_ok "T23 and a read error" scraped 'x509_read_errors 1'
tap_ok "T23 of that file" scraped \
        'x509_cert_error{filename="front-proxy-client.crt",filepath="/etc/kubernetes/pki/front-proxy-client.crt"} 1'
tap_is "$(scrape | sed -n 's/^x509_cert_not_after{.*subject_CN="kube-apiserver".*} //p' | xargs printf '%.0f\n')" \
        "$(date -d "$(openssl x509 -in "$pki/apiserver.crt" -noout -enddate | cut -d= -f2)" +%s)" \
        "its end is the certificate's"
tap_like "$(scrape)" '^x509_cert_not_after\{.*issuer_CN="kubernetes".*subject_CN="evil\\"\\\\.*\} 1\\\\x0ax509_read_errors 7",subject_O="a\\\\xff\\\\xfeb"\} ' \
        "a hostile name stays in its label"
tap_like "$(scrape)" '^x509_cert_not_after\{.*serial_number="730750818665451459101842416358141509827966271487".*"evil' \
        "serial numbers are decimal"

# samples: name and labels of every sample of the file; exported: of those that the exporter shows.
samples() {
        grep -v '^#' "$prom" | sed 's/ [0-9-]*$//' | sort
}
exported() {
        scrape | grep -E '^(x509|kube_renewd)_' | sed 's/ [0-9.e+-]*$//' | sort
}
tap_is "$(exported | wc -l)" "$(samples | wc -l)" "no sample is lost"

# 5. Prometheus, with our rules.
cat >"$SCRATCH/prometheus.yml" <<END
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files:
  - $rules
scrape_configs:
  - job_name: node
    static_configs:
      - targets: ['$exporter']
END
tap_ok "a configuration of Prometheus" "$bin/promtool" check config "$SCRATCH/prometheus.yml"
start prometheus "$bin/prometheus" --config.file="$SCRATCH/prometheus.yml" --web.listen-address="$prometheus" \
        --storage.tsdb.path="$SCRATCH/tsdb"

# firing FILTER, silent FILTER: there are alerts that fire and of whose labels this is true; or none.
firing() {
        curl -fsS --max-time 10 -o "$SCRATCH/alerts" "http://$prometheus/api/v1/alerts" &&
                jq -e ".data.alerts[] | select(.state == \"firing\") | select(.labels | $1)" "$SCRATCH/alerts"
}
silent() {
        curl -fsS --max-time 10 -o "$SCRATCH/alerts" "http://$prometheus/api/v1/alerts" &&
                jq -e "[.data.alerts[] | select(.labels | $1)] == []" "$SCRATCH/alerts"
}

comes_true "an alarm is an alert that fires" firing \
        '.alertname == "KubeRenewdAlarmMajor" and .type == "externally-managed-expiring" and .resource == "etcd-server"'
tap_like "$(jq -r .annotations.summary "$SCRATCH/last")" \
        "^kube-renewd on $exporter reports externally-managed-expiring of etcd-server\\.\$" "and says where and what"
comes_true "a pass that failed is another" firing '.alertname == "KubeRenewdRunFailed"'
tap_empty "$(jq -r '.data.alerts[].annotations[] | select(contains("<"))' "$SCRATCH/alerts")" \
        "all annotations can be shown"
tap_empty "$(curl -fsS "http://$prometheus/api/v1/rules" | jq -r '.data.groups[].rules[] | select(.health != "ok") | .name')" \
        "all rules can be evaluated"

# The rules of x509-certificate-exporter itself ask this.
value_of() {
        curl -fsS --max-time 10 --get --data-urlencode "query=$1" "http://$prometheus/api/v1/query" |
                jq -r '.data.result[] | .metric.filepath // .value[1]' | sort | xargs
}
tap_is "$(value_of '0 < (x509_cert_not_after - time()) < 86400')" /etc/kubernetes/pki/etcd/server.crt \
        "the exporter's alerts would fire, too"
tap_is "$(value_of 'sum(x509_read_errors)')" 1 "and its dashboard shows the error"

# 6. All is well again: so is what they show.
mv "$SCRATCH/ca.key" "$pki/etcd/ca.key"
cp "$SCRATCH/front-proxy-client.crt" "$pki/front-proxy-client.crt"
renewd run >"$SCRATCH/run.log" 2>&1
comes_true "the next pass is seen" scraped 'x509_read_errors 0'
tap_is "$(status_of etcd-server) $(status_of front-proxy-client)" "OK OK" "T23 renewed and repaired, both are OK"
comes_true "its alert is gone" silent \
        '.resource == "etcd-server" or .resource == "front-proxy-client"'
tap_done

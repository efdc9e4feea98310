#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The kubelet's own certificate: an alarm when the kubelet cannot renew it, and renew --kubelet, which
# does it in its place and is old or new at every instant.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

pki=var/lib/kubelet/pki
old=kubelet-client-2026-11-22-23-26-00.pem
alarm=var/lib/kube-renewd/public/alarms/kubelet-rotation-stuck@kubelet.conf.json

# kubelet_host: a fresh tree whose kubelet.conf names the kubelet's link, as kubeadm leaves it.
kubelet_host() {
        local conf

        host v1.28.7/rsa2048-default
        conf=$ROOT/etc/kubernetes/kubelet.conf
        mkdir -p "$ROOT/$pki"
        (umask 077 && sed -n 's/^ *client-\(certificate\|key\)-data: //p' "$conf" | base64 -d >"$ROOT/$pki/$old")
        ln -s "/$pki/$old" "$ROOT/$pki/kubelet-client-current.pem"
        sed -i "s,client-\(certificate\|key\)-data: .*,client-\1: /$pki/kubelet-client-current.pem," "$conf"
}

# current FILTER...: what openssl x509 says of the file that the link leads to.
current() {
        openssl x509 -noout -in "$ROOT$(readlink "$ROOT/$pki/kubelet-client-current.pem")" "$@"
}

listing() {
        (cd "$ROOT/var/lib/kubelet" && find . -printf '%p %y %l %m\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

severity() {
        jq -r .severity "$ROOT/$alarm"
}

# 1. Expired.
kubelet_host
subject=$(current -subject)
tap_status 0 "a night at which the kubelet may still wait" renewd run --at=2027-10-01
tap_status 1 "T42 no alarm while it does" test -e "$ROOT/$alarm"
tap_status 75 "a night at which it has waited for too long" renewd run --at="$TEN_DAYS"
tap_is "$(severity)" major "T42 a tenth of its life is left, and it has not renewed it: an alarm"
tap_status 75 "a night at which it has expired" renewd run --at="$EXPIRED"
tap_is "$(severity)" critical "T42 it has expired: an alarm"
before=$(listing)
tap_status 0 "T42 a dry run" renewd renew --kubelet --dry-run --at="$EXPIRED"
tap_like "$OUTPUT" '^kubelet.conf: would be renewed, until ' "T42 says what would be done"
tap_is "$(listing)" "$before" "T42 and does nothing"
tap_status 75 "T42 renew --kubelet: the restart is owed" renewd renew --kubelet --at="$EXPIRED"
tap_like "$OUTPUT" '^kubelet.conf: renewed, until Dec 31, 2028 ' "T42 says so"
tap_is "$(readlink "$ROOT/$pki/kubelet-client-current.pem")" "/$pki/kubelet-client-2028-01-01-00-00-00.pem" "T42 the link leads to a new file"
tap_is "$(current -subject)" "$subject" "T42 of the same node"
tap_like "$(current -subject -nameopt RFC2253)" 'CN=system:node:[^,]*,O=system:nodes' "T42 which is one"
tap_ok "T42 signed by the CA" openssl verify -attime "$(date -d "$EXPIRED" +%s)" -purpose sslclient \
        -CAfile "$ROOT/etc/kubernetes/pki/ca.crt" "$ROOT/$pki/kubelet-client-2028-01-01-00-00-00.pem"
tap_is "$(current -pubkey)" "$(openssl pkey -pubout -in "$ROOT/$pki/kubelet-client-2028-01-01-00-00-00.pem")" "T42 with its key"
tap_is "$(stat -c %a "$ROOT/$pki/kubelet-client-2028-01-01-00-00-00.pem")" 600 "T42 for root alone"
tap_ok "T42 the old file stays" test -s "$ROOT/$pki/$old"
tap_status 1 "T42 the alarm is gone" test -e "$ROOT/$alarm"
tap_ok "T42 the restart is owed" test -e "$ROOT/var/lib/kube-renewd/owed/kubelet.json"
tap_ok "T42 and an alarm" test -e "$ROOT/var/lib/kube-renewd/public/alarms/restart-owed@kubelet.json"
tap_status 75 "the next night" renewd run --at="$EXPIRED"
tap_ok "T42 it is still owed" test -e "$ROOT/var/lib/kube-renewd/owed/kubelet.json"

# 2. A plain file.
kubelet_host
rm "$ROOT/$pki/kubelet-client-current.pem"
mv "$ROOT/$pki/$old" "$ROOT/$pki/kubelet-client-current.pem"
digest=$(sha256sum <"$ROOT/$pki/kubelet-client-current.pem")
tap_status 0 "a night at which it is no link" renewd run --at="$NEW"
tap_is "$(severity)" major "T42 it is a plain file: an alarm"
tap_status 75 "T42 renew --kubelet" renewd renew --kubelet --at="$NEW"
tap_is "$(readlink "$ROOT/$pki/kubelet-client-current.pem")" "/$pki/kubelet-client-2026-12-01-00-00-00.pem" "T42 it is a link again"
tap_is "$(sha256sum <"$ROOT/$pki/kubelet-client-2026-12-01-00-00-00-replaced.pem")" "$digest" "T42 the file is kept"
tap_status 1 "T42 the alarm is gone" test -e "$ROOT/$alarm"

# 3. Nothing to copy the identity from.
kubelet_host
rm "$ROOT/$pki/$old"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[host]\nNodeName=cp-9\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 75 "T42 with a link that leads nowhere" renewd renew --kubelet --at="$NEW"
tap_is "$(current -subject -nameopt RFC2253)" "subject=CN=system:node:cp-9,O=system:nodes" "T42 the node is the configured one"

# 4. Refused.
kubelet_host
rm "$ROOT/etc/kubernetes/pki/ca.key"
before=$(listing)
tap_status 1 "T42 without the key of the CA" renewd renew --kubelet --at="$EXPIRED"
tap_like "$OUTPUT" "^kubelet.conf: failed: CA 'ca' cannot sign: '/etc/kubernetes/pki/ca.key' is missing$" "T42 it is refused"
tap_is "$(listing)" "$before" "T42 and nothing has changed"
tap_status 2 "nothing else is renewed with it" renewd renew --kubelet apiserver
tap_like "$OUTPUT" "--kubelet renews nothing else; leave out the names" "and that is said"
tap_status 2 "nor everything" renewd renew --kubelet --all
host v1.28.7/rsa2048-default
tap_status 1 "a kubeconfig that holds its certificate" renewd renew --kubelet --at="$NEW"
tap_like "$OUTPUT" "^kube-renewd: no kubeconfig with Watch=yes names a certificate that a kubelet renews by itself" "is not renewed so"

# 5. Killed before each change of a name.
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
        calls=rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdirat
        kubelet_host
        before=$(listing)
        strace -f -o "$SCRATCH/calls" -e trace="$calls" "$KUBE_RENEWD" --root="$ROOT" renew --kubelet \
                --at="$NEW" >/dev/null 2>&1
        n=$(grep -c '^[0-9]* *[a-z0-9]*(' "$SCRATCH/calls")
        wrong=
        for ((i = 1; i <= n; i++)); do
                kubelet_host
                before=$(listing)
                (strace -f -o /dev/null -e trace="$calls" -e inject="$calls":signal=KILL:when="$i" \
                        "$KUBE_RENEWD" --root="$ROOT" renew --kubelet --at="$NEW" || :) >/dev/null 2>&1
                renewd recover --at="$NEW" >/dev/null 2>&1
                case $(readlink "$ROOT/$pki/kubelet-client-current.pem") in
                "/$pki/$old") [ "$(listing)" = "$before" ] || wrong+=" $i:old" ;;
                *) current -checkend 0 >/dev/null && [ "$(find "$ROOT/$pki" -name '*.pem' | wc -l)" = 3 ] || wrong+=" $i:new" ;;
                esac
                [ -z "$(find "$ROOT/var/lib/kubelet" -name '.*')" ] && [ ! -e "$ROOT/var/lib/kube-renewd/kubelet-rotation.json" ] || wrong+=" $i:rest"
        done
        tap_is "$wrong" "" "T36 T42 killed at each of $n changes of a name: old or new, and no trace"
        [ "$n" -gt 8 ]
        tap_result $? "T36 T42 there are several of them"
else
        tap_skip "T36 T42 killed at each change of a name" "strace is not installed or not allowed"
fi

# 6. Its serving certificate, where the cluster signs it. It is made today: the times below count from now.
kubelet_host
server=$ROOT/$pki/kubelet-server-current.pem
alarm=var/lib/kube-renewd/public/alarms/kubelet-rotation-stuck@kubelet-server.json
ca=$ROOT/etc/kubernetes/pki/ca

# serving DAYS PATH: certificate and key, for so many days.
serving() {
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$SCRATCH/serving.key" \
                -subj /O=system:nodes/CN=system:node:cp-1 -addext subjectAltName=DNS:cp-1 \
                -addext extendedKeyUsage=serverAuth -out "$SCRATCH/serving.csr" 2>/dev/null &&
                openssl x509 -req -in "$SCRATCH/serving.csr" -days "$1" -CA "$ca.crt" -CAkey "$ca.key" -set_serial 9 \
                        -copy_extensions copyall -out "$SCRATCH/serving.crt" 2>/dev/null &&
                cat "$SCRATCH/serving.crt" "$SCRATCH/serving.key" >"$2"
}

# night DAYS: a pass so many days from now.
night() {
        renewd run --at="$(date -u -d "@$(awk -v now="$(date +%s)" -v days="$1" 'BEGIN { printf "%d", now + days * 86400 }')" +%FT%TZ)" \
                >/dev/null 2>&1
}

openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=cp-1@1700000000 -keyout "$ROOT/$pki/kubelet.key" \
        -out "$ROOT/$pki/kubelet.crt" 2>/dev/null
listed=$(renewd check --no-headings --no-legend)
tap_like "$listed" '^kubelet-serving ' "T42 what it has made for itself is shown"
serving 400 "$ROOT/$pki/kubelet-server-1.pem" && ln -s kubelet-server-1.pem "$server"
listed=$(renewd check --no-headings --no-legend)
tap_like "$listed" '^kubelet-server .* ca$' "T42 a certificate of the cluster is shown"
tap_unlike "$listed" '^kubelet-serving ' "T42 and what it had made before is not: nobody uses it"
tap_like "$(renewd explain kubelet-server)" 'never: the kubelet renews it' "T42 explain says who renews it"
night 350
tap_status 1 "T42 no alarm while the kubelet may renew it" test -e "$ROOT/$alarm"
night 365
tap_is "$(severity)" major "T42 it should have renewed it: an alarm"
tap_is "$(jq -r .text "$ROOT/$alarm")" "The kubelet cannot renew its serving certificate." "T42 which says which"
tap_like "$(jq -r .reason "$ROOT/$alarm")" '^expires 20.*; the kubelet has not renewed it$' "T42 and why"
tap_like "$(jq -r .repair_action "$ROOT/$alarm")" 'kubectl get csr' "T42 and what to do"
tap_is "$(find "$ROOT/var/lib/kube-renewd/public/alarms" -name '*@kubelet-serv*' -printf '%f ')" "${alarm##*/} " "T42 once"
night 401
tap_is "$(severity)" critical "T42 it has expired"
serving 800 "$ROOT/$pki/kubelet-server-2.pem" && ln -sf kubelet-server-2.pem "$server"
night 402
tap_status 1 "T42 somebody has approved the request: the alarm is gone" test -e "$ROOT/$alarm"
rm "$server" && cp "$ROOT/$pki/kubelet-server-2.pem" "$server"
night 403
tap_like "$(jq -r .reason "$ROOT/$alarm")" "kubelet-server-current.pem' is a file, and no link" "T42 a plain file: an alarm"

# 7. What the kubelet makes for itself is renewed where somebody has said by whom, as kube-renewd-layout(5) has it.
serving_conf=etc/kube-renewd/kube-renewd.conf.d/serving.conf

# own_serving: a kubelet.crt as the kubelet makes it, with a CA of its own behind it. It ends in a year.
own_serving() {
        kubelet_host
        mkdir -p "$ROOT/${serving_conf%/*}"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365 -subj /CN=cp-1-ca@1700000000 \
                -keyout "$SCRATCH/own-ca.key" -out "$SCRATCH/own-ca.crt" 2>/dev/null
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=cp-1@1700000000 \
                -addext subjectAltName=DNS:cp-1 -addext extendedKeyUsage=serverAuth \
                -keyout "$ROOT/$pki/kubelet.key" -out "$SCRATCH/own.csr" 2>/dev/null
        openssl x509 -req -in "$SCRATCH/own.csr" -days 365 -CA "$SCRATCH/own-ca.crt" -CAkey "$SCRATCH/own-ca.key" \
                -set_serial 7 -copy_extensions copyall -out "$SCRATCH/own.crt" 2>/dev/null
        cat "$SCRATCH/own.crt" "$SCRATCH/own-ca.crt" >"$ROOT/$pki/kubelet.crt"
}

# by_manual WORDS: the drop-in of the manual that has these words, and what else stdin says.
by_manual() {
        {
                sed -n '/KUBELET.S SERVING/,/^# SPECIFIERS/p' "$SRCDIR/man/kube-renewd-layout.5.scd" |
                        awk -v words="$1" '/^```/ { if (index(text, words)) printf "%s", text; text = ""; next }
                                { text = text $0 "\n" }'
                cat
        } >"$ROOT/$serving_conf"
}

own_serving
by_manual Issuer=self-signed </dev/null
tap_like "$(cat "$ROOT/$serving_conf")" '^Uses=.*kubelet.crt' "the manual has an example"
night 362.9
tap_is "$(openssl x509 -noout -serial -in "$ROOT/$pki/kubelet.crt")" serial=07 "T30 more than two days and two hours before it ends it is not renewed"
night 363
tap_is "$(openssl x509 -noout -subject -issuer -in "$ROOT/$pki/kubelet.crt")" "$(printf '%s=CN = cp-1@1700000000\n' subject issuer)" \
        "T30 with two days left it is, and signed by itself"
tap_is "$(grep -c BEGIN "$ROOT/$pki/kubelet.crt")" 1 "without the CA of the old one"
tap_ok "the kubelet is owed a restart" test -e "$ROOT/var/lib/kube-renewd/owed/kubelet.json"
night 366
tap_is "$(find "$ROOT/var/lib/kube-renewd/public/alarms" -name '*kubelet-serving*')" "" "and no alarm is left of it"
own_serving
by_manual Issuer=self-signed </dev/null
sed -i '/component kubelet/,$d' "$ROOT/$serving_conf"
night 364.5
tap_is "$(grep -c BEGIN "$ROOT/$pki/kubelet.crt")" 1 "one that loads it by itself has a new one, too"
tap_status 1 "and is owed nothing" test -e "$ROOT/var/lib/kube-renewd/owed/kubelet.json"

own_serving
rm "$ROOT/$pki/kubelet.crt" "$ROOT/$pki/kubelet.key"
by_manual RecreateMissing <<<$'[host]\nNodeName=cp-1\nAdvertiseAddress=192.0.2.10'
tap_status 0 "with the CA of the cluster" renewd run --at="$NEW"
tap_ok "it verifies" openssl verify -no_check_time -purpose sslserver -verify_hostname cp-1 -verify_ip 192.0.2.10 \
        -CAfile "$ROOT/etc/kubernetes/pki/ca.crt" "$ROOT/$pki/kubelet.crt"
tap_is "$(openssl x509 -noout -subject -nameopt RFC2253 -in "$ROOT/$pki/kubelet.crt")" \
        "subject=CN=system:node:cp-1,O=system:nodes" "as the node that it is"

# T33: with a CA that comes back the kubelet gets a certificate of that CA.
kubelet_host
ca=$ROOT/etc/kubernetes/pki/ca
conf=$ROOT/etc/kubernetes/kubelet.conf
tap_status 0 "T33 a backup before the CA is another one" renewd backup create --at="$TEN_DAYS"
whole=$OUTPUT
conf_before=$(sha256sum <"$conf")
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7300 -subj /CN=kubernetes \
        -addext keyUsage=critical,keyCertSign,digitalSignature -keyout "$ca.key" -out "$ca.crt" 2>/dev/null
current_file=$ROOT/$pki/$old
openssl x509 -x509toreq -in "$current_file" -signkey "$current_file" -copy_extensions copyall -out "$SCRATCH/csr" 2>/dev/null
openssl x509 -req -in "$SCRATCH/csr" -CA "$ca.crt" -CAkey "$ca.key" -days 700 -copy_extensions copyall -set_serial 7 \
        -out "$SCRATCH/crt" 2>/dev/null
(openssl pkey -in "$current_file" && cat "$SCRATCH/crt") >"$SCRATCH/pem" && cat "$SCRATCH/pem" >"$current_file"
sed -i "s/certificate-authority-data: .*/certificate-authority-data: $(base64 -w 0 "$ca.crt")/" "$conf"
tap_ok "T33 the kubelet has a certificate of the other CA" openssl verify -no_check_time -CAfile "$ca.crt" "$current_file"
tap_status 75 "T33 the CA comes back" renewd restore "$whole" --at="$TEN_DAYS"
tap_is "$(sha256sum <"$conf")" "$conf_before" "T33 and the kubelet's kubeconfig"
tap_ok "T33 and it has a certificate of this one" openssl verify -no_check_time -CAfile "$ca.crt" \
        "$ROOT$(readlink "$ROOT/$pki/kubelet-client-current.pem")"
tap_ok "T33 and is owed a restart" test -e "$ROOT/var/lib/kube-renewd/owed/kubelet.json"
tap_status 75 "T33 restoring twice changes nothing" renewd restore "$whole" --at="$TEN_DAYS"
tap_like "$OUTPUT" '^0 files restored$' "T33 as is said"
tap_done

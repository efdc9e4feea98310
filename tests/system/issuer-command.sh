#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A certificate of a CA that a helper knows, under a real systemd and in the nightly sandbox. Helpers that
# hang, that print what is no certificate or another one, that end in every way: each is one clear
# error, and the old pair stays. One that keeps us waiting gets its cookie back, through nights.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh" || exit 99

host_tree
host_install

# 1. A control plane of which nothing is due, and a certificate of another CA, which ends in five days.
host_certificates '-25 days' --validity=30d --ca-validity=10y
mv "$TREE/etc/kubernetes" "$SCRATCH/other"
host_certificates '-1 day'
pki=$TREE/etc/kubernetes/pki
mkdir "$TREE/helper"
mv "$SCRATCH/other/pki/apiserver.crt" "$pki/served.crt"
mv "$SCRATCH/other/pki/apiserver.key" "$pki/served.key"

mv "$SCRATCH/other/pki/ca.crt" "$SCRATCH/other/pki/ca.key" "$TREE/helper"
host_config helper <<'END'
[agent]
Layout=kubeadm
[ca helper]
Certificate=/helper/ca.crt
[certificate served]
Certificate=/etc/kubernetes/pki/served.crt
Key=/etc/kubernetes/pki/served.key
CA=helper
KeyAlgorithm=ECDSA-P256
Issuer=command
IssuerCommand=/helper/ask '$HOME' %n
RequestTimeout=2s
END

# 2. The helper, which does what /run/mode says.
host_script helper/ask <<'END'
exec 2>>/run/helper.log
san=$(openssl req -noout -text <<<"$CERTMONGER_CSR" | sed -n '/Subject Alternative Name/{n;s/IP Address/IP/g;s/ //g;p}')
key=$(openssl req -noout -pubkey <<<"$CERTMONGER_CSR" | sha256sum | cut -c1-16)
echo "$CERTMONGER_OPERATION '$CERTMONGER_CA_COOKIE' $* $key" >>/run/asked
[ -w /usr ] && [ -s /helper/ca.key ] || exit 99 # it is not in our sandbox

# sign OPTION... [-- EXTENSION...]: the request, as it is wanted but for these.
sign() {
        local options=()

        while [ $# -gt 0 ] && [ "$1" != -- ]; do
                options+=("$1")
                shift
        done
        openssl x509 -req -in <(echo "$CERTMONGER_CSR") -CA "/helper/ca.crt" -CAkey "/helper/ca.key" -days 90 \
                -set_serial "0x$(openssl rand -hex 8)" "${options[@]}" -extfile <(
                printf '%s\n' keyUsage=critical,digitalSignature,keyEncipherment extendedKeyUsage=serverAuth \
                        "subjectAltName=$san" "${@:2}"
        )
}

mode=$(cat /run/mode)
case $mode in
good) sign && cat /helper/ca.crt ;;
hang) sleep 1000 & sleep 1001 ;;
rubbish) echo 'the answer is 42' ;;
huge) head -c 1048576 /dev/zero | tr '\0' a ; exit 0 ;;
binary) printf 'a\0b' ;;
other-key) sign -force_pubkey <(openssl genpkey -algorithm RSA -quiet 2>/dev/null | openssl pkey -pubout) ;;
other-name) san+=,DNS:evil.example sign ;;
fewer-names) san=DNS:cp-1 sign ;;
other-subject) sign -subj /CN=kubernetes-admin/O=system:masters ;;
client) sign -- extendedKeyUsage=serverAuth,clientAuth ;;
a-ca) sign -- keyUsage=critical,digitalSignature,keyCertSign basicConstraints=critical,CA:true ;;
expired) sign -days -1 ;;
sooner) sign -days 3 ;;
other-ca)
        openssl req -x509 -newkey rsa:2048 -nodes -keyout /run/other.key -subj /CN=kubernetes -days 90 -out /run/other.crt &&
                sign -CA /run/other.crt -CAkey /run/other.key
        ;;
wait) printf 'state=approve&id=7\n' && exit 1 ;;
no-cookie) exit 1 ;;
seconds) echo good >/run/mode && printf '1\nsoon\n' && exit 5 ;;
hour) printf '3600\nlater\n' && exit 5 ;;
another-key) echo good >/run/mode && exit 17 ;;
exit-*) echo "because of $mode" && exit "${mode#exit-}" ;;
killed) kill -KILL $$ ;;
esac
END

# 3. What happens inside: each line is a fact, "name=value".
host_script inside <<'END'
. /host || exit 99
served=/etc/kubernetes/pki/served
pending=$state/pending/served.json

# night MODE [NAME]: a pass with that helper. "NAME=STATUS old|new paired|mixed"
night() {
        local before alarm name=${2:-$1}

        before=$(cat $served.crt $served.key | sha256sum)
        echo "$1" >/run/mode
        rm -f /run/asked
        start
        echo "$name=$(show ExecMainStatus) $([ "$(cat $served.crt $served.key | sha256sum)" = "$before" ] && echo old || echo new) $(
                [ -n "$(unpaired)" ] && echo mixed || echo paired)"
        echo "$name-asked=$(paste -sd+ /run/asked 2>/dev/null)"
        echo "$name-alarms=$(for alarm in $state/public/alarms/*.json; do
                [ ! -e "$alarm" ] || echo "$(basename "$alarm" .json): $(member "$alarm" reason)"
        done | paste -sd+)"
}

# anew: as on the first night.
anew() {
        rm -rf $state/pending $state/public $state/history.json
}

systemctl start dbus.socket
cp -p $served.crt /run/old.crt
cp -p $served.key /run/old.key
for mode in rubbish huge binary other-key other-name fewer-names other-subject client a-ca expired sooner other-ca \
        no-cookie exit-2 exit-3 exit-4 exit-9 killed hang; do
        night "$mode"
        anew
done
echo "left=$(pgrep -fc 'sleep 100[01]')"
mv /helper/ask /helper/ask-away
night good gone
mv /helper/ask-away /helper/ask
anew


# Through nights.
night wait wait-1
echo "modes=$(stat -c %a "$pending") $(stat -c %a "$(dirname "$pending")")"
night exit-3 wait-2
night wait wait-3
night good wait-4
echo "rest=$(ls $state/public/alarms $state/pending | grep json)"
echo "installed=$(openssl verify -CAfile /helper/ca.crt $served.crt 2>&1) $(openssl storeutl -noout -certs $served.crt | tail -n 1)"

# old_pair: the one that is due, as on the first night.
old_pair() {
        cp -p /run/old.crt $served.crt
        cp -p /run/old.key $served.key
        anew
}

old_pair
night seconds
old_pair
night another-key
old_pair
night hour
night good hour-2
old_pair
night other-name refused
night good refused-2
echo "denied=$(journalctl -q -o cat -u $unit | grep -ci 'not permitted\|denied\|read-only')"
END
host_boot /inside

# refused NAME STATUS ALARM REASON DESCRIPTION: the old pair stays, with this alarm.
refused() {
        tap_is "$(fact "$1")" "$2 old paired" "$5: the old pair stays"
        tap_like "$(fact "$1-alarms" | tr + '\n')" "^$3@served: \"$4" "and an alarm says why" || tap_note "$FACTS"
}

says="IssuerCommand= '/helper/ask'"
refused rubbish 1 renewal-failed "$says says that it is issued, and has printed no certificate: the answer is 42\"" "rubbish"
refused huge 1 renewal-failed "IssuerCommand=: '/helper/ask': it has printed more than 64 KiB\"" "1 MiB"
refused binary 1 renewal-failed "IssuerCommand=: '/helper/ask': it has printed what is no text\"" "a NUL"
refused other-key 1 renewal-failed 'refused: it is for another key; ' "a certificate for another key"
refused other-name 1 renewal-failed "refused: it has the SAN 'DNS:evil.example', which was not asked for; " "with another name"
refused fewer-names 1 renewal-failed "refused: it lacks the SAN 'DNS:kubernetes'; " "with fewer names"
refused other-subject 1 renewal-failed "refused: its subject is 'O=system:masters,CN=kubernetes-admin', asked for was " "of another subject"
refused client 1 renewal-failed "refused: it is for 'client auth', which was not asked for; " "for another purpose"
refused a-ca 1 renewal-failed 'refused: it is a CA; ' "of a CA"
refused expired 1 renewal-failed 'refused: it has expired at ' "which has expired"
refused sooner 1 renewal-failed 'refused: it would end no later than the one in place; ' "which ends before the old one"
refused other-ca 1 renewal-failed 'refused: the certificate does not verify: ' "of another CA"
refused no-cookie 1 renewal-failed "$says says that we have to wait, and has given no cookie to ask again with\"" "a script that fails"
refused exit-2 1 renewal-failed "rejected: $says refuses it: because of exit-2; its issuer is asked again after " "rejected"
refused exit-3 75 pending-csr ".*$says cannot reach the CA: because of exit-3\"" "unreachable"
refused exit-4 1 renewal-failed "$says is not configured: because of exit-4\"" "not configured"
refused exit-9 1 renewal-failed "$says has ended with exit status 9, which is no answer: because of exit-9\"" "a status that is none"
refused killed 1 renewal-failed "IssuerCommand=: '/helper/ask' was ended by signal SIGKILL" "killed"
refused hang 75 pending-csr ".*IssuerCommand=: '/helper/ask' took longer than 2 seconds" "one that hangs"
tap_is "$(fact left)" 0 "and leaves nothing behind"
refused gone 1 renewal-failed "IssuerCommand=: '/helper/ask' could not be executed" "one that is not there"
tap_is "$(fact gone-asked)" "" "is not asked"

# asked NAME: "OPERATION 'COOKIE'" of each question.
asked() {
        fact "$1-asked" | tr + '\n' | sed 's/ \$HOME %n .*//' | xargs -d '\n'
}

# keys NAME...: of the requests, each once.
keys() {
        local name

        for name; do fact "$name-asked" | tr + '\n'; done | sed 's/.* //' | sort -u | wc -l
}

refused wait-1 75 pending-csr 'asked for since ' "one that has us wait"
tap_is "$(fact modes)" "600 700" "key and request are there, and for nobody else"
refused wait-2 75 pending-csr ".*$says cannot reach the CA" "the next night it cannot reach its CA"
tap_is "$(asked wait-2)" "POLL 'state=approve&id=7'" "it has got its cookie"
tap_is "$(asked wait-3)" "POLL 'state=approve&id=7'" "and again the night after that"
tap_is "$(fact wait-4) $(asked wait-4)" "0 new paired POLL 'state=approve&id=7'" "and then the certificate is installed"
tap_is "$(keys wait-1 wait-2 wait-3 wait-4)" 1 "for the key of the first night"
tap_is "$(fact wait-4-alarms)$(fact rest)" "" "no alarm and no request is left"
tap_is "$(fact installed)" "/etc/kubernetes/pki/served.crt: OK Total found: 2" "with the chain that the helper gave"
tap_is "$(fact seconds) $(asked seconds)" "0 new paired SUBMIT '' POLL 'soon'" "who is ready in a second is asked again in the same pass" ||
        tap_note "$FACTS"
tap_is "$(fact another-key) $(asked another-key) $(keys another-key)" "0 new paired SUBMIT '' SUBMIT '' 2" "who wants another key gets one"
refused hour 75 pending-csr 'asked for since ' "one that has us wait for an hour"
refused hour-2 75 pending-csr 'asked for since ' "a pass that comes before that"
tap_is "$(fact hour-2-asked)" "" "does not ask"
refused refused-2 1 renewal-failed "refused: it has the SAN 'DNS:evil.example'" "a pass that comes soon after a refusal"
tap_is "$(fact refused-2-asked)" "" "does not ask either"
tap_is "$(fact denied)" 0 "the sandbox was in nobody's way" || tap_note "$FACTS"
tap_done

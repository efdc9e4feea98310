#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# CA keys in a token (Key=pkcs11:…): all of a kubeadm tree is renewed by them, a token that cannot be used leaves
# everything as it was, and nobody hears the PIN.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
for tool in softhsm2-util openssl jq cc pkg-config strace; do
        command -v $tool >/dev/null || tap_skip_all "$tool is not installed"
done
pkg-config --exists p11-kit-1 || tap_skip_all "libp11-kit-dev is not installed"
softhsm=$(find /usr/lib /usr/lib64 -name libsofthsm2.so -print -quit 2>/dev/null)
[ "$softhsm" ] || tap_skip_all "the module of softhsm2 is not installed"

PKI=/etc/kubernetes/pki
PIN=8214095577 # in nothing else, so that it is seen wherever it gets to
MODULE=/usr/lib/softhsm/libsofthsm2.so
FAKE=/usr/lib/fake-token.so
CAS='ca etcd/ca front-proxy-ca'
id_of() { # CA: its name in the layout
        sed 's,^ca$,kubernetes,; s,etcd/ca,etcd,; s,-ca$,,' <<<"$1"
}

export SOFTHSM2_CONF=$SCRATCH/softhsm2.conf FAKE_TOKEN_MODULE=$softhsm FAKE_TOKEN_LOG=$SCRATCH/logins
printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' "$SCRATCH" >"$SOFTHSM2_CONF"
# shellcheck disable=SC2046
tap_ok "a token with faults is built" cc -shared -fPIC -O1 $(pkg-config --cflags p11-kit-1) \
        -o "$SCRATCH/fake-token.so" "$SRCDIR/tests/bin/fake-token.c"

# token LABEL [CA...]: a fresh token with the keys of those of $ROOT, which are gone from there.
token() {
        local ca id=0

        softhsm2-util --init-token --free --label "$1" --so-pin 12345678 --pin "$PIN" >/dev/null || exit 99
        for ca in "${@:2}"; do
                id=$((id + 1))
                openssl pkcs8 -topk8 -nocrypt -in "$ROOT$PKI/$ca.key" -out "$SCRATCH/key.pem" || exit 99
                softhsm2-util --import "$SCRATCH/key.pem" --token "$1" --label "$(id_of "$ca")" --id "0$id" --pin "$PIN" >/dev/null || exit 99
                rm "$SCRATCH/key.pem" "$ROOT$PKI/$ca.key"
        done
}
# configure LINE...: how the token is reached, and where the key of each CA is.
configure() {
        local ca id

        mkdir -p "$ROOT/etc/kube-renewd"
        {
                printf '[pkcs11]\n'
                printf '%s\n' "$@"
                for ca in $CAS; do
                        id=$(id_of "$ca")
                        printf '[ca %s]\nKey=pkcs11:token=cas;object=%s\n' "$id" "$id"
                done
        } >"$ROOT/etc/kube-renewd/kube-renewd.conf"
        digests >"$SCRATCH/before"
}
# token_host VARIANT: a host whose three CA keys are in a fresh token "cas".
token_host() {
        host "$1"
        rm -rf "$SCRATCH/tokens"
        mkdir "$SCRATCH/tokens"
        # shellcheck disable=SC2086
        token cas $CAS
        mkdir -p "$ROOT/usr/lib/softhsm"
        cp "$softhsm" "$ROOT$MODULE"
        cp "$SCRATCH/fake-token.so" "$ROOT$FAKE"
        configure "Module=$MODULE" PINFile=/etc/kube-renewd/pin
        echo "$PIN" >"$ROOT/etc/kube-renewd/pin"
        : >"$FAKE_TOKEN_LOG"
        digests >"$SCRATCH/before"
}
# set_config SED: the configuration is changed.
set_config() {
        sed -i "$1" "$ROOT/etc/kube-renewd/kube-renewd.conf"
        digests >"$SCRATCH/before"
}
# log_in: somebody logs in with the right PIN.
log_in() {
        p11tool --provider="$softhsm" --batch --login --set-pin="$PIN" --list-keys pkcs11:token=cas >/dev/null 2>&1
}
alarms() {
        find "$ROOT/var/lib/kube-renewd/public/alarms" -name 'renewal-failed@*' 2>/dev/null | wc -l
}
# verifies CA LEAF: by that CA file alone, at any time.
verifies() {
        openssl verify -no_check_time -CAfile "$ROOT$PKI/$1" "$ROOT$PKI/$2" >/dev/null 2>&1
}
# nothing_lost DESCRIPTION: all files are what they were, none is besides, and each of the ten has its alarm.
nothing_lost() {
        tap_is "$(changed)$(find "$ROOT" -name '*pkcs11:*')" "" "$1: no file is changed, or added"
        tap_is "$(alarms)" "${2:-10}" "$1: there is an alarm of each that is due"
}
# fails PATTERN DESCRIPTION: a pass signs nothing, says why, and loses nothing.
fails() {
        tap_status 1 "$2: a pass fails" renewd run --at="$TEN_DAYS"
        tap_like "$OUTPUT" "Cannot renew certificate 'apiserver': CA 'ca' cannot sign: .*$1" "$2: it says why"
        nothing_lost "$2"
        everything="$everything$OUTPUT"
}

# 1. Every kind of key that a CA has: all of the tree, by the three CAs.
everything=
for variant in v1.28.7/rsa2048-default v1.28.7/ecdsa-p256; do
        token_host "$variant"
        tap_status 1 "$variant: what is due is seen" renewd check --at="$TEN_DAYS"
        tap_like "$OUTPUT" "10 due" "$variant: nothing of it is external"
        everything="$everything$OUTPUT"
        tap_status 0 "$variant: it is told whose key is where" renewd explain apiserver --at="$TEN_DAYS"
        tap_like "$OUTPUT" "'ca', $PKI/ca.crt, its key is in a token" "$variant: as it is"
        tap_status 75 "$variant: the whole tree is renewed" renewd run --at="$TEN_DAYS"
        everything="$everything$OUTPUT"
        tap_like "$OUTPUT" "10 renewed, 0 failed" "$variant: all of it"
        for leaf in apiserver:ca etcd/server:etcd/ca front-proxy-client:front-proxy-ca; do
                tap_ok "$variant: ${leaf%:*} is signed by its CA" verifies "${leaf#*:}.crt" "${leaf%:*}.crt"
        done
        tap_is "$(changed | wc -l)" 17 "$variant: and no other file is touched"
        tap_status 1 "$variant: no row is ill but the kubelet's" renewd check --at="$TEN_DAYS"
        tap_like "$OUTPUT" "0 due: 1 EXPIRING, 13 OK" "$variant: all the others are fine"
        tap_ok "$variant: there is a backup" test -n "$(ls "$ROOT/var/lib/kube-renewd/backups")"
        tap_is "$(find "$ROOT" -name '*pkcs11*')" "" "$variant: and no file is named after a URL"
done
tap_status 0 "a backup is made of all files" renewd backup create
tap_unlike "$(find "$ROOT/var/lib/kube-renewd/backups" -name '*.json' -exec cat {} +)" 'pkcs11' "which do not count the token among them"

# 2. Which of several certificates signs is what the key says.
token_host v1.28.7/ecdsa-p256
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7300 -subj /CN=kubernetes \
        -addext keyUsage=critical,keyCertSign,digitalSignature -keyout "$SCRATCH/new.key" -out "$SCRATCH/new.crt" 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in "$SCRATCH/new.key" -out "$SCRATCH/key.pem"
softhsm2-util --import "$SCRATCH/key.pem" --token cas --label fresh --id 09 --pin "$PIN" >/dev/null
cp "$ROOT$PKI/ca.crt" "$SCRATCH/old.crt"
cat "$SCRATCH/new.crt" "$SCRATCH/old.crt" >"$ROOT$PKI/ca.crt"
renewd renew apiserver --at="$TEN_DAYS" >/dev/null 2>&1
tap_ok "of two certificates the one signs that has the key" openssl verify -no_check_time -CAfile "$SCRATCH/old.crt" "$ROOT$PKI/apiserver.crt"
set_config 's/object=kubernetes/object=fresh/'
tap_status 75 "another key is named, and everything is issued anew" renewd renew --all --at="$TEN_DAYS"
tap_ok "the other CA has signed" openssl verify -no_check_time -CAfile "$SCRATCH/new.crt" "$ROOT$PKI/apiserver.crt"
tap_like "$(renewd check --at="$TEN_DAYS" | grep '^admin.conf')" " OK " "and kubeconfigs know it"

# 3. What is wrong with a token, one by one.
token_host v1.28.7/ecdsa-p256
set_config '/^Module=/d'
fails "'pkcs11:token=cas;object=kubernetes' is in a token, and Module= of \[pkcs11\] names no module" "no module is named"
tap_like "$(renewd config 2>&1)" "set Module= in \[pkcs11\]" "and 'config' warns of it"
configure Module=/usr/lib/nowhere.so PINFile=/etc/kube-renewd/pin
fails "cannot open '/usr/lib/nowhere.so'" "the module is not there"
configure Module=/usr/lib/garbage.so PINFile=/etc/kube-renewd/pin
echo garbage >"$ROOT/usr/lib/garbage.so"
fails "cannot load the PKCS#11 module '.*/usr/lib/garbage.so'" "the module is none"
configure "Module=/usr/lib/nowhere.so $MODULE" PINFile=/etc/kube-renewd/pin
set_config 's/token=cas;object=kubernetes/token=other;object=kubernetes/'
tap_status 1 "one token of several is missing" renewd run --at="$TEN_DAYS"
tap_like "$OUTPUT" "CA 'ca' cannot sign: cannot open '/usr/lib/nowhere.so'" "and may be in the module that is missing"
tap_like "$OUTPUT" "5 renewed, 5 failed" "while the other CAs sign with another module"
tap_is "$(alarms)" 5 "with an alarm of each that is not renewed"

token_host v1.28.7/ecdsa-p256
set_config 's/token=cas/token=other/'
fails "no token fits 'pkcs11:token=other;object=kubernetes'" "the token is missing"
configure "Module=$MODULE" PINFile=/etc/kube-renewd/pin
set_config 's/object=kubernetes/object=none/'
tap_status 1 "a key is missing" renewd run --at="$TEN_DAYS"
tap_like "$OUTPUT" "CA 'ca' cannot sign: no private key in the token fits 'pkcs11:token=cas;object=none'" "a key is missing: it says so"
tap_like "$OUTPUT" "5 renewed, 5 failed" "a key is missing: the other CAs sign"

token_host v1.28.7/ecdsa-p256
set_config 's/object=kubernetes/id=%02/'
tap_status 1 "a key of another CA" renewd run --at="$TEN_DAYS"
tap_like "$OUTPUT" "CA 'ca' cannot sign: the key 'pkcs11:token=cas;id=%02' belongs to no certificate" "a key of another CA signs nothing"
tap_like "$OUTPUT" "5 renewed, 5 failed" "a key of another CA: the others sign"

# 4. The PIN: none, a wrong one, given once.
token_host v1.28.7/ecdsa-p256
rm "$ROOT/etc/kube-renewd/pin"
digests >"$SCRATCH/before"
fails "wants a PIN: cannot open '/etc/kube-renewd/pin'" "there is no PIN"
configure "Module=$MODULE"
tap_like "$(renewd config --drop-in)" '^# Also: pkcs11\.conf' "'config --drop-in' tells of the one that does so"
fails "wants a PIN: PINFile= of \[pkcs11\] is not set" "nobody has handed over a PIN"
mkdir "$SCRATCH/credentials"
echo 1 >"$SCRATCH/credentials/pkcs11-pin"
printf %s "$PIN" >"$SCRATCH/credentials/pkcs11-pin.etcd"
: >"$SCRATCH/credentials/pkcs11-pin.front-proxy"
digests >"$SCRATCH/before"
CREDENTIALS_DIRECTORY=$SCRATCH/credentials renewd renew etcd-server --at="$TEN_DAYS" >"$SCRATCH/said" 2>&1
tap_is "$(changed | xargs)" "${PKI#/}/etcd/server.crt ${PKI#/}/etcd/server.key" "a CA of its own PIN: from the credentials of the service" ||
        tap_note "$(cat "$SCRATCH/said")"
CREDENTIALS_DIRECTORY=$SCRATCH/credentials renewd renew front-proxy-client --at="$TEN_DAYS" >"$SCRATCH/said" 2>&1
tap_like "$(cat "$SCRATCH/said")" "what 'pkcs11-pin' holds is no PIN" "an empty one is none"

for fault in '' silent; do
        token_host v1.28.7/ecdsa-p256
        set_config "s,$MODULE,$FAKE,"
        export FAKE_TOKEN_FAULT=$fault
        echo 11111111 >"$ROOT/etc/kube-renewd/pin"
        digests >"$SCRATCH/before"
        fails "has refused the PIN, which is not given again" "a wrong PIN${fault:+, a token that does not tell of it}"
        tap_is "$(cat "$FAKE_TOKEN_LOG")" "login 0xa0" "which is given once, for three keys"
done
export FAKE_TOKEN_FAULT=
fails "has refused a PIN since somebody last logged in" "the night after"
tap_is "$(wc -l <"$FAKE_TOKEN_LOG")" 1 "and not again the night after"
echo "$PIN" >"$ROOT/etc/kube-renewd/pin"
tap_status 1 "the right one is not given either" renewd run --at="$TEN_DAYS"
tap_is "$(wc -l <"$FAKE_TOKEN_LOG")" 1 "as long as the token says so"
if command -v p11tool >/dev/null; then
        log_in
        tap_status 75 "after somebody has logged in, everything is renewed" renewd run --at="$TEN_DAYS"
        tap_is "$(alarms)" 0 "and no alarm is left"
else
        tap_skip "after somebody has logged in" "gnutls-bin is not installed"
fi

# 5. What only another token can show.
for fault in locked:'is locked' locked-flag:'is locked' final-try:'takes one more before it locks' \
        count-low:'has refused a PIN since' pad:'on a pad of its own'; do
        token_host v1.28.7/ecdsa-p256
        set_config "s,$MODULE,$FAKE,"
        export FAKE_TOKEN_FAULT=${fault%%:*}
        fails "${fault#*:}" "a token with the fault '$FAKE_TOKEN_FAULT'"
        logins=$(wc -l <"$FAKE_TOKEN_LOG")
        if [ "$FAKE_TOKEN_FAULT" = locked ]; then
                tap_is "$logins" 1 "$FAKE_TOKEN_FAULT: it is tried once"
        else
                tap_is "$logins" 0 "$FAKE_TOKEN_FAULT: no PIN is given"
        fi
done
export FAKE_TOKEN_FAULT=

# 6. Who only looks loads nothing; who signs loads what is named and nothing else.
token_host v1.28.7/ecdsa-p256
traced() { # VERB...: opens of libraries that are modules, and every program that is started
        : >"$SCRATCH/trace"
        strace -f -s 300 -e trace=open,openat,openat2,execve -o "$SCRATCH/trace" \
                "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm "$@" >"$SCRATCH/said" 2>&1
        grep -E 'softhsm|pkcs11|opensc|tpm2|p11-kit-(client|trust)|/pin"' "$SCRATCH/trace" | grep -v ENOENT
}
traced check >/dev/null
if grep -q 'pki/ca.crt' "$SCRATCH/trace"; then
        for verb in check plan verify 'explain apiserver' alarms config 'rotate-ca --status'; do
                # shellcheck disable=SC2086
                tap_is "$(traced $verb)" "" "'$verb' opens no module and no PIN"
        done
        traced renew --at="$TEN_DAYS" >"$SCRATCH/opened"
        tap_like "$(cat "$SCRATCH/opened")" "libsofthsm2.so" "'renew' does"
        tap_is "$(grep -cvE "$ROOT|usr/lib/softhsm/libsofthsm2.so|etc/kube-renewd/pin|/proc/self/fd|$SCRATCH" "$SCRATCH/opened")" 0 \
                "and no other one" || tap_note "$(cat "$SCRATCH/opened")"
        tap_unlike "$(cat "$SCRATCH/trace")" "$PIN" "no program is started with the PIN"
else
        tap_skip "who only looks loads nothing" "strace shows nothing of a program that leaves no core"
fi

# 7. Nobody hears the PIN, and nobody takes one out of a URL.
everything="$everything$(cat "$SCRATCH/said")$(find "$ROOT/var" "$ROOT/run" -type f -exec cat {} + 2>/dev/null | tr -d '\0')"
tap_unlike "$everything" "$PIN" "the PIN is in no line, alarm, status, backup or ledger"
for attribute in pin-value=$PIN pin-source=file:/etc/kube-renewd/pin; do
        configure "Module=$MODULE"
        sed -i "s,object=kubernetes,object=kubernetes?$attribute," "$ROOT/etc/kube-renewd/kube-renewd.conf"
        tap_status 78 "no PIN in a URL: ${attribute%%=*}" renewd run --at="$TEN_DAYS"
        tap_like "$OUTPUT" "a pkcs11: URL without a PIN" "${attribute%%=*}: it says so"
        tap_unlike "$OUTPUT$(cat "$ROOT"/var/lib/kube-renewd/public/alarms/config-invalid@*)" "$PIN" "${attribute%%=*}: without the PIN"
done

# 8. What makes keys, makes none in a token.
token_host v1.28.7/ecdsa-p256
tap_status 1 "rotate-ca" renewd rotate-ca --ca=kubernetes --phase=prepare --yes --at="$TEN_DAYS"
tap_like "$OUTPUT" "is in a token .*'CA KEYS IN A TOKEN' of kube-renewd-operations" "rotate-ca refuses a CA in a token, and says what to do"
tap_is "$(changed)" "" "and changes nothing"
tap_done

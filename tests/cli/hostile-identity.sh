#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A renewal copies the identity of the certificate that it replaces. So whoever may write a file that is renewed, and is not
# root, could have anybody's identity signed for him: by a certificate that he has forged, or one that he has seen but whose
# key he has not. Nothing but what our CA has signed, with its key beside it, is renewed by itself where others may write.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

[ "$(id -u)" = 0 ] || tap_skip_all "only root can act for two users"

MALLORY=1234
PKI=etc/kubernetes/pki
CONF=etc/kubernetes/scheduler.conf

# forged NAME SUBJECT: $SCRATCH/NAME.crt and .key, long expired and signed by a CA of his that has the name of ours.
forged() {
        (
                cd "$SCRATCH" || exit 99
                mkdir -p forge && : >forge/index.txt
                openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout forge/ca.key -out forge/ca.crt \
                        -subj /CN=kubernetes -days 1 &&
                        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out forge/csr -subj "$2" &&
                        printf '%s\n' '[ca]' 'default_ca=a' '[a]' 'database=forge/index.txt' 'new_certs_dir=forge' 'rand_serial=yes' \
                                'default_md=sha256' 'policy=p' 'x509_extensions=x' '[p]' 'commonName=supplied' \
                                'organizationName=optional' '[x]' 'extendedKeyUsage=clientAuth' >forge/conf &&
                        openssl ca -batch -notext -config forge/conf -cert forge/ca.crt -keyfile forge/ca.key -in forge/csr \
                                -out "$1.crt" -startdate 20250101000000Z -enddate 20260101000000Z
        ) >/dev/null 2>&1 || { tap_note "openssl cannot forge it"; exit 99; }
}

# kubeconfig CERTIFICATE KEY: scheduler.conf has these.
kubeconfig() {
        sed -i "s/client-certificate-data: .*/client-certificate-data: $(base64 -w0 <"$1")/
                s/client-key-data: .*/client-key-data: $(base64 -w0 <"$2")/" "$ROOT/$CONF"
}

# nights AT: two passes, the second of which would renew what is mismatched.
nights() {
        renewd run --at="$1" >/dev/null 2>&1
        renewd run --at="$1" >/dev/null 2>&1
}

subject() {
        sed -n 's/^ *client-certificate-data: //p' "$ROOT/$CONF" | base64 -d | openssl x509 -noout -subject -nameopt RFC2253
}

# handed_out: what scheduler.conf has that Mallory did not write.
handed_out() {
        cmp -s "$SCRATCH/planted" "$ROOT/$CONF" || subject
}

# planted TITLE AT: nobody signs what is in scheduler.conf now, be it asked for as a whole or not.
planted() {
        cp "$ROOT/$CONF" "$SCRATCH/planted"
        nights "$2"
        tap_empty "$(handed_out)" "$1: is not renewed"
        renewd renew --all --at="$2" >/dev/null 2>&1
        tap_empty "$(handed_out)" "$1: not by --all either"
        tap_like "$(renewd alarms 2>&1)" "(invalid|expired|renewal-failed) +scheduler.conf" "$1: there is an alarm"
        tap_like "$(renewd explain scheduler.conf --at="$2" 2>&1 | tr '\n' ' ')" "belongs +to +user +$MALLORY|can +be +written +by +others" "$1: which says why"
}

scene() {
        host v1.28.7/ecdsa-p256
        chmod 755 "$ROOT"
}

forged masters /O=system:masters/CN=mallory
scene
chown $MALLORY "$ROOT/$CONF"
kubeconfig "$SCRATCH/masters.crt" "$SCRATCH/masters.key"
planted "an expired certificate that is forged" "$NEW"

scene
chown $MALLORY "$ROOT/$CONF"
kubeconfig "$ROOT/$PKI/apiserver-kubelet-client.crt" "$SCRATCH/masters.key"
planted "a certificate of somebody else's, without its key" "$NEW"
planted "one that has expired" "$EXPIRED"

scene
chmod 777 "$ROOT/etc/kubernetes"
kubeconfig "$SCRATCH/masters.crt" "$SCRATCH/masters.key"
planted "one in a directory that everybody may write" "$NEW"

# A kubeconfig that names files: those of others, and a key that will be his.
scene
chown $MALLORY "$ROOT/$CONF"
mkdir -p "$ROOT/srv/mallory"
cp "$SCRATCH/masters.key" "$ROOT/srv/mallory/key"
chown -R $MALLORY "$ROOT/srv/mallory"
sed -i 's|client-certificate-data: .*|client-certificate: /etc/kubernetes/pki/apiserver-kubelet-client.crt|
        s|client-key-data: .*|client-key: /srv/mallory/key|' "$ROOT/$CONF"
nights "$NEW"
nights "$EXPIRED"
tap_ok "a key that is named beside another's certificate stays what it was" cmp "$SCRATCH/masters.key" "$ROOT/srv/mallory/key"

# What is his is renewed, expired or not; and what is root's is mended.
scene
chown $MALLORY "$ROOT/$CONF"
before=$(subject)
nights "$EXPIRED"
tap_is "$(renewd check --at="$EXPIRED" --no-headings --no-legend --columns=status scheduler.conf)" "OK" "his own pair is renewed"
tap_is "$(subject)" "$before" "for whom it was"
tap_is "$(stat -c %u "$ROOT/$CONF")" $MALLORY "and stays his"
scene
cp "$SCRATCH/masters.key" "$ROOT/$PKI/apiserver.key"
nights "$NEW"
tap_is "$(renewd check --at="$NEW" --no-headings --no-legend --columns=status apiserver)" "OK" "a mismatched pair of root's is mended"
scene
chown $MALLORY "$ROOT/$CONF"
kubeconfig "$ROOT/$PKI/apiserver-kubelet-client.crt" "$SCRATCH/masters.key"
renewd renew scheduler.conf --at="$NEW" >/dev/null 2>&1
tap_is "$(renewd check --at="$NEW" --no-headings --no-legend --columns=status scheduler.conf)" "OK" "and so is one that somebody names"
tap_done

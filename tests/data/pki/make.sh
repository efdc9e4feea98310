#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the keys and certificates of this directory anew, here. Run by hand, never by the tests:
# what was made once is committed, because RSA-4096 keys are slow and dates must stay.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/ca.cnf" <<END
[ca]
default_ca = this
[this]
database = $work/index
rand_serial = yes
new_certs_dir = $work
default_md = default
policy = any
unique_subject = no
preserve = yes
[any]
[req]
distinguished_name = any
string_mask = utf8only
utf8 = yes
END
cat extensions.cnf >>"$work/ca.cnf"

# sign NAME KEY CA SECTION SUBJECT FROM UNTIL: a certificate NAME.crt; CA "self" signs itself
sign()
{
        rm -f "$work"/index*
        : >"$work/index"
        openssl req -new -config "$work/ca.cnf" -utf8 -multivalue-rdn -nodes -key "$2" -subj "$5" \
                -out "$work/csr"
        if [ "$3" = self ]; then
                set -- "$1" "$2" "-selfsign -keyfile $2" "$4" "$5" "$6" "$7"
        else
                set -- "$1" "$2" "-cert $3.crt -keyfile $3.key" "$4" "$5" "$6" "$7"
        fi
        # shellcheck disable=SC2086
        openssl ca -batch -config "$work/ca.cnf" -md "${md:-default}" -preserveDN -notext -in "$work/csr" $3 \
                -extensions "$4" -startdate "$6" -enddate "$7" -out "$1.crt" \
                2>"$work/log" || { echo "cannot sign $1" && cat "$work/log" && exit 1; } >&2
}

# Keys of every kind in the forms it has, and a CA of every kind.
for bits in 2048 3072 4096; do
        openssl genrsa -traditional -out rsa-$bits.key $bits 2>/dev/null
        openssl pkey -in rsa-$bits.key -out rsa-$bits.pkcs8.key
done
for curve in prime256v1:p256 secp384r1:p384 secp521r1:p521 secp224r1:p224; do
        name=${curve#*:}
        openssl ecparam -name "${curve%:*}" -genkey -out "$name.params.key"
        openssl ec -in "$name.params.key" -out "$name.key" 2>/dev/null
        openssl pkey -in "$name.params.key" -out "$name.pkcs8.key"
done
openssl genpkey -algorithm ed25519 -out ed25519.key
for kind in rsa-2048 rsa-3072 rsa-4096 p256 p384 p521 ed25519; do
        sign $kind $kind.key self authority "/CN=ca-$kind" 20260101000000Z 20360101000000Z
done
openssl pkey -in p256.key -aes128 -passout pass:secret -out encrypted.pkcs8.key
openssl ec -in p256.key -aes128 -passout pass:secret -out encrypted.sec1.key 2>/dev/null

# CAs that must not sign, and leaves that are hard to copy, all on the P-256 CA's key.
sign expired-ca p256.key self authority /CN=ca-p256 20200101000000Z 20210101000000Z
sign future-ca p256.key self authority /CN=ca-p256 20350101000000Z 20360101000000Z
sign no-ca p256.key self leaf /CN=ca-p256 20260101000000Z 20360101000000Z
sign no-sign-ca p256.key self no-sign-ca /CN=ca-p256 20260101000000Z 20360101000000Z
sign same-name-ca p384.key self authority /CN=ca-p256 20260101000000Z 20360101000000Z
sign intermediate p384.key p256 authority /CN=intermediate 20260101000000Z 20350101000000Z
from=20260101000000Z until=20270101000000Z
sign plain p384.key p256 leaf /CN=plain $from $until
rich='/C=DE/L=Köln/O=Größe AG/O=second/OU=a+OU=b/CN=rich, "quoted" \+ ü'
sign rich p384.key p256 rich "$rich" $from $until
sign sans-upper p384.key p256 sans-upper /CN=plain $from $until
sign sans-lower p384.key p256 sans-lower /CN=plain $from $until
sign unknown-critical p384.key p256 unknown-critical /CN=plain $from $until
sign unknown-plain p384.key p256 unknown-plain /CN=plain $from $until
sign server p384.key p256 server /CN=server $from $until
sign client p384.key p256 client /CN=client $from $until
sign no-subject p384.key p256 no-subject / $from $until
mkdir -p "$work/i" && cp intermediate.crt "$work/i.crt" && cp p384.key "$work/i.key"
sign below-intermediate p521.key "$work/i" server /CN=below $from $until
# Of one name: the CA p256, another on the key p384, and that one signed by the first.
sign cross p384.key p256 authority /CN=ca-p256 20260101000000Z 20350101000000Z
cp same-name-ca.crt "$work/i.crt"
sign below-cross p521.key "$work/i" server /CN=below $from $until
# CAs to succeed: as kubeadm made them before Go 1.15, with path lengths, with all that one may have.
sign no-key-id-ca rsa-2048.key self no-key-id-ca /CN=kubernetes 20260101000000Z 20360101000000Z
sign path-0-ca p256.key self path-0-ca /CN=ca-p256 20260101000000Z 20360101000000Z
sign path-1-ca p256.key self path-1-ca /CN=ca-p256 20260101000000Z 20360101000000Z
sign rich-ca p256.key self rich-ca '/O=Größe AG/CN=rich, "quoted" ü' 20260101000000Z 20360101000000Z
sign unknown-ca p256.key self unknown-ca /CN=ca-p256 20260101000000Z 20360101000000Z
md=sha1 && sign sha1 p384.key p256 server /CN=sha1 $from $until && md=default
openssl req -new -config "$work/ca.cnf" -key p384.key -subj /CN=version1 -out "$work/csr"
openssl x509 -req -in "$work/csr" -CA p256.crt -CAkey p256.key -CAserial "$work/serial" \
        -CAcreateserial -days 30 -out version1.crt 2>/dev/null

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# renew on every genuine tree: exactly what is due is new, with the identity, the kind of key, the mode
# and the owner it had; nothing else has changed by a byte. openssl judges, not this program.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

scalar() { # KUBECONFIG KEY: the decoded value of its (only) scalar of that name
        sed -n "s/^ *$2: //p" "$1" | base64 -d
}

# certificate FILE, private_key FILE: the PEM that a certificate or kubeconfig file holds.
certificate() {
        case $1 in
        *.conf) scalar "$1" client-certificate-data ;;
        *) cat "$1" ;;
        esac
}
private_key() {
        case $1 in
        *.conf) scalar "$1" client-key-data ;;
        *) cat "${1%.crt}.key" ;;
        esac
}

# identity FILE: all that a renewed certificate must have kept, as openssl sees it.
identity() {
        certificate "$1" | openssl x509 -noout -subject -nameopt RFC2253 -purpose \
                -ext subjectAltName,keyUsage,extendedKeyUsage,basicConstraints 2>/dev/null
        certificate "$1" | openssl x509 -noout -text | grep -E 'Public Key Algorithm|Public-Key|ASN1 OID'
        private_key "$1" | head -n 1
}

# ca_of FILE: its CA's certificate, in the same tree.
ca_of() {
        case $1 in
        */etcd/*.crt | */apiserver-etcd-client.crt) echo "${1%/pki/*}/pki/etcd/ca.crt" ;;
        */front-proxy-client.crt) echo "${1%/pki/*}/pki/front-proxy-ca.crt" ;;
        *.conf) echo "${1%/*}/pki/ca.crt" ;;
        *) echo "${1%/pki/*}/pki/ca.crt" ;;
        esac
}

# purpose_of FILE: what openssl verify shall take it for.
purpose_of() {
        case $1 in
        */apiserver.crt | */etcd/server.crt) echo sslserver ;;
        *) echo sslclient ;;
        esac
}

# credentials: the files that a full renewal of $ROOT changes certificates in, all that can be renewed.
credentials() {
        find "$ROOT/etc/kubernetes" \( -name '*.crt' ! -name '*ca.crt' -o -name '*.conf' ! -name kubelet.conf \) |
                sort
}

# attributes: mode, owner, type, link and ACL of every file of $ROOT but our own state.
attributes() {
        (cd "$ROOT" && find etc -printf '%p %M %u:%g %y %l\n' | sort)
        ! command -v getfacl >/dev/null || (cd "$ROOT" && find etc | sort | xargs getfacl 2>/dev/null)
}

# check_credential FILE OLD_ROOT AT: FILE is the renewal of the same file below OLD_ROOT.
check_credential() {
        local new=$1 old=$2${1#"$ROOT"} at=$3 name=${1#"$ROOT/etc/kubernetes/"}
        local old_key new_key end

        tap_is "$(identity "$new")" "$(identity "$old")" "$name keeps subject, SANs, usages and kind of key"
        old_key=$(certificate "$old" | openssl x509 -noout -pubkey)
        new_key=$(certificate "$new" | openssl x509 -noout -pubkey)
        tap_is "$(private_key "$new" | openssl pkey -pubout)" "$new_key" "$name: its key belongs to it"
        tap_unlike "$new_key" "^$(sed -n 3p <<<"$old_key" | sed 's/[+/]/\\&/g')\$" "$name: the key is new"
        tap_ok "$name verifies as $(purpose_of "$new")" openssl verify -attime "$(date -d "$at" +%s)" \
                -purpose "$(purpose_of "$new")" -CAfile "$(ca_of "$new")" <(certificate "$new")
        end=$(date -d "$(certificate "$new" | openssl x509 -noout -enddate | sed 's/.*=//')" +%s)
        tap_is "$end" "$(($(date -d "$at" +%s) + $4))" "$name is valid for $(($4 / 86400)) days from then"
}

# check_kubeconfig FILE OLD_ROOT: two scalars differ, and no other byte.
check_kubeconfig() {
        local lines

        lines=$(diff "$2${1#"$ROOT"}" "$1" | grep '^>')
        # shellcheck disable=SC2001 # it is about every line
        tap_is "$(sed 's/^> *\([a-z-]*\): .*/\1/' <<<"$lines" | xargs)" \
                "client-certificate-data client-key-data" "T26 ${1##*/} differs in exactly two scalars"
}

# renew_tree VARIANT COUNT STATUS DAYS_LEFT: the whole list of what must hold.
renew_tree() {
        local variant=$1 count=$2 status=$3 days=$4 dry=0 at old file files

        host "$variant"
        cp "$ROOT/etc/kubernetes/pki/apiserver.crt" "$ROOT/etc/kubernetes/pki/unknown.crt"
        echo "not ours" >"$ROOT/etc/kubernetes/pki/.notes"
        chmod 640 "$ROOT/etc/kubernetes/pki/apiserver.key"
        if [ "$(id -u)" = 0 ]; then
                chown 1234:5678 "$ROOT/etc/kubernetes/pki/apiserver.key" "$ROOT/etc/kubernetes/admin.conf"
                ! command -v setfacl >/dev/null || setfacl -m u:4321:r "$ROOT/etc/kubernetes/pki/apiserver.key"
        fi
        at=$(date -u -d "$(openssl x509 -noout -enddate -in "$ROOT/etc/kubernetes/pki/apiserver.crt" |
                sed 's/.*=//') - $days days" +%Y-%m-%dT%H:%M:%SZ)
        old=$SCRATCH/old
        rm -rf "$old"
        cp -a "$ROOT" "$old"
        digests >"$SCRATCH/before"
        attributes >"$SCRATCH/attributes"

        [ "$status" != 1 ] || dry=1
        tap_status "$dry" "$variant: a dry run fails nowhere else" renewd renew --dry-run --at="$at"
        tap_is "$(changed)" "" "$variant: a dry run changes nothing"
        tap_is "$(grep -c 'would be renewed' <<<"$OUTPUT")" "$count" "$variant: it names all $count"
        tap_status "$status" "T02 $variant: renew ends with $status" renewd renew --at="$at"
        tap_is "$(grep -c ': renewed, until ' <<<"$OUTPUT")" "$count" "T02 $variant: exactly $count are renewed"
        mapfile -t files < <(credentials | grep -v unknown.crt)
        [[ $variant != *extetcd* ]] || mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -v apiserver-etcd-client)
        tap_is "${#files[@]}" "$count" "$variant has $count of them"
        tap_is "$(changed)" "$(printf '%s\n' "${files[@]#"$ROOT/"}" | sed 's/\(.*\)\.crt$/\1.crt\n\1.key/' | sort)" \
                "T34 $variant: their files changed, and no CA, no sa key, no manifest, no unknown file"
        tap_is "$(attributes)" "$(cat "$SCRATCH/attributes")" "$variant: modes, owners and ACLs are as before"
        for file in "${files[@]}"; do
                check_credential "$file" "$old" "$at" "$((365 * 86400))"
                [[ $file != *.conf ]] || check_kubeconfig "$file" "$old"
        done

        digests >"$SCRATCH/before"
        tap_status "$status" "T01 $variant: a second time there is nothing to do" renewd renew --at="$at"
        tap_unlike "$OUTPUT" ': renewed' "T01 $variant: and it says so"
        tap_is "$(changed)" "" "T01 $variant: no file changes"
        rm -rf "$ROOT"
}

# With manifests, restarts are owed afterwards: 75. The trees of kubeadm 1.36 have none. With external
# etcd a certificate that somebody else must renew is running out, which is no success.
renew_tree v1.28.7/rsa2048-default 10 75 10
renew_tree v1.28.7/ecdsa-p256 10 75 10
renew_tree v1.28.7/extetcd-external 6 1 10
renew_tree v1.20.2/rsa2048-default 10 75 10
renew_tree v1.36.0/rsa2048-default 11 0 10
renew_tree v1.36.0/ecdsa-p256 11 0 10
renew_tree v1.36.0/rsa4096-short10d 11 0 1
tap_done

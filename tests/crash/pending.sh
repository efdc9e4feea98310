#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T36, T29: whoever is killed while a certificate is asked for, installed or taken over has lost nothing: the
# request on disk is whole, the next pass goes on with the same key, and what is in place is a pair.

. "$(dirname "$0")/sweep-lib.sh" || exit 99
sweep_ready
export ASAN_OPTIONS=detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}

ROOT=$TMPDIR/root
state=$ROOT/var/lib/kube-renewd
pending=$state/pending/web.json
at=2027-01-10T00:00:00Z
calls=fsync,fdatasync,rename,renameat,renameat2,unlinkat,mkdirat,openat2

renewd() {
        "$KUBE_RENEWD" --root="$ROOT" --layout=/srv/layout.conf "$@"
}

# web LINE...: the certificate, whose issuer these lines say.
web() {
        mkdir -p "$ROOT/srv" "$ROOT/etc/kube-renewd"
        printf '%s\n' '[ca kubernetes]' Certificate=/etc/kubernetes/pki/ca.crt Key=/etc/kubernetes/pki/ca.key >"$ROOT/srv/layout.conf"
        printf '%s\n' '[certificate web]' Certificate=/srv/web.crt Key=/srv/web.key CommonName=web SANs=DNS:web Usage=server \
                KeyAlgorithm=ECDSA-P256 "$@" >"$ROOT/etc/kube-renewd/kube-renewd.conf"
}

# host: one whose certificate was made by its CA, in $ROOT.healthy.
host() {
        tree_make v1.28.7/ecdsa-p256 "$ROOT"
        web CA=kubernetes RecreateMissing=yes
        renewd renew web --at=2026-12-01 >/dev/null 2>&1
        cp "$ROOT/srv/web.crt" "$ROOT/srv/web.key" "$SCRATCH"
        renewd renew web --at=2026-12-02 >/dev/null 2>&1
        rm -rf "$state"
        cp -a "$ROOT" "$ROOT.healthy"
}

# killed NUMBER ARG...: the program, killed at that call; false if there are not so many.
killed() {
        {
                strace -qq -f -o /dev/null -e "trace=$calls" -e "inject=$calls:signal=KILL:when=$1" \
                        "$KUBE_RENEWD" --root="$ROOT" --layout=/srv/layout.conf "${@:2}"
        } >/dev/null 2>&1
        [ $? = 137 ]
}

is_pair() {
        [ "$(openssl x509 -noout -pubkey -in "$ROOT/srv/web.crt")" = "$(openssl pkey -pubout -in "$ROOT/srv/web.key")" ]
}

is_whole() {
        [ ! -e "$pending" ] || [ "$(jq -r .key "$pending" | openssl pkey -pubout)" = \
                "$(jq -r .request "$pending" | openssl req -noout -pubkey)" ]
}

key() {
        jq -r .key "$pending" 2>/dev/null
}

# points WHAT CHECK LINES... -- ARG...: kills it at each call; CHECK says what is wrong then, and after the next pass.
points() {
        local what=$1 check=$2 lines=() wrong='' n=0

        shift 2
        while [ "$1" != -- ]; do lines+=("$1") && shift; done
        shift
        while :; do
                rm -rf "$ROOT"
                cp -a "$ROOT.healthy" "$ROOT"
                web "${lines[@]}"
                prepare
                n=$((n + 1))
                killed $n "$@" || break
                wrong+=$($check "$@" | sed "s/^/$n: /")
                [ -n "${SWEEP:-}" ] || n=$((n + 2 + RANDOM % 5))
        done
        tap_empty "$wrong" "T36 $what: killed at up to $n calls"
        tap_ok "T36 $what: there were some" test "$n" -gt 20
}

prepare() {
        :
}

after_asking() {
        local before

        is_whole || echo "half a request"
        before=$(key)
        renewd run --at="$at" >/dev/null 2>&1
        [ $? = 75 ] || echo "the next pass does not end in 75"
        is_whole && [ -e "$pending" ] || echo "no request then"
        [ -z "$before" ] || [ "$(key)" = "$before" ] || echo "another key"
        cmp -s "$ROOT/srv/web.crt" "$ROOT.healthy/srv/web.crt" || echo "what is in place has changed"
}

after_taking_over() {
        renewd recover >/dev/null 2>&1
        is_pair || echo "no pair"
        renewd run --at="$at" >/dev/null 2>&1 || echo "the next pass fails"
        cmp -s "$ROOT/srv/web.crt" "$SCRATCH/web.crt" && cmp -s "$ROOT/srv/web.key" "$SCRATCH/web.key" || echo "not taken over"
}

after_installing() {
        renewd recover >/dev/null 2>&1
        is_pair || echo "no pair"
        if cmp -s "$ROOT/srv/web.crt" "$ROOT.healthy/srv/web.crt"; then
                is_whole && [ -e "$pending" ] || echo "no request any more"
                renewd "$@" >/dev/null 2>&1 || echo "cannot be installed again"
        fi
        is_pair || echo "no pair in the end"
        cmp -s "$ROOT/srv/web.crt" "$SCRATCH/signed.crt" || echo "not installed"
        renewd run --at="$at" >/dev/null 2>&1 || echo "the next pass fails"
        [ ! -e "$pending" ] || echo "the request is still there"
}

host
points "asked for" after_asking CA=kubernetes Issuer=command IssuerCommand=/bin/false RequestTimeout=1s RenewAt=1% \
        -- run --at="$at"
prepare() {
        cp "$SCRATCH/web.crt" "$SCRATCH/web.key" "$ROOT"
}
points "taken over" after_taking_over CA=kubernetes Issuer=files SourceCertificate=/web.crt SourceKey=/web.key -- run --at="$at"

web CA=kubernetes Issuer=external
rm -rf "$state"
renewd csr web --at="$at" >"$SCRATCH/web.csr" 2>/dev/null
cp -a "$state" "$SCRATCH/state"
openssl x509 -req -in "$SCRATCH/web.csr" -CA "$ROOT/etc/kubernetes/pki/ca.crt" -CAkey "$ROOT/etc/kubernetes/pki/ca.key" -set_serial 7 \
        -days 9000 -extfile <(printf '%s\n' subjectAltName=DNS:web extendedKeyUsage=serverAuth \
                keyUsage=critical,digitalSignature,keyEncipherment basicConstraints=critical,CA:FALSE) -out "$SCRATCH/signed.crt" 2>/dev/null
prepare() {
        rm -rf "$state"
        cp -a "$SCRATCH/state" "$state"
}
points "installed" after_installing CA=kubernetes Issuer=external -- install web "$SCRATCH/signed.crt" --at="$at"
tap_done

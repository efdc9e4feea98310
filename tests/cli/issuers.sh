#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Certificates that no CA of this host signs: those that sign themselves, those that somebody else puts
# in place or at a source, and those that are asked for elsewhere. (Who is asked: tests/unit/test-acquire.c
# and tests/system.)

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

state=var/lib/kube-renewd

# renewd ARG...: the program on a host that has one CA, and no component.
renewd() {
        "$KUBE_RENEWD" --root="$ROOT" --layout=/srv/layout.conf "$@"
}

# configure: what this host has beside the layout, from stdin.
configure() {
        mkdir -p "$ROOT/etc/kube-renewd/kube-renewd.conf.d"
        cat >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/issuers.conf"
}

# web LINE...: one certificate of a web server.
web() {
        printf '%s\n' '[certificate web]' Certificate=/srv/web.crt Key=/srv/web.key CommonName=web SANs=DNS:web \
                Usage=server "$@" | configure
        mkdir -p "$ROOT/srv"
        printf '%s\n' '[ca kubernetes]' Certificate=/etc/kubernetes/pki/ca.crt Key=/etc/kubernetes/pki/ca.key \
                >"$ROOT/srv/layout.conf"
}

# mint NAME AT [LINE...]: a pair $SCRATCH/NAME.crt and .key, made at that time by the CA of the same host.
mint() {
        local name=$1 at=$2
        local ROOT

        host v1.28.7/rsa2048-default
        web CA=kubernetes RecreateMissing=yes KeyAlgorithm=ECDSA-P256 "${@:3}"
        renewd renew web --at="$at" >/dev/null 2>&1
        cp "$ROOT/srv/web.crt" "$SCRATCH/$name.crt"
        cp "$ROOT/srv/web.key" "$SCRATCH/$name.key"
}

# put NAME [PART...]: the parts (crt, key; both) of a minted pair, where $place says.
put() {
        local part

        for part in "${@:2}"; do
                cp "$SCRATCH/$1.$part" "$ROOT/$place.$part"
        done
        [ $# -gt 1 ] || put "$1" crt key
}

# is_in_place NAME: the pair in place is that one, byte for byte.
is_in_place() {
        cmp "$SCRATCH/$1.crt" "$ROOT/srv/web.crt" && cmp "$SCRATCH/$1.key" "$ROOT/srv/web.key"
}

# row FILTER AT: of web.
row() {
        renewd check web --output=json --at="$2" 2>/dev/null | jq -r ".[0] | $1"
}

active() {
        (cd "$ROOT/$state/public/alarms" && find . -name '*@web.json' | sed 's,^\./,,; s,@.*,,' | sort | xargs)
}

reason() {
        jq -r .reason "$ROOT/$state/public/alarms/$1@web.json"
}

# 1. self-signed: a year, and again two nights before its end.
host v1.28.7/rsa2048-default
web Issuer=self-signed RecreateMissing=yes
tap_status 0 "T30 self-signed: made" renewd renew web --at="$NEW"
tap_is "$(openssl x509 -noout -subject -issuer -nameopt RFC2253 -in "$ROOT/srv/web.crt" | cut -d= -f2- | uniq)" "CN=web" \
        "T30 by itself"
tap_ok "T30 which it can show" openssl verify -attime "$(date -d "$NEW" +%s)" -purpose sslserver -CAfile "$ROOT/srv/web.crt" \
        "$ROOT/srv/web.crt"
tap_unlike "$(openssl x509 -noout -text -in "$ROOT/srv/web.crt")" 'CA:TRUE' "T30 and it is no CA"
tap_is "$(row .expiryTime "$NEW")" 2027-12-01T00:00:00Z "T30 for a year"
tap_is "$(row '.status + " " + .issuedBy' "$NEW")" "OK self-signed" "T30 nobody asks whether it is trusted"
tap_is "$(row .dueReason 2027-11-28T21:59:59Z)" "" "T30 with two days and two hours left it is not due"
tap_status 0 "T30 nor does a night do anything" renewd run --at=2027-11-28T21:59:59Z
tap_like "$OUTPUT" '^Nothing is due' "T30 which it says"
before=$(openssl x509 -noout -pubkey -in "$ROOT/srv/web.crt")
tap_is "$(row .dueReason 2027-11-28T22:00:01Z)" expiring "T30 with less it is"
tap_status 0 "T30 a plan" renewd plan web --at=2027-11-28T22:00:01Z
tap_like "$OUTPUT" 'unchanged: CN=web, 1 SAN' "T30 says who it will be"
tap_status 0 "T30 and is renewed" renewd renew web --at=2027-11-28T22:00:01Z
tap_is "$(row .expiryTime 2027-12-01)" 2028-11-27T22:00:01Z "T30 for another year"
tap_status 1 "T30 with another key" test "$(openssl x509 -noout -pubkey -in "$ROOT/srv/web.crt")" = "$before"
tap_is "$(openssl x509 -noout -ext subjectAltName -in "$ROOT/srv/web.crt" | tail -n 1 | xargs)" DNS:web "T30 and the same names"
web Issuer=self-signed Validity=1d
tap_status 1 "one that would not end later is refused" renewd renew web --at=2027-12-01
tap_like "$OUTPUT" 'not end later than the old one' "and that is said"

# 2. files: a pair at its source is taken over, if it is one.
mint first "$NEW"
mint second 2027-03-01
mint short 2026-12-05 Validity=1d
host v1.28.7/rsa2048-default
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger -days 9000 \
        -addext basicConstraints=critical,CA:FALSE -keyout "$SCRATCH/stranger.key" -out "$SCRATCH/stranger.crt" 2>/dev/null
place=source
web Issuer='files self-signed' SourceCertificate=/source.crt SourceKey=/source.key CA=kubernetes
put first
tap_status 0 "T30 a plan" renewd plan --at="$NEW"
tap_like "$OUTPUT" 'taken from */source.crt' "T30 says where it comes from"
tap_status 0 "T30 files: a first pair" renewd run --at="$NEW"
tap_like "$OUTPUT" '^web: renewed, until Dec 01, 2027 ' "T30 is taken over"
tap_ok "T30 byte for byte" is_in_place first
tap_is "$(stat -c %a "$ROOT/srv/web.key")" 600 "T30 its key for root alone"
tap_is "$(row .issuedBy "$NEW")" files "T30 by the first of two issuers"
tap_status 0 "T30 the next night" renewd run --at=2026-12-02
tap_like "$OUTPUT" '^Nothing is due' "T30 does nothing"
for case in 'half-written|put second crt|does not belong' 'without its key|rm "$ROOT/source.key"|missing' \
        'cut off|head -c 300 "$SCRATCH/second.crt" >"$ROOT/source.crt"|source.crt' 'expired|put short|expired' \
        'of a stranger|put stranger|does not lead to CA' 'gone|rm "$ROOT/source.crt"|missing'; do
        IFS='|' read -r name fault words <<<"$case"
        put first
        eval "$fault"
        tap_status 1 "T30 a source that is $name" renewd run --at=2027-03-02
        tap_ok "T30 the last good pair stays ($name)" is_in_place first
        tap_is "$(active)" invalid "T30 with an alarm ($name)"
        tap_like "$(reason invalid)" "$words" "T30 that says why ($name)"
done
tap_is "$(row .status 2027-03-02)" DRIFTED "T30 check shows it, too"
put second
tap_status 0 "T30 whole again" renewd run --at=2027-03-03
tap_ok "T30 it is taken over" is_in_place second
tap_is "$(active)" "" "T30 and the alarm is gone"
put first
tap_status 0 "T30 an older pair that is valid is somebody's will, too" renewd run --at=2027-03-04
tap_ok "T30 and taken over" is_in_place first
tap_status 1 "nobody here renews it" renewd renew web --at=2027-03-05
tap_like "$OUTPUT" '^web: external: somebody else makes it' "which is said"

# 3. files without a source: watched, and the last good pair remembered.
host v1.28.7/rsa2048-default
web Issuer=files
place=srv/web
put first
kept=$ROOT/$state/last-good/web.json
tap_status 0 "T30 a pair that somebody has put in place" renewd run --at="$NEW"
tap_ok "T30 is remembered" test -e "$kept"
tap_is "$(stat -c %a "$kept" "${kept%/*}" | xargs)" "600 700" "T30 for root alone"
tap_is "$(row '[.watched, .issuedBy, .status] | map(tostring) | join(" ")' "$NEW")" "true null OK" "T30 somebody else renews it"
put second
tap_status 0 "T30 replaced live" renewd run --at=2027-03-02
mkdir -p "$ROOT/etc/kube-renewd/kube-renewd.conf.d"
printf '[hooks]\nDeploy=/bin/true\n[component proxy]\nUnit=proxy.service\nUses=/srv/web.crt\n' \
        >"$ROOT/etc/kube-renewd/kube-renewd.conf.d/users.conf"
put first
tap_status 75 "I1 with somebody who uses it" renewd run --at=2027-03-02
tap_is "$(cd "$ROOT/$state/owed" && echo *)" "hook-deploy.json proxy.json" "I1 Deploy= and a restart are owed"
tap_is "$(jq -r .expires "$ROOT/$state/owed/proxy.json")" \
        "$(date -u -d "$(openssl x509 -noout -enddate -in "$SCRATCH/second.crt" | cut -d = -f 2)" +%FT%TZ)" \
        "I1 before what it has loaded ends"
rm "$ROOT/$state"/owed/*
tap_status 0 "I1 the next night" renewd run --at=2027-03-03
tap_empty "$(ls "$ROOT/$state/owed")" "I1 but once"
rm "$ROOT/etc/kube-renewd/kube-renewd.conf.d/users.conf"
put second
tap_status 0 "and once more" renewd run --at=2027-03-03
tap_ok "T30 it stays" is_in_place second
put first key
tap_status 0 "T30 half-written" renewd run --at=2027-03-03
tap_is "$(active)" invalid "T30 an alarm at first sight"
tap_like "$(reason invalid)" "the last good pair is kept: 'kube-renewd renew web' puts it back" "T30 that says how to go back"
tap_status 0 "T30 nobody touches it at night" renewd run --at=2027-03-04
tap_ok "T30 nor in the next one" cmp "$SCRATCH/first.key" "$ROOT/srv/web.key"
tap_status 0 "T30 a plan" renewd plan web --at=2027-03-04
tap_like "$OUTPUT" 'taken from */.*/last-good/web.json' "T30 says where it comes from"
tap_status 0 "T30 put back" renewd renew web --at=2027-03-04
tap_ok "T30 byte for byte" is_in_place second
tap_is "$(active)" "" "T30 and the alarm is gone"
tap_status 1 "T30 put back a second time" renewd renew web --at=2027-03-04
tap_like "$OUTPUT" '^web: external: somebody else renews it' "T30 there is nothing to do"
put stranger crt
tap_status 1 "T30 one that has expired meanwhile" renewd renew web --dry-run --at=2029-01-01
tap_ok "T30 is not put back" cmp "$SCRATCH/stranger.crt" "$ROOT/srv/web.crt"
put first
echo '{}' >"$kept"
tap_status 0 "a record that is damaged" renewd run --at=2027-03-05
tap_is "$(jq -r .certificate "$kept")" "$(cat "$SCRATCH/first.crt")" "is written anew"

# 4. asked for elsewhere: due after 80 per cent of its life, and nobody is asked for another host.
web Issuer=csr SignerName=example.com/web RequestKubeconfig=/etc/kubernetes/admin.conf RequestTimeout=1s
pending=$ROOT/$state/pending/web.json
tap_is "$(row .dueReason 2027-09-18T23:50:00Z)" "" "T30 before 80 % of its life it is not due"
tap_is "$(row .dueReason 2027-09-19T00:10:00Z)" expiring "T30 after it, it is"
tap_status 0 "a dry run" renewd renew --dry-run --at=2027-09-20
tap_like "$OUTPUT" '^web: would be asked for elsewhere$' "says what would be done"
tap_status 1 "and does nothing" test -e "$pending"
tap_status 0 "a plan" renewd plan --at=2027-09-20
tap_like "$OUTPUT" 'issuer .*-> *signer example.com/web' "says who would be asked"
before=$(sha256sum "$ROOT"/srv/web.*)
tap_status 75 "T29 a night" renewd run --at=2027-09-20
tap_like "$OUTPUT" '^web: pending: nobody is asked for another host' "T29 says that it is not there yet"
tap_is "$(stat -c %a "$pending" "${pending%/*}" | xargs)" "600 700" "T29 key and request are on disk, for root alone"
tap_ok "T29 of that key" cmp <(jq -r .key "$pending" | openssl pkey -pubout) <(jq -r .request "$pending" | openssl req -noout -pubkey)
tap_is "$(active)" pending-csr "T29 with an alarm"
tap_is "$(jq -r .severity "$ROOT/$state/public/alarms/pending-csr@web.json")" minor "T29 a minor one"
tap_is "$(jq -r '.certificates[] | select(.name == "web") | .issuedBy + " " + .pendingSince' "$ROOT/$state/public/status.json")" \
        "csr 2027-09-20T00:00:00Z" "T29 and in the status"
tap_status 0 "T29 explain" renewd explain web --at=2027-09-21
tap_like "$OUTPUT" 'asked for since Sep 20, 2027' "T29 says since when"
key=$(jq -r .key "$pending")
tap_status 75 "T29 the next night" renewd run --at=2027-11-29
tap_is "$(jq -r .key "$pending")" "$key" "T29 goes on with the same key"
tap_is "$(jq -r .severity "$ROOT/$state/public/alarms/pending-csr@web.json")" major "T29 and little time is left"
tap_is "$(sha256sum "$ROOT"/srv/web.*)" "$before" "T29 what is in place stays"
tap_empty "$(grep -rl "$(sed -n 3p <<<"$key")" "$ROOT" | grep -vxF "$pending")" "T29 and the key is nowhere else"
web CA=kubernetes
tap_status 0 "signed here after all" renewd run --at=2027-11-29
tap_status 1 "nobody is asked any more" test -e "$pending"
tap_is "$(active)" "" "and the alarm is gone"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The wall clock by a library that sets it (clock-shim.c): wrong from the beginning, set after any time that it was read,
# beyond 2038 and 2049, in any time zone. No certificate is ever dated by a clock that cannot be right, each such
# pass is an alarm, and the next one with a clock that can be right does everything and clears it.
# The quick floor tries some of the reads; SWEEP=all sets the clock after each. SWEEP_TREE=VERSION/rsa... takes RSA.

# A memory file system where there is one: what is tested is the clock, not the disk.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

SHIM=$BUILDDIR/tests/crash/clock-shim.so
STATE=var/lib/kube-renewd
PKI=etc/kubernetes/pki
[ -e "$SHIM" ] || tap_skip_all "'$SHIM' is not built"
grep -q '^SANITIZE = .*-fsanitize' "$BUILDDIR/Makefile" && tap_skip_all "a sanitizer wants to be the first library"
command -v jq >/dev/null || tap_skip_all "jq is not installed"

points=0 failed=0

seconds() { date -u -d "$1" +%s; }

# day N [TIME]: so many days after the certificates begin, which is the day after the program was made.
day() { date -u -d "@$((first + 86400 * $1))" "+%FT${2:-00:00:00}Z"; }

# at TIME ARG...: the program, and what its clock says at first. It is synchronised, unless somebody says otherwise.
at() {
        local time=$1

        shift
        env LD_PRELOAD="$SHIM" CLOCK_AT="$(seconds "$time")" CLOCK_SYNCHRONISED="${SYNCHRONISED:-1}" \
                "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm "$@" 2>&1
}

alarms() { find "$ROOT/$STATE/public/alarms" -name '*.json' -printf '%f\n' 2>/dev/null | sed 's/\.json$//' | sort | xargs; }

status() { jq -r "$1" "$ROOT/$STATE/public/status.json" 2>/dev/null; }

# leaves TIME: "STATE NOT-BEFORE" of the certificates that a pass renews, each kind once.
leaves() {
        at "$1" check --output=json 2>/dev/null |
                jq -r '.[] | select(.caName != null and (.name | test("/|#") | not)) | "\(.status) \(.notBefore)"' | sort -u
}

# fork NAME: the host is a copy of this one.
fork() {
        rm -rf "$SCRATCH/fork"
        cp -a "$1" "$SCRATCH/fork"
        ROOT=$SCRATCH/fork
}

# point NAME PROBLEM: one point of the sweep; it failed if there is a problem. What looks for one says "looked" in the end.
point() {
        points=$((points + 1))
        [ "$2" != looked ] || return
        failed=$((failed + 1))
        tap_is "$2" looked "$1"
}

# unlike WHAT EXPECTED ACTUAL: a line that says so.
unlike() {
        [ "$2" = "$3" ] || printf '%s is "%s", not "%s"\n' "$1" "$3" "$2"
}

# 1. A host on which no pass ever ran, and one with a night behind it.
build=$(sed -n 's/^#define BUILD_TIME *//p' "$BUILDDIR/config.h" | tr -dc 0-9)
first=$((build / 86400 * 86400 + 86400))
fresh=$SCRATCH/fresh host=$SCRATCH/host
ROOT=$fresh
mkdir "$fresh"
case ${SWEEP_TREE:-} in
*rsa*) algorithm=RSA-2048 ;;
*) algorithm=ECDSA-P256 ;;
esac
init_options=(--node-name=cp-1 --advertise-address=192.0.2.1 --ca-validity=20y --key-algorithm="$algorithm")
tap_status 0 "a control plane" at "$(day 0)" init "${init_options[@]}" --validity=365d
rm -rf "${fresh:?}/etc/kubernetes/kubelet.conf" "${fresh:?}/var"
cp -a "$fresh" "$host"
ROOT=$host
tap_status 0 "a night" at "$(day 100)" run
digests >"$SCRATCH/before"

# lie FROM TIME SYNCHRONISED NAME: a pass refuses, and so does everybody who writes; one that only looks does not.
lie() {
        local name=$4 problem last verb

        fork "$1"
        last=$(status .last_run)
        SYNCHRONISED=$3
        problem=$(
                for verb in run "renew --all" "renew apiserver" "renew --dry-run" run; do
                        # shellcheck disable=SC2086 # words
                        at "$2" $verb >"$SCRATCH/said"
                        unlike "status of '$verb'" 75 $?
                done
                unlike files "" "$(changed)"
                unlike alarms clock-implausible@host "$(alarms)"
                unlike "the alarms in the status" clock-implausible "$(status '[.alarms[].type] | join(" ")')"
                unlike "the last run" "${last:-null}" "$(status .last_run)"
                grep -q '^kube_renewd_alarm{type="clock-implausible",' "$ROOT/$STATE/public/kube-renewd.prom" || echo "no metric"
                at "$2" check >"$SCRATCH/said"
                [ $? -lt 3 ] || echo "check cannot tell"
                at "$2" alarms | grep -q '^major  *clock-implausible ' || echo "alarms does not list it"
                at "$2" check --cached >"$SCRATCH/said"
                unlike "status of check --cached" 3 $?
                SYNCHRONISED=1
                at "$(day 101)" run >"$SCRATCH/said"
                unlike "status of the next pass" 0 $?
                unlike "alarms then" "" "$(alarms)"
                unlike "files then" "" "$(changed)"
                echo looked
        )
        SYNCHRONISED=1
        point "failure mode 30: $name" "$problem"
}

# truth FROM TIME SYNCHRONISED NAME RENEWED: nothing speaks against this clock.
truth() {
        local problem

        fork "$1"
        SYNCHRONISED=$3
        problem=$(
                at "$2" run >"$SCRATCH/said"
                unlike status 0 $?
                unlike alarms "${6:-}" "$(alarms)"
                unlike "number of files renewed" "$5" "$(changed | grep -c .)"
                echo looked
        )
        SYNCHRONISED=1
        point "failure mode 30: $4" "$problem"
}

all=$(cd "$host" && find etc -name '*.crt' ! -name '*ca.crt' | wc -l)
all=$((2 * all + $(find "$host/etc" -name '*.conf' | wc -l)))
lie "$host" @0 1 "an RTC that begins in 1970"
lie "$fresh" @0 1 "an RTC that begins in 1970, at the first pass of all"
lie "$fresh" "@$((build - 301))" 1 "before this program was made"
lie "$host" "@$build" 1 "an RTC that begins when this program was made"
lie "$host" "$(day -200)" 1 "a year behind"
lie "$host" "$(day 99)" 1 "a day behind"
lie "$host" "$(day 99 23:54:50)" 1 "more than five minutes behind"
lie "$host" "$(day 465)" 0 "a year ahead, and nobody keeps it"
lie "$host" 2038-01-19T03:14:08 0 "beyond 2^31 seconds, and nobody keeps it"
lie "$host" 2106-02-07T06:28:16 0 "beyond 2^32 seconds, and nobody keeps it"
lie "$host" 9999-12-31T23:59:00 0 "at the end of time, and nobody keeps it"
truth "$host" "$(day 99 23:55:30)" 1 "a little behind" 0
truth "$host" "$(day 101)" 0 "a day later, and nobody keeps it" 0
truth "$host" "$(day 134)" 0 "weeks later, and nobody keeps it" 0 missed-run@host
truth "$host" "$(day 465)" 1 "failure mode 24: a year later, as somebody keeps it right: all has expired" "$all" missed-run@host
tap_is "$failed" 0 "failure mode 30: a wrong clock renews nothing, is an alarm, and is forgotten"

# The same, and nobody can keep it right: a person says so, once.
fork "$host"
SYNCHRONISED=0
tap_status 75 "failure mode 24: a host that was off for a year, and has nobody to ask for the time" at "$(day 465)" run
tap_status 0 "failure mode 24: a person vouches for its clock" at "$(day 465)" run --trust-clock
tap_is "$(changed | grep -c .) $(alarms)" "$all missed-run@host" "failure mode 24: everything is repaired"
tap_status 0 "failure mode 24: the next night" at "$(day 466)" run
tap_is "$(alarms)" "" "failure mode 24: nobody is needed any more"
SYNCHRONISED=1

# 2. The clock is set while a pass runs, after it was read so often. The libraries read it too, once or twice
# more or less as the threads that make keys come to run: it is the most of several passes that counts.
reads=0
for ((pass = 0; pass < 10; pass++)); do
        fork "$fresh"
        CLOCK_COUNT=$SCRATCH/count at "$(day 358)" run >"$SCRATCH/said"
        count=$(cat "$SCRATCH/count")
        [ "$count" -le "$reads" ] || reads=$count
done
acted=0 refused=0

# step SECONDS READS
step() {
        local problem status night later

        night="OK $(day 357 23:55:00)"
        later="OK $(day 358 00:55:00)"
        fork "$fresh"
        CLOCK_STEP=$1 CLOCK_AFTER=$2 at "$(day 358)" run >"$SCRATCH/said"
        status=$?
        [ "$status" != 0 ] || acted=$((acted + 1))
        [ "$status" != 75 ] || refused=$((refused + 1))
        problem=$(
                case $status in
                0)
                        unlike alarms "" "$(alarms)"
                        unlike certificates "$night" "$(leaves "$(day 358)")"
                        later=$night
                        ;;
                75)
                        unlike alarms clock-implausible@host "$(alarms)"
                        unlike files "" "$(changed)"
                        unlike "the last run" null "$(status .last_run)"
                        grep -q "the clock was set while this pass ran: from $(day 358 00:00:0 | tr -d Z)" "$SCRATCH/said" || cat "$SCRATCH/said"
                        ;;
                *) cat "$SCRATCH/said" ;;
                esac
                at "$(day 358 01:00:00)" run >"$SCRATCH/said"
                unlike "status of the next pass" 0 $?
                unlike "alarms then" "" "$(alarms)"
                unlike "certificates then" "$later" "$(leaves "$(day 358 01:00:00)")"
                echo looked
        )
        point "T09: set by $1 s after it was read $2 times" "$problem"
}

reads_to_try() {
        if [ "${SWEEP:-}" = all ]; then
                seq 1 $((reads + 2))
        else
                printf '%s\n' 1 2 $((reads / 2)) $((reads - 10)) $((reads - 3)) "$reads" $((reads + 2))
        fi
}

before=$failed
for seconds in 31536000 -31536000 86400 -86400 3600 -3600; do
        for read in $(reads_to_try); do
                step "$seconds" "$read"
        done
done
tap_ok "a pass reads its clock" test "$reads" -gt 1
tap_ok "a clock that is set before the first write is noticed" test "$refused" -gt 0
tap_ok "one that is set later changes nothing any more" test "$acted" -gt 0
refused=0
for read in 1 $((reads / 2)) "$reads"; do
        step -1 "$read" # a leap second, as the kernel makes it
done
tap_is "$((failed - before)) $refused" "0 0" "T09: whenever the clock is set, no certificate is dated by two clocks"

# 3. Dates that need more than 31 bits, or four digits for their year.
before=$failed
for border in 2038-01-19T03:14:07 2038-01-19T03:14:08 2049-12-31T23:59:59 2050-01-01T00:00:00 2106-02-07T06:28:16; do
        ROOT=$SCRATCH/border-$border
        mkdir "$ROOT"
        problem=$(
                at "$border" init "${init_options[@]}" --validity=30d >"$SCRATCH/said" || cat "$SCRATCH/said"
                rm "$ROOT/etc/kubernetes/kubelet.conf"
                due=$(date -u -d "$border 20 days" +%FT%TZ)
                at "$due" run >"$SCRATCH/said" || cat "$SCRATCH/said"
                unlike alarms "" "$(alarms)"
                unlike certificates "OK $(date -u -d "$due 5 minutes ago" +%FT%TZ)" "$(leaves "$due")"
                for directory in "$PKI" "$PKI/etcd"; do
                        openssl verify -attime "$(seconds "$due")" -CAfile "$ROOT/$directory/ca.crt" \
                                "$ROOT/$directory"/*server.crt 2>&1 | grep -v ': OK$'
                done
                end=$(date -u -d "$due 365 days" +%FT%TZ)
                written="UTC $(date -u -d "$end" +%y%m%d%H%M%SZ)"
                [ "${end%%-*}" -lt 2050 ] || written="GENERALIZED $(date -u -d "$end" +%Y%m%d%H%M%SZ)"
                unlike "its end" "$written" "$(openssl asn1parse -in "$ROOT/$PKI/apiserver.crt" |
                        sed -n 's/.*\(UTC\|GENERALIZED\)TIME *:/\1 /p' | tail -n 1)"
                unlike "the metric" "$(seconds "$end")" "$(sed -n 's/^x509_cert_not_after{filename="apiserver.crt",.*} //p' \
                        "$ROOT/$STATE/public/kube-renewd.prom")"
                unlike "the next date" "$(date -u -d "$end 15 days ago 1 second" +%FT%TZ)" "$(status .next_due)"
                at "$due" run >"$SCRATCH/said"
                grep -q '^Nothing is due' "$SCRATCH/said" || cat "$SCRATCH/said"
                echo looked
        )
        point "$border" "$problem"
done
tap_is "$((failed - before))" 0 "dates beyond 2038 and 2049"

# A CA without an end, as RFC 5280 4.1.2.5 writes it.
fork "$fresh"
mkdir "$SCRATCH/ca"
: >"$SCRATCH/ca/index"
cat >"$SCRATCH/ca.cnf" <<'CNF'
[req]
string_mask = nombstr
distinguished_name = name
[name]
[ca]
default_ca = ca_default
[ca_default]
database = ca/index
new_certs_dir = ca
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
[v3_ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,digitalSignature
subjectKeyIdentifier = hash
CNF
(cd "$SCRATCH" && openssl req -new -config ca.cnf -key "$ROOT/$PKI/ca.key" -subj /CN=kubernetes -out csr &&
        openssl ca -batch -config ca.cnf -selfsign -keyfile "$ROOT/$PKI/ca.key" -in csr -startdate "$(date -u -d "@$first" +%Y%m%d%H%M%SZ)" \
                -enddate 99991231235959Z -extensions v3_ca -notext -out "$ROOT/$PKI/ca.crt") >"$SCRATCH/said" 2>&1 ||
        tap_note "$(cat "$SCRATCH/said")"
mkdir "$ROOT/etc/kube-renewd"
printf '[renewal]\nValidity=100y\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 0 "a CA without an end signs" at "$(day 358)" run
tap_is "$(openssl x509 -noout -enddate -in "$ROOT/$PKI/apiserver.crt")" "notAfter=$(date -u -d "@$((first + 86400 * (358 + 36500)))" "+%b %e %T %Y GMT")" "for a century"
tap_is "$(openssl verify -attime "$(seconds "$(day 358)")" -CAfile "$ROOT/$PKI/ca.crt" "$ROOT/$PKI/apiserver.crt" 2>&1)" \
        "$ROOT/$PKI/apiserver.crt: OK" "and is believed"
tap_like "$(at "$(day 358)" check)" '^ca  *Dec 31, 9999 23:59 UTC  *79[0-9][0-9]y' "its row"
tap_is "$(at "$(day 358)" check --output=json | jq -r '.[] | select(.name == "ca") | .expiryTime')" 9999-12-31T23:59:59Z "its date"
tap_is "$(status '.certificates[] | select(.name == "ca").residualSeconds')" \
        "$(($(seconds 9999-12-31T23:59:59) - $(seconds "$(day 358)")))" "what is left of it"

# 4. Local time is nobody's time.
fork "$fresh"
utc=$(TZ=UTC at "$(day 358)" check --output=json)
for zone in America/New_York Asia/Kathmandu Pacific/Kiritimati right/UTC nonsense; do
        problem=$([ "$(TZ=$zone at "$(day 358)" check --output=json)" = "$utc" ] && echo looked)
        point "failure mode 30: in the zone $zone" "$problem"
done
tap_like "$utc" "\"expiryTime\": \"$(day 365)\"" "failure mode 30: dates are UTC"

# 5. T37: certificates of minutes, the tries of a night that does not end well, and their nights.
# tries NIGHT: 48 of them; $renewed counts those that have replaced the certificate.
tries() {
        local try now last

        last=$(sha256sum <"$ROOT/$PKI/apiserver.crt")
        renewed=0
        for ((try = 0; try < 48; try++)); do
                at "@$((first + 86400 * $1 + 900 * try))" run >"$SCRATCH/said"
                now=$(sha256sum <"$ROOT/$PKI/apiserver.crt")
                [ "$now" = "$last" ] || renewed=$((renewed + 1))
                last=$now
        done
}

fork "$fresh"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[renewal]\nValidity=10min\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
nights=1
[ "${SWEEP:-}" != all ] || nights=3
for ((night = 0; night < nights; night++)); do
        tries $((366 + night))
        tap_is "$renewed" 3 "T37 48 tries of a night: certificates of ten minutes are renewed three times"
        tap_ok "T37 then that is an alarm" test -e "$ROOT/$STATE/public/alarms/renewal-loop@apiserver.json"
done
rm "$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 0 "T37 with another lifetime, the day after" at "$(day $((367 + nights)))" run
tap_is "$(alarms)" "" "T37 all is well"

ROOT=$SCRATCH/minute
mkdir "$ROOT"
tap_status 0 "T37 certificates of 60 seconds" at "$(day 1)" init "${init_options[@]}" --validity=60s
rm "$ROOT/etc/kubernetes/kubelet.conf"
tries 1
tap_is "$renewed $(alarms)" "1 " "T37 48 tries of a night: are renewed once, for a year"
printf '# %d points, %d failed\n' "$points" "$failed"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check --output=nagios, -w and -c: a plugin's line, performance data and exit status; what is wrong with
# the call or the host is a plugin's line too.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# plugin STATUS REGEX ARG...: the first line, and nothing on stderr, which some cores mix in.
plugin() {
        local status=$1 regex=$2

        shift 2
        tap_status "$status" "'$*' ends with $status" renewd check --output=nagios "$@"
        tap_like "$(head -n 1 <<<"$OUTPUT")" "^KUBE-RENEWD $regex" "'$*' says so"
        tap_empty "$(renewd check --output=nagios "$@" 2>&1 >/dev/null)" "'$*' is silent on stderr"
        tap_empty "$(tail -n +2 <<<"$OUTPUT" | grep -F '|')" "'$*' has performance data on its first line only"
        tap_empty "$(cut -d '|' -f 1 <<<"$OUTPUT" | grep -F ';')" "'$*' has no ';', of which Nagios makes ':'"
}

# lines: how many certificates are listed as not OK.
lines() {
        grep -cE '^(WARNING|CRITICAL): ' <<<"$OUTPUT"
}

host v1.28.7/rsa2048-default
plugin 0 'OK - apiserver expires in 355d 23h, the first of 14 certificates\|' --at="$NEW"
tap_is "$(lines)" 0 "T01 no line for what is OK"
plugin 1 'WARNING - apiserver expires in 10d, 11 of 14 certificates are not OK\|' --at="$TEN_DAYS"
tap_is "$(lines)" 11 "T02 a line for each"
plugin 2 'CRITICAL - apiserver expired 40d ago, 11 of 14 ' --at="$EXPIRED"
golden check-v1.28.7-rsa2048-default.nagios-expired "T03 all of it"
plugin 2 'CRITICAL - etcd-peer expired 40d ago, 1 of 2 ' --at="$EXPIRED" etcd-peer etcd-ca
plugin 1 'WARNING - apiserver ' --at="$TEN_DAYS" -w 15d: -c 3:
golden check-v1.28.7-rsa2048-default.nagios-thresholds "with thresholds"

# What the thresholds say counts, and nothing but dates is theirs to say.
while read -r expected thresholds; do
        # shellcheck disable=SC2086 # options
        tap_status "$expected" "ten days left, $thresholds" renewd check --at="$TEN_DAYS" $thresholds apiserver
done <<'END'
0 -w 10: -c 3:
1 -w 11: -c 3:
2 -w 15: -c 11:
2 -c 241h:
0 -c 240h:
0 --warning=9: --critical=3d:
1 --warning=11: --critical=3d:
1 -w @0:10d1h -c @0:3d
2 -w 9 -c 9
0 -w ~: -c ~:
END
tap_status 2 "T03 what has expired is critical whatever the thresholds" renewd check --at="$EXPIRED" -w '~:' apiserver
tap_status 2 "a CA is measured too" renewd check --at="$NEW" -c 20y: ca
rm "$ROOT/etc/kubernetes/pki/apiserver.crt"
plugin 2 'CRITICAL - apiserver is MISSING, 1 of 14 certificates is not OK' --at="$NEW" -w 1: -c 1:
tap_unlike "$OUTPUT" "'apiserver'=" "T05 what is missing has no number"

# What cannot be said is UNKNOWN, on stdout.
plugin 3 "UNKNOWN - --warning='15x:' is no range: '15x' at character 1 is no number of days" -w 15x: --at="$NEW"
plugin 3 "UNKNOWN - --critical='5:3' is no range: .*greater than its end '3' at character 3" -c 5:3
plugin 3 "UNKNOWN - no certificate is called 'apisrever', did you mean 'apiserver'" apisrever
plugin 3 "UNKNOWN - unknown option '--frobnicate'" --frobnicate
plugin 3 "UNKNOWN - no layout 'nowhere'|UNKNOWN - .*there is no layout 'nowhere'" --layout=nowhere
plugin 3 "UNKNOWN - .*no certificate could be read" --at="$NEW" apiserver
tap_status 3 "a bad range is a usage error without a plugin, too" renewd check -w 15x:
tap_like "$OUTPUT" "^kube-renewd: --warning='15x:' is no range" "and said as such"

# What else there is to complain of comes after the verdict.
host v1.28.7/rsa2048-default
printf '{[' >"$ROOT/etc/kubernetes/manifests/etcd.yaml"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[agent]\nFrobnicate=yes\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
plugin 1 'WARNING - not everything could be read, apiserver expires in ' --at="$NEW"
tap_like "$OUTPUT" '^etcd: .*etcd\.yaml' "a manifest that cannot be read"
tap_like "$OUTPUT" "^warning: .*kube-renewd\.conf:2: unknown key 'Frobnicate'" "a warning of the configuration"
rm "$ROOT/etc/kube-renewd/kube-renewd.conf"

# What the operator has shelved is listed, and does not count.
host v1.28.7/rsa2048-default
rm "$ROOT/etc/kubernetes/pki/ca.key"
mkdir -p "$ROOT/etc/kube-renewd"
printf '[alarms]\nShelve=externally-managed-expiring@apiserver\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
renewd run --at="$TEN_DAYS" >/dev/null 2>&1
plugin 0 'OK - etcd-server expires in .*, 1 shelved\|' --at="$TEN_DAYS" apiserver etcd-server
tap_like "$OUTPUT" '^SHELVED: apiserver expires in 10d' "it is listed"
plugin 1 'WARNING - .*, 1 shelved\|' --at="$TEN_DAYS"
tap_status 1 "a fault stays a fault" renewd check --at="$TEN_DAYS" apiserver
rm "$ROOT/etc/kube-renewd/kube-renewd.conf"
renewd run --at="$TEN_DAYS" >/dev/null 2>&1
plugin 1 'WARNING - apiserver ' --at="$TEN_DAYS" apiserver etcd-server

# Nobody forges performance data, or a line, by the name of a user.
host v1.28.7/ecdsa-p256
sed -n '/^users:/,$p' "$ROOT/etc/kubernetes/admin.conf" | tail -n +2 |
        sed $'s/kubernetes-admin/"x\\\\nOK: fine|\'y\'=1s;\\\\e[2J"/' >"$SCRATCH/user"
cat "$SCRATCH/user" >>"$ROOT/etc/kubernetes/admin.conf"
plugin 2 'CRITICAL - ' --at="$EXPIRED"
tap_is "$(tr -cd '|' <<<"$OUTPUT" | wc -c)" 1 "T07 one bar"
tap_like "$OUTPUT" '^CRITICAL: admin.conf/x.x0aOK: fine!' "T07 the name is shown escaped"
tap_empty "$(head -n 1 <<<"$OUTPUT" | sed 's/.*|//' | grep -oE "[^ ']('[^']*'|[^ '])*" | grep -F "y'=1s")" \
        "T07 no performance data of its own"
tap_empty "$(LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]' <<<"$OUTPUT")" "T07 no control character"
tap_done

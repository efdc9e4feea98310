#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check: every certificate of the genuine trees in every format, its exit status, and files that
# nobody should meet.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# T31: what people and programs read is held to the byte.
for tree in v1.28.7/rsa2048-default v1.28.7/ecdsa-p256 v1.28.7/extetcd-external v1.20.2/rsa2048-default; do
        host "$tree"
        name=${tree//\//-}
        tap_status 1 "T31 $tree is a warning ten days before expiry" renewd check --at="$TEN_DAYS"
        golden "check-$name.table" "T31 $tree as a table"
done
host v1.28.7/rsa2048-default
tap_status 1 "T10 what is watched" renewd check --at="$TEN_DAYS" kubelet.conf
tap_like "$OUTPUT" '^kubelet.conf: somebody else renews it, it is only watched$' "T10 and not due says so"
tap_status 3 "T31 all columns and others" renewd check --at="$TEN_DAYS" --columns=status,all
tap_is "$OUTPUT" "kube-renewd: column 'all' is all of them; leave out the others" "T31 are told apart"
tap_status 1 "T31 a tree of certificates" renewd check --at="$TEN_DAYS" --output=tree
golden check-v1.28.7-rsa2048-default.tree "T31 as a tree"
tap_status 1 "T31 JSON" renewd check --at="$TEN_DAYS" --output=json
golden check-v1.28.7-rsa2048-default.json "T31 as JSON"
json=$OUTPUT
for format in yaml kubeadm-json nagios; do
        tap_status 1 "T31 $format" renewd check --at="$TEN_DAYS" --output="$format"
        golden "check-v1.28.7-rsa2048-default.$format" "T31 as $format"
done
tap_status 1 "T31 metrics" renewd check --at="$TEN_DAYS" --output=prometheus
golden check-v1.28.7-rsa2048-default.prom "T31 as metrics"
OUTPUT=$json
tap_is "$(jq -r '.[0] | keys - ["name","filename","subject","issuer","expiryTime","status"] | length' <<<"$OUTPUT")" \
        "$(($(jq '.[0] | length' <<<"$OUTPUT") - 6))" "T31 every object has vCluster's fields"
tap_is "$(jq -r '.[] | select(.filename == "ca.crt") | "\(.name) \(.path)"' <<<"$OUTPUT" | sort)" \
        "$(printf 'ca /etc/kubernetes/pki/ca.crt\netcd-ca /etc/kubernetes/pki/etcd/ca.crt')" \
        "T31 two files called ca.crt are distinguishable"
tap_status 0 "T31 columns by name" renewd check --at="$TEN_DAYS" --columns=path,certificate --no-headings --no-legend ca etcd-ca
tap_is "$OUTPUT" "$(printf '%s ca\n%s etcd-ca' '/etc/kubernetes/pki/ca.crt     ' '/etc/kubernetes/pki/etcd/ca.crt')" \
        "T31 only these, without headings and legend"
tap_status 1 "T31 all columns" renewd check --at="$TEN_DAYS" --columns=all
tap_like "$OUTPUT" '^CERTIFICATE .* SUBJECT .*ISSUER .*EXPIRES .*RESIDUAL .*STATUS .*CA .*PATH .*SERIAL ' "T31 all have headings"

# kubeadm's own listing of the same tree at the same moment says the same, word for word: names, dates,
# what is left, CAs, whether managed elsewhere. (Before 1.28 it has no CA for kubeconfigs. The moment was
# noted shortly before kubeadm looked.)
kubeadm_listing() {
        sed -n '/ UTC /s/  */ /gp' "$1" | sed 's/ $//' | sort
}
our_listing() {
        jq -r '(.certificates + .certificateAuthorities)[] | [.name,
                (.expirationDate | fromdate | strftime("%b %d, %Y %H:%M UTC")),
                (.residualTime / 86400 | if . >= 730 then "\(. / 365 | floor)y" else "\(floor)d" end),
                (.caName // empty), if .externallyManaged then "yes" else "no" end,
                if .missing then "missing" else empty end] | join(" ")' <<<"$OUTPUT" |
                sed "$1" | sort
}
for data in "$SRCDIR"/tests/data/kubeadm/*/*/check-expiration.out; do
        data=${data%/check-expiration.out}
        tree=${data#"$SRCDIR/tests/data/kubeadm/"}
        host "$tree"
        at=$(date -u -d "$(cat "$data/check-expiration.at") + 1 minute" +%FT%TZ)
        tap_status 0 "$tree when it was made" renewd check --output=kubeadm-json --at="$at"
        [ "$tree" != "${tree#v1.20}" ] && without='s/^\(.*\.conf .*\) ca no$/\1 no/' || without=
        tap_is "$(our_listing "$without")" "$(kubeadm_listing "$data/check-expiration.out")" "$tree as kubeadm lists it"
        tap_is "$(jq -r '.kind + " " + .apiVersion' <<<"$OUTPUT")" \
                "CertificateExpirationInfo output.kubeadm.k8s.io/v1alpha3" "$tree in kubeadm's schema"
        tap_is "$(jq -c '[keys, (.certificates[0] | keys), (.certificateAuthorities[0] | keys)]' <<<"$OUTPUT")" \
                '[["apiVersion","certificateAuthorities","certificates","kind"],["caName","expirationDate","externallyManaged","missing","name","residualTime"],["expirationDate","externallyManaged","missing","name","residualTime"]]' \
                "$tree in kubeadm's shape"
done

# The exit status is a monitoring plugin's.
host v1.28.7/rsa2048-default
tap_status 0 "T01 all valid" renewd check --at="$NEW"
tap_like "$OUTPUT" '^[0-9]+ certificates, 0 due: [0-9]+ OK$' "T01 nothing is due"
tap_status 1 "T02 inside the threshold is a warning" renewd check --at="$TEN_DAYS"
tap_like "$OUTPUT" '^[0-9]+ certificates, 10 due: 1?[0-9] EXPIRING' "T02 ten of them"
tap_status 2 "T03 expired is critical" renewd check --at="$EXPIRED"
tap_like "$OUTPUT" '^apiserver .* EXPIRED ' "T03 said of each"
tap_status 3 "an unknown name is unknown" renewd check --at="$NEW" apisrever
tap_like "$OUTPUT" "did you mean 'apiserver'\?" "and answered with the nearest"
tap_status 2 "only what is named counts" renewd check --at="$EXPIRED" apiserver
tap_status 0 "the CAs are fine" renewd check --at="$EXPIRED" ca etcd-ca front-proxy-ca
rm -r "$ROOT/etc/kubernetes"
tap_status 3 "nothing readable is unknown" renewd check --at="$NEW"
tap_like "$OUTPUT" '^kube-renewd: .*no certificate could be read' "and said"
tap_status 3 "no such root" "$KUBE_RENEWD" --root="$SCRATCH/nowhere" check

# T05, T06, T10: what is missing.
host v1.28.7/rsa2048-default
rm "$ROOT/etc/kubernetes/pki/apiserver.crt"
tap_status 2 "T05 a missing leaf is critical" renewd check --at="$NEW"
tap_like "$OUTPUT" '^apiserver .*MISSING' "T05 and a row"
rm "$ROOT/etc/kubernetes/pki/ca.crt"
tap_status 2 "T06 a missing CA is critical" renewd check --at="$NEW"
tap_like "$OUTPUT" '^ca .*MISSING' "T06 it has a row"
tap_like "$OUTPUT" '^admin.conf .*Nov 21, 2027' "T06 the leaves are still listed"
host v1.28.7/rsa2048-default
rm "$ROOT/etc/kubernetes/pki/ca.key"
tap_status 1 "T10 without the CA's key" renewd check --at="$TEN_DAYS" --output=json
tap_is "$(jq -r '.[] | select(.externallyManaged and .kind != "ca") | .name' <<<"$OUTPUT" | sort | xargs)" \
        "admin.conf apiserver apiserver-kubelet-client controller-manager.conf kubelet.conf scheduler.conf" \
        "T10 what it signed is external"

# controls: lines of $OUTPUT with a control character.
controls() {
        LC_ALL=C grep -nP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' <<<"$OUTPUT"
}

# T07: one bad file is one bad row. $pki/apiserver.crt becomes each of them in turn.
hostile() {
        local title=$1 rows

        tap_status 2 "T07 $title is critical" timeout 20 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm check --at="$NEW"
        tap_like "$OUTPUT" '^apiserver .*INVALID' "T07 $title is one bad row"
        rows=$(grep -c ' OK ' <<<"$OUTPUT")
        tap_is "$rows" "$all" "T07 $title leaves the other rows"
        tap_empty "$(controls)" "T07 $title sends no control character"
}
host v1.28.7/rsa2048-default
all=$(($(renewd check --at="$NEW" | grep -c ' OK ') - 1))
pki=$ROOT/etc/kubernetes/pki
cp "$pki/apiserver.crt" "$SCRATCH/good.crt"
rm "$pki/apiserver.crt"
mkfifo "$pki/apiserver.crt"
hostile "a FIFO"
rm "$pki/apiserver.crt"
mkdir "$pki/apiserver.crt"
hostile "a directory"
rmdir "$pki/apiserver.crt"
truncate -s 1G "$pki/apiserver.crt"
hostile "a file of 1 GiB"
head -c 100000 /dev/zero | tr '\0' '\033' >"$pki/apiserver.crt"
hostile "a file of escapes"
: >"$pki/apiserver.crt"
hostile "an empty file"
head -n 5 "$SCRATCH/good.crt" >"$pki/apiserver.crt"
hostile "a truncated file"
printf -- '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' >"$pki/apiserver.crt"
hostile "garbage in PEM"
cp "$pki/apiserver.key" "$pki/apiserver.crt"
hostile "a key instead of a certificate"
ln -sf /proc/self/environ "$pki/apiserver.crt"
tap_status 2 "T07 a link out of the tree is critical" renewd check --at="$NEW"
tap_like "$OUTPUT" '^apiserver .*(INVALID|MISSING)' "T07 a link out of the tree finds nothing there"
ln -sf "$SCRATCH/good.crt" "$pki/apiserver.crt"
tap_status 2 "T07 a link to a file outside is critical" renewd check --at="$NEW"
tap_like "$OUTPUT" '^apiserver .*(INVALID|MISSING)' "T07 and is not followed there"
rm "$pki/apiserver.crt"
cp "$SCRATCH/good.crt" "$pki/apiserver.crt"
cat "$pki/apiserver.key" "$pki/sa.key" >"$SCRATCH/two.key" && cp "$SCRATCH/two.key" "$pki/apiserver.key"
hostile "two keys in one file"

# A subject that wants to be a terminal's master.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/apiserver.key" \
        -out "$pki/apiserver.crt" -days 3650 -subj "/CN=$(printf 'evil\033[2J\033]0;title\007\302\233')" 2>/dev/null
for format in table tree json; do
        tap_status 0 "T07 a hostile subject as $format, signed elsewhere" renewd check --at="$NEW" --output="$format" --columns=all
        tap_empty "$(controls)" "T07 nothing of it reaches the terminal as $format"
done
tap_like "$OUTPUT" 'evil.*x1b' "T07 it is shown escaped"

# Names in a kubeconfig are somebody else's text too: of rows, of steps, of alarms.
host v1.28.7/ecdsa-p256
sed -n '/^users:/,$p' "$ROOT/etc/kubernetes/admin.conf" | tail -n +2 |
        sed 's/kubernetes-admin/"evil\\e[2J\\x07\\u009b"/' >"$SCRATCH/user"
cat "$SCRATCH/user" >>"$ROOT/etc/kubernetes/admin.conf"
for words in check "check --output=tree" "check --output=json" "plan --all" "plan --all --output=json" \
        "explain admin.conf" "renew --dry-run --all" run alarms "alarms --output=json"; do
        [ "$words" != run ] || rm "$ROOT/etc/kubernetes/pki/ca.key" # or no alarm would be about it
        # shellcheck disable=SC2086 # a verb and its options
        OUTPUT=$(renewd $words --at="$EXPIRED" 2>&1)
        tap_like "$OUTPUT" 'admin.conf/evil.*x1b' "'$words' shows it escaped"
        tap_empty "$(controls)" "T07 '$words' sends no control character of a user's name"
done

# What hides who uses a file is said, whatever the certificates are.
host v1.28.7/rsa2048-default
printf '{[' >"$ROOT/etc/kubernetes/manifests/etcd.yaml"
tap_status 1 "an unreadable manifest is a warning" renewd check --at="$NEW"
tap_like "$OUTPUT" '^kube-renewd: etcd: .*etcd.yaml' "and named"

# Colour: only for people, and only if they want it.
host v1.28.7/rsa2048-default
tap_ok "colour is off in a pipe" renewd check --at="$NEW"
tap_unlike "$OUTPUT" $'\033' "no escape sequence in a pipe"
tap_ok "SYSTEMD_COLORS=1 turns it on" env SYSTEMD_COLORS=1 "$KUBE_RENEWD" --root="$ROOT" check --at="$NEW"
tap_like "$OUTPUT" $'\033\\[32mOK' "colour by state"
if command -v script >/dev/null; then
        on_terminal() {
                env "$@" TERM="${TERM_OF_TEST:-xterm}" script -qec "stty columns 80; '$KUBE_RENEWD' --root='$ROOT' check --at=$NEW" /dev/null
        }
        tap_like "$(on_terminal)" $'\033\\[32mOK' "a terminal gets colour"
        tap_unlike "$(on_terminal NO_COLOR=1)" $'\033' "NO_COLOR is honoured"
        tap_unlike "$(TERM_OF_TEST=dumb on_terminal)" $'\033' "a dumb terminal gets none"
        tap_empty "$(on_terminal NO_COLOR=1 | tr -d '\r' | awk 'length > 80')" "the default table fits 80 columns"
else
        tap_skip "colour on a terminal" "script(1) is not installed"
fi
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a person at a terminal sees, and what a pipe gets: colours, widths, progress, an interrupt.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
command -v script >/dev/null || tap_skip_all "script(1) is not installed"

ESCAPE=$'\033'
CLEAR="$ESCAPE\\[K"
GREEN="$ESCAPE\\[32m" YELLOW="$ESCAPE\\[33m"
RED="$ESCAPE\\[31m"
export TERM=xterm

# terminal COLUMNS COMMAND...: runs it in a terminal that is so wide; everything it wrote is $OUTPUT.
terminal() {
        local columns=$1 command

        shift
        command="stty cols $columns rows 10 -onlcr; $(printf '%q ' "$@")"
        OUTPUT=$(SHELL=/bin/bash script -qec "$command" /dev/null </dev/null 2>&1)
}

# seen COLUMNS ARGUMENT...: the program in a terminal, on this host, ten days before expiry.
seen() {
        local columns=$1

        shift
        terminal "$columns" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" "$@"
}

# screen: what is left to see of $OUTPUT, without colours.
screen() {
        sed "s/.*$CLEAR//; s/$ESCAPE\\[[0-9;]*m//g" <<<"$OUTPUT"
}

# widest: columns of the widest line on the screen.
widest() {
        screen | LC_ALL=C.UTF-8 awk '{ if (length > n) n = length } END { print n + 0 }'
}

host v1.28.7/rsa2048-default
rm "$ROOT/etc/kubernetes/pki/etcd/peer.crt"

# Colours.
seen 80 check
tap_like "$OUTPUT" "^apiserver .*${YELLOW}EXPIRING" "a warning is yellow"
tap_like "$OUTPUT" "^etcd-peer .*${RED}MISSING" "what is critical is red"
tap_like "$OUTPUT" "^ca .*${GREEN}OK" "what is fine is green"
seen 80 plan front-proxy-client
tap_like "$OUTPUT" "^  expires     ${RED}Nov 21, 2027 .*${GREEN}Nov 10, 2028" "the old is red, the new is green"
seen 80 explain apiserver
tap_like "$OUTPUT" "^  state       ${YELLOW}EXPIRING" "and so is a state"
for variable in NO_COLOR=1 TERM=dumb SYSTEMD_COLORS=0; do
        terminal 80 env "$variable" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" check
        tap_like "$OUTPUT" '^apiserver .* EXPIRING' "with $variable there is a table"
        tap_unlike "$OUTPUT" "$ESCAPE" "without colours"
done
for verb in check verify alarms plan "explain apiserver" "backup list"; do
        # shellcheck disable=SC2086 # words
        tap_unlike "$(renewd --at="$TEN_DAYS" $verb 2>&1)" "$ESCAPE" "$verb has none in a pipe"
done
tap_like "$(SYSTEMD_COLORS=1 renewd check --at="$TEN_DAYS")" "$YELLOW" "but for who asks for them"

# Widths.
seen 40 check
tap_is "$(screen | head -n 1 | xargs)" "CERTIFICATE STATUS" "40 columns: which, and how it is"
seen 80 check
tap_is "$(screen | head -n 1 | xargs)" "CERTIFICATE EXPIRES RESIDUAL STATUS CA" "80 columns: until when"
seen 200 check
tap_is "$(screen | head -n 1 | xargs)" "CERTIFICATE SUBJECT ISSUER EXPIRES RESIDUAL STATUS CA PATH" "200 columns: where"
for columns in 40 80 200; do
        for verb in "check --no-legend" "check --output=tree --no-legend" "verify --no-legend" "plan" "explain apiserver"; do
                # A word stays whole, and some are longer than forty columns.
                case $columns$verb in 40plan* | 40explain*) continue ;; esac
                # shellcheck disable=SC2086 # words
                seen "$columns" $verb
                [ "$(widest)" -le "$columns" ]
                tap_result $? "$columns columns hold $verb" || tap_note "$OUTPUT"
        done
done
mkdir "$ROOT/etc/kube-renewd"
printf '[certificate apiserver]\nExtraSANs=api-1.example.org api-2.example.org\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
seen 80 plan apiserver
tap_like "$(screen)" '^  DNS:api-1.example.org; lacks the configured DNS:api-2.example.org$' "a sentence is broken at a space"
tap_like "$(renewd plan apiserver --at="$TEN_DAYS")" '^apiserver: .* lacks the configured DNS:api-2.example.org' "and whole in a pipe"
rm -r "$ROOT/etc/kube-renewd"
seen 40 check --columns=certificate,path --no-headings --no-legend apiserver
tap_is "$(screen)" "apiserver   /etc/kubernetes/pki/apiserver.crt" "what is asked for is not cut"
wide=$(renewd check --at="$TEN_DAYS")
tap_is "$(COLUMNS=20 renewd check --at="$TEN_DAYS")" "$wide" "nothing is left out in a pipe"
seen 80 check --no-headings --no-legend
tap_is "$(screen | grep -cE 'CERTIFICATE|certificates')" 0 "no headings, no legend"

# Nothing stops in the middle: there is no pager, and a screen of ten lines is no limit.
terminal 80 env PAGER=false SYSTEMD_PAGER=false "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" check
tap_like "$OUTPUT" '^[0-9]+ certificates, ' "the last line is there, without a pager"
renewd plan --at="$TEN_DAYS" --all 2>"$SCRATCH/errors" | head -n 1 >/dev/null
tap_is "$(cat "$SCRATCH/errors")" "" "a reader that goes away is no error"

# Two locales.
seen 80 check --output=tree
tap_like "$OUTPUT" '^\|-apiserver ' "C: branches in ASCII"
LC_ALL=C.UTF-8 seen 80 check --output=tree
tap_like "$OUTPUT" '^├─apiserver ' "UTF-8: branches are drawn"

# Progress: one line, gone in the end; only for who looks at it.
host v1.28.7/ecdsa-p256
terminal 80 "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" renew --dry-run
tap_like "$OUTPUT" "$CLEAR\\[1/10\\] Issuing certificate 'apiserver' \\.\\.\\." "the first of ten"
tap_like "$OUTPUT" "$CLEAR\\[10/10\\] Issuing certificate" "the last of ten"
tap_unlike "$(screen)" "Issuing" "and nothing of it is left"
tap_like "$(screen)" '^apiserver: would be renewed, until' "before the results"
terminal 80 env TERM=dumb "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" renew --dry-run
tap_like "$OUTPUT" "^\\[1/10\\] Issuing certificate 'apiserver' \\.\\.\\." "a dumb terminal gets lines"
tap_unlike "$OUTPUT" "$ESCAPE" "and no sequences"
tap_unlike "$(renewd renew --dry-run --at="$TEN_DAYS" 2>&1)" "Issuing" "a pipe gets none"
renewd renew --at="$TEN_DAYS" 2>/dev/null | head -n 0
tap_is "${PIPESTATUS[0]}" 75 "what is written is finished, whoever reads of it"

# Ctrl-C, before the first write: keys of this size take their time. (A job of a script ignores it.)
host v1.28.7/rsa2048-default
mkdir -p "$ROOT/etc/kube-renewd"
printf '[renewal]\nKeyAlgorithm=RSA-4096\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
digests >"$SCRATCH/before"
mkfifo "$SCRATCH/keys"
SHELL=/bin/bash env --default-signal=INT script -qefc "$(printf '%q ' "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" renew)" \
        "$SCRATCH/typescript" <"$SCRATCH/keys" >/dev/null 2>&1 &
session=$!
exec 7>"$SCRATCH/keys"
for ((i = 0; i < 600; i++)); do
        ! grep -aq 'Issuing' "$SCRATCH/typescript" 2>/dev/null || break
        sleep 0.1
done
printf '\003' >&7
wait "$session"
tap_is "$?" 130 "Ctrl-C ends it"
exec 7>&-
tap_like "$(tr -d '\r' <"$SCRATCH/typescript")" '^kube-renewd: interrupted before any file was replaced$' "with a sentence"
tap_empty "$(changed)" "and no file has changed"
tap_ok "nothing is left to do" renewd recover
tap_is "$OUTPUT" "Nothing was unfinished." "because nothing had begun"
rm "$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 75 "and nothing holds the next one up" renewd renew --at="$TEN_DAYS"

# What asks it to stop later waits until what has begun is done. A pending signal stays so across exec.
host v1.28.7/ecdsa-p256
# shellcheck disable=SC2016 # for the inner shell
tap_status 75 "a late interrupt changes nothing" env --block-signal=INT bash -c 'kill -INT $$; exec "$@"' - \
        "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm --at="$TEN_DAYS" renew
tap_like "$OUTPUT" '^apiserver: renewed, until' "it is renewed"
tap_like "$OUTPUT" '^kube-renewd: interrupted; what had been begun was brought to its end first$' "and said"
tap_done

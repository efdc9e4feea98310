#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# T26: kubeconfigs in every form that somebody may have given them, through the whole program. Either
# the two right scalars are new and every other byte is as it was, or nothing is, and the reason has a
# line and a column.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

host v1.28.7/ecdsa-p256
admin=$ROOT/etc/kubernetes/admin.conf
cp "$admin" "$SCRATCH/genuine"
value() { # KEY [FILE]: of kubeadm's file, where it stands once and by itself
        sed -n "s/^ *$1: //p" "${2:-$SCRATCH/genuine}"
}
ca=$(value certificate-authority-data)
certificate=$(value client-certificate-data)
key=$(value client-key-data)

# values FILE: the base64 texts in it, in their order. frame FILE: everything else.
values() {
        grep -aoE '[A-Za-z0-9+/]{200,}=*' "$1"
}
frame() {
        sed -E 's|[A-Za-z0-9+/]{200,}=*|@|g' "$1" | od -c
}

# renewed NAME: `renew admin.conf` of what stdin says changes two values of it, and nothing else.
renewed() {
        local name=$1 differing

        rm -rf "${ROOT:?}/var"
        cat >"$admin"
        cp "$admin" "$SCRATCH/old"
        tap_status 0 "T26 $name: renew" renewd renew admin.conf --at="$TEN_DAYS"
        tap_is "$(frame "$admin")" "$(frame "$SCRATCH/old")" "T26 $name: every other byte stays"
        differing=$(diff <(values "$SCRATCH/old") <(values "$admin") | sed -n 's/^> //p')
        tap_is "$(wc -l <<<"$differing")" 2 "T26 $name: two values are new"
        tap_is "$(base64 -d <<<"${differing#*$'\n'}" | openssl pkey -pubout 2>&1)" \
                "$(base64 -d <<<"${differing%$'\n'*}" | openssl x509 -noout -pubkey 2>&1)" \
                "T26 $name: the certificate, and the key that belongs to it"
        tap_like "$(renewd check admin.conf --at="$TEN_DAYS" --no-headings)" '^admin.conf .* OK ' "T26 $name: its row is well"
}

# refused NAME PATTERN: nothing of what stdin says is changed, and it is said where it cannot be.
refused() {
        rm -rf "${ROOT:?}/var"
        cat >"$admin"
        cp "$admin" "$SCRATCH/old"
        OUTPUT=$(renewd renew admin.conf --at="$TEN_DAYS" 2>&1)
        tap_is "$?" 1 "T26 $1: renew fails"
        tap_like "$OUTPUT" "$2" "T26 $1: and says why"
        tap_ok "T26 $1: no byte has changed" cmp "$SCRATCH/old" "$admin"
        tap_is "$(ls -A "${admin%/*}")" "$names" "T26 $1: and nothing lies beside it"
}
names=$(ls -A "${admin%/*}")

genuine() {
        cat "$SCRATCH/genuine"
}

# user NAME DATA...: one in flow style.
user() {
        printf -- '- {name: %s, user: {%s}}\n' "$1" "$2"
}
mine="client-certificate-data: $certificate, client-key-data: $key"
head_of() { # CONTEXT_USER: a kubeconfig up to its users
        printf 'apiVersion: v1\nkind: Config\nclusters:\n- cluster: {certificate-authority-data: %s, server: "https://a:6443"}\n' "$ca"
        printf '  name: c\ncontexts:\n- {name: x, context: {cluster: c, user: %s}}\n- {name: y, context: {cluster: c, user: z}}\n' "$1"
        printf 'current-context: x\n'
}

renewed genuine < <(genuine)
renewed "several users and contexts" < <(head_of u && echo users: && user t 'token: t' && user u "$mine" &&
        user file 'client-certificate: a.crt, tokenFile: b' && user exec 'exec: {command: aws}')
renewed comments < <(genuine | sed 's/^users:/# one\n\n  # two\nusers: # three/; s/\(client-[a-z]*-data: .*\)/\1 # four/; $a # end')
renewed "comments that are not ASCII" < <(genuine | sed 's/^users:/# \xc3\xa4 \xe2\x82\xac \xf0\x9f\x94\x91\nusers:/')
renewed "anchors elsewhere" < <(genuine | sed '1i extensions: &e [{name: a, extension: 1}]\npreferences: {extensions: *e}')
renewed "flow style" < <(printf '{kind: Config, clusters: [{name: c, cluster: {server: "https://a", certificate-authority-data: %s}}],\n' "$ca" &&
        printf ' contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x,\n users: [{name: u, user: {%s}}]}\n' "$mine")
renewed JSON < <(printf '{"kind":"Config","clusters":[{"name":"c","cluster":{"server":"https:\/\/a","certificate-authority-data":"%s"}}],' "$ca" &&
        printf '"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}],"current-context":"x",' &&
        printf '"users":[{"name":"u","user":{"client-certificate-data":"%s","client-key-data":"%s"}}]}' "$certificate" "$key")
renewed CRLF < <(genuine | sed 's/$/\r/')
renewed "a BOM" < <(printf '\357\273\277' && genuine)
renewed "a BOM and CRLF" < <(printf '\357\273\277' && genuine | sed 's/$/\r/')
renewed quotes < <(genuine | sed "s/\\(client-certificate-data: \\)\\(.*\\)/\\1'\\2'/; s/\\(client-key-data: \\)\\(.*\\)/\\1\"\\2\"/")
renewed "block scalars" < <(genuine | sed 's/\(client-certificate-data: \)\(.*\)/\1|-\n      \2/; s/\(client-key-data: \)\(.*\)/\1>\n      \2\n/')
renewed "no end of its last line" < <(printf %s "$(genuine)")
renewed "a mebibyte" < <(genuine && for ((i = 0; i < 16384; i++)); do echo "# $i ------------------------------------------------------"; done)
renewed "other documents' marks" < <(printf '%%YAML 1.1\n---\n' && genuine && echo ...)
renewed "duplicate names of others" < <(head_of u && echo users: && user z 'token: t' && user z 'token: u' && user u "$mine")

at='line [0-9]*, column [0-9]*'
refused "an anchor on the way" "$at: an anchor" < <(head_of u && echo users: && echo "- {name: u, user: &a {$mine}}")
refused "an alias" "$at: .*alias" < <(head_of u && echo "x: &a {$mine}" && echo users: && echo "- {name: u, user: *a}")
refused "a merge key" "$at: .*merge key" < <(head_of u && echo "x: &a {$mine}" && echo users: && echo "- {name: u, user: {<<: *a}}")
refused "duplicate names" "$at: .*twice" < <(head_of u && echo users: && user u "$mine" && user u "$mine")
refused "a key twice" "$at: .*twice" < <(head_of u && echo users: && user u "$mine, client-key-data: $key")
refused "two documents" "$at: .*second document" < <(genuine && echo --- && genuine)
refused "a tag" "$at: a tag" < <(genuine | sed 's/client-key-data: /&!!str /')
refused "escapes in the value" "$at: .*way this value is written" < <(genuine | sed 's/\(client-key-data: \)\(.\)\(.*\)/\1"\\u004\2\3"/; s/\\u004L/\\u004c/')
refused "UTF-16" "$at: UTF-16" < <(genuine | iconv -t UTF-16)
refused "no YAML" "$at: " < <(genuine && printf 'users: [\n')
refused "bad UTF-8" "$at: " < <(genuine && printf '# \377\n')
tap_done

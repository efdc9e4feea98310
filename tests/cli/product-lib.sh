# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of layouts of products share that make their certificates themselves. The calling
# sequence, after tests/cli/cli.sh:
#
#     product                                  $ROOT is an empty host, and $OTHERS what is on it later
#     authority DIR/client-ca k3s-client-ca    a CA of ten years: DIR/client-ca.crt and .key
#     leaf DIR/admin DIR/client-ca "/CN=x" clientAuth [SANS]     a year
#     by_files PATH DIR/admin DIR/server-ca.crt     a kubeconfig that names files, as k3s writes it
#     embedded PATH DIR/admin DIR/server-ca.crt     one that embeds them
#     tap_is "$(unlisted)" "" "all certificates are watched"

# in_days DAYS: that many days from now, the beginning of all of these certificates.
in_days() {
        date -u -d "+$1 days" +%FT%TZ
}

# product: a fresh host.
product() {
        ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX") || exit 99
}

# renewd ARG...: nobody names the layout.
renewd() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

# authority STEM CN
authority() {
        mkdir -p "$(dirname "$ROOT/$1")"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj "/CN=$2" \
                -addext basicConstraints=critical,CA:true -addext keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign \
                -keyout "$ROOT/$1.key" -out "$ROOT/$1.crt" 2>/dev/null
}

# leaf STEM CA SUBJECT USAGE [SANS [DAYS]]: with its CA behind it where $CHAIN is set.
leaf() {
        local stem=$ROOT/$1 ca=$ROOT/$2

        mkdir -p "$(dirname "$stem")"
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$3" -keyout "$stem.key" \
                -out "$SCRATCH/csr" 2>/dev/null
        openssl x509 -req -in "$SCRATCH/csr" -CA "$ca.crt" -CAkey "$ca.key" -set_serial "0x$(openssl rand -hex 8)" \
                -days "${6:-365}" -out "$stem.crt" -extfile - 2>/dev/null <<END
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=$4
authorityKeyIdentifier=keyid
${5:+subjectAltName=$5}
END
        if [ -n "${CHAIN:-}" ]; then
                cat "$ca.crt" >>"$stem.crt"
        fi
}

kubeconfig() {
        mkdir -p "$(dirname "$ROOT/$1")"
        printf 'apiVersion: v1\nclusters:\n- cluster:\n    server: https://127.0.0.1:6444\n    %s\n  name: local\ncontexts:\n%s\n%s\n' "$2" \
                $'- context:\n    cluster: local\n    namespace: default\n    user: user\n  name: Default' \
                $'current-context: Default\nkind: Config\npreferences: {}\nusers:\n- name: user\n  user:' >"$ROOT/$1"
        printf '    %s\n    %s\n' "$3" "$4" >>"$ROOT/$1"
}

# by_files PATH STEM CA
by_files() {
        kubeconfig "$1" "certificate-authority: /$3" "client-certificate: /$2.crt" "client-key: /$2.key"
}

# embedded PATH STEM CA
embedded() {
        kubeconfig "$1" "certificate-authority-data: $(base64 -w0 <"$ROOT/$3")" \
                "client-certificate-data: $(base64 -w0 <"$ROOT/$2.crt")" "client-key-data: $(base64 -w0 <"$ROOT/$2.key")"
}

# digests: of every file that is not ours.
digests() {
        (cd "$ROOT" && find . -path ./var/lib/kube-renewd -prune -o -path ./etc/kube-renewd -prune -o -type f -exec sha256sum {} + |
                sort -k 2)
}

# unlisted: files of $ROOT with a certificate of which `check` has no row.
unlisted() {
        (cd "$ROOT" && grep -rlE 'BEGIN CERTIFICATE|client-certificate-data|"tls.crt"' --exclude-dir=kube-renewd . | sed 's/^\.//' | sort) \
                >"$SCRATCH/files"
        renewd check --output=json 2>/dev/null | jq -r '.[].path' | sort -u >"$SCRATCH/rows"
        comm -23 "$SCRATCH/files" "$SCRATCH/rows"
}

# alarms: the active ones.
alarms() {
        mkdir -p "$ROOT/var/lib/kube-renewd/public/alarms"
        (cd "$ROOT/var/lib/kube-renewd/public/alarms" && find . -name '*.json' -printf '%f\n' | sed 's/\.json$//' | sort | xargs)
}

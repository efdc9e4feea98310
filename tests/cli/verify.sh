#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# verify below a root that is not this host's: what would be asked, and that nobody is. What runs is
# asked in tests/unit/test-verify-running.c, and on a real control plane in tests/system.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

for tree in v1.28.7/rsa2048-default v1.20.2/rsa2048-default; do
        host "$tree"
        tap_status 3 "$tree: what is not known is unknown" renewd verify --at="$NEW"
        golden "verify-${tree//\//-}.table" "$tree as a table"
done
host v1.28.7/rsa2048-default
digests >"$SCRATCH/before"
renewd verify --at="$TEN_DAYS" >/dev/null
tap_empty "$(changed)" "nothing is changed"
tap_ok "and nothing is left" [ ! -e "$ROOT/var/lib/kube-renewd" ]

tap_status 3 "JSON" renewd verify --at="$NEW" --output=json
tap_is "$(jq -r '[.[] | keys | join(" ")] | unique[]' <<<"$OUTPUT")" \
        "certificate component endpoint flag loaded path proof reason since status" "every object has the same keys"
tap_is "$(jq -r '[.[] | "\(.loaded) \(.since) \(.status) \(.reason)"] | unique[]' <<<"$OUTPUT")" \
        "null null UNKNOWN the root is not that of this host" "and knows nothing"
tap_is "$(jq -r '.[] | select(.flag == "--tls-cert-file") | "\(.component) \(.certificate) \(.path) \(.proof) \(.endpoint)"' <<<"$OUTPUT")" \
        "kube-apiserver apiserver /etc/kubernetes/pki/apiserver.crt served 127.0.0.1:6443" "but says what it would ask"

tap_status 3 "columns by name" renewd verify --at="$NEW" --columns=status,path,flag --no-headings --no-legend
tap_like "$OUTPUT" '^UNKNOWN /etc/kubernetes/scheduler.conf +--authentication-kubeconfig$' "only these, without headings and legend"
tap_unlike "$OUTPUT" 'CERTIFICATE|proven|asked' "nothing else"
tap_status 3 "all columns" renewd verify --at="$NEW" --columns=all
tap_like "$OUTPUT" '^COMPONENT .*CERTIFICATE .*PROOF .*STATUS .*SINCE .*FLAG .*PATH .*REASON' "all have headings"
tap_status 3 "a column that is none is unknown" renewd verify --columns=statsu
tap_like "$OUTPUT" "no column 'statsu'; did you mean 'STATUS'" "and answered with the nearest"
tap_status 3 "no such format" renewd verify --output=tree
tap_ok "help" renewd verify --help
tap_like "$OUTPUT" 'table\|json' "names the formats"

rm -r "$ROOT/etc/kubernetes/manifests"
tap_status 3 "without manifests nothing is known either" renewd verify --at="$NEW"
tap_unlike "$OUTPUT" '^kube-' "and no component is made up"
tap_done

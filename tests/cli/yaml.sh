#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --output=yaml: the same value as --output=json, for a reader of YAML that is not ours.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

verbs() {
        "$KUBE_RENEWD" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p'
}

# formats VERB: of its --output=, one a line.
formats() {
        "$KUBE_RENEWD" "$1" --help | sed -n 's/^  --output=FORMAT *//p' | tr '|' '\n'
}

mapfile -t with_json < <(verbs | while read -r verb; do ! formats "$verb" | grep -qx json || echo "$verb"; done)
tap_is "$(for verb in "${with_json[@]}"; do formats "$verb" | grep -qx yaml || echo "$verb"; done)" "" \
        "every verb with JSON has YAML"

# A host with something to tell: names that mean something else in YAML, and a backup.
host v1.28.7/rsa2048-default
mkdir -p "$ROOT/etc/kube-renewd" "$ROOT/opt"
cp "$ROOT/etc/kubernetes/pki/front-proxy-client.crt" "$ROOT/opt/client.crt"
cat >"$ROOT/etc/kube-renewd/kube-renewd.conf" <<'END'
[certificate yes]
Certificate=/opt/client.crt
CA=kubernetes
Watch=yes

[certificate 1e3]
Certificate=/opt/2027: 1
CA=kubernetes
Watch=yes
END
tap_status 75 "a renewal, for a backup and an alarm" renewd renew --at="$TEN_DAYS" front-proxy-client

tap_status 2 "YAML" renewd check --at="$TEN_DAYS" --output=yaml yes 1e3
tap_like "$OUTPUT" '^  name: "yes"$' "a name that YAML takes for a truth is in quotes"
tap_like "$OUTPUT" '^  name: "1e3"$' "and one that it takes for a number"
tap_like "$OUTPUT" '^  path: "/opt/2027: 1"$' "and one with the sign of a key"
tap_like "$OUTPUT" '^  path: /opt/client.crt$' "an ordinary one has none"
tap_like "$OUTPUT" '^- caName: ' "a list of objects is in block style"

# says_the_same ARGUMENT...: PyYAML reads from the one what json reads from the other.
says_the_same() {
        renewd "$@" --at="$TEN_DAYS" --output=json >"$SCRATCH/json" 2>"$SCRATCH/errors"
        renewd "$@" --at="$TEN_DAYS" --output=yaml >"$SCRATCH/yaml" 2>"$SCRATCH/errors"
        [ -s "$SCRATCH/json" ] && python3 - "$SCRATCH/json" "$SCRATCH/yaml" <<'END'
import json, sys, yaml

with open(sys.argv[1], encoding="utf-8") as a, open(sys.argv[2], encoding="utf-8") as b:
    left, right = json.load(a), yaml.safe_load(b)
sys.exit(0 if left == right else f"not the same: {left}\nand {right}")
END
}

for verb in "${with_json[@]}"; do
        if python3 -c 'import yaml' 2>/dev/null; then
                words=("$verb")
                [ "$verb" != backup ] || words+=(list)
                [ "$verb" != rotate-ca ] || words+=(--status)
                tap_ok "$verb says the same in both" says_the_same "${words[@]}"
        else
                tap_skip "$verb says the same in both" "python3-yaml is not installed"
        fi
done
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two control planes on one host, kubeadm's and a vCluster: one inventory, one plan, one transaction, one
# report, whichever of them comes first and keeps its names.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

PKI=/etc/kubernetes/pki VPKI=/var/lib/vcluster/pki
STATE=/var/lib/kube-renewd
SOON=2027-09-10T00:00:00Z # 73 days before the leaves of both trees end: vCluster's window is 90
LATER=2027-11-12T00:00:00Z # some minutes after TEN_DAYS

both() {
        "$KUBE_RENEWD" --root="$ROOT" "$@"
}

digests() {
        (cd "$ROOT" && find etc/kubernetes var/lib/vcluster/pki -type f -exec sha256sum {} + | sort -k 2)
}

# control_planes FIRST: a fresh host with both, and that one first; nobody names them if it is kubeadm.
control_planes() {
        host v1.28.7/rsa2048-default
        mkdir -p "$ROOT$VPKI" "$ROOT/etc/kube-renewd"
        cp -R "$SRCDIR/tests/data/vcluster/before/pki/." "$ROOT$VPKI" || exit 99
        chmod -R u+w "$ROOT$VPKI"
        K='' V=vcluster:
        [[ $1 != vcluster ]] || K=kubeadm: V=''
        [[ $1 != vcluster ]] || printf '[agent]\nLayout=vcluster kubeadm\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
        layouts=$1,$([[ $1 = vcluster ]] && echo kubeadm || echo vcluster)
}

# verifies FILE CA: at any time.
verifies() {
        openssl verify -no_check_time -CAfile "$ROOT$2" "$ROOT$1" >/dev/null 2>&1
}

for first in kubeadm vcluster; do
        control_planes $first
        tap_status 0 "$first first: all is in order" both check --at="$NEW"
        tap_is "$(tail -n 1 <<<"$OUTPUT")" "Layouts: ${layouts/,/, }" "$first first: both are said, in this order"
        tap_like "$OUTPUT" "^${V}etcd-healthcheck-client " "$first first: a row of the vCluster"
        tap_like "$OUTPUT" "^${K}etcd-healthcheck-client " "$first first: a row of kubeadm"
        tap_is "$(both check --at="$NEW" --no-headings | grep -c '^Layout')$(both check --at="$NEW" --no-legend | grep -c '^Layout')" \
                00 "$first first: who wants no headings or no legend gets none"
        tap_is "$(for output in nagios prometheus kubeadm-json json; do both check --at="$NEW" --output=$output; done | grep -c 'Layouts: ')" 0 \
                "$first first: other outputs are what they were"

        # What a layout says of all is for its own.
        tap_status 0 "$first first: 73 days before the end" both plan --at="$SOON" --output=json
        tap_is "$(jq -c .layouts <<<"$OUTPUT")" "[\"${layouts/,/\",\"}\"]" "$first first: the plan has the layouts"
        tap_is "$(jq -r '.steps[].certificate' <<<"$OUTPUT" | sort | xargs)" \
                "$(printf "$V%s\n" admin.conf apiserver apiserver-etcd-client apiserver-kubelet-client controller-manager.conf \
                        etcd-healthcheck-client etcd-peer etcd-server front-proxy-client scheduler.conf | sort | xargs)" \
                "$first first: only what the vCluster wants 90 days before is due"
        tap_status 0 "$first first: as text" both plan --at="$SOON"
        tap_is "$(tail -n 1 <<<"$OUTPUT")" "Layouts: ${layouts/,/, }" "$first first: as text, too"

        # One pass for all.
        digests >"$SCRATCH/before"
        tap_status 75 "$first first: a pass, ten days before" both run --at="$TEN_DAYS"
        tap_is "$(grep -c ': renewed, until' <<<"$OUTPUT")" 20 "$first first: renews both"
        tap_is "$(changed | grep -c '^etc/') $(changed | grep -c '^var/')" "17 17" "$first first: their files alike"
        for pair in apiserver:ca etcd/peer:etcd/ca front-proxy-client:front-proxy-ca; do
                tap_ok "$first first: ${pair%:*} of kubeadm is of its CA" verifies $PKI/${pair%:*}.crt $PKI/${pair#*:}.crt
                tap_ok "$first first: ${pair%:*} of the vCluster of its own" verifies $VPKI/${pair%:*}.crt $VPKI/${pair#*:}.crt
        done
        tap_is "$(find "$ROOT$STATE/backups" -name manifest.json | wc -l)" 1 "$first first: in one transaction, with one backup"
        tap_ok "$first first: and the vCluster's directory beside itself" test -d "$ROOT${VPKI%/*}/pki.bak"
        tap_is "$(find "$ROOT$STATE/owed" -name '*.json' -printf '%f\n' | sort | xargs)" \
                "$(printf '%s.json\n' "$K"{etcd,kube-apiserver,kube-controller-manager,kube-scheduler} "${V}vcluster" | sort | xargs)" \
                "$first first: what has to be restarted is owed that, by its name"
        tap_ok "$first first: an alarm has it in the name of its file" test -e "$ROOT$STATE/public/alarms/restart-owed@${V}vcluster.json"
        tap_status 2 "$first first: the alarms" both alarms --at="$TEN_DAYS"
        tap_like "$OUTPUT" "restart-owed +${V}vcluster " "$first first: and is listed"
        tap_is "$(jq -c .layouts "$ROOT$STATE/public/status.json")" "[\"${layouts/,/\",\"}\"]" "$first first: the heartbeat has the layouts"
        tap_is "$(jq -r '.certificates[] | select(.path | endswith("/apiserver.crt")) | .name' "$ROOT$STATE/public/status.json" | sort | xargs)" \
                "$(printf '%s\n' "${K}apiserver" "${V}apiserver" | sort | xargs)" "$first first: and both by name"
        tap_like "$(both check --cached --at="$LATER")" "^Layouts: ${layouts/,/, }\$" "$first first: which who reads it says"
        tap_like "$(cat "$ROOT$STATE"/public/*.prom)" "\"${V}apiserver\"" "$first first: the metrics have the name"
        tap_status 3 "$first first: verify has nobody to ask below another root" both verify --at="$TEN_DAYS"
        tap_like "$OUTPUT" "^${V}vcluster " "$first first: but knows whom"

        # By name.
        cp "$SCRATCH/before" "$SCRATCH/genuine"
        digests >"$SCRATCH/before"
        tap_status 75 "$first first: one by its name" both renew --at="$LATER" "${V}admin.conf"
        tap_is "$(changed | xargs)" "${VPKI#/}/admin.conf" "$first first: is that one"
        tap_status 0 "$first first: explain" both explain --at="$LATER" "${K}apiserver"
        tap_like "$OUTPUT" "$PKI/apiserver.crt" "$first first: knows which"
        tap_status 2 "$first first: a name of nobody's" both renew --at="$LATER" "other:apiserver"
        both backup list --columns=id --no-headings --no-legend >"$SCRATCH/ids"
        tap_status 75 "$first first: T33 the newer backup is put back" both restore --at="$LATER" "$(sed -n 1p "$SCRATCH/ids")"
        tap_empty "$(changed)" "$first first: T33 that one is as it was"
        tap_status 75 "$first first: T33 then the older" both restore --at="$LATER" "$(tail -n 1 "$SCRATCH/ids")"
        tap_is "$(digests)" "$(cat "$SCRATCH/genuine")" "$first first: T33 and all is as it was in the beginning"
done

# What there is one of.
tap_status 0 "the drop-in for the service" both config --drop-in
tap_like "$OUTPUT" "^ReadWritePaths=.*${VPKI%/*}" "lets it write where the vCluster is"
tap_status 0 "rotate-ca --status" both rotate-ca --status --at="$LATER" --columns=ca --no-headings --no-legend
tap_is "$(xargs <<<"$OUTPUT")" "kubernetes front-proxy etcd kubeadm:kubernetes kubeadm:front-proxy kubeadm:etcd" "knows the CAs of both"
tap_status 2 "init" both --layout=kubeadm,vcluster init --at="$LATER"
tap_like "$OUTPUT" "init makes one control plane; name its layout with --layout=$" "makes one, and says so"
mkdir "$ROOT/my layouts"
cp "$SRCDIR/etc/layouts/vcluster.conf" "$ROOT/my layouts"
tap_status 0 "a file, its path has a blank" both --layout="/my layouts/vcluster.conf" check --at="$NEW"
tap_status 0 "one of them alone" both --layout=vcluster check --at="$NEW"
tap_is "$(tail -n 1 <<<"$OUTPUT")" "Layout: vcluster" "is said, too"
printf '[agent]\nLayout=kubeadm\n[certificate vcluster:apiserver]\nExtraSANs=DNS:x\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 3 "a name of a layout that is not in use" both check --at="$NEW"
tap_like "$OUTPUT" "kube-renewd.conf:4: \\[certificate vcluster:apiserver\\] has no Certificate=" "is an error"
printf '[certificate vcluster:apiserver]\nExtraSANs=DNS:x\nCertificate=%%b/other.crt\n' >"$ROOT/etc/kube-renewd/kube-renewd.conf"
tap_status 3 "where it is in use" both check --at="$NEW" --columns=certificate,path vcluster:apiserver
tap_like "$OUTPUT" "^vcluster:apiserver +$VPKI/other.crt" "%b is that layout's directory"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every kind of host there is finds its layout without being told, and says which: one line a tree.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99

# Makers of trees, below $ROOT.

# kubeadm VARIANT; kubespray VARIANT [LINK]: with its directory of certificates, and kubeadm's a link to it.
kubeadm() {
        tree_make "$1" "$ROOT"
}
kubespray() {
        kubeadm "$1"
        mv "$ROOT/etc/kubernetes/pki" "$ROOT/etc/kubernetes/ssl"
        [ $# -lt 2 ] || ln -s ssl "$ROOT/etc/kubernetes/pki"
}

# vcluster FOLDER BASE: that tree of tests/data/vcluster.
vcluster() {
        mkdir -p "$ROOT$2"
        cp -R "$SRCDIR/tests/data/vcluster/$1/pki/." "$ROOT$2" || exit 99
}

# files PATH...: empty ones; by its files a host is known, whatever is in them.
files() {
        local path

        for path; do
                mkdir -p "$ROOT${path%/*}" && : >"$ROOT$path" || exit 99
        done
}

# layout NAME DETECT [LINE...]: one that a distribution brings along.
layout() {
        local file=$ROOT/etc/kube-renewd/layouts/$1.conf
        mkdir -p "${file%/*}"
        printf '%s\n' '[layout]' "Detect=$2" "${@:3}" '[ca made-up]' "Certificate=/$1/ca.crt" "Key=/$1/ca.key" >"$file"
}

# found NAMES MAKER ARG... [+ MAKER ARG...]...: what `check` says it has found on a host that is made so.
found() {
        local names=$1 said word words=()

        ROOT=$(mktemp -d "$SCRATCH/host.XXXXXX") || exit 99
        for word in "${@:2}" +; do
                if [ "$word" = + ]; then
                        "${words[@]}"
                        words=()
                else
                        words+=("$word")
                fi
        done
        said=$("$KUBE_RENEWD" --root="$ROOT" check --at="$NEW" 2>"$SCRATCH/errors" | sed -n 's/^Layouts\{0,1\}: //p')
        tap_is "$said" "$names" "$names: ${*:2}"
        rm -r "$ROOT"
}

MANIFEST=/etc/kubernetes/manifests/kube-apiserver.yaml
STARLINGX=/etc/platform/.initial_controller_config_complete
EGRESS=/etc/kubernetes/konnectivity/configurations/egress-selector-configuration.yaml
K3S=/var/lib/rancher/k3s
RKE2=/var/lib/rancher/rke2
INTERLINK=/etc/interlink/VirtualKubeletConfig.yaml

#     what is said          the tree
found kubeadm               kubeadm v1.20.2/rsa2048-default
found kubeadm               kubeadm v1.28.7/rsa2048-default
found kubeadm               kubeadm v1.28.7/ecdsa-p256
found kubeadm               kubeadm v1.28.7/extetcd-external
found kubeadm               kubeadm v1.36.0/rsa2048-default
found kubeadm               kubeadm v1.36.0/ecdsa-p256
found kubeadm               kubespray v1.28.7/rsa2048-default
found kubeadm               kubespray v1.28.7/rsa2048-default link
found kubeadm               files $MANIFEST
found kubeadm               files /etc/kubernetes/ssl/apiserver.crt
found vcluster              vcluster before /var/lib/vcluster/pki
found vcluster              vcluster after-rotate /data/pki
found "kubeadm, vcluster"   kubeadm v1.28.7/rsa2048-default + vcluster before /var/lib/vcluster/pki
found kubeadm               kubeadm v1.28.7/rsa2048-default + files /data/pki/ca.crt
found starlingx             kubeadm v1.28.7/rsa2048-default + files $STARLINGX
found starlingx             files $STARLINGX
found kamaji                kubeadm v1.36.0/rsa2048-default + files /etc/kubernetes/admin.svc
found kamaji                files $EGRESS $MANIFEST
found kubeadm               kubeadm v1.28.7/rsa2048-default + files /etc/kubernetes/konnectivity-server.conf
found virtual-kubelet       files $INTERLINK /etc/kubernetes/pki/kubelet-server.crt
found kubeadm               files $INTERLINK $MANIFEST
found k3s                   files $K3S/server/tls/client-ca.crt $K3S/agent/client-kubelet.crt
found k3s                   files /etc/rancher/k3s/k3s.yaml
found k3s-agent             files $K3S/agent/client-kubelet.crt $K3S/agent/kubelet.kubeconfig
found rke2                  files $RKE2/server/tls/server-ca.crt $RKE2/agent/client-kubelet.crt
found rke2-agent            files $RKE2/agent/kubelet.kubeconfig
found k0s                   files /var/lib/k0s/pki/ca.key /var/lib/k0s/kubelet.conf
found k0s-worker            files /var/lib/k0s/pki/ca.crt /var/lib/k0s/kubelet.conf
found "k3s, vcluster"       files $K3S/server/tls/client-ca.crt + vcluster before /var/lib/vcluster/pki
found acme                  layout acme /opt/acme.toml + files /opt/acme.toml
found "kubeadm, acme"       layout acme /opt/acme.toml + files /opt/acme.toml $MANIFEST
found "acme, kubeadm"       layout acme /opt/acme.toml Order=5 + files /opt/acme.toml $MANIFEST
found acme                  layout acme /opt/acme.toml Supersedes=kubeadm + files /opt/acme.toml $MANIFEST
found kubeadm               layout acme /opt/acme.toml + files $MANIFEST
found ""                    files /etc/kubernetes/kubelet.conf /var/lib/kubelet/config.yaml

# A host that nobody knows is told what was looked for, by every layout there is.
ROOT=$SCRATCH/nothing
mkdir "$ROOT"
tap_status 78 "nothing is found" "$KUBE_RENEWD" --root="$ROOT" plan
tap_like "$OUTPUT" "no layout fits this host; name one with --layout= or Layout= in \\[agent\\] \\(there are: .*kubeadm" "and said"
tap_like "$OUTPUT" "it has none of .*$MANIFEST" "with what was looked for"
for file in "$SRCDIR"/etc/layouts/*.conf; do
        grep -q '^Detect=' "$file" || continue
        name=$(basename "$file" .conf)
        tap_ok "$name has a line in the table above" grep -q "^found \"\{0,1\}\([a-z-]*, \)*$name\>" "$0"
done
tap_done

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, here and timeout are of testbed
# Build: how each stage is made, and from what. Sourced by testbed, after stages.sh.
#
# A function is named in the table where a change of it changes the result, and not where it only serves.

stage sources 'apt sources' '' 'build_sources' apt/sources.list
stage buildroot "build root with Debian's Go" sources 'build_buildroot' buildroot/usr
stage source "source package 'kubernetes'" 'sources buildroot' 'build_source' buildroot/go/src/k8s.io/kubernetes
stage kubernetes 'Kubernetes 1.20.2' 'buildroot source' 'build_kubernetes build-kubernetes' bin/kube-apiserver
stage base 'machine root' 'sources kubernetes' 'build_base debootstrap machine-packages root' base/usr
stage images 'container images' 'base kubernetes' 'build_images make_image' images
stage fresh 'machine with images' 'base images' 'build_fresh save' fresh/root
stage pristine 'kubeadm init' fresh 'build_pristine save' pristine/root

quiet() {
        local log=$dir/log/$1
        shift
        local status
        set +e
        (
                set -e
                "$@"
        ) >"$log" 2>&1 </dev/null
        status=$?
        set -e
        [ $status = 0 ] || {
                tail -n 25 "$log" >&2
                die "failed with $status: $* (all of it is in '$log')"
        }
}

private_apt() {
        apt-get -q -o APT::Sandbox::User=root -o Dir::State::Lists="$dir/apt/lists" \
                -o Dir::Cache="$dir/apt/cache" -o Dir::Etc::SourceList="$dir/apt/sources.list" \
                -o Dir::Etc::SourceParts=/dev/null "$@"
}

bookworm_targets() {
        # shellcheck disable=SC2016 # apt's own variables
        apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME) $(COMPONENT)' \
                'Created-By: Packages' | sort -u |
                awk '$3 ~ /^bookworm(-updates|-security)?$/ { print $1, $2, $4 }'
}

# The machine's own apt sources for bookworm, with sources, in a private place.
build_sources() {
        local uri release component key=/usr/share/keyrings/debian-archive-keyring.gpg options=

        [ -n "$(bookworm_targets)" ] || quiet apt-update apt-get -q update
        mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
        [ ! -e "$key" ] || options="[signed-by=$key] "
        bookworm_targets | while read -r uri release component; do
                printf 'deb %s%s %s %s\ndeb-src %s%s %s %s\n' "$options" "$uri" "$release" \
                        "$component" "$options" "$uri" "$release" "$component"
        done >"$dir/apt/sources.list"
        [ -s "$dir/apt/sources.list" ] || die "apt has no source for bookworm"
        apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-|Max-|ForceIPv|Queue-Mode)' \
                >"$dir/apt/apt.conf" || true
        quiet apt-source-update private_apt update
}

debootstrap() {
        local into=$1 include=$2
        shift 2
        rm -rf --one-file-system "$into"
        nice -n 10 mmdebstrap --mode=root --variant=apt --format=directory \
                --aptopt="$dir/apt/apt.conf" --aptopt='Acquire::Languages "none"' \
                --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' --include="$include" "$@" \
                bookworm "$into" "$dir/apt/sources.list"
        rm -rf "$into"/etc/apt/sources.list "$into"/etc/apt/sources.list.d "$into"/etc/apt/apt.conf.d/99mmdebstrap
}

build_buildroot() {
        quiet buildroot debootstrap "$dir/buildroot" \
                golang-go,golang-github-modern-go-reflect2-dev,gcc,libc6-dev,dpkg-dev,xz-utils
}

build_source() {
        local found # 1.20.5+really1.20.2: Debian's way to write 1.20.2
        rm -rf "$dir/buildroot/src" "$dir/buildroot/go"
        mkdir -p "$dir/buildroot/src" "$dir/buildroot/go/src/k8s.io"
        cd "$dir/buildroot/src"
        quiet source private_apt --download-only --only-source source kubernetes
        cd /
        found=$(basename "$dir"/buildroot/src/kubernetes_*.dsc)
        [[ $found == kubernetes_1.20.5+really1.20.2-*.dsc ]] || die "apt's source package is '$found'"
        quiet unpack chroot "$dir/buildroot" sh -ec \
                'dpkg-source --no-check -x /src/*.dsc /go/src/k8s.io/kubernetes'
}

build_kubernetes() {
        install -m755 "$here/build-kubernetes" "$dir/buildroot/build-kubernetes"
        # No network, and mounts that vanish with the last process.
        # shellcheck disable=SC2016 # expanded inside
        nice -n 10 unshare --mount --net --pid --fork --kill-child=SIGKILL --propagation private \
                bash -ec 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"
                          exec chroot "$1" /build-kubernetes' bash "$dir/buildroot" \
                2>&1 </dev/null | tee "$dir/log/kubernetes" >&2
        rm -rf "${dir:?}/bin"
        mkdir "$dir/bin"
        mv "$dir"/buildroot/out/* "$dir/bin/"
        rm -rf --one-file-system "$dir/buildroot"
}

build_base() {
        local unit
        quiet base debootstrap "$dir/base" \
                "$(sed 's/#.*//' "$here/machine-packages" | xargs | tr ' ' ,)"
        install -m755 "$dir"/bin/kubeadm "$dir"/bin/kubectl "$dir"/bin/kubelet "$dir/base/usr/bin/"
        cp -a --no-preserve=ownership "$here/root/." "$dir/base/"
        rm -f "$dir/base/etc/resolv.conf"
        echo 'nameserver 127.0.0.1' >"$dir/base/etc/resolv.conf"
        : >"$dir/base/etc/machine-id"
        sed -i "s/ETCD_VERSION/$(etcd_version)/" "$dir/base/etc/kubeadm/init.yaml"
        # Units that would touch the host's hardware or need a network, and Debian's own etcd.
        for unit in systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
                systemd-udev-trigger.service systemd-sysctl.service systemd-modules-load.service \
                systemd-networkd.service systemd-networkd.socket console-getty.service \
                getty@tty1.service e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer \
                fstrim.timer dpkg-db-backup.timer systemd-random-seed.service systemd-pstore.service \
                systemd-remount-fs.service modprobe@.service sys-kernel-debug.mount \
                sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
                sys-fs-fuse-connections.mount etcd.service; do
                rm -f "$dir/base/etc/systemd/system/multi-user.target.wants/$unit"
                ln -sf /dev/null "$dir/base/etc/systemd/system/$unit"
        done
        ln -sf /usr/lib/systemd/system/kubelet.service \
                "$dir/base/etc/systemd/system/multi-user.target.wants/kubelet.service"
}

etcd_version() { chroot "$dir/base" etcd --version | sed -n 's/^etcd Version: //p'; }

# A container image of one layer, in the format that `ctr images import` reads.
make_image() {
        local name=$1 entry=$2 work=$dir/image.tmp layer config
        shift 2
        rm -rf "$work"
        mkdir -p "$work/root/"{tmp,etc,proc,sys,dev,run,var}
        chmod 1777 "$work/root/tmp"
        echo 'root:x:0:0:root:/root:/sbin/nologin' >"$work/root/etc/passwd"
        echo 'root:x:0:' >"$work/root/etc/group"
        echo 'hosts: files dns' >"$work/root/etc/nsswitch.conf"
        while [ $# -gt 0 ]; do
                install -D -m755 "$1" "$work/root$2"
                shift 2
        done
        tar -C "$work/root" --sort=name --owner=0 --group=0 --mtime=@0 -cf "$work/layer.tar" .
        layer=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
        printf '{"architecture":"amd64","os":"linux","config":{"Entrypoint":["%s"],"Env":["PATH=/usr/local/bin:/usr/bin:/bin"],"WorkingDir":"/"},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"testbed"}]}' \
                "$entry" "$layer" >"$work/config"
        config=$(sha256sum "$work/config" | cut -d' ' -f1)
        mv "$work/config" "$work/$config.json"
        printf '[{"Config":"%s.json","RepoTags":["testbed.test/%s"],"Layers":["layer.tar"]}]' \
                "$config" "$name" >"$work/manifest.json"
        tar -C "$work" -cf "$dir/images/${name%:*}.tar" "$config.json" layer.tar manifest.json
        rm -rf "$work"
}

build_images() {
        local program library libraries=()
        rm -rf "$dir/images"
        mkdir "$dir/images"
        for program in kube-apiserver kube-controller-manager kube-scheduler; do
                make_image "$program:v1.20.2" "/usr/local/bin/$program" \
                        "$dir/bin/$program" "/usr/local/bin/$program"
        done
        make_image pause:3.2 /pause "$dir/bin/pause" /pause
        for library in $(chroot "$dir/base" ldd /usr/bin/etcd /usr/bin/etcdctl | grep -o '/[^ :]*' | sort -u); do
                case $library in */lib*) libraries+=("$dir/base$(chroot "$dir/base" readlink -f "$library")" "$library") ;; esac
        done
        make_image "etcd:$(etcd_version)" /usr/local/bin/etcd "$dir/base/usr/bin/etcd" /usr/local/bin/etcd \
                "$dir/base/usr/bin/etcdctl" /usr/local/bin/etcdctl "${libraries[@]}"
}

# A machine that has the images but was never initialised: what `up --join` starts from.
build_fresh() {
        local image
        remove_machine .build
        rm -rf --one-file-system "${dir:?}/usr" "${dir:?}/fresh"
        mkdir -p "$dir/fresh"
        cp -a "$dir/base/usr" "$dir/usr"
        mkdir -p "$dir/m/.build"
        tar -C "$dir/base" --exclude=./usr --xattrs --acls -cf - . |
                (mkdir "$dir/m/.build/root" && tar -C "$dir/m/.build/root" --xattrs --acls -xpf -)
        mkdir "$dir/m/.build/root/usr"
        identify .build cp1 192.0.2.11 .build
        boot .build
        for image in "$dir"/images/*.tar; do
                enter .build ctr -n k8s.io images import - <"$image" >"$dir/log/import" 2>&1
        done
        enter .build ctr -n k8s.io images ls -q | grep testbed.test >&2
        halt .build
        save .build "$dir/fresh"
}

# The same machine after `kubeadm init`: what `up` starts from.
build_pristine() {
        remove_machine .build
        rm -rf --one-file-system "$dir/pristine"
        clone "$dir/fresh" .build
        identify .build cp1 192.0.2.11 .build
        boot .build
        # There is no crictl in Debian, and no swap, module or port here that preflight could judge.
        quiet kubeadm-init enter .build kubeadm init --config /etc/kubeadm/init.yaml \
                --skip-phases=preflight,addon
        wait_ready .build
        halt .build
        mkdir "$dir/pristine"
        save .build "$dir/pristine"
        rm -rf --one-file-system "$dir/base" "$dir/images" "$dir/apt"
}

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of the RPM under a real systemd: installed, its timer waits and its service renews; an upgrade
# keeps what was changed and waits for a pass; removed, it waits for a pass and leaves state and PKI.
# systemd's part in it (its helper for scriptlets, its file triggers) comes from systemd's own source, as
# a package of that name.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$SRCDIR/tests/system/host.sh" || exit 99

command -v rpmbuild >/dev/null || tap_skip_all "rpmbuild is not installed"
package=$(find "$SRCDIR/build/rpm" -name '*.rpm' ! -name '*.src.rpm' ! -name '*-debug*' 2>/dev/null)
[ -e "$package" ] || tap_skip_all "there is no package: ./dev rpm makes it"
macros=$SRCDIR/build/rpm-macros
[ -e "$macros/triggers.systemd" ] || tap_skip_all "there are no triggers of systemd: ./dev rpm makes them"
host_tree

# 1. Beside the package: systemd's, and an older version of ours with another default configuration. That is
#    the same spec file, but what it installs is taken out of the package and not built.
make_package() {
        rpmbuild -bb --nodeps --load="$macros/macros.systemd" --define "_topdir $SCRATCH/rpm" \
                --define "_tmppath $SCRATCH" --define '_docdir_fmt %%{NAME}' --define '__os_install_post %{nil}' \
                --define "_rpmdir $TREE/rpms" --define '_build_name_fmt %%{NAME}-%%{RELEASE}.rpm' "$@"
}

systemd_spec() {
        cat <<END
Name: systemd
Version: 252
Release: 1
Summary: What systemd does for other packages
License: LGPL-2.1-or-later
BuildArch: noarch
%description
%{summary}.
%install
install -D $macros/systemd-update-helper %{buildroot}/usr/lib/systemd/systemd-update-helper
%files
/usr/lib/systemd/systemd-update-helper
END
        # Those of its subpackage udev are not ours to have; and rpm 4.18.0 starts no trigger after a removal
        # that names two directories.
        awk '/^%/ { wanted = !/ udev /; sub(" /etc/systemd/[a-z]+$", "") } wanted' "$macros/triggers.systemd"
}

older_spec() {
        sed -e "s/^Release:.*/Release: 0/" -e 's/^%autosetup/cp %{old}%{_docdir}\/%{name}\/README.md %{old}%{_licensedir}\/%{name}\/LICENSE ./' \
                -e '/^%build/,/^%pre$/c\
%install\
cp -R %{old}/* %{buildroot}\
rm -r %{buildroot}/usr/lib/.build-id\
echo "# An older default." >>%{buildroot}%{_sysconfdir}/%{name}/%{name}.conf\
%pre' "$SRCDIR/packaging/rpm/kube-renewd.spec"
}

mkdir -p "$SCRATCH/old" "$SCRATCH/rpm/BUILD" "$TREE/rpms"
rpm2cpio "$package" | (cd "$SCRATCH/old" && cpio -idm --quiet --no-absolute-filenames)
systemd_spec >"$SCRATCH/systemd.spec"
older_spec >"$SCRATCH/older.spec"
tap_ok "what systemd does for packages is a package" make_package "$SCRATCH/systemd.spec"
tap_ok "there is an older one of ours" make_package --define "old $SCRATCH/old" "$SCRATCH/older.spec"
cp "$package" "$TREE/rpms/new.rpm"

# 2. A host with certificates that are due, and a hook that holds a pass up for as long as a test wants.
host_certificates '-25 days' --validity=30d --ca-validity=10y
host_config test <<'END'
[agent]
Layout=kubeadm

[hooks]
PreRenew=/etc/hold
END
host_script etc/hold <<'END'
[ -e /hold ] || exit 0
touch /held
while [ -e /hold ]; do sleep 0.1; done
END

# 3. What happens inside.
host_script inside <<'END'
. /host || exit 99
timer=kube-renewd.timer
stamp=/var/lib/systemd/timers/stamp-kube-renewd.timer
conf=/etc/kube-renewd/kube-renewd.conf

# quietly COMMAND...: without what Debian's rpm says about rpm on Debian.
quietly() {
        "$@" 2>&1 | grep --line-buffered -v 'RPM should not be used\|assuming you know'
        return "${PIPESTATUS[0]}"
}
change() { quietly rpm --dbpath /var/lib/rpm --nodeps "$@"; }
# Where images are made, no systemd runs.
offline() { quietly unshare --mount sh -c 'mount -t tmpfs tmpfs /run && exec rpm --dbpath /var/lib/rpm --nodeps "$@"' sh "$@"; }
ask() { quietly rpm --dbpath /var/lib/rpm "$@"; }
line() { tr '\n' ' ' | sed 's/ *$//'; }
enabled() { systemctl is-enabled $timer kube-renewd-recover.service kube-renewd-requested.path 2>&1 | line; }
active() { systemctl is-active $timer kube-renewd-recover.service kube-renewd.service | line; }
left() { find /etc/systemd/system /usr/lib/systemd /usr/share /usr/bin /usr/libexec $stamp -name '*kube-renewd*' 2>/dev/null | line; }
pki() { find /etc/kubernetes -type f -exec sha256sum {} + | sort | sha256sum; }
waits() { grep -q 'waiting until the pass that is under way has finished' "$1"; }

# hold COMMAND...: a pass with something to do is under way, and stays so until /hold is gone.
hold() {
        tar -C / -xf /expiring.tar
        rm -f /held
        touch /hold
        "$@" & pass=$!
        wait_for test -e /held
}

# whole: the last pass is over, was a good one, and every key is that of its certificate.
whole() { wait_for is_over; echo "$(show Result) $(show ExecMainStatus) $(unpaired)"; }

systemctl start dbus
change -i /rpms/systemd-1.rpm
change -i /rpms/kube-renewd-0.rpm >/dev/null
echo "installed=$? $(ask -q --qf '%{RELEASE}' kube-renewd)"
echo "enabled=$(enabled)"
echo "active=$(active)"
echo "next=$(systemctl list-timers --no-legend $timer)"
start
echo "renewed=$(events "$EVENT_CERTIFICATE_RENEWED") $(whole)"
echo "explained=$(journalctl -q -x -o short -u $unit | grep -c 'The replaced files are kept')"

echo '# Changed here.' >>$conf
touch $stamp
hold "$program" run
change -U /rpms/new.rpm >/upgrade & upgrade=$!
wait_for waits /upgrade
echo "upgrading=$(ask -q --qf '%{RELEASE}' kube-renewd) $(ls $conf.rpmnew 2>/dev/null)"
rm /hold
wait $upgrade
echo "upgraded=$? $(ask -q --qf '%{RELEASE}' kube-renewd)"
wait $pass
echo "upgrade-pass=$? $(unpaired)"
echo "changed=$(tail -n 1 $conf)"
echo "default=$(grep -c 'older default' $conf $conf.rpmnew | line)"
echo "still=$(active), $(enabled), $(show NeedDaemonReload $timer)"
echo "stamp=$(ls $stamp)"
echo "differs=$(ask -V --nodeps kube-renewd | line)"

# The lock of this pass is not where it is expected: only the service shows that it runs.
sed -i 's,^Layout=.*,&\nStateDirectory=/var/lib/kube-renewd/elsewhere,' /etc/kube-renewd/kube-renewd.conf.d/test.conf
hold systemctl start --no-block $unit
change -e kube-renewd >/erase & erase=$!
wait_for waits /erase
echo "erasing=$(active), $(ls $program)"
rm /hold
wait $erase
echo "erased=$? $(left)"
echo "passes=$(events "$EVENT_PASS_SUMMARY") $(unpaired)"
echo "units=$(systemctl is-active $timer) $(show LoadState $timer) $(show LoadState $unit)"
echo "state=$(ls /var/lib/kube-renewd/{,elsewhere/}backups | grep -c '^[0-9]') $(ls $conf.rpmsave)"

before=$(pki)
mkdir -p /etc/systemd/system-preset
echo "disable kube-renewd.timer" >/etc/systemd/system-preset/00-site.preset
change -i /rpms/new.rpm >/dev/null
echo "preset=$? $(enabled), $(active)"
rm /etc/systemd/system-preset/00-site.preset
change -e kube-renewd >/dev/null
offline -i /rpms/new.rpm >/dev/null
echo "image=$? $(enabled)"
offline -e kube-renewd >/dev/null
echo "image-erased=$? $(left)"
[ "$before" = "$(pki)" ]
echo "pki=$?"
END
tar -C "$TREE" -cf "$TREE/expiring.tar" etc/kubernetes
echo "program=/usr/bin/kube-renewd" >>"$TREE/host"
host_boot /inside

tap_is "$(fact installed)" "0 0" "it is installed" || tap_note "$FACTS"
tap_is "$(fact enabled)" "enabled enabled disabled" "timer and recover unit are enabled, and nobody starts a pass by a file"
tap_is "$(fact active)" "active inactive inactive" "only the timer is started"
tap_like "$(fact next)" '^[A-Z][a-z]+ [0-9-]+ 00:.* kube-renewd.timer +kube-renewd.service$' "and listed with its next time"
tap_is "$(fact renewed)" "11 success 0" "the service renews" || tap_note "$FACTS"
tap_is "$(fact explained)" 11 "and journalctl -x explains that"

release=$(rpm -qp --qf '%{RELEASE}' "$package")
tap_is "$(fact upgrading)" "0" "an upgrade changes nothing as long as a pass is under way" || tap_note "$FACTS"
tap_is "$(fact upgraded)" "0 $release" "then it does"
tap_is "$(fact upgrade-pass)" 0 "the pass ended well"
tap_is "$(fact changed)" "# Changed here." "a configuration that was changed stays"
tap_is "$(fact default)" "/etc/kube-renewd/kube-renewd.conf:1 /etc/kube-renewd/kube-renewd.conf.rpmnew:0" \
        "the new default is put beside it"
tap_is "$(fact still)" "active inactive inactive, enabled enabled disabled, no" "the timer goes on, and systemd knows the new units"
tap_is "$(fact stamp)" /var/lib/systemd/timers/stamp-kube-renewd.timer "and when it last fired"
tap_is "$(fact differs)" "S.5....T.  c /etc/kube-renewd/kube-renewd.conf" "rpm -V finds nothing else changed"

tap_is "$(fact erasing)" "inactive inactive activating, /usr/bin/kube-renewd" \
        "a removal stops the timer, and waits for a pass that is under way" || tap_note "$FACTS"
tap_is "$(fact erased)" "0" "then nothing of it is left, not even when the timer last fired"
tap_is "$(fact passes)" "2" "the pass ended well"
tap_is "$(fact units)" "inactive not-found not-found" "systemd has forgotten the units"
tap_is "$(fact state)" "3 /etc/kube-renewd/kube-renewd.conf.rpmsave" "state and the changed configuration stay"

tap_is "$(fact preset)" "0 disabled enabled disabled, inactive inactive inactive" "the administrator's preset is stronger than ours"
tap_is "$(fact image)" "0 enabled enabled disabled" "where no systemd runs it is enabled"
tap_is "$(fact image-erased)" "0" "and removed, just as well"
tap_is "$(fact pki)" 0 "the PKI is untouched by all that"
tap_empty "$(fact timeout)" "nothing took too long"
tap_done

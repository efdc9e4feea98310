#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The life of the Debian package on this host's own root under a real systemd: installed, upgraded twice,
# removed, installed again, purged, with a pass under way and in a chroot; and a missed night, made good at boot.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/system/host.sh
. "$SRCDIR/tests/system/host.sh" || exit 99
# shellcheck source=tests/system/package-lib.sh
. "$SRCDIR/tests/system/package-lib.sh" || exit 99

# 1. The version before, the one under test, the one after; each has another default configuration.
package_find
package_tree
package_repack "0~$VERSION" '# the version before' "$TREE/older.deb"
package_repack "99~$VERSION" '# the version after' "$TREE/newer.deb"
tap_note "$(basename "$PACKAGE")"
host_script etc/site-hook <<'END'
touch /run/in-hook
until [ -e /run/go ]; do sleep 0.1; done
END

# 2. One boot in which all of it happens.
host_script inside <<'END'
. /package || exit 99

# passing NAME COMMAND...: the command, begun in the middle of a pass.
passing() {
        local name=$1 before

        shift
        make_due
        before=$(events $EVENT_CERTIFICATE_RENEWED)
        rm -f /run/in-hook /run/go
        systemctl start --no-block $unit
        wait_for test -e /run/in-hook
        "$@" >/run/facts &
        wait_for grep -q 'waiting' "/run/apt.$name"
        echo "$name.meanwhile=$(systemctl is-active $unit $timer | xargs) $(test -x /usr/bin/kube-renewd && echo there)"
        touch /run/go
        wait $!
        cat /run/facts
        echo "$name.renewed=$(($(events $EVENT_CERTIFICATE_RENEWED) - before))"
        echo "$name.unpaired=$(unpaired)"
        echo "$name.unfinished=$(find $state /etc/kubernetes -name 'transaction*' -o -name '.*' -type f | xargs)"
        echo "$name.alarms=$(alarms)"
        pki=$(pki)
}

# told NAME: what the system shows of the package, and that the control plane is as it was.
told() {
        echo "$1.version=$(is_installed)"
        echo "$1.units=$(systemctl list-unit-files --no-legend 'kube-renewd*' | cut -d' ' -f1 | sort | xargs)"
        echo "$1.loaded=$(systemctl list-units --all --no-legend 'kube-renewd*' | grep -v 'not-found inactive' | xargs)"
        echo "$1.state=$(find $state -name status.json -o -path '*/backups/*' -name '*.crt' 2>/dev/null | sed 's/.*[.]//' | sort -u | xargs)"
        echo "$1.conf=$(head -n 1 $conf 2>/dev/null)"
        echo "$1.ours=$(tail -n 1 $conf 2>/dev/null | grep -x '# ours')"
        echo "$1.dist=$(head -n 1 $conf.dpkg-dist 2>/dev/null)"
        echo "$1.stamp=$(ls $stamp 2>/dev/null)"
        echo "$1.program=$(ls /usr/bin/kube-renewd 2>/dev/null)"
        [ "$pki" = "$(pki)" ] && echo "$1.pki=same"
}

# a. The version before, on a host that never had it.
files >/before
apt first install /older.deb || exit 1
timer_facts first
requested=kube-renewd-requested.path
requested() { echo "$1.requested=$(systemctl is-enabled $requested) $(systemctl is-active $requested)"; }
requested first
verify first
renews first
pki=$(pki)
told first

# b. The version under test. The configuration is the default, and becomes the new default.
apt upgrade install /kube-renewd.deb
timer_facts upgrade
requested upgrade
systemctl -q enable --now $requested
told upgrade

# c. One more; now the configuration is ours. A pass is under way.
echo '# ours' >>$conf
printf '[hooks]\nPreRenew=/etc/site-hook\n' >/etc/kube-renewd/kube-renewd.conf.d/hook.conf
passing busy-upgrade apt busy-upgrade install /newer.deb
echo "busy-upgrade.replaced=$(find /usr/bin/kube-renewd -newercm $state/public/status.json)"
timer_facts busy-upgrade
told busy-upgrade
requested busy-upgrade
apt down install --allow-downgrades /kube-renewd.deb

# d. Removed in the middle of a pass, and installed again.
systemctl -q disable $requested
passing remove apt remove remove kube-renewd
told remove
apt again install /kube-renewd.deb
timer_facts again
told again

# e. Upgraded, and removed, while the service waits for its next try, because somebody else held the lock.
rm /etc/kube-renewd/kube-renewd.conf.d/hook.conf
try_later() {
        exec 9>>$state/lock
        flock 9
        systemctl start $unit
        echo "$1.before=$(show SubState) $(show ExecMainStatus)"
        exec 9>&-
}
try_later retry-upgrade
apt retry-upgrade install /newer.deb
has_ended() { [ "$(show SubState)" = dead ]; }
wait_for has_ended
echo "retry-upgrade.after=$(show SubState) $(show ExecMainStatus)"
timer_facts retry-upgrade
apt retry-down install --allow-downgrades /kube-renewd.deb
try_later retry
apt retry remove kube-renewd
told retry
echo "retry.failed=$(systemctl --failed --no-legend 'kube-renewd*' | wc -l)"
echo "retry.jobs=$(systemctl list-jobs --no-legend 'kube-renewd*' | wc -l)"

# f. Purged: from the removed state, and from the installed one; the state is elsewhere, or a file system.
mkdir -p /run/kube-renewd/alarms
mv $state /srv/state
ln -s /srv/state $state
apt purge purge kube-renewd
echo "purge.elsewhere=$(ls -A /srv/state)"
told purge
left purge
apt once-more install /kube-renewd.deb
timer_facts once-more
told once-more
mkdir -p $state
mount -t tmpfs tmpfs $state
touch $state/key
apt purge-at-once purge kube-renewd
echo "purge-at-once.elsewhere=$(ls -A $state)"
umount $state
rmdir $state
told purge-at-once
left purge-at-once

# g. In a chroot, where no systemd runs: an image is built. (A bind mount has no /run.)
mkdir /run/image
mount --bind / /run/image
mount --bind /dev /run/image/dev
as_image() { chroot /run/image dpkg --force-confdef "$@" >/run/image.log 2>&1 </dev/null || sed 's/^/image.said=/' /run/image.log; }
as_image -i /older.deb
as_image -i /kube-renewd.deb
echo "image.enabled=$(systemctl --root=/run/image is-enabled $timer) $(systemctl is-active $timer)"
told image
mkdir -p "$state" "${stamp%/*}"
touch "$state/lock" "$stamp"
as_image -r kube-renewd
echo "image.stamp=$(ls "$stamp" 2>/dev/null)"
as_image -P kube-renewd
left image
umount /run/image/dev /run/image

# h. Switched off for two days, before which it had last run.
apt last install /kube-renewd.deb
make_due
touch -d '2 days ago' $stamp
END
host_script next-boot <<'END'
. /package || exit 99

# Those of this host have nothing to do here.
find /etc/systemd/system/timers.target.wants -name '*.timer' -not -name $timer -delete
systemctl daemon-reload
boot=$(date +%s)
systemctl start timers.target
timer_facts boot
echo "boot.in=$(($(date -d "$(show NextElapseUSecRealtime $timer)" +%s) - boot))"

# The same without the delay of up to an hour.
mkdir -p /run/systemd/system/$timer.d
printf '[Timer]\nRandomizedDelaySec=0\n' >/run/systemd/system/$timer.d/now.conf
systemctl daemon-reload
systemctl restart $timer
finished() { [ "$(events $EVENT_PASS_SUMMARY)" != 0 ] && [ "$(show ActiveState)" != activating ]; }
wait_for finished
echo "boot.renewed=$(events $EVENT_CERTIFICATE_RENEWED) $(due)"
echo "boot.stamp=$(($(date +%s) - $(stat -c %Y $stamp)))"
END
host_boot -s "$SCRATCH/disk" /inside
host_boot -s "$SCRATCH/disk" /next-boot

# 3. What is to be seen.

# status NAME DESCRIPTION: apt was content.
status() {
        tap_is "$(fact "$1")" 0 "$2" || tap_note "$(fact "$1.said")"
}
# on NAME: the timer is on, and the next night is listed.
on() {
        tap_like "$(fact "$1.timer")" '^enabled active .* 00:' "$1: the timer is on, and has its time in the night"
        tap_like "$(fact "$1.listed")" ' 00:.* kube-renewd.timer +kube-renewd.service' "$1: it is listed"
        tap_is "$(fact "$1.failed")" 0 "$1: nothing has failed"
}
# same_pki NAME
same_pki() {
        tap_is "$(fact "$1.pki")" same "$1: the control plane's files are as they were, to the byte"
}
# busy NAME: the pass that was under way came to its end first.
busy() {
        tap_like "$(fact "$1.meanwhile")" '^activating inactive there$' \
                "$1: a pass that is under way goes on, its program stays, and no other will start"
        tap_is "$(fact "$1.renewed")$(fact "$1.unpaired")" "11" "$1: it comes to its end, with every key in its place"
        tap_is "$(fact "$1.unfinished")$(fact "$1.alarms")" "" "$1: and leaves nothing half done, and no alarm"
}

status first "the version before is installed"
on first
tap_is "$(fact first.version)" "installed 0~$VERSION" "dpkg has it"
tap_is "$(fact first.verify)" "" "systemd finds nothing wrong with its units, and their manual"
tap_is "$(fact first.service)" "success 0" "its service renews"
tap_is "$(fact first.renewed)" "11 0 due" "every certificate"
tap_is "$(fact first.explained)" 11 "journalctl -x explains it: the catalog was updated when it was installed"
tap_is "$(fact first.alarms)" "" "no alarm"
tap_is "$(fact first.conf)" "# the version before" "it has its configuration"

status upgrade "the version under test is installed over it"
on upgrade
tap_is "$(fact upgrade.version)" "installed $VERSION" "dpkg has it"
tap_unlike "$(fact upgrade.conf)" "version" "a configuration that nobody has changed is the new one"
tap_is "$(fact upgrade.state)" "crt json" "state and backups are kept"
same_pki upgrade

busy busy-upgrade
tap_is "$(fact busy-upgrade.replaced)" /usr/bin/kube-renewd "only after its report the program is replaced"
status busy-upgrade "then the next version is installed"
tap_is "$(fact first.requested), $(fact upgrade.requested)" "disabled inactive, disabled inactive" "nobody starts a pass by a file"
tap_is "$(fact busy-upgrade.requested)" "enabled active" "until somebody has enabled that; then it goes on"
on busy-upgrade
tap_is "$(fact busy-upgrade.version)" "installed 99~$VERSION" "dpkg has it"
tap_is "$(fact busy-upgrade.ours)" "# ours" "our configuration is kept"
tap_is "$(fact busy-upgrade.dist)" "# the version after" "the new default is beside it"
same_pki busy-upgrade
status down "an earlier version can be installed over a later one"

busy remove
status remove "then the package is removed"
tap_is "$(fact remove.units)$(fact remove.program)" "" "its units and its program are gone"
tap_is "$(fact remove.loaded)" "" "and nothing of them is left running"
tap_is "$(fact remove.ours) $(fact remove.state)" "# ours crt json" "configuration, state and backups stay"
tap_is "$(fact first.stamp)" "/var/lib/systemd/timers/stamp-kube-renewd.timer" "the timer had noted when it last elapsed"
tap_is "$(fact remove.stamp)" "" "that is forgotten"
same_pki remove
status again "it is installed again"
on again
tap_is "$(fact again.ours) $(fact again.state)" "# ours crt json" "and finds what it had"
same_pki again

tap_is "$(fact retry-upgrade.before)" "auto-restart 75" "a service waits for its next try"
status retry-upgrade "the package is upgraded meanwhile"
tap_is "$(fact retry-upgrade.after)" "dead 0" "then it tries"
on retry-upgrade
tap_is "$(fact retry.before)" "auto-restart 75" "a service that waits for its next try"
status retry "does not keep the package from being removed"
tap_is "$(fact retry.loaded) $(fact retry.failed) $(fact retry.jobs)" " 0 0" "and does not try again"
same_pki retry

status purge "what was removed is purged"
tap_is "$(fact purge.version)$(fact purge.units)$(fact purge.state)" "" "state and backups are gone"
tap_is "$(fact purge.elsewhere)" "" "also where the directory is a link"
tap_is "$(fact purge.left)" "" "nothing is left, and what the site wrote is there" || tap_note "$(fact purge.said)"
same_pki purge
status once-more "it is installed as if it had never been there"
on once-more
tap_unlike "$(fact once-more.ours)$(fact once-more.conf)" "ours|version" "with the default configuration"
status purge-at-once "what is installed is purged"
tap_is "$(fact purge-at-once.elsewhere)" "" "so is the state, where its directory is a file system of its own"
tap_is "$(fact purge-at-once.left)" "" "nothing is left"
same_pki purge-at-once

tap_is "$(fact image.enabled)" "enabled inactive" "in a chroot it is enabled, and not started"
tap_is "$(fact image.said)" "" "dpkg has nothing to complain about"
tap_is "$(fact image.version)" "installed $VERSION" "upgraded, too"
tap_is "$(fact image.stamp)$(fact image.left)" "" "removed and purged, it leaves nothing"
same_pki image

status last "it is installed before the host is switched off"
tap_like "$(fact boot.timer)" '^enabled active ' "it is on at the next boot"
tap_ok "a missed night is made good within an hour" test "$(fact boot.in)" -ge 0 -a "$(fact boot.in)" -le 3700
tap_is "$(fact boot.renewed)" "11 0 due" "by a pass of the service"
tap_ok "which is noted" test "$(fact boot.stamp)" -lt 3600
tap_is "$(fact timeout)" "" "nothing was waited for in vain" || tap_note "$FACTS"
tap_done

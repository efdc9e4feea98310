# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # for the scripts that source it; $unit, $state and $EVENT_... are of /host
# What the tests of the Debian package share inside a booted machine, as /package; see package-lib.sh.

# shellcheck source=tests/system/host-inside.sh
. /host || exit 99

timer=kube-renewd.timer
stamp=/var/lib/systemd/timers/stamp-$timer
conf=/etc/kube-renewd/kube-renewd.conf
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
# What a container may have: it forbids packages to start anything. And what this host's apt calls besides.
rm -f /usr/sbin/policy-rc.d /etc/apt/apt.conf.d/*
systemctl start dbus.socket

# apt NAME VERB...: what it had to say is a fact where it failed.
apt() {
        local name=$1 status=0

        shift
        apt-get -q -y -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o APT::Get::AutomaticRemove=no \
                --no-install-recommends "$@" >"/run/apt.$name" 2>&1 </dev/null || status=$?
        echo "$name=$status"
        [ $status = 0 ] || sed "s/^/$name.said=/" "/run/apt.$name"
        return $status
}

# is_installed: nothing, or the version that dpkg has.
is_installed() { dpkg-query -W -f '${db:Status-Status} ${Version}' kube-renewd 2>/dev/null; }

# pki: digest of all that is below /etc/kubernetes: names, owners, modes, times, content.
pki() {
        { find /etc/kubernetes -printf '%p %y %m %U:%G %T@ %l\n' | sort; find /etc/kubernetes -type f -exec sha256sum {} + | sort; } |
                sha256sum | cut -d' ' -f1
}

# files: all that a package could leave behind, without what belongs to dpkg, apt and the journal.
files() {
        find /etc /usr /var -xdev \( -path /var/lib/dpkg -o -path /var/lib/apt -o -path /var/cache -o -path /var/log \
                -o -path /var/tmp -o -path /var/lib/systemd/catalog -o -path /etc/kubernetes \) -prune -o \
                \( -not -type d -o -name '*kube-renewd*' \) -print | sort
        find /run /tmp -xdev -path /run/systemd/propagate -prune -o -name '*kube-renewd*' -print | sort
}

# make_due: the control plane as it was in the beginning.
make_due() {
        rm -rf /etc/kubernetes
        cp -a /due /etc/kubernetes
        rm -f $state/history.json
}

# alarms: those there are, wherever they can be.
alarms() { find $state/public/alarms /run/kube-renewd -name '*.json' -printf '%f ' 2>/dev/null; }

# due: "0 due", as `check` counts.
due() { kube-renewd check 2>&1 | grep -o '[0-9]* due'; }

# renews NAME: one pass of the service renews everything, and the journal explains what it did.
renews() {
        local before

        before=$(events "$EVENT_CERTIFICATE_RENEWED")
        start
        echo "$1.service=$(show Result) $(show ExecMainStatus)"
        echo "$1.renewed=$(($(events "$EVENT_CERTIFICATE_RENEWED") - before)) $(due)"
        echo "$1.explained=$(journalctl -q -x -o short -u $unit "MESSAGE_ID=$EVENT_CERTIFICATE_RENEWED" |
                grep -c 'The replaced files are kept')"
        echo "$1.alarms=$(alarms)"
}

# timer_facts NAME: the timer is on, and when it elapses next; the unit that acts at boot.
timer_facts() {
        echo "$1.timer=$(systemctl is-enabled $timer) $(systemctl is-active $timer) $(show NextElapseUSecRealtime $timer)"
        echo "$1.listed=$(systemctl list-timers --no-legend $timer)"
        echo "$1.recover=$(systemctl is-enabled kube-renewd-recover.service) $(systemctl is-active kube-renewd-recover.service)"
        echo "$1.failed=$(systemctl --failed --no-legend 'kube-renewd*' | wc -l)"
}

# verify NAME: what systemd has to say of our units alone.
verify() {
        local name man=no

        ! command -v man >/dev/null || man=yes
        systemd-analyze verify dbus.service 2>&1 | sort -u >/run/of-others
        for name in kube-renewd.service kube-renewd.timer kube-renewd-recover.service kube-renewd-requested.path \
                kube-renewd-failure@x.service; do
                systemd-analyze verify --man=$man $name 2>&1 | sort -u | comm -13 /run/of-others - | sed "s/^/$1.verify=/"
        done
}

# left NAME: what is there that was not there before, when `files >/before`.
left() {
        files >/run/after
        echo "$1.left=$(diff /before /run/after | sed -n 's/^[<>] //p' | xargs)"
}

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real Nagios core, run by nobody, has our program as its plugin: OK, then CRITICAL when the
# certificates have expired, then UNKNOWN when no pass has reported for too long; with output and
# performance data as they were printed.
#
# The core is that of Debian's nagios4-core, unpacked below $NEIGHBOURS (./dev does it), not installed.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99

core=${NEIGHBOURS:-$SRCDIR/build/neighbours}/usr/sbin/nagios4
[ -x "$core" ] || core=$(command -v nagios4) || tap_skip_all "nagios4 is not here; './dev system' unpacks it"
"$core" --version >/dev/null 2>&1 || tap_skip_all "this nagios4 does not start here"
command -v jq >/dev/null || tap_skip_all "jq is not installed"

# Nobody can read the source tree, perhaps: what the core needs is in a directory of its own.
dir=$SCRATCH/nagios
root=$SCRATCH/root
mkdir -p "$dir/spool" "$root"
chmod 755 "$SCRATCH" "$root"
cp "$core" "$dir/nagios4" && cp "$KUBE_RENEWD" "$dir/kube-renewd" || exit 99

as_nobody() {
        if [ "$(id -u)" = 0 ]; then
                setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
        else
                "$@"
        fi
}

# control_plane VALIDITY TIME: another host, made then, on which no pass has run.
control_plane() {
        rm -rf "$root/etc/kubernetes" "$root/var/lib/kube-renewd"
        "$KUBE_RENEWD" --root="$root" --at="$2" init --node-name=cp-1 --advertise-address=192.0.2.10 \
                --key-algorithm=ECDSA-P256 --validity="$1" --ca-validity=10y >/dev/null
}

# pass: as at night, but for who may restart something.
pass() {
        "$KUBE_RENEWD" --root="$root" --layout=kubeadm run >"$SCRATCH/pass.log" 2>&1
}

# 1. The core, its one host, and its one service, which is looked at every second.
cat >"$dir/plugin" <<END
#!/bin/sh
# What it prints is kept, to be compared with what the core makes of it.
output=\$($dir/kube-renewd --root=$root check --cached --output=nagios "\$@" 2>&1)
status=\$?
printf '%s\n' "\$output" | tee -a $dir/printed
exit \$status
END
chmod 755 "$dir/plugin"
cat >"$dir/nagios.cfg" <<END
cfg_file=$dir/objects.cfg
log_file=$dir/nagios.log
object_cache_file=$dir/objects.cache
precached_object_file=$dir/objects.precache
status_file=$dir/status.dat
status_update_interval=1
lock_file=$dir/nagios.pid
temp_file=$dir/nagios.tmp
temp_path=$dir
check_result_path=$dir/spool
query_socket=$dir/nagios.qh
command_file=$dir/nagios.cmd
check_external_commands=0
retain_state_information=0
use_syslog=0
log_rotation_method=n
interval_length=1
service_inter_check_delay_method=n
check_for_updates=0
enable_notifications=0
enable_event_handlers=0
execute_host_checks=0
service_check_timeout=30
date_format=iso8601
END
cat >"$dir/objects.cfg" <<END
define timeperiod {
        timeperiod_name         always
        alias                   always
        sunday                  00:00-24:00
        monday                  00:00-24:00
        tuesday                 00:00-24:00
        wednesday               00:00-24:00
        thursday                00:00-24:00
        friday                  00:00-24:00
        saturday                00:00-24:00
}
define contact {
        contact_name            nobody
        host_notification_period        always
        service_notification_period     always
        host_notification_commands      plugin
        service_notification_commands   plugin
}
define command {
        command_name            plugin
        command_line            $dir/plugin -w 15d: -c 3:
}
define host {
        host_name               cp-1
        address                 192.0.2.10
        max_check_attempts      1
        contacts                nobody
        check_period            always
        notification_period     always
}
define service {
        host_name               cp-1
        service_description     certificates
        check_command           plugin
        check_interval          1
        retry_interval          1
        max_check_attempts      1
        check_period            always
        notification_period     always
        contacts                nobody
}
END
[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$dir"

# member NAME: of the service, as the core knew it when we looked last.
member() {
        sed -n "/^servicestatus {/,/}/s/^[[:space:]]*$1=//p" "$SCRATCH/seen" 2>/dev/null
}

look() {
        cp "$dir/status.dat" "$SCRATCH/seen" 2>/dev/null
        [ "$(member has_been_checked) $(member current_state)" = "1 $1" ]
}

# comes_to STATE TITLE: within a minute the core has checked and found this state.
comes_to() {
        local deadline=$((SECONDS + 60))

        until look "$1" || [ "$SECONDS" -ge "$deadline" ]; do
                sleep 0.2
        done
        tap_is "$(member current_state)" "$1" "$2" ||
                tap_note "$(tail -n 5 "$dir/nagios.log"; tail -n 3 "$dir/printed"; cat "$SCRATCH/pass.log")"
}

# is_as_printed TITLE: output and performance data are on one line of what the plugin has printed.
is_as_printed() {
        local seen

        seen="$(member plugin_output)|$(member performance_data)"
        tap_is "$(grep -xF -- "${seen%|}" "$dir/printed" | head -n 1)" "${seen%|}" "$1"
}

# 2. All is well.
tap_ok "a control plane of today" control_plane 365d "$(date -u +%FT%TZ)"
pass
tap_ok "the core takes the configuration" as_nobody "$dir/nagios4" -v "$dir/nagios.cfg"
as_nobody "$dir/nagios4" "$dir/nagios.cfg" >"$SCRATCH/core.log" 2>&1 &
core_pid=$!
stop_core() {
        kill "$core_pid" 2>/dev/null
        wait "$core_pid" 2>/dev/null
}
tap_on_exit stop_core
comes_to 0 "OK"
tap_like "$(member plugin_output)" '^KUBE-RENEWD OK - .* expires in (1y|36[45]d)' "and what is next"
tap_like "$(member performance_data)" "^'certificates'=[0-9]+;;;0 .*'apiserver'=[0-9]+s;1296000:;259200:( |$)" "with performance data"
is_as_printed "as they were printed"

# 3. They have expired, and nothing here can renew them.
tap_ok "a control plane that has expired" control_plane 30d "$(date -u -d '-60 days' +%FT%TZ)"
find "$root/etc/kubernetes" -name '*ca.key' -delete
pass
comes_to 2 "CRITICAL"
tap_like "$(member plugin_output)" '^KUBE-RENEWD CRITICAL - .* expired (29d 23h|30d) ago, ' "the worst is named"
tap_like "$(member performance_data)" "'apiserver'=-[0-9]+s;1296000:;259200:( |$)" "seconds that are past"
tap_like "$(member long_plugin_output)" 'CRITICAL: apiserver expired .*/apiserver\.crt\)\\nCRITICAL: ' "a line for each"
is_as_printed "as they were printed, too"

# 4. No pass has reported since.
status=$root/var/lib/kube-renewd/public/status.json
jq --arg until "$(date -u -d '-1 hour' +%FT%TZ)" '.valid_until = $until' "$status" >"$status.new" &&
        chmod 644 "$status.new" && mv "$status.new" "$status"
comes_to 3 "UNKNOWN"
tap_like "$(member plugin_output)" "^KUBE-RENEWD UNKNOWN - '/var/lib/kube-renewd/public/status.json' was valid until " "why"
is_as_printed "said as it was printed"
tap_done

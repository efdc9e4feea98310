#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-table.sh [DIRECTORY]: README's table of figures, from what `./dev bench` has measured: from the results in
# tests/bench/results, or in that directory. `bench-table.sh --write` puts it between the two markers in README.md.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
results=tests/bench/results

# value FILE LABEL COLUMN: of the line of a result that begins with that label; columns are separated by two
# spaces or more, and the label is the first.
value() {
        awk -F'  +' -v label="$2" -v column="$3" '$1 == label { print $column; found = 1; exit } END { exit !found }' \
                "$results/$1.txt" || { echo "bench-table.sh: $1.txt has no '$2'" >&2; return 1; }
}

# duration MILLISECONDS, memory KILOBYTES: two digits, or all there are before the point.
duration() {
        awk -v x="$1" 'BEGIN {
                unit = "ms"
                if (x >= 1000) { x /= 1000; unit = "s" }
                printf x < 10 ? "%.1f %s" : "%.0f %s", x, unit
        }'
}
memory() {
        awk -v x="$1" 'BEGIN { printf "%.1f MB", x / 1024 }'
}


# row WHAT OURS OTHERS TIMES: the last with one decimal below ten.
row() {
        printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "$(awk -v x="$4" 'BEGIN { printf x < 9.95 ? "%.1f" : "%.0f", x }')"
}

# compared FILE OURS OTHERS WHAT: the row of two wall clock times.
compared() {
        row "$4" "$(duration "$(value "$1" "$2" 2)")" "$(duration "$(value "$1" "$3" 2)")" "$(value "$1" "$3" 5)"
}

# silent OTHERS WHAT
silent() {
        row "$2" "$(value silence kube-renewd 2) s" "$(value silence "$1" 2) s" "$(value silence "$1" 4)"
}

# scaled VERB N COLUMN: the tables of check and of renew have rows of the same name.
scaled() {
        awk -F'  +' -v verb="$1" -v number="$2" -v column="$3" '
                $2 == "wall" { current = $1 }
                $1 == number && current == verb { print $column; found = 1; exit }
                END { exit !found }' "$results/scale.txt" || { echo "bench-table.sh: scale.txt has no '$1' of $2" >&2; return 1; }
}

table() {
        local config='kubeadm certs check-expiration --config'
        local up='kubeadm certs check-expiration, API server up'
        local renew='kubeadm certs renew all --config'

        printf '| | kube-renewd | the other | times |\n|---|---|---|---|\n'
        compared check 'kube-renewd check, control plane' "$up" 'a look at all certificates: `kubeadm certs check-expiration`'
        compared check 'kube-renewd check' 'the same without it, API server silent' 'the same, when the API server is silent'
        compared check 'kube-renewd check' "$config" 'the same, told by `--config` not to ask it'
        compared check 'kube-renewd check' 'openssl x509, a process for each file' 'a loop of `openssl x509`'
        row 'memory for it: `kubeadm certs check-expiration --config`' "$(memory "$(value check 'kube-renewd check' 4)")" \
                "$(memory "$(value check "$config" 4)")" "$(value check "$config" 7)"
        compared renew 'kube-renewd renew --all' "$renew" 'ten new keys of RSA-2048 and certificates: `kubeadm certs renew all`'
        row 'CPU time of that' "$(duration "$(value renew 'kube-renewd renew --all' 3)")" "$(duration "$(value renew "$renew" 3)")" \
                "$(value renew "$renew" 6)"
        silent 'manifests moved away for 20 s, as documented' \
                'the API server (1.20) is silent meanwhile: the documented way'
        silent 'all containers stopped over CRI' 'the same: all containers stopped at once'
        printf '\n'
        paste -sd ' ' <<END | fold -s -w 116 | sed 's/ *$//'
Measured on $(value check 'measured on' 2), the two of a row in one run; kubeadm is $(value check kubeadm 2).
$(value renew 'aim: making keys, per cent of CPU time' 2 | sed 's/[.].*//') % of the CPU time of that renewal is the making of keys; with
keys of ECDSA it takes $(duration "$(value renew 'kube-renewd, all keys and CAs of ECDSA P-256' 2)").
\`check\` of 10,000 certificates takes $(duration "$(scaled check 10000 2)") and $(memory "$(scaled check 10000 5)"), their
renewal with ECDSA keys $(duration "$(scaled renew 10000 2)") and $(memory "$(scaled renew 10000 5)").
The package is installed in $(memory "$(value size installed 2 | sed 's/ kB//')").
END
}

# complete_table: fails where a figure is missing, and says which.
complete_table() {
        local errors

        { errors=$(table 2>&1 >&3); } 3>&1
        [ -z "$errors" ] || { printf '%s\n' "$errors" >&2; return 1; }
}

# marked FILE: what is between the markers.
marked() {
        sed -n '/^<!-- .*dev bench.* -->$/,/^<!-- end -->$/p' "$1" | sed '1d;$d'
}

case ${1:-} in
--write)
        complete_table >README.table &&
                sed -i -e '/^<!-- .*dev bench.* -->$/r README.table' -e '/^<!-- .*dev bench.* -->$/,/^<!-- end -->$/{/^<!--/!d}' README.md
        status=$?
        rm -f README.table
        exit "$status"
        ;;
--marked) marked "$2" ;;
*)
        results=${1:-$results}
        complete_table
        ;;
esac

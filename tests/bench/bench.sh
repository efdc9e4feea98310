# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the benchmarks share. Sourced after tests/tap.sh:
#
#     bench_take 20 "kube-renewd check" 0 '' "$KUBE_RENEWD" "--root=$root" check     # medians of 20 runs
#     bench_take 20 "openssl x509" 0 '' sh "$SCRATCH/loop"
#     bench_rows                       # a line for each, and how many times as much as the first it is
#     bench_aim "wall clock, ms" "$(bench_value 1 wall)" 10
#     bench_report check               # stdin to stdout, and to results/check.txt
#
# Columns of a result are separated by two spaces or more; tools/bench-table.sh reads them. What cannot be
# measured here is said by bench_missing; results/ then keeps what an earlier run has measured.

BENCH_MEASURE=("$BUILDDIR/tests/bench/measure") # and what has to stand before it, in another machine
BENCH_STATISTIC=median                          # or mean, where runs differ much and all count
bench_rows_file=$SCRATCH/rows
bench_incomplete=0
bench_kubeadm_version=

# bench_missing WHAT WHY
bench_missing() {
        bench_incomplete=1
        echo "not measured: $1: $2" >&2
}

# bench_busy: what the processors do, in per cent, while this only waits for two seconds.
bench_busy() {
        { head -n 1 /proc/stat; sleep 2; head -n 1 /proc/stat; } | awk '
                { total = 0; for (i = 2; i <= 9; i++) total += $i; idle = $5 + $6 }
                NR == 1 { total_before = total; idle_before = idle }
                END { printf "%.0f\n", 100 - 100 * (idle - idle_before) / (total - total_before) }'
}

# bench_take RUNS LABEL STATUSES BEFORE COMMAND...: adds a row "LABEL WALL CPU PEAK" (ms, ms, kB) to the table;
# fails, and says why, where a run ends with another status. See measure.c.
bench_take() {
        local runs=$1 label=$2

        shift 2
        "${BENCH_MEASURE[@]}" "$runs" "$@" >"$SCRATCH/runs" || { bench_missing "$label" "it fails"; return 1; }
        printf '%s\t%s\n' "$label" "$(bench_statistic "$BENCH_STATISTIC" <"$SCRATCH/runs")" >>"$bench_rows_file"
}

# bench_statistic median|mean: of every column of stdin; the first two become milliseconds.
bench_statistic() {
        awk -v which="$1" '
                function value(c,    i, j, k, sum) {
                        for (i = 1; i <= NR; i++) {
                                sum += x[c, i]
                                for (j = i; j > 1 && sorted[j - 1] > x[c, i]; j--) sorted[j] = sorted[j - 1]
                                sorted[j] = x[c, i]
                        }
                        k = int((NR + 1) / 2)
                        return which == "mean" ? sum / NR : (sorted[k] + sorted[NR + 1 - k]) / 2
                }
                { for (c = 1; c <= 3; c++) x[c, NR] = $c + 0 }
                END { printf "%.3f\t%.3f\t%.0f\n", value(1) / 1000, value(2) / 1000, value(3) }'
}

# bench_value ROW wall|cpu|peak: of the row of that number.
bench_value() {
        awk -F'\t' -v row="$1" -v column="$2" 'NR == row { print column == "wall" ? $2 : column == "cpu" ? $3 : $4 }' \
                "$bench_rows_file"
}

# bench_ratio ROW wall|cpu|peak: how many times as much as the first row's.
bench_ratio() {
        bench_calculate "$(bench_value "$1" "$2") / $(bench_value 1 "$2")"
}

# bench_rows: the table so far; a next one begins behind it.
bench_rows() {
        awk -F'\t' '
                BEGIN {
                        printf "%-46s  %9s  %9s  %7s  %s\n", "", "wall", "CPU", "peak", "times the first"
                        printf "%-46s  %9s  %9s  %7s  %7s  %6s  %6s\n", "", "ms", "ms", "kB", "wall", "CPU", "peak"
                }
                NR == 1 { wall = $2; cpu = $3; peak = $4 }
                { printf "%-46s  %9.1f  %9.1f  %7d  %7.1f  %6.1f  %6.1f\n", $1, $2, $3, $4, $2 / wall, $3 / cpu, $4 / peak }' \
                "$bench_rows_file"
        : >"$bench_rows_file"
}

# bench_calculate EXPRESSION: of awk, with two decimals.
bench_calculate() {
        awk "BEGIN { printf \"%.2f\\n\", $1 }"
}

# bench_aim WHAT VALUE LIMIT [least]: whether it is at most, or at least, that much.
bench_aim() {
        awk -v what="$1" -v value="$2" -v limit="$3" -v least="${4:-}" 'BEGIN {
                printf "aim: %-42s  %9.2f  at %s %s  %s\n", what, value, least ? "least" : "most", limit,
                        (least ? value >= limit : value <= limit) ? "met" : "not met" }'
}

# bench_host: what it was measured on, and with which kubeadm.
bench_host() {
        printf 'measured on  %d processors, %s\n' "$(nproc)" "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1 | xargs)"
        [ -z "$bench_kubeadm_version" ] || printf 'kubeadm  %s\n' "$bench_kubeadm_version"
}

# bench_kubeadm ROOT: puts kubeadm ($KUBEADM, or the test bed's, or this host's) into that root, as /kubeadm: it
# knows no other root than its own. /kubeadm.yaml is for --config: then it asks no API server.
bench_kubeadm() {
        local program=${KUBEADM:-${TESTBED_DIR:-/var/cache/kube-renewd-testbed}/bin/kubeadm}

        [ -x "$program" ] || program=$(command -v kubeadm) || { bench_missing kubeadm "it is not here; ./dev bed build"; return 1; }
        [ "$(id -u)" = 0 ] || { bench_missing kubeadm "it wants root"; return 1; }
        bench_kubeadm_version=$("$program" version -o short)
        cp "$program" "$1/kubeadm" && chroot "$1" /kubeadm config print init-defaults >"$1/kubeadm.yaml" 2>/dev/null
}

# bench_idle: a machine that does something else gives other figures, and other ratios.
bench_idle() {
        local busy

        busy=$(bench_busy)
        [ "$busy" -le 20 ] || bench_missing 'on an idle machine' "$busy % of this one is busy with something else"
}

# bench_report NAME: shows stdin, and keeps it in results/NAME.txt if nothing is missing.
bench_report() {
        local results=$SRCDIR/tests/bench/results

        sed "s/ *$//" >"$SCRATCH/report"
        cat "$SCRATCH/report"
        [ "$bench_incomplete" = 0 ] || { echo "results/$1.txt stays as it is" >&2; exit 1; }
        mkdir -p "$results" && cp "$SCRATCH/report" "$results/$1.txt"
}

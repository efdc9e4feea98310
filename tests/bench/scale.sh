#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# scale.sh [NUMBER...]: what `check` and `renew --all` cost for 10, 100, 1,000 and 10,000 certificates and kubeconfigs
# of the generic layout, four certificates to one kubeconfig, and for each of them. All keys are of ECDSA P-256,
# whose making costs next to nothing, so that the rest shows; 100 of RSA-2048 show how many processors a renewal
# uses. The figures also go to tests/bench/results/scale.txt, unless numbers are given.

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh" || exit 99
# shellcheck source=tests/bench/bench.sh
. "$SRCDIR/tests/bench/bench.sh" || exit 99
bench_idle

numbers=("$@")
[ $# != 0 ] || numbers=(10 100 1000 10000)
root=$SCRATCH/root

# configure NUMBER ALGORITHM DIRECTORY: lists so many, made with keys of that algorithm; 2,000 in a file.
configure() {
        mkdir -p "$3/kube-renewd.conf.d"
        printf '%s\n' '[agent]' 'Layout=generic' \
                '[ca site]' 'Certificate=/etc/pki/ca.crt' 'Key=/etc/pki/ca.key' 'CommonName=site' >"$3/kube-renewd.conf"
        awk -v number="$1" -v algorithm="$2" -v directory="$3/kube-renewd.conf.d" 'BEGIN {
                for (i = 1; i <= number; i++) {
                        file = sprintf("%s/%02d.conf", directory, i / 2000)
                        if (i % 5)
                                printf "[certificate c%d]\nCertificate=/etc/pki/c%d.crt\nKey=/etc/pki/c%d.key\nUsage=server\nSANs=DNS:c%d.test\n", i, i, i, i >file
                        else
                                printf "[kubeconfig k%d]\nPath=/etc/pki/k%d.conf\nServer=https://192.0.2.1:6443\n", i, i >file
                        printf "CA=site\nCommonName=name-%d\nKeyAlgorithm=%s\nRecreateMissing=yes\n", i, algorithm >file
                }
        }'
}

# cost NUMBER ALGORITHM RUNS: adds the rows of check and renew.
cost() {
        rm -rf "$SCRATCH"/{made,root,aside.*} && mkdir "$root"
        configure "$1" "$2" "$SCRATCH/made/etc/kube-renewd"
        "$KUBE_RENEWD" "--root=$SCRATCH/made" init >"$SCRATCH/output" 2>&1 || { tail "$SCRATCH/output" >&2; exit 1; }
        sleep 1 # what is renewed ends later than what is replaced
        bench_take "$3" "check $1" 0 '' "$KUBE_RENEWD" "--root=$SCRATCH/made" check
        # What was there goes aside: to remove it would leave the file system busy with that.
        bench_take "$3" "renew $1" 0 "mv '$root' \"\$(mktemp -d '$SCRATCH/aside.XXXXXX')\"; mkdir '$root'; cp -a '$SCRATCH/made/etc' '$root/' && sync -f '$root'" \
                "$KUBE_RENEWD" "--root=$root" renew --all
}

# rows VERB: of the table, and whether what each certificate takes falls from row to row (a tenth is noise).
rows() {
        awk -F'[\t ]' -v verb="$1" '
                BEGIN {
                        printf "%-16s  %9s  %9s  %9s  %9s  %9s  %9s\n", verb, "wall", "each", "CPU", "peak", "each", "processors"
                        printf "%-16s  %9s  %9s  %9s  %9s  %9s  %9s\n", "", "ms", "ms", "ms", "kB", "kB", "used"
                }
                $1 == verb { printf "%-16s  %9.1f  %9.3f  %9.1f  %9d  %9.1f  %9.2f\n", $2, $3, $3 / $2, $4, $5, $5 / $2, $4 / $3 }' \
                "$bench_rows_file"
}

# growth VERB COLUMN: by how much at most a certificate costs more in a row than in the row before.
growth() {
        awk -F'[\t ]' -v verb="$1" -v column="$2" '
                $1 == verb {
                        each = $column / $2
                        if (last && each / last > most) most = each / last
                        last = each
                }
                END { print most }' "$bench_rows_file"
}

for number in "${numbers[@]}"; do
        runs=$((2000 / number))
        runs=$((runs > 20 ? 20 : runs < 3 ? 3 : runs))
        cost "$number" ECDSA-P256 $runs
done
largest=$(wc -l <"$bench_rows_file")
{
        echo "N certificates and kubeconfigs, generic layout, ECDSA P-256. Medians of 3 to 20 runs"
        bench_host
        echo
        rows check
        echo
        rows renew
        echo
} >"$SCRATCH/ecdsa"
for verb in check renew; do
        bench_aim "$verb: growth of the time for each, times" "$(growth $verb 3)" 1.1
        bench_aim "$verb: growth of the memory for each, times" "$(growth $verb 5)" 1.1
done >"$SCRATCH/aims"
if [ "${number}" = 10000 ]; then
        bench_aim 'check of 10,000, ms' "$(bench_value $((largest - 1)) wall)" 1500
        bench_aim 'check of 10,000, kB' "$(bench_value $((largest - 1)) peak)" 102400
fi >>"$SCRATCH/aims"
: >"$bench_rows_file"
cost 100 RSA-2048 5
[ $# = 0 ] || bench_missing 'every number' 'these were asked for'
{
        cat "$SCRATCH/ecdsa"
        echo 'With keys of RSA-2048'
        rows renew
        echo
        cat "$SCRATCH/aims"
        bench_aim 'processors used for 100 of RSA-2048' "$(bench_calculate "$(bench_value 2 cpu) / $(bench_value 2 wall)")" \
                "$(bench_calculate "0.9 * $(nproc)")" least
} | bench_report scale

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rotate-ca killed in every phase, at some of the calls that change a file (SWEEP=all: at each of them, and at
# one in twenty of those that open one): who reads in that moment finds whole files, recovery leaves the phase
# before or the new one and nothing in between, and the same command goes on to its end.

# shellcheck source=tests/crash/sweep-lib.sh
. "$(dirname "$0")/sweep-lib.sh" || exit 99
# shellcheck source=tests/cli/cli.sh
. "$SRCDIR/tests/cli/cli.sh" || exit 99
# shellcheck source=tests/cli/rotate-lib.sh
. "$SRCDIR/tests/cli/rotate-lib.sh" || exit 99
sweep_ready

CALLS=(fsync renameat2 unlinkat)
[ "${SWEEP:-few}" != all ] || CALLS+=(openat2 renameat)

# step PHASE PREFIX...: the phase at its time, under whatever is before the program.
step() {
        local phase=$1

        shift
        "$@" "$KUBE_RENEWD" --root="$ROOT" --layout=kubeadm rotate-ca --at="@$CLOCK" --yes --phase="$phase" >"$SCRATCH/output" 2>&1
}

# where: the phases of the three CAs, and whether one of them goes back.
where() {
        renewd rotate-ca --status --output=json 2>/dev/null | jq -r '[.cas[] | .phase, .state] | join(" ")'
}

# whole: what a reader of this moment would stumble on.
whole() {
        local file

        for file in "$ROOT/$PKI"/*.crt "$ROOT/$PKI"/etcd/*.crt; do
                openssl x509 -noout -in "$file" 2>/dev/null || echo "$file is none"
        done
        for file in "$ROOT"/etc/kubernetes/*.conf "$ROOT"/etc/kubernetes/manifests/*.yaml; do
                grep -q '^kind: ' "$file" && [ -z "$(tail -c 1 "$file")" ] || echo "$file is cut"
        done
}

# matched: pairs of a certificate and the key of another one.
matched() {
        local file

        for file in "$ROOT/$PKI"/*.crt "$ROOT/$PKI"/etcd/*.crt; do
                [ -e "${file%.crt}.key" ] || continue
                [ "$(openssl x509 -noout -pubkey -in "$file")" = "$(openssl pkey -pubout -in "${file%.crt}.key")" ] ||
                        echo "$file has another's key"
        done
}

# everything: all that is below the root, but the times and the names of what is made anew each time.
everything() {
        (cd "$ROOT" && find etc var/lib/kube-renewd/ca-rotation -type f | sort)
}

# points CALL: at which of its invocations to kill.
points() {
        local n

        n=$(grep -c "^[0-9]* *$1(" "$SCRATCH/trace")
        [ "$n" -gt 0 ] || return
        if [ "$1" = openat2 ]; then
                seq 7 20 "$n"
        elif [ "${SWEEP:-few}" = all ]; then
                seq "$n"
        else
                echo $((n / 2 + 1))
        fi
}

# reset: the host as the phase found it.
reset() {
        rm -rf "$ROOT"
        cp -a "$SCRATCH/found" "$ROOT"
}

# killed PHASE CALL NUMBER AFTER BOTH: prints what does not hold.
killed() {
        local at="$2 $3" now

        reset
        step "$1" strace -f -qq -o "$SCRATCH/killed" -e "trace=$2" -e "inject=$2:signal=KILL:when=$3"
        whole | sed "s/^/$at: /"
        renewd recover >/dev/null 2>&1
        now=$(where)
        case $now in
        "$FOUND" | "$4") ;;
        *"prepare Aborting"* | *"trust-new Cert"*) ;; # on disk, and records are being removed
        *) echo "$at: recovery leaves: $now" ;;
        esac
        matched | sed "s/^/$at: after recovery: /"
        [ "$5" = no ] || refused old new | sed "s/^/$at: after recovery: /"
        [ "$now" = "$4" ] || step "$1" || [ $? = 75 ] || echo "$at: resumed: $(tail -n 1 "$SCRATCH/output")"
        now=$(where)
        [ "$now" = "$4" ] || echo "$at: resumed: $now"
        (whole && matched) | sed "s/^/$at: resumed: /"
        [ "$(everything)" = "$EXPECTED" ] || echo "$at: resumed: other files: $(diff <(everything) <(echo "$EXPECTED") | grep '^[<>]' | xargs)"
}

# sweeps PHASE BOTH: from the host that is there. BOTH: whether everybody is to be satisfied before and after.
sweeps() {
        local after call number n=0 faults=''

        rm -rf "$SCRATCH/found"
        cp -a "$ROOT" "$SCRATCH/found"
        FOUND=$(where)
        CLOCK=$((CLOCK + 60))
        step "$1" strace -f -qq -o "$SCRATCH/trace" -e trace="$(IFS=,; echo "${CALLS[*]}")"
        after=$(where)
        EXPECTED=$(everything)
        cp -a "$ROOT" "$SCRATCH/next"
        for call in "${CALLS[@]}"; do
                for number in $(points "$call"); do
                        n=$((n + 1))
                        faults+=$(killed "$1" "$call" "$number" "$after" "$2")
                done
        done
        tap_like "$n" '^[1-9]' "T36 $1 was killed $n times"
        tap_empty "$faults" "T36 $1: whole in that moment, one phase or the other after recovery, and resumed to its end"
        rm -rf "$ROOT"
        mv "$SCRATCH/next" "$ROOT"
}

rotating_host v1.28.7/ecdsa-p256
old_cas
sweeps prepare no
new_cas
sweeps trust-both no
cp -a "$ROOT" "$SCRATCH/trust-both"
sweeps reissue yes
cp -a "$ROOT" "$SCRATCH/reissue"
sweeps trust-new no
rm -rf "$ROOT"
mv "$SCRATCH/trust-both" "$ROOT"
sweeps abort no
rm -rf "$ROOT"
mv "$SCRATCH/reissue" "$ROOT"
sweeps abort yes
tap_done

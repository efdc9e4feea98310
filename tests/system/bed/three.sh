# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, here and timeout are of testbed
# Three control planes of one cluster at once: they have been joined once, and are kept. Sourced by testbed.
#
# $dir/three/{1,2,3}     what each had when it was powered off: nodes cp1, cp2, cp3
# $dir/three/stamp       what they were made from

three_digest() {
        { stat -c '%Y %i' "$dir/stamps/pristine"; declare -f three_make three_identify join; } | sha256sum | cut -d' ' -f1
}

three_are_made() {
        [ "$(cat "$dir/three/stamp" 2>/dev/null)" = "$(three_digest)" ]
}

# three_identify MACHINE NUMBER LAN [API]
three_identify() {
        identify "$1" "cp$2" "192.0.2.1$2" "$3" ${4:+"$4"}
}

three_make() {
        local n

        for n in 1 2 3; do remove_machine ".three$n"; done
        rm -rf --one-file-system "${dir:?}/three" "${dir:?}/three.new"
        clone "$dir/pristine" .three1
        three_identify .three1 1 .three1
        boot .three1
        wait_ready .three1
        for n in 2 3; do
                clone "$dir/fresh" ".three$n"
                three_identify ".three$n" "$n" .three1 192.0.2.11
                boot ".three$n"
                join ".three$n" .three1
                wait_ready ".three$n" '' 0
        done
        for n in 3 2 1; do
                halt ".three$n"
                mkdir -p "$dir/three.new/$n"
        done
        for n in 3 2 1; do save ".three$n" "$dir/three.new/$n"; done
        three_digest >"$dir/three.new/stamp"
        mv -T "$dir/three.new" "$dir/three"
}

# three_up NAME: machines NAME, NAME2 and NAME3.
three_up() {
        local n name start=$SECONDS names=("$1" "${1}2" "${1}3") jobs=()

        if ! three_are_made; then
                say "three control planes are joined, once ..."
                three_make
                say "three control planes are joined: done in $((SECONDS - start)) s"
        fi
        for n in 1 2 3; do
                name=${names[n - 1]}
                [ ! -e "$dir/m/$name/origin" ] || die "there is a machine '$name'"
                remove_machine "$name"
                clone "$dir/three/$n" "$name"
                three_identify "$name" "$n" "$1"
                echo "one of three with $1" >"$dir/m/$name/origin"
        done
        boot "$1" # the network is there as long as one of its machines is up
        for name in "${names[@]:1}"; do
                boot "$name" &
                jobs+=($!)
        done
        for n in "${jobs[@]}"; do wait "$n"; done
        flock -u 9
        for name in "${names[@]}"; do wait_ready "$name"; done
        say "'${names[*]}' are up and ready"
}

# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # dir, here and timeout are of testbed
# Stages: which parts of the build are to be made, again or for the first time. Sourced by testbed.
#
# A stage that is done has a stamp, $dir/stamps/NAME, with the digest of what it was made from: its functions,
# its files, and the digests of the stages that it needs. When one of them changes, the stage is made
# again, and so is all that came from it. What a later stage no longer needs has been removed in
# between; it is made again with the stage that wants it.
#
# The table, filled by build.sh in the order of the build:
stages=()              # names; build_NAME makes it
declare -A stage_title # for people
declare -A stage_needs # stages that come before it
declare -A stage_from  # functions, and files beside this script; a folder counts with all its files
declare -A stage_gives # what is there afterwards, below $dir

declare -A stage_digest # filled by stages_digest
stages_to_make=()       # filled by stages_plan

# stage NAME TITLE NEEDS FROM GIVES: a row of the table.
stage() {
        stages+=("$1")
        stage_title[$1]=$2
        stage_needs[$1]=$3
        stage_from[$1]=$4
        stage_gives[$1]=$5
}

# stage_source WORD: the text of a function, or the digests of files.
stage_source() {
        if declare -F "$1" >/dev/null; then
                declare -f "$1"
        elif [ -e "$here/$1" ]; then
                (cd "$here" && find "$1" -type f -print0 | sort -z | xargs -0 sha256sum)
        else
                die "a stage is made from '$1', which is neither a function nor a file"
        fi
}

# stage_sources NAME: what it is made from, as one text.
stage_sources() {
        local word

        for word in ${stage_from[$1]}; do
                stage_source "$word" || exit 1
        done
        for word in ${stage_needs[$1]}; do
                echo "$word ${stage_digest[$word]}"
        done
}

stages_digest() {
        local name text

        for name in "${stages[@]}"; do
                text=$(stage_sources "$name") || exit 1
                text=$(sha256sum <<<"$text")
                stage_digest[$name]=${text%% *}
        done
}

# A bed of the time before stamps held digests: all stamps are there, and empty. It is taken as it is.
stages_are_of_old() {
        local name

        for name in "${stages[@]}"; do
                if [ ! -e "$dir/stamps/$name" ] || [ -s "$dir/stamps/$name" ]; then return 1; fi
        done
}

stage_stamp() {
        mkdir -p "$dir/stamps"
        echo "${stage_digest[$1]}" >"$dir/stamps/$1"
}

# stage_is_current NAME: it was made from what would be taken today.
stage_is_current() {
        local stamp

        stages_are_of_old || { read -r stamp <"$dir/stamps/$1" && [ "$stamp" = "${stage_digest[$1]}" ]; } 2>/dev/null
}

# stages_plan: $stages_to_make, in order. Walks back from the last stage: what is not current, and what
# that needs and is no longer there.
stages_plan() {
        local i name need
        local -A wanted=()

        stages_digest
        stages_to_make=()
        wanted[${stages[-1]}]=1
        for ((i = ${#stages[@]} - 1; i >= 0; i--)); do
                name=${stages[i]}
                [ "${wanted[$name]:-}" ] || continue
                ! stage_is_current "$name" || [ ! -e "$dir/${stage_gives[$name]}" ] || continue
                stages_to_make=("$name" "${stages_to_make[@]}")
                for need in ${stage_needs[$name]}; do wanted[$need]=1; done
        done
}

# stages_changed: the first stage that would be made although the bed is complete, or nothing.
stages_changed() {
        stages_plan
        [ ${#stages_to_make[@]} = 0 ] || echo "${stages_to_make[0]}"
}

# stages_make: all of $stages_to_make. Interrupted, it goes on where it stopped.
stages_make() {
        local name start

        if stages_are_of_old; then
                for name in "${stages[@]}"; do stage_stamp "$name"; done
        fi
        for name in "${stages_to_make[@]}"; do rm -f "$dir/stamps/$name"; done
        for name in "${stages_to_make[@]}"; do
                start=$SECONDS
                say "${stage_title[$name]} ..."
                # Not `if build_X`: that would switch off errexit inside.
                "build_$name"
                stage_stamp "$name"
                say "${stage_title[$name]}: done in $((SECONDS - start)) s"
        done
}

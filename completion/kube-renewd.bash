# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Completion of kube-renewd for bash (with bash-completion 2.8 or later).
#
# Verbs, options, formats, columns, layouts, names and backups are those that the program itself tells,
# so that this file cannot differ from it. What it does not tell (no layout, no permission) is not
# completed, in silence.

# _kube_renewd_options: the options of a help text, with "=" where they take a value.
_kube_renewd_options() {
        sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*=\{0,1\}\).*/\2/p'
}

# _kube_renewd_list PATTERN: the comma-separated list that a complaint has there, one a line.
_kube_renewd_list() {
        sed -n "s/.*$1.*/\\1/p" | tr ',' '\n' | tr -d ' ' | tr '[:upper:]' '[:lower:]'
}

# _kube_renewd_names PROGRAM OPTION...: of all certificates; as the last pass saw them, if that is known.
_kube_renewd_names() {
        local table=(--columns=certificate --no-headings --no-legend) names

        names=$("$@" check --cached "${table[@]}" 2>/dev/null)
        [[ $names ]] || names=$("$@" check "${table[@]}" 2>/dev/null)
        echo "$names"
}

# _kube_renewd_offer: completes $cur by its input, one word a line, quoted where the shell would read more
# into it. Not by compgen -W: that runs what stands in its words, and anybody may name a user of a
# kubeconfig.
_kube_renewd_offer() {
        local word

        COMPREPLY=()
        while IFS= read -r word; do
                [[ ! $word || $word != "$cur"* ]] || COMPREPLY+=("$(printf %q "$word")")
        done
}

# _kube_renewd_value OPTION PROGRAM WORD...: completes $cur, the value of this option.
_kube_renewd_value() {
        local option=$1 list

        shift
        case $option in
        --root | --output-dir)
                _filedir -d
                return
                ;;
        --config | --certificate | --key)
                _filedir
                return
                ;;
        --ca)
                list="$("$@" --status --columns=ca --no-headings --no-legend 2>/dev/null) all"
                ;;
        --phase)
                list="prepare trust-both reissue trust-new abort all status"
                ;;
        --output)
                list=$("$@" --help 2>/dev/null | sed -n 's/^  --output=[A-Z]* *//p' | tr '|' '\n')
                ;;
        --columns | --layout)
                # A list: all before the last comma stays as it is.
                local before=
                [[ $cur != *,* ]] || before=${cur%,*},
                list=$("$1" --layout='?' config 2>&1 | _kube_renewd_list '(there are: \(.*\))')
                [[ $option == --layout ]] ||
                        list="$("$@" --columns='?' 2>&1 | _kube_renewd_list "there are \\(.*\\), and 'all'") all"
                mapfile -t COMPREPLY < <(compgen -P "$before" -W "$list" -- "${cur##*,}")
                compopt -o nospace
                return
                ;;
        --key-algorithm)
                list="RSA-2048 RSA-3072 RSA-4096 ECDSA-P256 ECDSA-P384 ECDSA-P521 Ed25519"
                ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$list" -- "$cur")
}

# _kube_renewd_words SYNOPSIS PROGRAM OPTION...: completes $cur by what the verb takes there.
_kube_renewd_words() {
        local synopsis=$1 list=''

        shift
        case $synopsis in
        list\|*)
                list=${synopsis%% *}
                list=${list//|/$'\n'}
                ;;
        *UNIT*)
                list=$("$@" config --drop-in '?' 2>&1 | _kube_renewd_list '(there are: \(.*\))')
                ;;
        *ID*)
                list=$("$@" backup list --columns=id --no-headings --no-legend 2>/dev/null)
                ;;
        FILE)
                _filedir
                return
                ;;
        *NAME*)
                list=$(_kube_renewd_names "$@")
                ;;
        esac
        _kube_renewd_offer <<<"$list"
}

_kube_renewd() {
        local cur prev words cword split=false
        _init_completion -s -n : || return

        local program=${words[0]/#\~/$HOME} host=() verb='' n_names=0 help options synopsis i

        # 1. What was typed before: which host, which verb, how many names.
        for ((i = 1; i < cword; i++)); do
                case ${words[i]} in
                --root | --config | --layout) host+=("${words[i]}=${words[++i]}") ;;
                --root=* | --config=* | --layout=*) host+=("${words[i]}") ;;
                --at) i=$((i + 1)) ;;
                -*) ;;
                *) [[ $verb ]] && n_names=$((n_names + 1)) || verb=${words[i]} ;;
                esac
        done
        help=$("$program" ${verb:+"$verb"} --help 2>/dev/null)
        options=$(_kube_renewd_options <<<"$help")

        # 2. The value of an option, behind "=" or in the next word.
        if [[ $split == true || $'\n'$options$'\n' == *$'\n'"$prev="$'\n'* ]]; then
                _kube_renewd_value "$prev" "$program" ${verb:+"$verb"}
                return
        fi

        # 3. An option, the verb, or what the verb takes.
        if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
                [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
        elif [[ ! $verb ]]; then
                mapfile -t COMPREPLY < <(compgen -W \
                        "$(sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$help")" -- "$cur")
        else
                synopsis=$(sed -n "s/^Usage: [^ ]* $verb \\[OPTION...\\] \\{0,1\\}//p" <<<"$help")
                [[ $n_names == 0 || $synopsis != list\|* ]] || synopsis=${synopsis#* }
                [[ $n_names != 1 || $synopsis != *" FILE" ]] || synopsis=FILE
                [[ $n_names == 0 || $synopsis == *...* || $synopsis == FILE ]] || return
                _kube_renewd_words "$synopsis" "$program" "${host[@]}"
                __ltrim_colon_completions "$cur"
        fi
}

complete -F _kube_renewd kube-renewd

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion: somebody types at a real bash and at a real zsh, and presses Tab.

# shellcheck source=tests/cli/cli.sh
. "${SRCDIR:-$(dirname "$0")/../..}/tests/cli/cli.sh" || exit 99
command -v tmux >/dev/null || tap_skip_all "tmux is not installed"

host v1.28.7/ecdsa-p256
mv "$ROOT" "$SCRATCH/host" # a short name: a command must fit a line
ROOT=$SCRATCH/host
renewd renew --at="$TEN_DAYS" front-proxy-client >/dev/null 2>&1
sed -n '/^users:/,$p' "$ROOT/etc/kubernetes/scheduler.conf" >"$SCRATCH/users"
sed -e 1d -e "s/name: .*/name: 'b\$(touch ran)'/" "$SCRATCH/users" >>"$ROOT/etc/kubernetes/scheduler.conf"
backup=$(renewd backup list --columns=id --no-headings --no-legend)
ln -s "$SRCDIR/completion" "$SCRATCH/completions"
cat >"$SCRATCH/rc" <<END
PS1='ready> '
PATH=$(dirname "$KUBE_RENEWD"):\$PATH
cd $SCRATCH
END
cat "$SCRATCH/rc" - >"$SCRATCH/bashrc" <<END
BASH_COMPLETION_USER_DIR=$SCRATCH
. /usr/share/bash-completion/bash_completion || exit 1
bind 'set show-all-if-ambiguous on'
bind 'set completion-query-items 0'
END
cat "$SCRATCH/rc" - >"$SCRATCH/.zshrc" <<END
fpath=($SCRATCH/completions \$fpath)
autoload -Uz compinit && compinit -D -u
LISTMAX=0
unsetopt list_ambiguous
unset zle_bracketed_paste
END

tmux() {
        command tmux -S "$SCRATCH/tmux" -f /dev/null "$@"
}

# pane: what is on the screen, without the empty rest.
pane() {
        tmux capture-pane -p -t test | sed 's/ *$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}

# until_pane REGEX: waits for a line of the screen, at most for half a minute.
until_pane() {
        local i

        for ((i = 0; i < 300; i++)); do
                ! pane | grep -Eq -- "$1" || return 0
                sleep 0.1
        done
        return 1
}

# shell_begin COMMAND...: a shell in a terminal of 160 columns.
shell_begin() {
        tmux new-session -d -s test -x 160 -y 40 \
                "env -i HOME=$SCRATCH ZDOTDIR=$SCRATCH PATH=$PATH TERM=screen LC_ALL=C.UTF-8 \
KUBE_RENEWD_LAYOUT_PATH=$KUBE_RENEWD_LAYOUT_PATH $*" && until_pane '^ready>'
}

shell_end() {
        tmux kill-session -t test
}
tap_on_exit eval 'tmux kill-server 2>/dev/null'

# type_in TEXT: on an empty line, without what the last one has left there.
type_in() {
        tmux send-keys -t test C-u
        tmux send-keys -t test C-l
        tmux send-keys -t test -l -- "$1@"
        until_pane "^ready> .*@\$"
        tmux send-keys -t test BSpace
        until_pane "^ready> .*[^@]\$"
}

# completes TYPED RESULT DESCRIPTION: after Tab the line is the result, up to a blank where the word is
# whole. What is typed behind it shows that the shell has done what it does.
completes() {
        type_in "$1"
        tmux send-keys -t test Tab
        tmux send-keys -t test -l @
        until_pane "^ready> .*@\$"
        tap_is "$(pane | sed -n 's/^ready> \(.*\)@$/\1/p')" "$2" "$3"
}

# lists TYPED REGEX DESCRIPTION: after Tab some line of the screen matches.
lists() {
        type_in "$1"
        tmux send-keys -t test Tab
        until_pane "$2"
        tap_result $? "$3" || tap_note "$(pane)"
}

# both SHELL: the same for either.
both() {
        local at="kube-renewd --root=host --layout=kubeadm"

        completes "kube-renewd al" "kube-renewd alarms " "$1: a verb"
        lists "kube-renewd re" 'restore' "$1: those that begin so"
        completes "kube-renewd check --no-h" "kube-renewd check --no-headings " "$1: an option of this verb"
        completes "kube-renewd run --no-h" "kube-renewd run --no-h" "$1: none of another one"
        completes "kube-renewd check --out" "kube-renewd check --output=" "$1: an option with a value waits for it"
        completes "kube-renewd check --output=kubeadm" "kube-renewd check --output=kubeadm-json " "$1: a format"
        completes "kube-renewd check --output kubeadm" "kube-renewd check --output kubeadm-json " "$1: in a word of its own"
        completes "kube-renewd alarms --output=kubeadm" "kube-renewd alarms --output=kubeadm" "$1: not one of another verb"
        completes "kube-renewd check --columns=certificate,resid" "kube-renewd check --columns=certificate,residual" "$1: a column in a list"
        completes "kube-renewd --layout=kub" "kube-renewd --layout=kubeadm" "$1: a layout"
        completes "kube-renewd --layout=kubeadm,vc" "kube-renewd --layout=kubeadm,vcluster" "$1: another one"
        completes "kube-renewd --root=host --layout=generic,kubeadm renew kubeadm:apiserver-e" \
                "kube-renewd --root=host --layout=generic,kubeadm renew kubeadm:apiserver-etcd-client " "$1: a name of it"
        completes "kube-renewd --root=hos" "kube-renewd --root=host/" "$1: a directory"
        completes "kube-renewd --config=bashr" "kube-renewd --config=bashrc " "$1: a file"
        completes "kube-renewd init --key-algorithm=ECDSA-P3" "kube-renewd init --key-algorithm=ECDSA-P384 " "$1: a kind of key"
        completes "$at renew apiserver-k" "$at renew apiserver-kubelet-client " "$1: a name of this host"
        lists "$at renew ca front" 'front-proxy-ca +front-proxy-client' "$1: and a second one"
        lists "$at explain etcd-" 'etcd-server' "$1: those that begin so"
        completes "$at explain scheduler.conf/" "$at explain scheduler.conf/b\\\$\\(touch\\ ran\\) " "$1: a name that is a command"
        tap_ok "$1: which nobody has run" test ! -e "$SCRATCH/ran"
        touch "$SCRATCH/signed.crt"
        completes "$at install apiserver $SCRATCH/sig" "$at install apiserver $SCRATCH/signed.crt " "$1: a file, where the verb takes one"
        completes "$at backup ver" "$at backup verify " "$1: the verb of a verb"
        completes "$at backup verify ${backup:0:9}" "$at backup verify $backup " "$1: a backup"
        completes "$at restore ${backup:0:9}" "$at restore $backup " "$1: the same to restore"
        completes "$at config --drop-in kube-renewd-rec" "$at config --drop-in kube-renewd-recover.service " "$1: a unit"
        completes "kube-renewd --root=nowhere renew api" "kube-renewd --root=nowhere renew api" "$1: no host, no names, no words"
}

if [ -e /usr/share/bash-completion/bash_completion ]; then
        shell_begin bash --noprofile --rcfile "$SCRATCH/bashrc" -i
        both bash
        shell_end
else
        tap_skip "bash" "bash-completion is not installed"
fi
if command -v zsh >/dev/null; then
        shell_begin zsh -d -i
        both zsh
        completes "kube-renewd rec" "kube-renewd recover " "zsh: a verb"
        lists "kube-renewd " "check +-- List every certificate" "zsh: with what it does"
        lists "kube-renewd check --n" "no-legend +-- no text below the table" "zsh: an option with what it does"
        shell_end
else
        tap_skip "zsh" "zsh is not installed"
fi

# What stands there by hand is what the program knows: which options have values that can be completed.
free="--advertise-address --at --ca-validity --critical --dns-domain --group --node-name --server --service-address --user --validity --warning"
valued() {
        { echo && "$KUBE_RENEWD" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]*\) .*/\1/p'; } | while read -r verb; do
                "$KUBE_RENEWD" ${verb:+"$verb"} --help
        done | sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\)=.*/\2/p' | sort -u
}
for file in kube-renewd.bash _kube-renewd; do
        tap_is "$({ sed -n '/^_kube_renewd_value/,/^}/s/^ *\(--[a-z |-]*\))$/\1/p' "$SRCDIR/completion/$file" | tr -s ' |' '\n'; xargs -n 1 <<<"$free"; } |
                sort)" "$(valued)" "$file knows each option with a value"
done
mkdir "$SCRATCH/empty"
known=$("$KUBE_RENEWD" --root="$SCRATCH/empty" --layout=kubeadm init --node-name=a \
        --advertise-address=192.0.2.1 --service-address=10.96.0.1 --key-algorithm='?' 2>&1 |
        sed 's/.*use //; s/ or / /; s/,//g')
for file in kube-renewd.bash _kube-renewd; do
        tap_like "$(tr -d '"' <"$SRCDIR/completion/$file")" "(list=|compadd -- )$known\$" "$file knows the kinds of keys"
done
tap_done

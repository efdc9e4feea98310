#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The sweep counts what strace sees, and nothing else changes a file.
. "$(dirname "$0")/sweep-lib.sh" || exit 99
sweep_possible
sweep_ready
sweep=("$BUILDDIR/tests/crash/sweep" "$SWEEP_FROM" "$SWEEP_AT" all)

# What talks to neighbours is asked as often as they take to answer.
talks='^(memfd_create|socket|connect|sendto|sendmsg|read|openat|openat2|newfstatat) '
tap_ok "a run is counted" "${sweep[@]}" --count
counted=$(sed -n 's/^\([a-z0-9]*\) changes \([0-9]*\)$/\1 \2/p' <<<"$OUTPUT" | grep -Ev "$talks" | sort)
tap_ok "a run is followed" strace -ff -qq -o "$SCRATCH/log" "${sweep[@]}" --alone
log=$SCRATCH/log.$(tail -n 1 <<<"$OUTPUT")

# calls FILE: how often each is made, but for what goes to stdout and stderr.
calls() {
        grep -Ev '^write\([012],' "$1" | sed -n 's/^\([a-z0-9_]*\)(.*/\1/p' | sort | uniq -c | awk '{ print $2, $1 }' | sort
}
names=$(cut -d ' ' -f 1 <<<"$counted")
tap_is "$counted" "$(calls "$log" | grep -wF "$names")" "T36 as often as the kernel sees them"
tap_is "$(grep -c 'O_CREAT' "$log")" \
        "$("${sweep[@]}" --count | awk '/^openat2? changes/ { n += $3 } END { print n }')" "T36 files that are made, too"

# All that can change a file (syscalls(2)).
changing='openat2?|creat|open|write|writev|pwrite64|pwritev2?|sendfile|splice|copy_file_range|truncate|ftruncate|fallocate'
changing+='|rename|renameat2?|mkdir|mkdirat|rmdir|unlink|unlinkat|link|linkat|symlink|symlinkat|mknod|mknodat'
changing+='|chmod|fchmod|fchmodat2?|chown|lchown|fchown|fchownat|utime|utimes|futimesat|utimensat|[lf]?setxattr(at)?'
changing+='|[lf]?removexattr(at)?|flock|f?sync|fdatasync|syncfs|sync_file_range|msync|io_uring_enter|mount|umount2'
tap_is "$(calls "$log" | grep -E "^($changing) " | grep -Ev "$talks" | cut -d ' ' -f 1)" "$names" \
        "T36 and nothing else can have changed a file"
tap_done

#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The sweep can fail: it sees each of the ways in which tests/crash/seams.c breaks the program, by the invariant that is
# violated.
. "$(dirname "$0")/sweep-lib.sh" || exit 99
sweep_possible
sweep_memory

while IFS=$'\t' read -r name call number violates how; do
        tap_status 1 "$name is found" "$BUILDDIR/tests/crash/sweep" --break="$name" --call="$call" \
                --number="$number" --first --faults=kill,error "$SWEEP_FROM" "$SWEEP_AT" few
        tap_like "$OUTPUT" "^# after .*: $violates " "T36 $name ($how) violates $violates"
done < <("$BUILDDIR/tests/crash/sweep" --breakages)
tap_done

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd says about the run that failed, and what that means.
 *
 *     Run run = run_from_environment("kube-renewd.service");
 *     if (!run_has_reported(&run, "/var/lib/kube-renewd"))
 *             run_reason(&run, reason), run_repair(&run, repair);
 *     if (run.gave_up)
 *             r = run_permit_start(&run);
 *
 * systemd.exec(5): $MONITOR_SERVICE_RESULT, $MONITOR_EXIT_CODE, $MONITOR_EXIT_STATUS and
 * $MONITOR_INVOCATION_ID are set for a unit that was started by OnFailure=, since version 251, if
 * only one unit names it there. */

#include <stdbool.h>

#define WORD_SIZE   128
#define REASON_SIZE 512
#define REPAIR_SIZE 512

/* Each of letters, digits and ".:@_-" only; "" if systemd does not say it. */
typedef struct Run {
        char unit[WORD_SIZE];
        char result[WORD_SIZE]; /* "signal", "exit-code", "timeout", "start-limit-hit", ... */
        char code[WORD_SIZE];   /* "exited", "killed", "dumped"; "" if the program never ran */
        char status[WORD_SIZE]; /* "226", "KILL" */
        char invocation[WORD_SIZE];
        bool gave_up; /* it ended unfinished, and systemd will not try again */
} Run;

Run run_from_environment(const char *unit);

/* True if the run's own report is on disk (renew/state/reported.h), and there is nothing to add to
 * it. */
bool run_has_reported(const Run *run, const char *state_directory);

/* One line for people, without a full stop. */
void run_reason(const Run *run, char reason[REASON_SIZE]);

/* What to do about it, for people; with a full stop. */
void run_repair(const Run *run, char repair[REPAIR_SIZE]);

/* The tries that are used up count no longer, so that the next start (by the timer, by a person) is
 * not refused, whenever they began. -EIO if systemd does not do it; systemctl has said why. */
int run_permit_start(const Run *run);

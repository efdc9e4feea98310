/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Restarts what is owed a restart, in order, one at a time, each healthy and proven before the
 * next; what loads its files by itself is only proven.
 *
 *     r = restart_enter_stale(&input, reterr);      what nobody has entered in the ledger yet
 *     r = restart_run(&input, &report, reterr);
 *     for (i = 0; i < report->n; i++) ... report->results[i].outcome
 *
 * An entry of the ledger goes only when it is proven. A component that was healthy and does not
 * come back with the new files gets the old ones again, where they are good past the next pass, and
 * one more restart; it is then left alone for a while (renew/state/hold.h). One that was not
 * healthy keeps the new ones. Never restarts what would not survive a start (a mismatched pair),
 * what nobody would start again (the kubelet is down), or what depends on something that is ill
 * while it is well itself. */

#include "base/txn.h"
#include "renew/restart/verify.h"
#include "renew/state/hold.h"

typedef enum RestartOutcome {
        RESTART_PROVEN,      /* it uses what is on disk, without a restart of ours */
        RESTART_DONE,        /* restarted, healthy and proven */
        RESTART_ROLLED_BACK, /* it runs again, with the old files */
        RESTART_LEFT,        /* still owed */
} RestartOutcome;

/* "was restarted and uses the files on disk": what follows the component's name. */
const char *restart_outcome_text(RestartOutcome outcome);

typedef struct RestartResult {
        char *component;
        RestartOutcome outcome;
        char *text; /* why, for the last two; NULL otherwise */
} RestartResult;

typedef struct RestartReport {
        RestartResult
                *results; /* in the order of the restarts; the last one of a component counts */
        size_t n;
        bool rolled_back;  /* files have changed: look again */
        char *turn_holder; /* the host, or whoever it is, that had the turn in the end; NULL: nobody
                              else, or nobody was asked */
} RestartReport;

void restart_report_free(RestartReport *report);
DEFINE_AUTOPTR(RestartReport, restart_report_free)

typedef struct RestartInput {
        int root_fd;
        const Config *config;
        Running *running;
        const Assessment *assessment; /* of what is on disk now */
        Txn *txn;                     /* the lock: open, recovered, nothing in it */
        const char *pass_id;
        int64_t now;
} RestartInput;

/* Enters what runs with files that are no longer on disk, whoever changed them, and what is older
 * than its LoopbackAge=. What is no longer on this host owes nothing and is not held. What runs
 * well with files that are newer than what it was rolled back to is held no longer. */
int restart_enter_stale(const RestartInput *input, Error *reterr) MUST_USE;

/* Fails only if the ledger itself cannot be read or written. */
int restart_run(const RestartInput *input, RestartReport **ret, Error *reterr) MUST_USE;

/* What became of this component, NULL if it was not in the ledger. report may be NULL. */
const RestartResult *restart_result_find(const RestartReport *report, const char *component);

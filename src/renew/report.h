/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells the world: journal events, alarm files, status.json. The last stage of a pass, also of a
 * failed one.
 *
 *     report_outcomes(&input)     journal: one event per certificate that was renewed or failed,
 * one summary r = report_alarms(&input, reterr)    raises and clears by evidence of the assessment
 * AFTER the pass r = report_status(&input, reterr)    public/status.json, written last
 *
 * An alarm is cleared only if the same kind of look that raised it now shows the fault gone; what
 * this pass did not look at stays. */

#include "host/alarm.h"
#include "renew/issue.h"
#include "renew/restart.h"
#include "renew/row.h"

/* What happened, as far as the pass came. Members may be NULL where it did not come so far. */
typedef struct ReportInput {
        int root_fd;
        const char *pass_id;
        int64_t now;
        const Config *config;
        const Assessment *before; /* the pass's own assessment */
        const Plan *plan;
        const Issuance *issuance;
        bool committed;             /* the issuance is on disk */
        const TxnOutcome *recovery; /* what an earlier crash left, or NULL */
        const TxnOutcome *commit;   /* conflicts of this pass's own commit, or NULL */
        const Assessment
                *after; /* of what is on disk now; the same as `before` if nothing was written */
        const OwedList *owed;
        int exit_status;
        const char *failure; /* why the pass as a whole failed, or NULL */
} ReportInput;

/* What recovery had to do, for the journal; NULL: nothing. Also the whole report of the verb
 * `recover`. */
void report_recovery(const TxnOutcome *recovery);

/* Journal only; cannot fail. Begins with report_recovery(). */
void report_outcomes(const ReportInput *input);

int report_alarms(const ReportInput *input, Error *reterr) MUST_USE;

/* generation lastRun lastSuccess nextDue validUntil hostname passId exitStatus certificates[]
 * (rows_to_json) alarms[] restartsOwed[]. valid_until: now + 2 days + 6 h. */
int report_status(const ReportInput *input, Error *reterr) MUST_USE;

/* The alarms that are active on this host, as report_alarms() left them. */
int report_read_alarms(int root_fd, const Config *config, AlarmList **ret, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells the world: journal events, alarm files, status.json. The last stage of a pass, also of a
 * failed one.
 *
 *     report_outcomes(&input);                 journal: what was done, and one summary
 *     r = report_alarms(&input, reterr);       raised and cleared by evidence AFTER the pass
 *     r = report_status(&input, reterr);       public/status.json, of all that
 *
 * An alarm is cleared only if the same look that raises it now shows the fault gone, or if its
 * resource is no longer in the inventory; what this pass did not look at stays. */

#include "host/alarm.h"
#include "renew/issue/issue.h"
#include "renew/plan/guard.h"
#include "renew/report/row.h"
#include "renew/restart/restart.h"

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
        const RestartReport *restarts;    /* what became of the restarts, or NULL */
        const HoldList *holds;            /* what was rolled back, or NULL */
        const Verification *verification; /* what the processes use now, or NULL */
        const GuardFindings *guards;      /* of a pass, or NULL */
        const PendingList *pendings;      /* requests that are on disk now; NULL: not known */
        int exit_status;
        const char *failure;        /* why the pass as a whole failed, or NULL */
        const char *config_failure; /* why its configuration cannot be used, or NULL */
        bool nightly;               /* `run` */
} ReportInput;

/* Journal only; cannot fail. */
void report_outcomes(const ReportInput *input);

/* One event: this pass did not act, and why. report_outcomes() does it for an implausible clock. */
void report_postponed(const char *reason);

/* The resource is the name of a certificate's row, of a component, or "host" for a pass that failed
 * as a whole. Goes on after a file that cannot be written; the first failure is returned. */
int report_alarms(const ReportInput *input, Error *reterr) MUST_USE;

/* The same, but nothing is moved: for who has no configuration, or perhaps not the lock. */
int report_incident_alarms(const ReportInput *input, Error *reterr) MUST_USE;

/* For what has no certificates to show (a recovery by itself, a report that failed, a configuration
 * that cannot be used): journal and alarms of input->recovery, input->failure and
 * input->config_failure, each of which may be NULL, then report_status_alarms(), without which the
 * alarms are raised all the same. Clears nothing. */
int report_incident(const ReportInput *input, Error *reterr) MUST_USE;

/* generation last_run last_success next_due valid_until hostname pass_id exit_status certificates[]
 * (rows_to_json) alarms[] shelved[] (alarm_to_json) restarts_owed[] turn_holder version.
 * valid_until: now + 2 days + 6 h. A pass that saw no certificate keeps the ones of the status
 * before, and their end of validity. */
int report_status(const ReportInput *input, Error *reterr) MUST_USE;

/* Puts the alarms that are active and shelved now into the status.json that is there, and makes the
 * metrics anew of it; nothing else in it changes but its generation. Where there is none, and where
 * the alarms are the same, nothing is written. */
int report_status_alarms(const ReportInput *input, Error *reterr) MUST_USE;

/* public/kube-renewd.prom, made from the status.json that is there now: the same truth in both. */
int report_metrics(const ReportInput *input, Error *reterr) MUST_USE;

/* STATE/report.lock: who reads status.json to write it, or the metrics, anew holds it meanwhile.
 * The lock of a pass (base/txn.h) does not do that: what cannot get it raises an alarm, too. Waits;
 * a descriptor, which is all there is to close. Makes STATE/public. */
int report_lock(const ReportInput *input, Error *reterr) MUST_USE;

/* The alarms that are active on this host, as report_alarms() left them; and the shelved ones. */
int report_read_alarms(int root_fd, const Config *config, AlarmList **ret, Error *reterr) MUST_USE;
int report_read_shelved(int root_fd, const Config *config, AlarmList **ret, Error *reterr) MUST_USE;

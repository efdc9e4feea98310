/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the pass has shown of one kind of fault at one certificate: there it is, it is gone, or
 * nothing either way. Pure: no file, no clock, no log.
 *
 *     const Look look = {input, item, verdict};
 *     if (evidence_look(ALARM_TYPE_EXPIRED, &look, &finding) == EVIDENCE_FAULT) ... finding.reason
 *     finding_done(&finding);
 *
 * The same look raises an alarm and clears it, so that none can clear itself although the fault is
 * still there. What cannot be seen (a file that cannot be read has no dates) is no evidence. */

#include "renew/event/alarm-types.h"
#include "renew/report/report.h"

typedef enum Evidence {
        EVIDENCE_NONE, /* an alarm that is active stays, none is raised */
        EVIDENCE_FAULT,
        EVIDENCE_GONE,
} Evidence;

/* Of a fault. */
typedef struct Finding {
        AlarmSeverity severity;
        char *text;
        const char *repair_action;
        char *reason; /* NULL if there is no fault */
} Finding;

void finding_done(Finding *finding);

/* One certificate after the pass, and the pass. */
typedef struct Look {
        const ReportInput *input;
        const Item *item;
        const Verdict *verdict;
} Look;

/* False for a type that is about no certificate (a component, the host). */
bool evidence_is_of_item(AlarmType type);

/* Only for types of items. */
Evidence evidence_look(AlarmType type, const Look *look, Finding *finding);

/* Of a copy; input->after is there. */
Evidence evidence_look_at_copy(const ReportInput *input, const CopyEntry *entry, Finding *finding);

/* Of the rotation of a CA, by its record and what is on disk. The caller frees the reason. */
Evidence evidence_look_at_rotation(const ReportInput *input, const char *id, char **ret_reason);

/* Of the host as a whole, by what the guards of the pass have found. */
bool evidence_is_of_host(AlarmType type);
Evidence evidence_look_at_host(AlarmType type, const ReportInput *input, Finding *finding);

/* The first certificate that has this file, NULL if none has. */
const Item *evidence_item_of_path(const Assessment *assessment, const char *path);

/* What became of a file that somebody else wrote; the caller frees. */
char *evidence_conflict_text(const TxnConflict *conflict);

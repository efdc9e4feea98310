/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/evidence.h"

/* Why this pass has not written that file although it wanted to; NULL if it did not want to. */
static const char *failure_of(const ReportInput *input, const char *path)
{
        const Issuance *issuance = input->issuance;
        const Plan *plan = issuance ? issuance->plan : NULL;

        for (size_t i = 0; plan && i < plan->n_copies; i++)
                if (streq(plan->copies[i].copy->target->path, path))
                        return issuance->copy_failures[i];
        return NULL;
}

/* What is wrong with one file; NULL if nothing is. */
static const char *fault_of(
        const ReportInput *input, const InventoryCopy *copy, const CopyVerdict *verdict)
{
        const char *failure = failure_of(input, copy->target->path);

        switch (verdict->state) {
        case COPY_CURRENT:
        case COPY_UNKNOWN:
                return NULL;
        case COPY_ABSENT:
                return copy->target->entry->create ? failure : NULL;
        default:
                return failure ? failure : verdict->text;
        }
}

Evidence evidence_look_at_copy(const ReportInput *input, const CopyEntry *entry, Finding *finding)
{
        const AlarmTypeInfo *info = alarm_type_info(ALARM_TYPE_STALE_COPY);
        const Assessment *after = input->after;
        autostrv reasons = NULL;
        bool known = true;

        *finding = (Finding){info->severity, xstrdup(info->text), info->repair_action, NULL};
        for (size_t i = 0; i < after->n_copies; i++) {
                const InventoryCopy *copy = &after->inventory->copies[i];
                const char *fault;

                if (copy->target->entry != entry)
                        continue;
                known = known && after->copies[i].state != COPY_UNKNOWN;
                fault = fault_of(input, copy, &after->copies[i]);
                if (fault && !strv_contains(reasons, fault))
                        strv_add(&reasons, fault);
        }
        if (!reasons)
                return known ? EVIDENCE_GONE : EVIDENCE_NONE;
        finding->reason = strv_join(reasons, "; ");
        return EVIDENCE_FAULT;
}

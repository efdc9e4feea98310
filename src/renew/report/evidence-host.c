/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/evidence.h"

static Evidence judge(const char *reason, bool has_looked, Finding *finding)
{
        finding->reason = xstrdup(reason);
        if (reason)
                return EVIDENCE_FAULT;
        return has_looked ? EVIDENCE_GONE : EVIDENCE_NONE;
}

/* Who has seen certificates had a clock that can be believed. */
static Evidence look_clock(const ReportInput *input, Finding *finding)
{
        return judge(input->guards->clock, input->after, finding);
}

static Evidence look_missed_run(const ReportInput *input, Finding *finding)
{
        return judge(input->guards->missed_run, input->after && input->guards->is_next, finding);
}

/* Who has seen certificates had the lock, too; but had it ended halfway, they would still wait. */
static Evidence look_postponed(const ReportInput *input, Finding *finding)
{
        if (input->guards->overridden) {
                free(finding->text);
                finding->text = xstrdup("The renewal was postponed until little time was left, and "
                                        "goes ahead.");
                return judge(input->guards->overridden, true, finding);
        }
        return judge(input->guards->lock, input->after && !input->failure, finding);
}

static Evidence (*const looks[N_ALARM_TYPES])(const ReportInput *input, Finding *finding) = {
        [ALARM_TYPE_CLOCK_IMPLAUSIBLE] = look_clock,
        [ALARM_TYPE_MISSED_RUN] = look_missed_run,
        [ALARM_TYPE_POSTPONED] = look_postponed,
};

bool evidence_is_of_host(AlarmType type)
{
        return looks[type];
}

Evidence evidence_look_at_host(AlarmType type, const ReportInput *input, Finding *finding)
{
        const AlarmTypeInfo *info = alarm_type_info(type);

        *finding = (Finding){info->severity, xstrdup(info->text), info->repair_action, NULL};
        return input->guards ? looks[type](input, finding) : EVIDENCE_NONE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/plan/guard.h"

#include "base/time-util.h"

/* A clock that is kept right is moved by seconds. Certificates are back-dated by as much. */
#define TOLERANCE (5 * MINUTE)

/* Tries of the same night follow each other after a quarter of an hour (RestartSec=). */
#define SECOND_TRY (45 * MINUTE)

/* A month without any pass, and then a clock that nobody vouches for. */
#define JUMP_MOST (35 * DAY)

void guard_findings_done(GuardFindings *findings)
{
        free(findings->clock);
        free(findings->missed_run);
        free(findings->lock);
        free(findings->upgrade);
        free(findings->overridden);
        *findings = (GuardFindings){};
}

/* What is of the future cannot have been. */
static char *why_too_early(const ClockFacts *facts)
{
        char now[TIME_TEXT_SIZE], then[TIME_TEXT_SIZE];

        time_format(facts->now, now);
        if (facts->newest > facts->now)
                return xasprintf("the clock says %s, and the newest certificate that was issued "
                                 "here begins %s ('%s/history.json')",
                        now, time_format(facts->newest, then), facts->state_directory);
        if (facts->last_run > facts->now + TOLERANCE)
                return xasprintf("the clock says %s, and the last pass was at %s "
                                 "('%s/public/status.json')",
                        now, time_format(facts->last_run, then), facts->state_directory);
        if (facts->is_read && facts->built > facts->now + TOLERANCE)
                return xasprintf("the clock says %s, and this program was made at %s", now,
                        time_format(facts->built, then));
        return NULL;
}

bool guard_sees_jump(const ClockFacts *facts)
{
        return facts->is_read && facts->last_run != 0 && facts->now - facts->last_run > JUMP_MOST;
}

char *guard_clock(const ClockFacts *facts)
{
        char now[TIME_TEXT_SIZE], then[TIME_TEXT_SIZE], span[SPAN_TEXT_SIZE];
        char *reason = why_too_early(facts);

        if (reason || !facts->unsynchronised || !guard_sees_jump(facts))
                return reason;
        return xasprintf("the clock says %s, %s after the last pass (%s, by "
                         "'%s/public/status.json'), and is not synchronised",
                time_format(facts->now, now), span_format(facts->now - facts->last_run, span),
                time_format(facts->last_run, then), facts->state_directory);
}

char *guard_clock_set(int64_t then, int64_t now, int64_t passed)
{
        char before[TIME_TEXT_SIZE], after[TIME_TEXT_SIZE];

        if (llabs(now - then - passed) <= TOLERANCE)
                return NULL;
        return xasprintf("the clock was set while this pass ran: from %s to %s",
                time_format(then + passed, before), time_format(now, after));
}

bool guard_is_next_run(const ClockFacts *facts)
{
        int64_t age = facts->now - facts->last_run;

        return facts->last_run != 0 && age > SECOND_TRY && age <= TWO_NIGHTS;
}

char *guard_missed_run(const ClockFacts *facts)
{
        int64_t since = facts->boot > facts->last_run ? facts->boot : facts->last_run;
        char last[TIME_TEXT_SIZE], boot[TIME_TEXT_SIZE], span[SPAN_TEXT_SIZE];

        if (facts->last_run == 0 || facts->now - since <= TWO_NIGHTS)
                return NULL;
        return xasprintf("the last pass came to its end at %s, %s before this one%s%s",
                time_format(facts->last_run, last), span_format(facts->now - facts->last_run, span),
                facts->boot != 0 ? "; the host is up since " : "",
                facts->boot != 0 ? time_format(facts->boot, boot) : "");
}

/* The one that ends first of those that cannot wait. */
static const Verdict *more_urgent(
        const Item *item, const Verdict *verdict, const Config *config, const Verdict *urgent)
{
        if (!item->cert || verdict->residual >= config->postpone_limit)
                return urgent;
        return !urgent || verdict->residual < urgent->residual ? verdict : urgent;
}

/* NULL if all can wait. */
static const Verdict *most_urgent(
        const Assessment *assessment, const Plan *plan, const Config *config)
{
        const Verdict *urgent = NULL;

        for (size_t i = 0; plan && i < plan->n_steps; i++)
                urgent = more_urgent(plan->steps[i].item, plan->steps[i].verdict, config, urgent);
        for (size_t i = 0; !plan && i < assessment->n; i++)
                if (assessment->verdicts[i].due)
                        urgent = more_urgent(&assessment->inventory->items[i],
                                &assessment->verdicts[i], config, urgent);
        return urgent;
}

char *guard_urgent(
        const Assessment *assessment, const Plan *plan, const Config *config, const char *reason)
{
        const Verdict *urgent = most_urgent(assessment, plan, config);
        char end[TIME_TEXT_SIZE];

        if (!urgent)
                return NULL;
        const Item *item = &assessment->inventory->items[urgent - assessment->verdicts];

        return xasprintf("%s; '%s' %s %s", reason, item->name,
                urgent->residual < 0 ? "expired" : "expires",
                time_format(item->cert->not_after, end));
}

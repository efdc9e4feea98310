/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a step says of itself. */
#include "renew/plan/plan.h"

static const char *const outcome_names[] = {
        [OUTCOME_RENEWED] = "renewed",
        [OUTCOME_NOT_DUE] = "not due",
        [OUTCOME_FAILED] = "failed",
        [OUTCOME_EXTERNAL] = "external",
        [OUTCOME_MISSING] = "missing",
        [OUTCOME_CA_LIMITED] = "ca-limited",
        [OUTCOME_POSTPONED] = "postponed",
        [OUTCOME_PENDING] = "pending",
};

const char *outcome_name(Outcome outcome)
{
        return outcome_names[outcome];
}

void plan_free(Plan *plan)
{
        if (!plan)
                return;
        for (size_t i = 0; i < plan->n_steps; i++)
                free(plan->steps[i].text);
        for (size_t i = 0; i < plan->n_skips; i++)
                free(plan->skips[i].text);
        restarts_free(plan->restarts, plan->n_restarts);
        plan_copies_free(plan);
        plan_publications_free(plan);
        free(plan->steps);
        free(plan->skips);
        free(plan);
}

const char *step_path(const Step *step)
{
        return step->kind == STEP_REPAIR_CA_DATA ? step->item->kubeconfig_file->path
                                                 : step->item->path;
}

bool step_issues(const Step *step)
{
        return step->kind == STEP_RENEW || step->kind == STEP_CREATE;
}

bool step_keeps_key(const Step *step)
{
        const Item *item = step->item;

        return item->entry->policy.reuse_key && step_issues(step) && item->key && item->key_matches;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/plan/plan.h"

void plan_copies_free(Plan *plan)
{
        for (size_t i = 0; i < plan->n_copies; i++)
                free(plan->copies[i].text);
        free(plan->copies);
}

static void add_copy(Plan *plan, const InventoryCopy *copy, bool is_written, char *text)
{
        plan->copies = xreallocarray(plan->copies, plan->n_copies + 1, sizeof(PlanCopy));
        plan->copies[plan->n_copies++] =
                (PlanCopy){.copy = copy, .is_written = is_written, .text = text};
}

static bool source_changes(const InventoryCopy *copy, char *const *changed)
{
        for (size_t k = 0; k < COPY_PARTS && copy->target->parts[k]; k++)
                if (strv_contains(changed, copy->target->parts[k]))
                        return true;
        return false;
}

static bool source_is_there(const InventoryCopy *copy)
{
        return copy->parts[0] && (copy->parts[1] || !copy->target->parts[1]);
}

/* A fault of a file, NULL if it may be written. */
static const char *fault_of(const InventoryCopy *copy, const CopyVerdict *verdict)
{
        bool faulty = verdict->state == COPY_STALE || verdict->state == COPY_UNREADABLE;

        return faulty && !copy->linked ? verdict->text : NULL;
}

/* A certificate with the key of another one is of no use to anybody: what holds one file back holds
 * back the others of its group. */
static const char *fault_of_group(const Assessment *assessment, unsigned group)
{
        const Inventory *inventory = assessment->inventory;
        const char *fault = NULL;

        for (size_t i = 0; i < inventory->n_copies && !fault; i++)
                if (inventory->copies[i].target->group == group)
                        fault = fault_of(&inventory->copies[i], &assessment->copies[i]);
        return fault;
}

/* Why this copy is to be written, NULL if it is not. */
static const char *reason_to_write(
        const InventoryCopy *copy, CopyState state, bool changes, bool is_asked)
{
        if (state == COPY_CURRENT && changes)
                return "follows its source";
        if (state == COPY_OUTDATED && is_asked)
                return copy->target->entry->overwrite
                               ? "is not what its source is, and Overwrite=yes"
                               : "could not follow its source before";
        if (state == COPY_ABSENT && copy->target->entry->create && is_asked &&
                (changes || source_is_there(copy)))
                return "does not exist, and Create=yes";
        return NULL;
}

void plan_copies(Plan *plan, const PlanRequest *request, char *const *changed)
{
        const Assessment *assessment = plan->assessment;
        const Inventory *inventory = assessment->inventory;

        for (size_t i = 0; i < inventory->n_copies; i++) {
                const InventoryCopy *copy = &inventory->copies[i];
                const CopyVerdict *verdict = &assessment->copies[i];
                bool changes = source_changes(copy, changed);
                const char *why, *fault = fault_of_group(assessment, copy->target->group);

                if (copy->linked)
                        continue;
                why = reason_to_write(copy, verdict->state, changes, changes || !request->names);
                if (fault && (why || changes))
                        add_copy(plan, copy, false, xstrdup(fault));
                else if (why)
                        add_copy(plan, copy, true, xstrdup(why));
        }
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/plan/plan.h"

#include "base/nearest-word.h"
#include "base/time-util.h"

static void add_step(Plan *plan, StepKind kind, const Item *item, const Verdict *verdict,
        DueReason reason, char *text)
{
        plan->steps = xreallocarray(plan->steps, plan->n_steps + 1, sizeof(Step));
        plan->steps[plan->n_steps++] = (Step){
                .kind = kind, .item = item, .verdict = verdict, .reason = reason, .text = text};
}

static void add_skip(
        Plan *plan, const Item *item, Outcome outcome, bool is_failure, const char *text)
{
        plan->skips = xreallocarray(plan->skips, plan->n_skips + 1, sizeof(Skip));
        plan->skips[plan->n_skips++] = (Skip){
                .item = item, .outcome = outcome, .is_failure = is_failure, .text = xstrdup(text)};
}

static bool is_selected(const Item *item, const Verdict *verdict, const PlanRequest *request)
{
        if (request->names)
                return strv_contains(request->names, item->name);
        return item_is_leaf(item) && (request->all || verdict->due);
}

static char *hold_text(const Hold *hold)
{
        char until[TIME_TEXT_SIZE];

        return xasprintf("'%s' was rolled back (%s): left alone until %s", hold->component,
                hold->reason, time_format(hold->until, until));
}

char *plan_loop_text(const Verdict *verdict)
{
        char until[TIME_TEXT_SIZE];

        return xasprintf("it was renewed %d times in 24 hours and is due again (%s): left alone "
                         "until %s",
                LOOP_RENEWALS, verdict->text ? verdict->text : "no reason is known",
                time_format(verdict->loop_until, until));
}

static char *restart_text(const Item *item, const Verdict *verdict)
{
        char at[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];

        return xasprintf("a restart of '%s', which renews it, was asked for %s: not again before "
                         "%s",
                item->entry->issuer.renewed_by, time_format(verdict->restarted_at, at),
                time_format(verdict->restarted_at + RESTART_INTERVAL, until));
}

/* Why what is due is left alone for a while, until somebody names it; NULL if it is not. */
static char *why_postponed(const Item *item, const Verdict *verdict)
{
        if (verdict->hold)
                return hold_text(verdict->hold);
        if (verdict->restarted_at)
                return restart_text(item, verdict);
        return verdict->loop_until ? plan_loop_text(verdict) : NULL;
}

/* A new pair at its source comes by itself, the last good one when somebody asks for it. */
static bool takes_source(const Item *item, const Verdict *verdict, const PlanRequest *request)
{
        return verdict->takes_source && (request->names || !item->source->is_last_good);
}

static bool skip_postponed(
        Plan *plan, const Item *item, const Verdict *verdict, const PlanRequest *request)
{
        bool asked = request->names || request->all;
        autofree char *postponed = verdict->due && !asked ? why_postponed(item, verdict) : NULL;

        if (postponed)
                add_skip(plan, item, OUTCOME_POSTPONED, true, postponed);
        return postponed;
}

bool plan_step_of(const Assessment *assessment, const Item *item, Step *ret)
{
        *ret = (Step){.kind = item->cert ? STEP_RENEW : STEP_CREATE,
                .item = item,
                .verdict = &assessment->verdicts[item - assessment->inventory->items],
                .reason = DUE_REQUESTED};
        return item->cert ||
               (item->error == -ENOENT && !item->kubeconfig && item->entry->identity.common_name);
}

/* What cannot be renewed here is said if it was asked for or is running out; it fails the pass if
 * it was named or is running out. Returns false if nothing is in the way. */
static bool skip_unrenewable(
        Plan *plan, const Item *item, const Verdict *verdict, const PlanRequest *request)
{
        bool ending = verdict->state == STATE_EXPIRED ||
                      (verdict->state == STATE_EXPIRING && !verdict->waits_for_fetch);
        bool asked = request->names || request->all;

        if (takes_source(item, verdict, request))
                return skip_postponed(plan, item, verdict, request);
        if (item->entry->watch) {
                if (asked)
                        add_skip(plan, item, OUTCOME_EXTERNAL, request->names,
                                "somebody else renews it (Watch=yes)");
                return true;
        }
        if (item->renewed_as) {
                if (asked)
                        add_skip(plan, item, OUTCOME_NOT_DUE, request->names, verdict->text);
                return true;
        }
        if (verdict->state == STATE_MISSING) {
                if (!verdict->due)
                        add_skip(plan, item, OUTCOME_MISSING, true, verdict->text);
                return !verdict->due || skip_postponed(plan, item, verdict, request);
        }
        if (verdict->external) {
                if (asked || ending || verdict->source_problem)
                        add_skip(plan, item, OUTCOME_EXTERNAL,
                                request->names || ending || verdict->source_problem,
                                verdict->text ? verdict->text : verdict->why_external);
                return true;
        }

        if (verdict->unproven && !request->names) {
                if (asked || ending)
                        add_skip(plan, item, OUTCOME_FAILED, true, verdict->text);
                return true;
        }

        if (skip_postponed(plan, item, verdict, request))
                return true;

        /* A key that cannot be read may be on its way: replaced when somebody asks for it. */
        if (item->cert && (verdict->state != STATE_INVALID || verdict->due || asked))
                return false;
        add_skip(plan, item, OUTCOME_FAILED, true, verdict->text);
        return true;
}

/* When it is due is known to who renews it: nobody is restarted in vain because of --all. */
static void plan_restart(
        Plan *plan, const Item *item, const Verdict *verdict, const PlanRequest *request)
{
        const char *component = item->entry->issuer.renewed_by;
        autofree char *not_due = xasprintf("'%s' renews it when it is started", component);
        autofree char *absent = xasprintf(
                "'%s', which renews it when it is started, is not on this host", component);

        if (!verdict->due && !request->names)
                add_skip(plan, item, OUTCOME_NOT_DUE, false, not_due);
        else if (!inventory_component(plan->assessment->inventory, component))
                add_skip(plan, item, OUTCOME_FAILED, true, absent);
        else
                add_step(plan, STEP_RESTART, item, verdict,
                        verdict->due ? verdict->reason : DUE_REQUESTED,
                        xstrdup(verdict->due ? verdict->text : "was asked for"));
}

static bool has_repair(const Plan *plan, const char *path)
{
        for (size_t i = 0; i < plan->n_steps; i++)
                if (plan->steps[i].kind == STEP_REPAIR_CA_DATA &&
                        streq(step_path(&plan->steps[i]), path))
                        return true;
        return false;
}

static void plan_item(
        Plan *plan, const Item *item, const Verdict *verdict, const PlanRequest *request)
{
        bool selected = is_selected(item, verdict, request);
        Step step = {};

        /* 1. CA data of a kubeconfig is repaired with every pass, unless only other names were
         * asked for. */
        if (verdict->repair_ca_data && (selected || !request->names) &&
                !has_repair(plan, item->entry->path))
                add_step(plan, STEP_REPAIR_CA_DATA, item, verdict, DUE_NOT,
                        xstrdup("embedded CA data lacks a root of the CA file: append it"));
        if (!item_is_leaf(item) || (request->names && !selected))
                return;

        /* 2. What somebody has brought is not asked whether it could be made here; what cannot be
         * renewed here is said, not passed over. */
        if (request->installs) {
                plan_step_of(plan->assessment, item, &step);
                add_step(plan, step.kind, item, verdict, DUE_REQUESTED,
                        xstrdup("somebody has brought it"));
                return;
        }
        if (skip_unrenewable(plan, item, verdict, request))
                return;

        /* 3. What is due, or was asked for. */
        if (takes_source(item, verdict, request))
                add_step(plan, STEP_TAKE_OVER, item, verdict,
                        verdict->due ? verdict->reason : DUE_REQUESTED, xstrdup(verdict->text));
        else if (selected && issuer_restarts(item->entry))
                plan_restart(plan, item, verdict, request);
        else if (verdict->due)
                add_step(plan, verdict->reason == DUE_MISSING ? STEP_CREATE : STEP_RENEW, item,
                        verdict, verdict->reason, xstrdup(verdict->text));
        else if (selected)
                add_step(plan, STEP_RENEW, item, verdict, DUE_REQUESTED, xstrdup("was asked for"));
}

/* The key file that a step replaces, NULL if the key stays or is in the same file. */
static const char *changed_key_path(const Step *step)
{
        return step->kind == STEP_REPAIR_CA_DATA || step_keeps_key(step) ? NULL
                                                                         : step->item->key_path;
}

static char **changed_paths(const Plan *plan)
{
        char **paths = NULL;

        for (size_t i = 0; i < plan->n_steps; i++) {
                const char *key_path = changed_key_path(&plan->steps[i]);

                if (plan->steps[i].kind == STEP_RESTART)
                        continue;
                strv_add(&paths, step_path(&plan->steps[i]));
                if (key_path)
                        strv_add(&paths, key_path);
        }
        return paths;
}

static void add_written_copies(const Plan *plan, char ***paths)
{
        for (size_t i = 0; i < plan->n_copies; i++)
                if (plan->copies[i].is_written)
                        strv_add(paths, plan->copies[i].copy->target->path);
}

static int unknown_name(const Inventory *inventory, const char *name, Error *reterr)
{
        autofree const char **known = xcalloc(inventory->n_items + 1, sizeof(char *));
        const char *nearest;

        for (size_t i = 0; i < inventory->n_items; i++)
                known[i] = inventory->items[i].name;
        nearest = nearest_word(name, known);
        if (nearest)
                return error_set(reterr, -EINVAL,
                        "no certificate is called '%s'; did you mean '%s'?", name, nearest);
        return error_set(reterr, -EINVAL,
                "no certificate is called '%s'; 'kube-renewd check' lists their names", name);
}

int plan_find_leaf(const Inventory *inventory, const char *name, const Item **ret, Error *reterr)
{
        const Item *found = NULL;

        for (size_t i = 0; i < inventory->n_items && !found; i++)
                if (streq(inventory->items[i].name, name))
                        found = &inventory->items[i];
        if (!found)
                return unknown_name(inventory, name, reterr);
        if (!item_is_leaf(found))
                return error_set(reterr, -EINVAL,
                        "'%s' is a CA certificate, and a pass never renews those; "
                        "'kube-renewd explain %s' says when it ends",
                        name, name);
        *ret = found;
        return 0;
}

static int check_names(const Inventory *inventory, char *const *names, Error *reterr)
{
        const Item *item;
        int r = 0;

        for (; r >= 0 && names && *names; names++)
                r = plan_find_leaf(inventory, *names, &item, reterr);
        return r;
}

int plan_make(const Assessment *assessment, const PlanRequest *request, Plan **ret, Error *reterr)
{
        const Inventory *inventory = assessment->inventory;
        autoptr(Plan) plan = xcalloc(1, sizeof(*plan));
        int r;

        if (request->kubelet_unit)
                return plan_kubelet(assessment, request->kubelet_unit, ret, reterr);

        /* 1. Every name that was asked for must be one. */
        r = check_names(inventory, request->names, reterr);
        if (r < 0)
                return r;

        /* 2. A step, or a skip with its reason, for each certificate concerned. */
        plan->assessment = assessment;
        for (size_t i = 0; i < inventory->n_items; i++)
                plan_item(plan, &inventory->items[i], &assessment->verdicts[i], request);

        /* 3. Copies of what changes, on this host and in Secrets. */
        autostrv paths = changed_paths(plan);
        plan_copies(plan, request, paths);
        plan_publications(plan, paths);
        add_written_copies(plan, &paths);

        /* 4. Restarts follow from the files; components come ordered. */
        plan->restarts = restarts_of_paths(inventory, paths, &plan->n_restarts);
        restarts_add_renewals(
                inventory, plan->steps, plan->n_steps, &plan->restarts, &plan->n_restarts);

        *ret = TAKE(plan);
        return 0;
}

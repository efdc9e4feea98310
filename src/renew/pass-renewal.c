/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/pass-renewal.h"

#include "base/log.h"
#include "host/clock.h"
#include "renew/pass-internal.h"
#include "renew/state/renew-request.h"
#include "renew/unit/interrupt.h"
#include "renew/unit/patience.h"

#define POLL 500 /* milliseconds between two looks */

static const char *renewer_of(const Item *item)
{
        return item->entry->issuer.renewed_by;
}

bool pass_has_renewals(const Pass *pass)
{
        for (size_t i = 0; pass->plan && i < pass->plan->n_steps; i++)
                if (pass->plan->steps[i].kind == STEP_RESTART)
                        return true;
        return false;
}

/* On disk before anything is restarted: no crash, and no later pass, can make one restart two. */
static int remember(Pass *pass, Error *reterr)
{
        const Plan *plan = pass->plan;

        for (size_t i = 0; i < plan->n_steps; i++)
                if (plan->steps[i].kind == STEP_RESTART)
                        history_add_restart(pass->history, plan->steps[i].item->name, pass->now);
        return history_write(pass->root_fd, pass->config->state_directory, pass->history, reterr);
}

int pass_owe_renewals(Pass *pass, Error *reterr)
{
        const Plan *plan = pass->plan;
        int r;

        if (!pass_has_renewals(pass))
                return 0;
        r = remember(pass, reterr);
        for (size_t i = 0; r >= 0 && i < plan->n_restarts; i++)
                if (plan->restarts[i].renews)
                        r = owed_add(pass->root_fd, pass->config->state_directory,
                                &plan->restarts[i], 1, pass->id, pass->now, reterr);
        return r < 0 ? error_prefix(reterr, r, "cannot note the restart that will be owed") : 0;
}

/* The certificate of that name as it is on disk now. */
static const Item *item_now(const Pass *pass, const Item *item)
{
        const Inventory *inventory = pass_latest(pass)->inventory;

        for (size_t i = 0; i < inventory->n_items; i++)
                if (streq(inventory->items[i].name, item->name))
                        return &inventory->items[i];
        return NULL;
}

static bool is_renewed(const Pass *pass, const Item *item)
{
        const Item *now = item_now(pass, item);

        return now && now->cert && (!item->cert || now->cert->not_after > item->cert->not_after);
}

/* What a restart was asked for lately, by this pass or one before. */
static bool is_asked_for(const Skip *skip)
{
        return skip->outcome == OUTCOME_POSTPONED && issuer_restarts(skip->item->entry);
}

static const RestartResult *result_of(const Pass *pass, const Item *item)
{
        return restart_result_find(pass->restarts, renewer_of(item));
}

/* All that is to be renewed by a restart of this pass, or of one before that is owed. */
static const Item **awaited_items(const Pass *pass, size_t *ret_n)
{
        const Plan *plan = pass->plan;
        const Item **items = xcalloc(plan ? plan->n_steps + plan->n_skips : 0, sizeof(Item *));
        size_t n = 0;

        for (size_t i = 0; plan && i < plan->n_steps; i++)
                if (plan->steps[i].kind == STEP_RESTART)
                        items[n++] = plan->steps[i].item;
        for (size_t i = 0; plan && i < plan->n_skips; i++)
                if (is_asked_for(&plan->skips[i]))
                        items[n++] = plan->skips[i].item;
        *ret_n = n;
        return items;
}

/* How long the components that have been started just now may take: no longer than what loads its
 * files by itself. */
static int64_t patience(const Pass *pass, const Item *const *items, size_t n)
{
        int64_t longest = 0;

        for (size_t i = 0; i < n; i++) {
                const RestartResult *result = result_of(pass, items[i]);
                const ComponentEntry *entry =
                        layout_find_component(&pass->config->layout, renewer_of(items[i]));

                if (result && result->outcome == RESTART_DONE && entry->start_timeout > longest)
                        longest = entry->start_timeout;
        }
        return longest < PATIENCE_RELOAD ? longest : PATIENCE_RELOAD;
}

/* Its component has just been started, and may not have come so far. */
static bool is_missed(const Pass *pass, const Item *const *items, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const RestartResult *result = result_of(pass, items[i]);

                if (result && result->outcome == RESTART_DONE && !is_renewed(pass, items[i]))
                        return true;
        }
        return false;
}

/* A service that runs is not always one that has come to its end with its files. */
int pass_await_renewals(Pass *pass, Error *reterr)
{
        size_t n;
        autofree const Item **items = awaited_items(pass, &n);
        int64_t deadline = clock_monotonic() + patience(pass, items, n) * 1000;
        int r;

        if (n == 0 || !pass->restarts || pass->restarts->n == 0)
                return 0;
        log_status("Waiting for renewed certificates");
        for (;;) {
                r = pass_look_again(pass, reterr);
                if (r < 0 || !is_missed(pass, items, n) || clock_monotonic() >= deadline ||
                        interrupt_is_pending())
                        return r;
                log_wait(deadline - clock_monotonic());
                clock_sleep(POLL);
        }
}

static char *owed_text(const Pass *pass, const Item *item)
{
        const RestartResult *result = result_of(pass, item);
        const char *why = result && result->text ? result->text : NULL;

        return xasprintf("the restart of '%s', which renews it, is still owed%s%s",
                renewer_of(item), why ? ": " : "", why ? why : "");
}

static char *failure_text(const Pass *pass, const Item *item)
{
        const Item *now = item_now(pass, item);
        char end[TIME_TEXT_SIZE];

        if (!result_of(pass, item))
                return xasprintf("'%s', which renews it, was not restarted", renewer_of(item));
        if (!now || !now->cert)
                return xasprintf("'%s' was restarted and has not made it", renewer_of(item));
        return xasprintf("'%s' was restarted and has not renewed it: it ends %s, as before",
                renewer_of(item), time_format(now->cert->not_after, end));
}

static void judge(const Pass *pass, IssueResult *result)
{
        const Item *item = result->step->item;

        if (is_renewed(pass, item))
                issue_result_found(result, OUTCOME_RENEWED, item_now(pass, item)->cert, NULL);
        else if (owed_find(pass->owed, renewer_of(item)))
                issue_result_found(result, OUTCOME_PENDING, NULL, owed_text(pass, item));
        else
                issue_result_found(result, OUTCOME_FAILED, NULL, failure_text(pass, item));
}

/* Whoever has asked for it by a file gets a receipt from what is in place then; a start in vain is
 * not repeated for him night after night. */
static void tell_who_asked(const Pass *pass, const IssueResult *result)
{
        const char *state = pass->config->state_directory;
        const Item *item = result->step->item;
        autofree char *file_name = renew_request_file_name(item->name);
        Error error = {};
        int r = 0;

        if (item->request.state != RENEW_REQUEST_OPEN)
                return;
        if (result->outcome == OUTCOME_RENEWED)
                r = renew_request_note(
                        pass->root_fd, state, file_name, &result->cert->sha256, pass->now, &error);
        else if (result->outcome == OUTCOME_FAILED && result->step->reason == DUE_REQUESTED)
                r = renew_request_answer(
                        pass->root_fd, state, file_name, pass->now, result->text, &error);
        if (r < 0)
                log_debug("no receipt can be made: %s", error.text);
}

void pass_judge_renewals(Pass *pass)
{
        for (size_t i = 0; pass->issuance && i < pass->issuance->n; i++)
                if (pass->issuance->results[i].step->kind == STEP_RESTART) {
                        judge(pass, &pass->issuance->results[i]);
                        tell_who_asked(pass, &pass->issuance->results[i]);
                }
        for (size_t i = 0; pass->plan && i < pass->plan->n_skips; i++) {
                Skip *skip = &pass->plan->skips[i];

                if (is_asked_for(skip) && (is_renewed(pass, skip->item) ||
                                                  owed_find(pass->owed, renewer_of(skip->item))))
                        skip->is_failure = false;
        }
}

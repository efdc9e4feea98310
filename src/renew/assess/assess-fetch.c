/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/assess/assess-internal.h"

/* What is there and cannot be read is for somebody to look at. */
static bool is_newer(const Item *item)
{
        const Cert *leaf = item->source->chain->certs[0];

        return item->cert ? leaf->not_after > item->cert->not_after : item->error == -ENOENT;
}

/* Why this pair must not be taken; dates count where it would be. NULL if it may. */
static char *problem_of(const Item *item, int64_t now)
{
        const PairSource *source = item->source;
        autofree char *why = source->problem || is_newer(item) ? source_problem(source, now) : NULL;

        return why ? xasprintf("'%s': %s", item->name, why) : NULL;
}

/* One that is not sound is reason enough to think nothing of the others. */
static FetchVerdict judge(const FetchedSecret *secret, const Inventory *inventory, int64_t now)
{
        FetchVerdict verdict = {.entry = secret->entry,
                .is_silent = secret->problem,
                .problem = xstrdup(secret->problem)};

        for (size_t i = 0; i < inventory->n_items && !verdict.problem; i++) {
                const Item *item = &inventory->items[i];

                if (item->source && item->source->fetch == secret->entry)
                        verdict.problem = problem_of(item, now);
        }
        return verdict;
}

void assess_fetches(Assessment *assessment)
{
        const Inventory *inventory = assessment->inventory;
        const FetchedList *fetched = inventory->fetched;

        assessment->n_fetches = fetched ? fetched->n : 0;
        assessment->fetches = xcalloc(assessment->n_fetches, sizeof(FetchVerdict));
        for (size_t i = 0; i < assessment->n_fetches; i++)
                assessment->fetches[i] = judge(&fetched->secrets[i], inventory, assessment->now);
}

void assess_fetches_free(Assessment *assessment)
{
        for (size_t i = 0; i < assessment->n_fetches; i++)
                free(assessment->fetches[i].problem);
        free(assessment->fetches);
}

int64_t assess_own_span(const Assessment *assessment, const Item *item)
{
        int64_t span = due_span(&item->entry->policy, item->cert);
        int64_t limit = assessment->config->postpone_limit;

        return limit < span && item_is_fetched(item, &assessment->config->layout) ? limit : span;
}

void assess_fetched(
        const Assessment *assessment, const Item *item, bool is_broken, Verdict *verdict)
{
        const PairSource *source = item->source;
        const Config *config = assessment->config;
        autofree char *why = NULL;

        verdict->waits_for_fetch = item->cert && item_is_fetched(item, &config->layout) &&
                                   verdict->residual >= config->postpone_limit;
        if (!source || !source->fetch)
                return;
        why = source_problem(source, assessment->now);
        for (size_t i = 0; i < assessment->n_fetches; i++)
                if (assessment->fetches[i].entry == source->fetch)
                        verdict->takes_source = !why && !assessment->fetches[i].problem &&
                                                (is_broken || is_newer(item));
        if (verdict->takes_source)
                verdict_note(verdict, verdict->state, "%s holds a newer one", source->place);
}

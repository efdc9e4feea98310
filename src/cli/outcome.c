/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/outcome.h"

#include "cli/command.h"
#include "cli/text.h"

/* One line: "apiserver: renewed, until Nov 11, 2028 23:26 UTC". */
static void print_result(const IssueResult *result, bool dry_run)
{
        const char *name = result->step->item->name;
        char date[DATE_TEXT_SIZE];
        autofree char *line = NULL;

        if (result->step->kind == STEP_RESTART && dry_run)
                line = xasprintf("%s: '%s' would renew it", name,
                        result->step->item->entry->issuer.renewed_by);
        else if (result->outcome == OUTCOME_PENDING && dry_run)
                line = xasprintf("%s: would be asked for elsewhere", name);
        else if (result->outcome != OUTCOME_RENEWED)
                line = xasprintf("%s: %s: %s", name, outcome_name(result->outcome),
                        result->text ? result->text : "no reason is known");
        else if (!result->cert)
                line = xasprintf("%s: %s", name,
                        dry_run ? "roots would be appended to its CA data"
                                : "roots appended to its CA data");
        else
                line = xasprintf("%s: %s, until %s", name,
                        dry_run ? "would be renewed" : outcome_name(result->outcome),
                        text_date(result->cert->not_after, date));
        text_line(line);
}

static void print_results(const Pass *pass, bool dry_run)
{
        for (size_t i = 0; pass->issuance && i < pass->issuance->n; i++)
                print_result(&pass->issuance->results[i], dry_run);
        for (size_t i = 0; pass->plan && i < pass->plan->n_skips; i++) {
                const Skip *skip = &pass->plan->skips[i];
                autofree char *line =
                        xasprintf("%s: %s%s%s", skip->item->name, outcome_name(skip->outcome),
                                skip->text ? ": " : "", skip->text ? skip->text : "");

                text_line(line);
        }
        if (pass->plan && pass->plan->n_steps == 0 && pass->plan->n_skips == 0)
                text_line("Nothing is due.");
}

static void print_copies(const Pass *pass, bool dry_run)
{
        for (size_t i = 0; pass->issuance && i < pass->plan->n_copies; i++) {
                const PlanCopy *copy = &pass->plan->copies[i];
                const char *failure = pass->issuance->copy_failures[i];
                const char *why = failure ? failure : copy->is_written ? NULL : copy->text;
                autofree char *line = NULL;

                if (why)
                        line = xasprintf("%s: not refreshed: %s", copy->copy->target->path, why);
                else if (dry_run || pass->committed)
                        line = xasprintf("%s: %s", copy->copy->target->path,
                                dry_run ? "would be refreshed" : "refreshed");
                if (line)
                        text_line(line);
        }
}

void print_fetches(const Assessment *assessment)
{
        for (size_t i = 0; assessment && i < assessment->n_fetches; i++) {
                const FetchVerdict *verdict = &assessment->fetches[i];
                autofree char *line = xasprintf("Nothing is taken from Secret %s/%s: %s",
                        verdict->entry->namespace, verdict->entry->secret,
                        verdict->problem ? verdict->problem : "");

                if (verdict->problem)
                        text_line(line);
        }
}

/* Keys of files that are not issued are not published. */
static void print_publications(const Pass *pass, bool dry_run)
{
        for (size_t i = 0; dry_run && pass->issuance && i < pass->plan->n_publications; i++) {
                const PlanPublication *publication = &pass->plan->publications[i];
                const SecretEntry *entry = publication->entry;
                size_t n = strv_length(publication->keys);
                autofree char *line = xasprintf("Secret %s/%s would be written, %zu key%s of it",
                        entry->namespace, entry->secret, n, n == 1 ? "" : "s");

                text_line(line);
        }
}

/* What was planned where nothing was written, what was done and is left where it was. */
static void print_restarts(const Pass *pass, bool dry_run)
{
        for (size_t i = 0; dry_run && pass->issuance && i < pass->plan->n_restarts; i++) {
                const Restart *restart = &pass->plan->restarts[i];
                size_t n = issuance_count(pass->issuance, restart->paths);
                const char *name = restart->component->entry->name, *plural = n == 1 ? "" : "s";
                autofree char *line =
                        restart->renews ? xasprintf("%s would be restarted", name)
                        : restart->is_needed
                                ? xasprintf("%s would be restarted, for %zu new file%s", name, n,
                                          plural)
                                : xasprintf("%s would load %zu new file%s by itself", name, n,
                                          plural);

                if (n > 0 || restart->renews)
                        text_line(line);
        }
        if (!dry_run)
                print_settled(pass);
}

void print_outcome(const Pass *pass, bool dry_run)
{
        print_recovery(&pass->recovery);
        print_fetches(pass->assessment);
        print_results(pass, dry_run);
        print_copies(pass, dry_run);
        print_publications(pass, dry_run);
        print_restarts(pass, dry_run);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/text.h"
#include "renew/row.h"

static const char *const kind_words[] = {
        [STEP_RENEW] = "renew",
        [STEP_CREATE] = "create",
        [STEP_REPAIR_CA_DATA] = "repair-ca-data",
};

/* A step as it is shown, in either form. */
typedef struct StepView {
        const Step *step;
        const Row *row; /* what is there now */
        char *subject;
        char *key;       /* "RSA-2048, a new key", …; NULL for a repair */
        int64_t expires; /* of what would be issued; 0 for a repair */
        char **files;
} StepView;

static void step_view_free(StepView *view)
{
        if (!view)
                return;
        free(view->subject);
        free(view->key);
        strv_free(view->files);
        free(view);
}

DEFINE_AUTOPTR(StepView, step_view_free)

static char *describe_key(const Policy *policy, const char *old)
{
        const char *wanted = policy->key_algorithm == KEY_KIND_NONE
                                     ? NULL
                                     : key_kind_name(policy->key_algorithm);

        if (policy->reuse_key && old)
                return xasprintf("%s, the same key", old);
        if (wanted && old && !streq(wanted, old))
                return xasprintf("%s instead of %s, a new key", wanted, old);
        if (!wanted && !old)
                return xstrdup("a new key");
        return xasprintf("%s, a new key", wanted ? wanted : old);
}

/* What is kept, or what the layout says of a certificate that is missing. */
static char *describe_subject(const Pass *pass, const Item *item, const Row *row)
{
        const char *name = item->entry->identity.common_name;
        autofree char *expanded = NULL;

        if (row->subject_dn)
                return xstrdup(row->subject_dn);
        if (!name || host_identity_expand(&pass->config->host, name, &expanded, NULL) < 0)
                return NULL;
        return xasprintf("CN=%s (from the layout)", expanded);
}

static StepView *view_step(const Pass *pass, const Rows *rows, const Step *step)
{
        const Item *item = step->item;
        const InventoryCa *ca = item->ca ? item->ca : item->expected_ca;
        StepView *view = xcalloc(1, sizeof(*view));

        view->step = step;
        view->row = &rows->rows[item - pass->inventory->items];
        view->subject = describe_subject(pass, item, view->row);
        strv_add(&view->files, item->path);
        if (step->kind == STEP_REPAIR_CA_DATA)
                return view;
        if (item->key_path && !streq(item->key_path, item->path))
                strv_add(&view->files, item->key_path);
        view->key = describe_key(&item->entry->policy, view->row->key_algorithm);
        view->expires = pass->now + item->entry->policy.validity;
        if (ca && ca->signer && view->expires > ca->signer->not_after)
                view->expires = ca->signer->not_after;
        return view;
}

static void print_step(const StepView *view)
{
        char old[DATE_TEXT_SIZE], new[DATE_TEXT_SIZE];
        autofree char *title = xasprintf("%s: %s", view->row->name, view->step->text);
        autofree char *sans = strv_join(view->row->sans, ", ");
        autofree char *more = strv_join(view->step->verdict->missing_sans, ", ");
        autofree char *files = strv_join(view->files, " ");

        printf("\n");
        text_line(title);
        text_field("subject", view->subject);
        text_field("SANs", sans);
        text_field("added SANs", more);
        text_field("key", view->key);
        if (view->expires) {
                autofree char *dates =
                        view->row->not_after
                                ? xasprintf("%s instead of %s", text_date(view->expires, new),
                                          text_date(view->row->not_after, old))
                                : xstrdup(text_date(view->expires, new));
                text_field("expires", dates);
        } else
                text_field("changes", "missing roots are appended to certificate-authority-data");
        text_field("files", files);
}

static json_t *json_step(const StepView *view)
{
        const Step *step = view->step;

        return xcheck(json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "action",
                kind_words[step->kind], "certificate", json_escaped(view->row->name), "dueReason",
                due_reason_name(step->reason), "reason", json_escaped(step->text), "subjectDN",
                json_escaped(view->subject), "key", json_escaped(view->key), "expiryTime",
                json_time(view->expires), "sans", json_strv(view->row->sans), "addedSans",
                json_strv(step->verdict->missing_sans), "files", json_strv(view->files)));
}

static json_t *json_skip(const Skip *skip)
{
        return xcheck(json_pack("{s:o, s:s, s:o}", "certificate", json_escaped(skip->item->name),
                "outcome", outcome_name(skip->outcome), "reason", json_escaped(skip->text)));
}

static json_t *json_restart(const Restart *restart)
{
        return xcheck(json_pack("{s:o, s:o, s:o}", "component",
                json_escaped(restart->component->entry->name), "reason",
                json_escaped(restart->text), "files", json_strv(restart->paths)));
}

static json_t *json_restarts(const Plan *plan, bool are_needed)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < plan->n_restarts; i++)
                if (plan->restarts[i].is_needed == are_needed)
                        json_array_append_new(array, json_restart(&plan->restarts[i]));
        return array;
}

static json_t *json_copied_file(const PlanCopy *copy)
{
        const CopyTarget *target = copy->copy->target;

        return xcheck(json_pack("{s:o, s:o, s:b, s:o}", "path", json_escaped(target->path),
                "source", json_escaped(target->source->name), "written", copy->is_written, "reason",
                json_escaped(copy->text)));
}

static json_t *json_plan(const Pass *pass, const Rows *rows, const Plan *plan)
{
        json_t *steps = json_array(), *skips = json_array(), *copies = json_array();

        for (size_t i = 0; i < plan->n_steps; i++) {
                autoptr(StepView) view = view_step(pass, rows, &plan->steps[i]);

                json_array_append_new(steps, json_step(view));
        }
        for (size_t i = 0; i < plan->n_skips; i++)
                json_array_append_new(skips, json_skip(&plan->skips[i]));
        for (size_t i = 0; i < plan->n_copies; i++)
                json_array_append_new(copies, json_copied_file(&plan->copies[i]));
        return xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o}", "steps", steps, "skips", skips,
                "copies", copies, "restarts", json_restarts(plan, true), "proofs",
                json_restarts(plan, false)));
}

/* Nothing to do is an answer, and the next question is: until when? */
static void print_nothing(const Assessment *assessment)
{
        const Item *next = NULL;
        int64_t at = 0;
        char date[DATE_TEXT_SIZE];

        for (size_t i = 0; i < assessment->n; i++) {
                int64_t due_at = assessment->verdicts[i].due_at;

                if (due_at <= assessment->now || (next && due_at >= at))
                        continue;
                at = due_at;
                next = &assessment->inventory->items[i];
        }
        autofree char *line = next ? xasprintf("Nothing to do; '%s' is the next to be due, on %s.",
                                             next->name, text_date(at, date))
                                   : xstrdup("Nothing to do.");
        text_line(line);
}

static void print_restarts(const Plan *plan)
{
        size_t n = 0;

        for (size_t i = 0; i < plan->n_restarts; i++) {
                const Restart *restart = &plan->restarts[i];

                if (!restart->is_needed)
                        continue;
                autofree char *line = xasprintf("  %zu. %s", ++n, restart->component->entry->name);
                if (n == 1)
                        printf("\nRestarts, in this order:\n");
                text_line(line);
                text_field("", restart->text);
        }
}

static void print_proofs(const Plan *plan)
{
        size_t n = 0;

        for (size_t i = 0; i < plan->n_restarts; i++) {
                const Restart *restart = &plan->restarts[i];

                if (restart->is_needed)
                        continue;
                autofree char *line = xasprintf("  %s", restart->component->entry->name);
                if (++n == 1)
                        printf("\nProven without a restart:\n");
                text_line(line);
                text_field("", restart->text);
        }
}

static void print_copies(const Plan *plan)
{
        if (plan->n_copies > 0)
                printf("\nCopies:\n");
        for (size_t i = 0; i < plan->n_copies; i++) {
                const PlanCopy *copy = &plan->copies[i];
                autofree char *line = xasprintf(
                        "  %s %s", copy->is_written ? "write" : "leave", copy->copy->target->path);

                text_line(line);
                text_field("", copy->text);
        }
}

static void print_plan(const Pass *pass, const Rows *rows, const Plan *plan)
{
        if (plan->n_steps == 0)
                print_nothing(pass->assessment);
        else
                printf("%zu certificate%s would be renewed, in this order:\n", plan->n_steps,
                        plan->n_steps == 1 ? "" : "s");
        for (size_t i = 0; i < plan->n_steps; i++) {
                autoptr(StepView) view = view_step(pass, rows, &plan->steps[i]);

                print_step(view);
        }
        if (plan->n_skips > 0)
                printf("\nLeft as they are:\n");
        for (size_t i = 0; i < plan->n_skips; i++) {
                autofree char *line = xasprintf("  %s: %s", plan->skips[i].item->name,
                        plan->skips[i].text ? plan->skips[i].text
                                            : outcome_name(plan->skips[i].outcome));
                text_line(line);
        }
        print_copies(plan);
        print_restarts(plan);
        print_proofs(plan);
}

int verb_plan(const Options *options)
{
        PlanRequest request = {
                .names = options->n_names > 0 ? options->names : NULL, .all = options->all};
        autoptr(Pass) pass = NULL;
        autoptr(Plan) plan = NULL;
        autoptr(Rows) rows = NULL;
        Error error = {};
        int status, r;

        status = command_look(options, &pass);
        if (status != 0)
                return status;
        r = plan_make(pass->assessment, &request, &plan, &error);
        if (r < 0)
                return command_fail(options, r == -EINVAL ? EXIT_USAGE : EXIT_FAILED, &error);
        rows = rows_from_assessment(pass->assessment);
        if (output_is_data(options))
                print_data(options, json_plan(pass, rows, plan));
        else
                print_plan(pass, rows, plan);
        return EXIT_DONE;
}

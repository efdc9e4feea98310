/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/outcome.h"
#include "cli/term.h"
#include "cli/text.h"
#include "renew/issue/template.h"
#include "renew/report/row.h"

static const char *const kind_words[] = {
        [STEP_RENEW] = "renew",
        [STEP_CREATE] = "create",
        [STEP_TAKE_OVER] = "take-over",
        [STEP_RESTART] = "restart",
        [STEP_REPAIR_CA_DATA] = "repair-ca-data",
};

/* A step as it is shown, in either form. */
typedef struct StepView {
        const Step *step;
        const Row *old;     /* what is there now */
        Template *template; /* what would be issued; NULL for a repair */
} StepView;

typedef struct StepViews {
        StepView *views;
        size_t n;
} StepViews;

static void step_views_free(StepViews *views)
{
        if (!views)
                return;
        for (size_t i = 0; i < views->n; i++)
                template_free(views->views[i].template);
        free(views->views);
        free(views);
}

DEFINE_AUTOPTR(StepViews, step_views_free)

static StepViews *view_steps(const Pass *pass, const Rows *rows, const Plan *plan)
{
        StepViews *views = xcalloc(1, sizeof(*views));

        views->n = plan->n_steps;
        views->views = xcalloc(plan->n_steps, sizeof(StepView));
        for (size_t i = 0; i < plan->n_steps; i++) {
                const Step *step = &plan->steps[i];
                bool issues = step_issues(step);

                views->views[i] = (StepView){.step = step,
                        .old = &rows->rows[step->item - pass->inventory->items],
                        .template = issues ? template_make(step, pass->config, pass->now) : NULL};
        }
        return views;
}

static Outcome outcome_of(const StepView *view)
{
        return view->template ? view->template->outcome : OUTCOME_RENEWED;
}

static char **files_of(const StepView *view)
{
        const Item *item = view->step->item;
        char **files = NULL;

        strv_add(&files, step_path(view->step));
        if (view->step->kind != STEP_REPAIR_CA_DATA && item->key_path &&
                !streq(item->key_path, item->path) && !step_keeps_key(view->step))
                strv_add(&files, item->key_path);
        return files;
}

/* "/etc/kubernetes/pki/apiserver.{crt,key}", as a shell would take it, where only the ends differ.
 */
static char *files_text(char *const *files)
{
        const char *dot = strrchr(files[0], '.');
        size_t stem = dot ? (size_t)(dot - files[0]) + 1 : 0;

        if (!files[1] || !dot || strchr(dot, '/') || strncmp(files[0], files[1], stem) != 0 ||
                strpbrk(files[1] + stem, "./"))
                return strv_join(files, " ");
        return xasprintf("%.*s{%s,%s}", (int)stem, files[0], dot + 1, files[1] + stem);
}

/* What stays as it is, in one phrase: "unchanged: CN=cp-1, 5 SANs". */
static void print_kept(const StepView *view)
{
        size_t n = strv_length(view->old->sans);
        autofree char *sans = n > 0 ? xasprintf(", %zu SAN%s", n, n == 1 ? "" : "s") : xstrdup("");
        autofree char *text = xasprintf("%s: %s%s",
                view->template->added_sans ? "kept" : "unchanged", view->old->subject_dn, sans);

        text_field("identity", text);
}

static void print_renewal(const StepView *view)
{
        const Template *template = view->template;
        const char *issuer = template->issuer, *algorithm = template->key_algorithm;
        autofree char *sans = strv_join(template->added_sans, ", ");
        autofree char *new_key =
                xasprintf(template->keeps_key ? "the same %s key" : "a new %s key", algorithm);

        print_kept(view);
        if (sans[0])
                text_change("SANs", NULL, sans);
        if (!streq(issuer, view->old->issuer_dn))
                text_change("issuer", view->old->issuer_dn, issuer);
        if (streq(algorithm, view->old->key_algorithm))
                text_field("key", new_key);
        else
                text_change("key", view->old->key_algorithm, algorithm);
}

static void print_creation(const Template *template)
{
        autofree char *sans = strv_join(template->sans, ", ");
        autofree char *usages = strv_join(template->usages, ", ");

        text_change("subject", NULL, template->subject);
        if (sans[0])
                text_change("SANs", NULL, sans);
        text_change("usages", NULL, usages);
        text_change("issuer", NULL, template->issuer);
        text_change("key", NULL, template->key_algorithm);
}

/* 0: whoever signs decides that. */
static void print_end(const Row *old, int64_t end)
{
        char before[DATE_TEXT_SIZE], after[DATE_TEXT_SIZE];

        text_change("expires", old->not_after ? text_date(old->not_after, before) : NULL,
                end ? text_date(end, after) : "as its issuer decides");
}

static void print_source(const StepView *view)
{
        const PairSource *source = view->step->item->source;

        print_end(view->old, source->chain->certs[0]->not_after);
        text_field("taken from", source->place);
}

static void print_step(const StepView *view)
{
        const Template *template = view->template;
        autostrv paths = files_of(view);
        autofree char *files = files_text(paths);

        printf("\n");
        text_title(view->old->name, view->step->text);
        if (view->step->kind == STEP_REPAIR_CA_DATA)
                text_change("CA data", NULL, "the roots that it lacks; no key is issued");
        else if (view->step->kind == STEP_TAKE_OVER)
                print_source(view);
        else if (view->step->kind == STEP_RESTART)
                text_field("renewed by", view->step->item->entry->issuer.renewed_by);
        else {
                print_end(view->old, template->is_requested ? 0 : template->terms.not_after);
                if (view->step->kind == STEP_CREATE)
                        print_creation(template);
                else
                        print_renewal(view);
        }
        text_field("files", files);
}

static json_t *json_old(const Row *row)
{
        if (!row->subject_dn)
                return json_null();
        return xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "subjectDN",
                json_escaped(row->subject_dn), "sans", json_strv(row->sans), "usages",
                json_strv(row->usages), "keyAlgorithm", json_escaped(row->key_algorithm),
                "issuerDN", json_escaped(row->issuer_dn), "caName", json_escaped(row->ca_name),
                "notBefore", json_time(row->not_before), "expiryTime", json_time(row->not_after)));
}

static json_t *json_new(const Template *template)
{
        if (!template || template->outcome != OUTCOME_RENEWED)
                return json_null();
        return xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "subjectDN",
                json_escaped(template->subject), "sans", json_strv(template->sans), "usages",
                json_strv(template->usages), "keyAlgorithm", json_escaped(template->key_algorithm),
                "issuerDN", json_escaped(template->ca->signer->subject), "caName",
                json_escaped(template->ca->entry->name), "notBefore",
                json_time(template->terms.not_before), "expiryTime",
                json_time(template->terms.not_after)));
}

static json_t *json_step(const StepView *view)
{
        const Step *step = view->step;
        const Template *template = view->template;
        autostrv files = files_of(view);

        return xcheck(json_pack("{s:s, s:o, s:s, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:o}", "action",
                kind_words[step->kind], "certificate", json_escaped(view->old->name), "dueReason",
                due_reason_name(step->reason), "reason", json_escaped(step->text), "outcome",
                outcome_name(outcome_of(view)), "problem",
                json_escaped(template ? template->problem : NULL), "newKey",
                step->kind == STEP_TAKE_OVER || (template && !template->keeps_key), "old",
                json_old(view->old), "new", json_new(template), "addedSans",
                json_strv(template ? template->added_sans : NULL), "files", json_strv(files)));
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

static json_t *json_publication(const PlanPublication *publication)
{
        const SecretEntry *entry = publication->entry;

        return xcheck(json_pack("{s:s, s:s, s:s, s:o}", "name", entry->name, "namespace",
                entry->namespace, "secret", entry->secret, "keys", json_strv(publication->keys)));
}

static json_t *json_plan(const Config *config, const StepViews *views, const Plan *plan)
{
        json_t *steps = json_array(), *skips = json_array(), *copies = json_array();
        json_t *publications = json_array();

        for (size_t i = 0; i < views->n; i++)
                json_array_append_new(steps, json_step(&views->views[i]));
        for (size_t i = 0; i < plan->n_skips; i++)
                json_array_append_new(skips, json_skip(&plan->skips[i]));
        for (size_t i = 0; i < plan->n_copies; i++)
                json_array_append_new(copies, json_copied_file(&plan->copies[i]));
        for (size_t i = 0; i < plan->n_publications; i++)
                json_array_append_new(publications, json_publication(&plan->publications[i]));
        return xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "layouts",
                json_strv(config->layout.names), "steps", steps, "skips", skips, "copies", copies,
                "publications", publications, "restarts", json_restarts(plan, true), "proofs",
                json_restarts(plan, false)));
}

/* What cannot be renewed as it is must not look like a host that is in order. */
static size_t count_unfit(const Plan *plan)
{
        size_t n = 0;

        for (size_t i = 0; i < plan->n_skips; i++)
                n += plan->skips[i].outcome == OUTCOME_FAILED;
        return n;
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

/* Those that are restarted, numbered in their order, or those that only have to be proven. */
static void print_restarts(const Plan *plan, bool are_needed, const char *heading)
{
        size_t n = 0;

        for (size_t i = 0; i < plan->n_restarts; i++) {
                const Restart *restart = &plan->restarts[i];
                const char *name = restart->component->entry->name;

                if (restart->is_needed != are_needed)
                        continue;
                if (n++ == 0)
                        printf("\n%s:\n", heading);
                autofree char *line =
                        are_needed ? xasprintf("  %zu. %s", n, name) : xasprintf("  %s", name);
                text_line(line);
                text_paragraph(are_needed ? 5 : 4, restart->text);
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
                text_paragraph(4, copy->text);
        }
}

static void print_publications(const Plan *plan)
{
        if (plan->n_publications > 0)
                printf("\nPublished:\n");
        for (size_t i = 0; i < plan->n_publications; i++) {
                const PlanPublication *publication = &plan->publications[i];
                const SecretEntry *entry = publication->entry;
                autofree char *line = xasprintf("  Secret %s/%s", entry->namespace, entry->secret);
                autofree char *keys = strv_join(publication->keys, ", ");

                text_line(line);
                text_paragraph(4, keys);
        }
}

static size_t count(const StepViews *views, bool are_renewed, bool do_fail)
{
        size_t n = 0;

        for (size_t i = 0; i < views->n; i++)
                n += (views->views[i].step->kind != STEP_REPAIR_CA_DATA) == are_renewed &&
                     (outcome_of(&views->views[i]) != OUTCOME_RENEWED) == do_fail;
        return n;
}

/* "10 certificates would be renewed, 1 kubeconfig repaired, in this order:" */
static void print_steps(const StepViews *views)
{
        size_t n_renewed = count(views, true, false), n_repaired = count(views, false, false);

        if (n_renewed > 0)
                printf("%zu certificate%s would be renewed, ", n_renewed,
                        n_renewed == 1 ? "" : "s");
        if (n_repaired > 0)
                printf("%zu kubeconfig%s %srepaired, ", n_repaired, n_repaired == 1 ? "" : "s",
                        n_renewed > 0 ? "" : "would be ");
        if (n_renewed + n_repaired > 0)
                printf("in this order:\n");
        for (size_t i = 0; i < views->n; i++)
                if (outcome_of(&views->views[i]) == OUTCOME_RENEWED)
                        print_step(&views->views[i]);
}

/* "  apiserver: ca-limited: a new certificate would end ..." */
static void print_refusal(const char *name, Outcome outcome, const char *text)
{
        autofree char *line = xasprintf(
                "%s: %s%s%s", name, outcome_name(outcome), text ? ": " : "", text ? text : "");

        text_paragraph(2, line);
}

static void print_failures(const StepViews *views)
{
        size_t n = count(views, true, true);

        if (n > 0)
                printf("%s%s%zu certificate%s could not be renewed:%s\n", n < views->n ? "\n" : "",
                        term_style(STYLE_BAD), n, n == 1 ? "" : "s", term_style(STYLE_PLAIN));
        for (size_t i = 0; i < views->n; i++)
                if (outcome_of(&views->views[i]) != OUTCOME_RENEWED)
                        print_refusal(views->views[i].old->name, outcome_of(&views->views[i]),
                                views->views[i].template->problem);
}

static void print_plan(const Pass *pass, const StepViews *views, const Plan *plan)
{
        size_t n_unfit = count_unfit(plan);

        print_fetches(pass->assessment);
        if (n_unfit > 0)
                printf("%s%zu certificate%s cannot be renewed as %s; see below.%s\n",
                        term_style(STYLE_BAD), n_unfit, n_unfit == 1 ? "" : "s",
                        n_unfit == 1 ? "it is" : "they are", term_style(STYLE_PLAIN));
        else if (plan->n_steps == 0)
                print_nothing(pass->assessment);
        print_steps(views);
        print_failures(views);
        if (plan->n_skips > 0)
                printf("\nLeft as they are:\n");
        for (size_t i = 0; i < plan->n_skips; i++)
                print_refusal(
                        plan->skips[i].item->name, plan->skips[i].outcome, plan->skips[i].text);
        print_copies(plan);
        print_publications(plan);
        print_restarts(plan, true, "Restarts, in this order");
        print_restarts(plan, false, "Proven without a restart");
        printf("\n");
        print_layouts(pass->config->layout.names);
}

int verb_plan(const Options *options)
{
        PlanRequest request = {
                .names = options->n_names > 0 ? options->names : NULL, .all = options->all};
        autoptr(Pass) pass = NULL;
        autoptr(Plan) plan = NULL;
        autoptr(Rows) rows = NULL;
        autoptr(StepViews) views = NULL;
        Error error = {};
        int status, r;

        status = command_look(options, &pass);
        if (status != 0)
                return status;
        r = plan_make(pass->assessment, &request, &plan, &error);
        if (r < 0)
                return command_fail(options, r == -EINVAL ? EXIT_USAGE : EXIT_FAILED, &error);
        rows = rows_from_assessment(pass->assessment);
        views = view_steps(pass, rows, plan);
        if (output_is_data(options))
                print_data(options, json_plan(pass->config, views, plan));
        else
                print_plan(pass, views, plan);
        return EXIT_DONE;
}

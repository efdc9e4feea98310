/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/restart.h"

#include "base/log.h"
#include "base/time-util.h"
#include "renew/commit/hook-debt.h"
#include "renew/commit/publish.h"
#include "renew/event/events.h"
#include "renew/restart/restart-internal.h"
#include "renew/unit/interrupt.h"
#include "renew/unit/patience.h"

/* A component that was rolled back is left alone for so long. */
#define HOLD_SPAN (7 * DAY)

/* What a component makes for itself when it starts (k8s.io/apiserver pkg/server/options
 * WithLoopback, cert.GenerateSelfSignedCertKey). */
#define LOOPBACK_LIFE YEAR

/* As long as the name of a node. */
#define HOLDER_MOST 253

void restart_report_free(RestartReport *report)
{
        if (!report)
                return;
        for (size_t i = 0; i < report->n; i++) {
                free(report->results[i].component);
                free(report->results[i].text);
        }
        free(report->results);
        free(report->turn_holder);
        free(report);
}

const RestartResult *restart_result_find(const RestartReport *report, const char *component)
{
        for (size_t i = report ? report->n : 0; i-- > 0;)
                if (streq(report->results[i].component, component))
                        return &report->results[i];
        return NULL;
}

/* paths: NULL if only a new process pays. expires: of what it has loaded; 0: not known. */
static int enter(const RestartInput *input, const ComponentProof *proof, char **paths,
        int64_t expires, Error *reterr)
{
        const char *reason = paths ? component_proof_problem(proof)
                                   : "its in-memory loopback certificate is about to end";

        return owed_note(input->root_fd, input->config->state_directory,
                &(Owed){.component = proof->component->entry->name,
                        .since = input->now,
                        .expires = expires,
                        .pass_id = (char *)input->pass_id,
                        .paths = paths,
                        .reason = (char *)reason},
                reterr);
}

static int enter_component(const RestartInput *input, const ComponentProof *proof, Error *reterr)
{
        const char *name = proof->component->entry->name;
        autostrv paths = NULL;
        int64_t expires = 0;
        int r = 0;

        for (size_t i = 0; i < proof->n; i++) {
                const Proof *file = &proof->proofs[i];

                if (file->loaded != LOADED_NO)
                        continue;
                strv_add(&paths, file->path);
                if (file->expires != 0 && (expires == 0 || file->expires < expires))
                        expires = file->expires;
        }
        if (paths)
                r = enter(input, proof, paths, expires, reterr);
        if (r >= 0 && component_is_too_old(proof, input->now))
                r = enter(input, proof, NULL, component_started_at(proof) + LOOPBACK_LIFE, reterr);

        /* Somebody else may have renewed what was rolled back, and restarted it. */
        if (r >= 0 && component_proof_loaded(proof) == LOADED_YES && proof->n > 0 &&
                proof->look.state == RUN_RUNNING && !proof->health_problem)
                r = hold_settle(input->root_fd, input->config->state_directory, name, NULL, reterr);
        return r;
}

static PublishInput publish_input(const RestartInput *input)
{
        return (PublishInput){.root_fd = input->root_fd,
                .config = input->config,
                .running = input->running,
                .pass_id = input->pass_id,
                .now = input->now};
}

/* A debt that is neither that of a hook that there is nor of a Secret belongs to a component. */
static bool is_of_component(const RestartInput *input, const char *name)
{
        return !hook_debt_is(name) && !publish_find_debt(&input->config->layout, name);
}

/* A debt and a hold of what has left this host: should it come back, it is started anew. */
static int forget_absent(const RestartInput *input, const OwedList *owed, Error *reterr)
{
        const char *state = input->config->state_directory;
        autoptr(HoldList) holds = NULL;
        int r = hold_read(input->root_fd, state, &holds, reterr);

        for (size_t i = 0; r >= 0 && i < owed->n; i++) {
                const char *name = owed->entries[i].component;

                if (is_of_component(input, name) &&
                        !inventory_component(input->assessment->inventory, name))
                        r = owed_remove(input->root_fd, state, name, reterr);
        }
        for (size_t i = 0; r >= 0 && i < holds->n; i++)
                if (!inventory_component(input->assessment->inventory, holds->holds[i].component))
                        r = hold_remove(input->root_fd, state, holds->holds[i].component, reterr);
        return r;
}

int restart_enter_stale(const RestartInput *input, Error *reterr)
{
        autoptr(OwedList) owed = NULL;
        autoptr(Verification) verification = NULL;
        int r;

        if (!running_is_live(input->running))
                return 0;
        r = owed_read(input->root_fd, input->config->state_directory, &owed, reterr);
        if (r >= 0)
                r = forget_absent(input, owed, reterr);
        if (r < 0)
                return r;
        verification = verify_all(input->running, input->assessment->inventory, owed);
        for (size_t i = 0; r >= 0 && i < verification->n; i++)
                r = enter_component(input, &verification->components[i], reterr);
        if (r >= 0) {
                const PublishInput publish = publish_input(input);

                r = publish_enter_stale(&publish, reterr);
        }
        return r;
}

static void add_result(
        RestartReport *report, const char *component, RestartOutcome outcome, const char *text)
{
        report->results = xreallocarray(report->results, report->n + 1, sizeof(*report->results));
        report->results[report->n++] = (RestartResult){
                .component = xstrdup(component), .outcome = outcome, .text = xstrdup(text)};
}

static const struct {
        int priority;
        const char *event, *words;
} outcomes[] = {
        [RESTART_PROVEN] = {LOG_INFO, EVENT_COMPONENT_PROVEN, "uses the files on disk"},
        [RESTART_DONE] = {LOG_NOTICE, EVENT_COMPONENT_RESTARTED,
                "was restarted and uses the files on disk"},
        [RESTART_ROLLED_BACK] = {LOG_CRIT, EVENT_COMPONENT_ROLLED_BACK,
                "did not come back with its new files and has the old ones again"},
        [RESTART_LEFT] = {LOG_WARNING, EVENT_RESTART_FAILED, "is still owed a restart"},
};

const char *restart_outcome_text(RestartOutcome outcome)
{
        return outcomes[outcome].words;
}

static void log_result(const RestartResult *result)
{
        const LogField fields[] = {
                {"COMPONENT", result->component},
                {"REASON", result->text ? result->text : "nothing is in the way"},
                {},
        };

        log_event(outcomes[result->outcome].priority, outcomes[result->outcome].event, fields,
                "Component '%s' %s%s%s.", result->component, outcomes[result->outcome].words,
                result->text ? ": " : "", result->text ? result->text : "");
}

/* Proven: the debt is paid, and what was held because of a roll-back too. */
static int settle_ledger(const Stage *stage, const Attempt *attempt, Error *reterr)
{
        const RestartInput *input = stage->input;
        const char *state = input->config->state_directory;
        const char *name = attempt->component->entry->name;
        int r;

        r = owed_remove(input->root_fd, state, name, reterr);
        return r < 0 || attempt->is_rolled_back
                       ? r
                       : hold_settle(input->root_fd, state, name, attempt->owed->paths, reterr);
}

static int hold_back(const Stage *stage, const Attempt *attempt, Error *reterr)
{
        const RestartInput *input = stage->input;

        return hold_add(input->root_fd, input->config->state_directory,
                &(Hold){.component = attempt->component->entry->name,
                        .since = input->now,
                        .until = input->now + HOLD_SPAN,
                        .paths = attempt->owed->paths,
                        .reason = (char *)attempt->problem.text},
                reterr);
}

/* One component, from its entry in the ledger to an outcome. A text is in attempt->problem. */
static RestartOutcome settle(Stage *stage, Attempt *attempt)
{
        /* 1. Somebody may have restarted it, or it has read its files. */
        if (attempt_is_proven(stage, attempt))
                return RESTART_PROVEN;

        /* 2. What loads by itself, or is started anew by the kubelet, gets the time for it. */
        if (attempt_is_hopeless(stage, attempt))
                return RESTART_LEFT;
        if ((!attempt->is_needed || attempt->is_replaced) &&
                attempt_wait(stage, attempt, PATIENCE_RELOAD))
                return RESTART_PROVEN;

        /* 3. It has its new files, and is ill: another start would mend nothing. */
        if (attempt->is_loaded)
                return attempt_wait(stage, attempt, attempt->component->entry->start_timeout)
                               ? RESTART_PROVEN
                               : RESTART_LEFT;

        /* 4. May it be restarted now? Meanwhile somebody may have done it. */
        if (attempt_is_refused(stage, attempt) || !attempt_take_turn(stage, attempt))
                return RESTART_LEFT;
        if (stage->coordination && attempt_is_proven(stage, attempt))
                return RESTART_PROVEN;
        if (attempt_is_forbidden(stage, attempt))
                return RESTART_LEFT;

        /* 5. Restarted, healthy, proven. */
        attempt->was_healthy = attempt->is_healthy;
        if (attempt_restart(stage, attempt))
                return RESTART_DONE;

        /* 6. It did not come back: with the old files it may. */
        if (!attempt_may_roll_back(attempt))
                return RESTART_LEFT;
        return attempt_roll_back(stage, attempt) ? RESTART_ROLLED_BACK : RESTART_LEFT;
}

static int settle_component(
        Stage *stage, const InventoryComponent *component, const Owed *owed, Error *reterr)
{
        const char *name = component->entry->name;
        Attempt attempt = attempt_new(stage, component, owed);
        RestartOutcome outcome = settle(stage, &attempt);
        int r = 0;

        add_result(stage->report, name, outcome,
                outcome == RESTART_LEFT || outcome == RESTART_ROLLED_BACK ? attempt.problem.text
                                                                          : NULL);
        log_result(&stage->report->results[stage->report->n - 1]);
        if (attempt.is_rolled_back)
                r = hold_back(stage, &attempt, reterr);
        if (r >= 0 && outcome != RESTART_LEFT)
                r = settle_ledger(stage, &attempt, reterr);
        stage->is_upstream_ill |= outcome == RESTART_LEFT && !attempt.is_healthy;
        if (outcome == RESTART_LEFT && attempt.was_healthy && !attempt.is_healthy)
                coordination_keep(stage->coordination);
        attempt_done(&attempt);
        return r;
}

/* The entry of a component that has its turn in this round. A second round is for those whose files
 * a roll-back has changed again. */
static const Owed *find_turn(const Stage *stage, const OwedList *owed, const char *name)
{
        const RestartResult *before = restart_result_find(stage->report, name);

        if (!stage_component(stage, name) || (before && before->outcome > RESTART_DONE))
                return NULL;
        return owed_find(owed, name);
}

static size_t count_turns(const Stage *stage, const OwedList *owed)
{
        size_t n = 0;

        for (size_t i = 0; i < owed->n; i++)
                n += find_turn(stage, owed, owed->entries[i].component) != NULL;
        return n;
}

/* Each component that the ledger has, in the order of the layout. */
static int run_round(Stage *stage, Error *reterr)
{
        const RestartInput *input = stage->input;
        const Inventory *inventory = input->assessment->inventory;
        autoptr(OwedList) owed = NULL;
        size_t n, turn = 0;
        int r;

        r = owed_read(input->root_fd, input->config->state_directory, &owed, reterr);
        if (r < 0)
                return r;
        n = count_turns(stage, owed);
        for (size_t i = 0; r >= 0 && i < inventory->n_components; i++) {
                const char *name = inventory->components[i].entry->name;
                const Owed *entry = find_turn(stage, owed, name);

                if (!entry)
                        continue;
                log_step(++turn, n);
                r = settle_component(stage, stage_component(stage, name), entry, reterr);
        }
        log_step(0, 0);
        return r;
}

/* What this pass has brought to its new files. */
static char **names_done(const RestartReport *report)
{
        char **names = NULL;

        for (size_t i = 0; i < report->n; i++)
                if (report->results[i].outcome <= RESTART_DONE &&
                        !strv_contains(names, report->results[i].component))
                        strv_add(&names, report->results[i].component);
        return names;
}

/* A hook that fails is a debt like any other, and holds nobody up. */
static int run_hook(Stage *stage, Hook hook, Error *reterr)
{
        const RestartInput *input = stage->input;
        const HookDebts debts = {.root_fd = input->root_fd,
                .config = input->config,
                .inventory = input->assessment->inventory,
                .running = input->running,
                .pass_id = input->pass_id,
                .now = input->now};
        autofree char *name = hook_debt_name(hook);
        autostrv components = names_done(stage->report);
        Error error = {};
        int r = hook_debt_settle(&debts, hook, components, &error);

        if (r == -ECHILD)
                add_result(stage->report, name, RESTART_LEFT, error.text);
        return r == -ECHILD ? 0 : error_set(reterr, r, "%s", error.text);
}

/* What is on disk in the end; the same of it. */
static int run_publications(Stage *stage, Error *reterr)
{
        const Layout *layout = &stage->input->config->layout;
        const PublishInput publish = publish_input(stage->input);
        int r = 0;

        for (size_t i = 0; r >= 0 && i < layout->n_publications; i++) {
                autofree char *name = publish_debt_name(&layout->publications[i]);
                Error error = {};

                r = publish_settle(&publish, &layout->publications[i], &error);
                if (r == -ECHILD)
                        add_result(stage->report, name, RESTART_LEFT, error.text);
                r = r == -ECHILD ? 0 : error_set(reterr, r, "%s", error.text);
        }
        return r;
}

static bool is_all_settled(const RestartReport *report)
{
        for (size_t i = 0; i < report->n; i++)
                if (restart_result_find(report, report->results[i].component)->outcome >
                        RESTART_DONE)
                        return false;
        return true;
}

/* Hosts call themselves "NODE/ANYTHING"; others may write what they like. */
static void give_turn_back(Stage *stage)
{
        const char *rival = coordination_rival(stage->coordination);
        size_t length = rival ? strcspn(rival, "/") : 0;

        if (length > 0)
                stage->report->turn_holder =
                        xstrndup(rival, length < HOLDER_MOST ? length : HOLDER_MOST);
        coordination_learn(stage->coordination);
        coordination_free(TAKE(stage->coordination));
}

/* Deploy= before the first restart, PostRenew= once everything is proven; Secrets last. Other
 * control planes wait for neither. */
static int run_stage(Stage *stage, Error *reterr)
{
        int r = run_hook(stage, HOOK_DEPLOY, reterr);

        if (r >= 0)
                r = run_round(stage, reterr);
        if (r >= 0 && stage->report->rolled_back)
                r = run_hook(stage, HOOK_DEPLOY, reterr);
        if (r >= 0 && stage->report->rolled_back)
                r = run_round(stage, reterr);
        give_turn_back(stage);
        if (r >= 0 && is_all_settled(stage->report))
                r = run_hook(stage, HOOK_POST_RENEW, reterr);
        if (r >= 0)
                r = run_publications(stage, reterr);
        return r;
}

int restart_run(const RestartInput *input, RestartReport **ret, Error *reterr)
{
        autoptr(RestartReport) report = xcalloc(1, sizeof(*report));
        Stage stage = {.input = input, .report = report};
        int r = 0;

        if (running_is_live(input->running)) {
                stage.coordination = coordination_new(input->root_fd, input->config,
                        input->assessment->inventory, input->pass_id);
                r = run_stage(&stage, reterr);
        }
        stage_done(&stage);
        if (r < 0)
                return r;
        *ret = TAKE(report);
        return 0;
}

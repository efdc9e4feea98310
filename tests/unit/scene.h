/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host made by hand for the tests of the reports: certificates, verdicts and outcomes as plain
 * data, and the journal in a list.
 *
 *     Scene *scene = scene_new();
 *     size_t i = scene_leaf(scene, "apiserver", 9 * DAY);
 *     scene_result(scene, i, OUTCOME_FAILED, "no space");
 *     report_alarms(&scene->input, NULL);
 *     scene_next(scene, DAY);                                a day later, nothing done yet
 *     scene_free(scene);
 *
 * Every test gets its scratch root from scratch.h. */

#include "base/log.h"
#include "renew/report/report.h"
#include "scratch.h"

#define NOW       ((int64_t)1825975560) /* 2027-11-11T23:26:00Z */
#define SCENE_MAX 8

typedef struct Scene {
        Config config;
        CredentialEntry entries[SCENE_MAX];
        Cert certs[SCENE_MAX];
        Item items[SCENE_MAX];
        Verdict verdicts[SCENE_MAX];
        Inventory inventory;
        Assessment assessment;
        Step steps[SCENE_MAX];
        IssueResult results[SCENE_MAX];
        Skip skips[SCENE_MAX];
        Owed owed_entries[SCENE_MAX];
        OwedList owed;
        Plan plan;
        Issuance issuance;
        char pass_id[16];
        unsigned pass;
        ReportInput input;
} Scene;

/* What the code under test logged. */
typedef struct SceneEvent {
        int priority;
        char *id, *message;
        char *fields; /* "NAME=value\n" each */
} SceneEvent;

static SceneEvent *scene_events;
static size_t scene_n_events;

static inline void scene_forget_events(void)
{
        for (size_t i = 0; i < scene_n_events; i++) {
                free(scene_events[i].id);
                free(scene_events[i].message);
                free(scene_events[i].fields);
        }
        free(scene_events);
        scene_events = NULL;
        scene_n_events = 0;
}

/* Takes the place of base/log.c in these tests. */
void log_event(
        int priority, const char *message_id, const LogField *fields, const char *format, ...)
{
        SceneEvent event = {.priority = priority, .id = xstrdup(message_id), .fields = xstrdup("")};
        va_list args;

        va_start(args, format);
        assert_true(vasprintf(&event.message, format, args) >= 0);
        va_end(args);
        for (; fields && fields->name; fields++) {
                char *before = event.fields;

                if (!fields->value)
                        continue;
                event.fields = xasprintf("%s%s=%s\n", before, fields->name, fields->value);
                free(before);
        }
        scene_events = xreallocarray(scene_events, scene_n_events + 1, sizeof(SceneEvent));
        scene_events[scene_n_events++] = event;
}

void log_status(const char *format, ...)
{
}

void log_step(size_t step, size_t steps)
{
}

void log_wait(int64_t milliseconds)
{
}

void log_status_end(void)
{
}

void log_debug(const char *format, ...)
{
}

void log_line(int priority, const char *format, ...)
{
}

static inline const SceneEvent *scene_find_event(const char *id, const char *field)
{
        for (size_t i = 0; i < scene_n_events; i++)
                if (streq(scene_events[i].id, id) && strstr(scene_events[i].fields, field))
                        return &scene_events[i];
        return NULL;
}

static inline Scene *scene_new(void)
{
        Scene *scene = xcalloc(1, sizeof(*scene));

        scene->config = (Config){
                .state_directory = (char *)"/state",
                .postpone_limit = 3 * DAY,
                .ca_expiring_before = 180 * DAY,
                .ca_critical_before = 30 * DAY,
                .host.node_name = (char *)"cp-1",
        };
        scene->inventory.items = scene->items;
        scene->assessment = (Assessment){
                .inventory = &scene->inventory, .now = NOW, .verdicts = scene->verdicts};
        scene->plan = (Plan){
                .assessment = &scene->assessment, .steps = scene->steps, .skips = scene->skips};
        scene->issuance = (Issuance){.plan = &scene->plan, .results = scene->results};
        scene->owed.entries = scene->owed_entries;
        strcpy(scene->pass_id, "pass-0");
        scene->input = (ReportInput){
                .root_fd = root_fd,
                .pass_id = scene->pass_id,
                .now = NOW,
                .config = &scene->config,
                .before = &scene->assessment,
                .plan = &scene->plan,
                .issuance = &scene->issuance,
                .committed = true,
                .after = &scene->assessment,
                .owed = &scene->owed,
        };
        return scene;
}

static inline void scene_free(Scene *scene)
{
        for (size_t i = 0; i < SCENE_MAX; i++) {
                free(scene->items[i].path);
                free(scene->items[i].key_path);
        }
        free(scene);
        scene_forget_events();
}

/* Judges the dates alone, as assess() would. */
static inline void scene_set_residual(Scene *scene, size_t i, int64_t residual)
{
        Verdict *verdict = &scene->verdicts[i];
        bool is_ca = scene->items[i].kind == ITEM_CA;
        int64_t span = is_ca ? scene->config.ca_expiring_before : 15 * DAY;

        scene->certs[i].not_before = scene->input.now + residual - YEAR;
        scene->certs[i].not_after = scene->input.now + residual;
        verdict->residual = residual;
        verdict->state = residual < 0 ? STATE_EXPIRED : residual < span ? STATE_EXPIRING : STATE_OK;
        verdict->due = !is_ca && residual < span && !scene->entries[i].watch && !verdict->external;
        verdict->reason = verdict->due ? DUE_EXPIRING : DUE_NOT;
        verdict->due_at = is_ca || scene->entries[i].watch || verdict->external
                                  ? 0
                                  : scene->certs[i].not_after - span;
}

static inline size_t scene_item(Scene *scene, ItemKind kind, const char *name, int64_t residual)
{
        size_t i = scene->inventory.n_items++;

        assert_true(i < SCENE_MAX);
        scene->assessment.n = scene->inventory.n_items;
        scene->entries[i].name = (char *)name;
        scene->certs[i] = (Cert){
                .subject = (char *)"CN=kube-apiserver",
                .issuer = (char *)"CN=kubernetes",
                .serial = (char *)"01",
                .key_algorithm = (char *)"RSA-2048",
        };
        scene->items[i] = (Item){
                .kind = kind,
                .name = (char *)name,
                .entry = kind == ITEM_CA ? NULL : &scene->entries[i],
                .path = xasprintf("/pki/%s.crt", name),
                .key_path = xasprintf("/pki/%s.key", name),
                .cert = &scene->certs[i],
        };
        scene_set_residual(scene, i, residual);
        return i;
}

static inline size_t scene_leaf(Scene *scene, const char *name, int64_t residual)
{
        return scene_item(scene, ITEM_CERTIFICATE, name, residual);
}

/* It is there but for one fault; without a certificate when that is missing or unreadable. */
static inline void scene_set_state(Scene *scene, size_t i, State state, const char *text)
{
        Verdict *verdict = &scene->verdicts[i];

        verdict->state = state;
        verdict->text = (char *)text;
        if (state == STATE_OK || (state != STATE_MISSING && state != STATE_INVALID)) {
                scene->items[i].cert = &scene->certs[i];
                return;
        }
        scene->items[i].cert = NULL;
        verdict->residual = verdict->due_at = 0;
        verdict->due = false;
}

static inline IssueResult *scene_result(Scene *scene, size_t i, Outcome outcome, const char *text)
{
        size_t k = scene->issuance.n++;

        scene->plan.n_steps = scene->issuance.n;
        scene->steps[k] = (Step){.item = &scene->items[i], .verdict = &scene->verdicts[i]};
        scene->results[k] = (IssueResult){.step = &scene->steps[k],
                .outcome = outcome,
                .cert = outcome == OUTCOME_RENEWED ? &scene->certs[i] : NULL,
                .text = (char *)text};
        return &scene->results[k];
}

static inline Skip *scene_skip(Scene *scene, size_t i, Outcome outcome, const char *text)
{
        Skip *skip = &scene->skips[scene->plan.n_skips++];

        *skip = (Skip){.item = &scene->items[i], .outcome = outcome, .text = (char *)text};
        return skip;
}

static inline void scene_owe(Scene *scene, const char *component)
{
        scene->owed_entries[scene->owed.n++] =
                (Owed){.component = (char *)component, .since = NOW, .pass_id = scene->pass_id};
}

/* The pass is reported; the next one begins, `later` seconds after it. */
static inline void scene_next(Scene *scene, int64_t later)
{
        snprintf(scene->pass_id, sizeof(scene->pass_id), "pass-%u", ++scene->pass);
        scene->input.now += later;
        scene->plan.n_steps = scene->issuance.n = scene->plan.n_skips = 0;
        scene->input.recovery = scene->input.commit = NULL;
        scene->input.failure = NULL;
        for (size_t i = 0; i < scene->inventory.n_items; i++)
                if (scene->items[i].cert)
                        scene_set_residual(scene, i, scene->certs[i].not_after - scene->input.now);
        scene_forget_events();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/event/events.h"
#include "scene.h"
#include "tree.h"

static const char *const all_events[] = {EVENT_CERTIFICATE_RENEWED, EVENT_CA_DATA_REPAIRED,
        EVENT_RENEWAL_FAILED, EVENT_PASS_SUMMARY, EVENT_PASS_FAILED, EVENT_TRANSACTION_RECOVERED,
        EVENT_FOREIGN_CHANGE, EVENT_RESTART_OWED, EVENT_ALARM_RAISED, EVENT_ALARM_CLEARED,
        EVENT_CONFIG_WARNING};

static void assert_event(const char *id, const char *message, const char *field)
{
        const SceneEvent *event = scene_find_event(id, field);

        if (!event)
                fail_msg("no event %s with %s", id, field);
        assert_string_equal(event->message, message);
}

static void test_t01_nothing_due_is_one_summary(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        scene_leaf(scene, "etcd-server", 100 * DAY);
        scene_skip(scene, 0, OUTCOME_NOT_DUE, "not due");
        report_outcomes(&scene->input);
        assert_int_equal(scene_n_events, 1);
        assert_event(EVENT_PASS_SUMMARY,
                "Certificate pass finished: 2 certificates, 0 renewed, 0 failed, 0 restarts owed, "
                "next due 2028-02-04T23:26:00Z.",
                "NEXT_DUE=2028-02-04T23:26:00Z\n");
        assert_int_equal(scene_events[0].priority, LOG_NOTICE);
        scene_free(scene);
}

static void test_what_should_have_been_renewed(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 300 * DAY);

        scene->verdicts[i].due_at = NOW - DAY;
        report_outcomes(&scene->input);
        assert_event(EVENT_PASS_SUMMARY,
                "Certificate pass finished: 1 certificates, 0 renewed, 0 failed, 0 restarts owed, "
                "due since 2027-11-10T23:26:00Z.",
                "NEXT_DUE=2027-11-10T23:26:00Z\n");
        scene_free(scene);
}

static void test_each_certificate_has_its_event(void **state)
{
        Scene *scene = scene_new();
        size_t a = scene_leaf(scene, "apiserver", YEAR);
        size_t b = scene_leaf(scene, "etcd-server", 9 * DAY);
        size_t c = scene_item(scene, ITEM_KUBECONFIG, "admin.conf", 9 * DAY);
        IssueResult *repair;

        scene_result(scene, a, OUTCOME_RENEWED, NULL);
        scene_result(scene, b, OUTCOME_CA_LIMITED, "its CA ends first");
        repair = scene_result(scene, c, OUTCOME_RENEWED, NULL);
        scene->steps[2].kind = STEP_REPAIR_CA_DATA;
        repair->cert = NULL;
        scene_skip(scene, c, OUTCOME_EXTERNAL, "its CA is elsewhere")->is_failure = true;
        scene->input.exit_status = 1;
        report_outcomes(&scene->input);
        assert_int_equal(scene_n_events, 5);
        assert_event(EVENT_CERTIFICATE_RENEWED,
                "Renewed certificate 'apiserver', valid until 2028-11-10T23:26:00Z.",
                "CERTIFICATE=apiserver\nPATH=/pki/apiserver.crt\nNOT_AFTER=2028-11-10T23:26:00Z\n");
        assert_event(EVENT_RENEWAL_FAILED,
                "Cannot renew certificate 'etcd-server': its CA ends first.",
                "NOT_AFTER=2027-11-20T23:26:00Z\nREASON=its CA ends first\n");
        assert_event(EVENT_CA_DATA_REPAIRED,
                "Appended missing CA certificates to '/pki/admin.conf.crt'.",
                "CERTIFICATE=admin.conf\n");
        assert_event(EVENT_RENEWAL_FAILED,
                "Cannot renew certificate 'admin.conf': its CA is elsewhere.",
                "CERTIFICATE=admin.conf\n");
        assert_non_null(
                scene_find_event(EVENT_PASS_SUMMARY, "RENEWED=2\nFAILED=2\nRESTARTS_OWED=0\n"));
        assert_int_equal(scene_events[4].priority, LOG_ERR);
        scene_free(scene);
}

/* Its component was rolled back: what is on disk is the old one, and COMPONENT_ROLLED_BACK tells.
 */
static void test_what_was_rolled_back_was_not_renewed(void **state)
{
        Scene *scene = scene_new();
        Cert issued = {.not_after = NOW + YEAR};
        size_t i = scene_leaf(scene, "scheduler.conf", 9 * DAY);

        issued.sha256.bytes[0] = 1;
        scene_result(scene, i, OUTCOME_RENEWED, NULL)->cert = &issued;
        report_outcomes(&scene->input);
        assert_null(scene_find_event(EVENT_CERTIFICATE_RENEWED, ""));
        assert_non_null(scene_find_event(EVENT_PASS_SUMMARY, "RENEWED=0\n"));
        scene_free(scene);
}

/* What was issued but not written is not renewed. */
static void test_a_failed_pass_claims_nothing(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 9 * DAY);

        scene_result(scene, i, OUTCOME_RENEWED, NULL);
        scene->input.committed = false;
        scene->input.failure = "cannot write '/state/txn'";
        report_outcomes(&scene->input);
        assert_int_equal(scene_n_events, 1);
        assert_event(EVENT_PASS_FAILED, "Certificate pass failed: cannot write '/state/txn'.",
                "REASON=cannot write '/state/txn'\n");
        scene_free(scene);
}

/* It has not failed, and there is nothing to sum up. */
static void test_a_postponed_pass_says_why(void **state)
{
        const GuardFindings guards = {.clock = (char *)"the clock says 1970"};
        Scene *scene = scene_new();

        scene->input.after = NULL;
        scene->input.guards = &guards;
        report_outcomes(&scene->input);
        assert_int_equal(scene_n_events, 1);
        assert_event(EVENT_PASS_POSTPONED, "Certificate pass postponed: the clock says 1970.",
                "REASON=the clock says 1970\n");
        scene_free(scene);
}

static void test_a_pass_that_saw_nothing(void **state)
{
        Scene *scene = scene_new();

        scene->input = (ReportInput){.root_fd = root_fd,
                .pass_id = "p",
                .now = NOW,
                .config = &scene->config,
                .failure = "x"};
        report_outcomes(&scene->input);
        assert_int_equal(scene_n_events, 1);
        scene_free(scene);
}

static void test_restarts_are_told_once(void **state)
{
        Scene *scene = scene_new();
        char *paths[] = {(char *)"/a", (char *)"/b", NULL};

        scene_owe(scene, "kube-scheduler");
        scene->owed_entries[0].paths = paths;
        scene_owe(scene, "etcd");
        scene->owed_entries[1].pass_id = (char *)"another";
        report_outcomes(&scene->input);
        assert_int_equal(scene_n_events, 2);
        assert_event(EVENT_RESTART_OWED,
                "'kube-scheduler' is owed a restart, or proof that it uses its new certificates.",
                "COMPONENT=kube-scheduler\nPATHS=/a /b\n");
        assert_non_null(scene_find_event(EVENT_PASS_SUMMARY, "RESTARTS_OWED=2\n"));
        scene_free(scene);
}

static void test_recovery(void **state)
{
        TxnConflict conflict = {
                .path = (char *)"/pki/a.crt", .text = (char *)"why", .adopted = true};
        const TxnOutcome nothing = {};
        const TxnOutcome outcome = {
                .id = (char *)"t1", .undone = true, .n_conflicts = 1, .conflicts = &conflict};
        Scene *scene = scene_new();

        scene->input.after = NULL;
        scene->input.recovery = &nothing;
        assert_int_equal(report_incident(&scene->input, NULL), 0);
        assert_int_equal(scene_n_events, 0);
        scene->input.recovery = &outcome;
        assert_int_equal(report_incident(&scene->input, NULL), 0);
        assert_event(EVENT_TRANSACTION_RECOVERED,
                "Transaction 't1', which was interrupted, was undone.", "RECOVERY=undone\n");
        assert_event(EVENT_FOREIGN_CHANGE, "Conflict at '/pki/a.crt': why.", "DISPLACED=nowhere\n");
        assert_non_null(scene_find_event(EVENT_ALARM_RAISED, "ALARM_RESOURCE=/pki/a.crt\n"));
        scene_free(scene);
}

/* A pass in which everything happens that has an event. */
static void report_everything(Scene *scene)
{
        static char *warnings[] = {(char *)"a.conf:3: unknown key 'RenewBefor'", NULL};
        static TxnConflict conflict = {.path = (char *)"/pki/x.crt", .text = (char *)"why"};
        static const TxnOutcome outcome = {
                .id = (char *)"t1", .finished = true, .n_conflicts = 1, .conflicts = &conflict};
        size_t a = scene_leaf(scene, "apiserver", -1), b = scene_leaf(scene, "b", 9 * DAY);

        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        scene->verdicts[a].residual = YEAR;
        scene->verdicts[a].state = STATE_OK;
        snprintf(scene->pass_id, sizeof(scene->pass_id), "pass-1");
        scene->config.warnings = warnings;
        scene->input.recovery = &outcome;
        scene_owe(scene, "etcd");
        scene_result(scene, a, OUTCOME_RENEWED, NULL);
        scene_result(scene, b, OUTCOME_RENEWED, NULL);
        scene->steps[1].kind = STEP_REPAIR_CA_DATA;
        scene_result(scene, b, OUTCOME_FAILED, NULL);
        report_outcomes(&scene->input);
        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        scene->input.failure = "x";
        report_outcomes(&scene->input);
}

/* The operator must never read "@REASON@": each event has every field its catalog entry uses. */
static void test_every_event_fills_its_catalog_entry(void **state)
{
        autofree char *catalog = tree_read(getenv("SRCDIR"), "/systemd/kube-renewd.catalog", NULL);
        Scene *scene = scene_new();

        report_everything(scene);
        for (size_t i = 0; i < ELEMENTSOF(all_events); i++)
                if (!scene_find_event(all_events[i], ""))
                        fail_msg("event %s was not logged", all_events[i]);
        for (size_t i = 0; i < scene_n_events; i++) {
                autofree char *fields = xasprintf("\n%sPASS_ID=pass-1\n", scene_events[i].fields);
                autofree char *head = xasprintf("\n-- %s\n", scene_events[i].id);
                char *entry = strstr(catalog, head), *end;

                assert_non_null(entry);
                end = strstr(entry + strlen(head), "\n-- ");
                for (char *p = strchr(entry, '@'); p && (!end || p < end); p = strchr(p + 1, '@')) {
                        size_t length = strcspn(p + 1, "@");
                        autofree char *field = xasprintf("\n%.*s=", (int)length, p + 1);

                        if (!strstr(fields, field))
                                fail_msg("event %s lacks%s", scene_events[i].id, field);
                        p += length + 1;
                }
        }
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t01_nothing_due_is_one_summary),
                SCRATCH_TEST(test_what_should_have_been_renewed),
                SCRATCH_TEST(test_each_certificate_has_its_event),
                SCRATCH_TEST(test_what_was_rolled_back_was_not_renewed),
                SCRATCH_TEST(test_a_failed_pass_claims_nothing),
                SCRATCH_TEST(test_a_postponed_pass_says_why),
                SCRATCH_TEST(test_a_pass_that_saw_nothing),
                SCRATCH_TEST(test_restarts_are_told_once),
                SCRATCH_TEST(test_recovery),
                SCRATCH_TEST(test_every_event_fills_its_catalog_entry),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

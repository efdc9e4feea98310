/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/event/events.h"
#include "scene.h"

static void report(Scene *scene)
{
        Error error = {};

        if (report_alarms(&scene->input, &error) < 0)
                fail_msg("%s", error.text);
}

static AlarmList *list_all(const Scene *scene)
{
        AlarmList *list = NULL;

        assert_int_equal(report_read_alarms(root_fd, &scene->config, &list, NULL), 0);
        return list;
}

/* Reports, and compares what is active then: "type@resource" each, sorted. */
static void assert_active(Scene *scene, const char *expected)
{
        autostrv names = NULL;

        report(scene);
        autoptr(AlarmList) list = list_all(scene);
        for (size_t i = 0; i < list->n; i++)
                strv_take(
                        &names, xasprintf("%s@%s", list->alarms[i].type, list->alarms[i].resource));
        autofree char *active = strv_join(names, " ");
        assert_string_equal(active, expected);
}

static void assert_reason(const Scene *scene, size_t i, const char *part)
{
        autoptr(AlarmList) list = list_all(scene);

        assert_true(i < list->n);
        if (!strstr(list->alarms[i].reason, part))
                fail_msg("'%s' lacks '%s'", list->alarms[i].reason, part);
}

static void test_t01_nothing_wrong_is_no_alarm(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        scene_item(scene, ITEM_CA, "ca", 9 * YEAR);
        assert_active(scene, "");
        assert_int_equal(scene_n_events, 0);
        scene_free(scene);
}

static void test_t41_expiring_then_expired_then_renewed(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", DAY - 1);

        scene_result(scene, i, OUTCOME_FAILED, "the disk is full");
        assert_active(scene, "expiring@apiserver renewal-failed@apiserver");
        assert_reason(scene, 0, "expires 2027-11-12T23:25:59Z; the disk is full");

        scene_next(scene, DAY);
        scene_result(scene, i, OUTCOME_FAILED, "the disk is full");
        assert_active(scene, "expired@apiserver renewal-failed@apiserver");
        assert_non_null(scene_find_event(EVENT_ALARM_RAISED, "ALARM_TYPE=expired\n"));
        assert_non_null(scene_find_event(EVENT_ALARM_CLEARED, "ALARM_TYPE=expiring\n"));

        scene_next(scene, DAY);
        scene_set_residual(scene, i, YEAR);
        scene_result(scene, i, OUTCOME_RENEWED, NULL);
        assert_active(scene, "");
        scene_free(scene);
}

static void test_raising_again_is_no_news(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 9 * DAY);

        scene_result(scene, i, OUTCOME_FAILED, "x");
        assert_active(scene, "expiring@apiserver renewal-failed@apiserver");
        assert_int_equal(scene_n_events, 2);
        assert_string_equal(scene_find_event(EVENT_ALARM_RAISED, "ALARM_ID=250.003\n")->message,
                "Alarm renewal-failed of 'apiserver' (major): Kubernetes certificates renewal "
                "failed. Reason: x.");
        scene_next(scene, DAY);
        scene_result(scene, i, OUTCOME_FAILED, "y");
        assert_active(scene, "expiring@apiserver renewal-failed@apiserver");
        assert_int_equal(scene_n_events, 0);
        assert_reason(scene, 1, "y");
        scene_free(scene);
}

static void test_expiring_is_quiet_until_overdue(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 15 * DAY - 1);

        assert_active(scene, ""); /* somebody renewed another one by name */
        scene_next(scene, DAY);
        assert_active(scene, "");
        scene_next(scene, 2 * DAY);
        assert_active(scene, "expiring@apiserver");
        assert_reason(scene, 0, "no pass has renewed it since it was due");

        scene_set_residual(scene, i, YEAR);
        assert_active(scene, "expiring@apiserver"); /* of the same pass */
        scene_next(scene, DAY);
        assert_active(scene, "");
        scene_free(scene);
}

/* Of a certificate that lives for hours the margin is half of its window. */
static void test_t37_short_lives_are_told_in_time(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 100);

        scene->verdicts[i].due_at = NOW - 100;
        assert_active(scene, "expiring@apiserver");
        scene_free(scene);
}

/* Failure mode 27: every reason is kept. */
static void test_several_failures_are_several_alarms(void **state)
{
        Scene *scene = scene_new();
        size_t a = scene_leaf(scene, "apiserver", 9 * DAY);
        size_t b = scene_leaf(scene, "etcd-server", 9 * DAY);
        size_t c = scene_leaf(scene, "etcd-peer", 9 * DAY);

        scene_result(scene, a, OUTCOME_FAILED, "first");
        scene_result(scene, b, OUTCOME_CA_LIMITED, "second");
        scene_skip(scene, c, OUTCOME_FAILED, "third")->is_failure = true;
        assert_active(scene,
                "ca-limited@etcd-server expiring@apiserver expiring@etcd-peer "
                "expiring@etcd-server renewal-failed@apiserver renewal-failed@etcd-peer");
        assert_reason(scene, 0, "second");
        assert_reason(scene, 4, "first");
        assert_reason(scene, 5, "third");
        scene_free(scene);
}

static void test_t22_only_what_is_gone_is_cleared(void **state)
{
        Scene *scene = scene_new();
        size_t a = scene_leaf(scene, "apiserver", 9 * DAY);
        size_t b = scene_leaf(scene, "etcd-server", 9 * DAY);

        scene_result(scene, a, OUTCOME_FAILED, "x");
        scene_result(scene, b, OUTCOME_FAILED, "x");
        report(scene);
        scene_next(scene, DAY);
        scene_set_residual(scene, a, YEAR);
        scene_result(scene, a, OUTCOME_RENEWED, NULL);
        assert_active(scene, "expiring@etcd-server renewal-failed@etcd-server");
        scene_free(scene);
}

static void test_unreadable_is_no_evidence(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", -1);

        scene_result(scene, i, OUTCOME_FAILED, "x");
        assert_active(scene, "expired@apiserver renewal-failed@apiserver");
        scene_next(scene, DAY);
        scene_set_state(scene, i, STATE_INVALID, "'/pki/apiserver.crt' is no certificate");
        scene_skip(scene, i, OUTCOME_FAILED, "'/pki/apiserver.crt' is no certificate");
        assert_active(scene, "expired@apiserver invalid@apiserver renewal-failed@apiserver");
        scene_next(scene, DAY);
        scene_set_state(scene, i, STATE_OK, NULL);
        scene_set_residual(scene, i, YEAR);
        assert_active(scene, "");
        scene_free(scene);
}

static void test_t10_external_and_watched(void **state)
{
        Scene *scene = scene_new();
        size_t external = scene_leaf(scene, "apiserver", 9 * DAY);
        size_t watched = scene_leaf(scene, "kubelet", 9 * DAY);
        size_t rotating = scene_leaf(scene, "kubelet-serving", 9 * DAY);

        scene->verdicts[external].external = true;
        scene->entries[watched].watch = scene->entries[rotating].watch = true;
        scene->certs[rotating].not_before = NOW - 20 * DAY; /* lives for 29 days, not late yet */
        assert_active(scene, "expiring@kubelet externally-managed-expiring@apiserver");

        scene_set_residual(scene, external, -1);
        scene_next(scene, DAY);
        scene_set_residual(scene, watched, YEAR);
        scene_set_residual(scene, rotating, YEAR);
        assert_active(scene, "expired@apiserver");
        scene_free(scene);
}

static void test_t04_authorities(void **state)
{
        static const struct {
                int64_t residual;
                const char *active;
                AlarmSeverity severity;
        } table[] = {
                {180 * DAY, "", 0},
                {180 * DAY - 1, "ca-expiring@ca", ALARM_MAJOR},
                {30 * DAY, "ca-expiring@ca", ALARM_MAJOR},
                {30 * DAY - 1, "ca-expiring@ca", ALARM_CRITICAL},
                {0, "ca-expiring@ca", ALARM_CRITICAL},
                {-1, "ca-expired@ca", ALARM_CRITICAL},
                {9 * YEAR, "", 0},
        };
        Scene *scene = scene_new();
        size_t i = scene_item(scene, ITEM_CA, "ca", YEAR);

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                scene_next(scene, DAY);
                scene_set_residual(scene, i, table[k].residual);
                assert_active(scene, table[k].active);
                autoptr(AlarmList) list = list_all(scene);
                if (list->n > 0)
                        assert_int_equal(list->alarms[0].severity, table[k].severity);
        }
        scene_free(scene);
}

static void test_embedded_and_intermediate_authorities(void **state)
{
        Scene *scene = scene_new();
        size_t chain;

        scene_item(scene, ITEM_EMBEDDED_CA, "admin.conf/ca", -1);
        chain = scene_item(scene, ITEM_CHAIN, "apiserver#2", 20 * DAY);
        scene->certs[chain].is_ca = true;
        assert_active(scene, "ca-expired@admin.conf/ca ca-expiring@apiserver#2");
        scene_free(scene);
}

static void test_invalid_states(void **state)
{
        static const struct {
                State state;
                const char *active, *text;
        } table[] = {
                {STATE_MISSING, "invalid@a", "The certificate is missing."},
                {STATE_INVALID, "invalid@a", "The certificate or its key cannot be read."},
                {STATE_MISMATCH, "invalid@a", "The key does not belong to the certificate."},
                {STATE_UNTRUSTED, "invalid@a", "The certificate does not verify against its CA."},
                {STATE_EXPIRED, "invalid@a", "The certificate does not verify against its CA."},
                {STATE_NOT_YET_VALID, "invalid@a", "The certificate is not valid yet."},
                {STATE_DRIFTED, "", NULL},
        };
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "a", 300 * DAY);

        for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                scene_next(scene, 60);
                scene_set_state(scene, i, table[k].state, "why");
                assert_active(scene, table[k].active);
                autoptr(AlarmList) list = list_all(scene);
                if (list->n > 0)
                        assert_string_equal(list->alarms[0].text, table[k].text);
        }
        scene_free(scene);
}

static void test_t21_restart_is_owed_until_the_ledger_says_otherwise(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", YEAR);
        scene_owe(scene, "kube-scheduler");
        assert_active(scene, "restart-owed@kube-scheduler");
        scene_next(scene, DAY);
        assert_active(scene, "restart-owed@kube-scheduler");
        scene_next(scene, DAY);
        scene->input.owed = NULL; /* this pass did not come so far */
        assert_active(scene, "restart-owed@kube-scheduler");
        scene_next(scene, DAY);
        scene->owed.n = 0;
        scene->input.owed = &scene->owed;
        assert_active(scene, "");
        scene_free(scene);
}

static void test_a_pass_that_failed_as_a_whole(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", -1);

        report(scene);
        scene_next(scene, DAY);
        scene_set_residual(scene, i, YEAR);
        scene->input.after = NULL;
        scene->input.failure = "cannot write '/state/txn'";
        assert_active(scene, "expired@apiserver renewal-failed@host");
        assert_reason(scene, 1, "cannot write '/state/txn'");
        scene_next(scene, DAY);
        scene->input.after = &scene->assessment;
        assert_active(scene, "");
        scene_free(scene);
}

static void test_t19_foreign_change(void **state)
{
        TxnConflict conflicts[] = {
                {(char *)"/pki/apiserver.crt", (char *)"why", .displaced = (char *)"/state/x"},
                {.path = (char *)"/pki/apiserver.key", .text = (char *)"why"},
                {.path = (char *)"/pki/unknown.crt", .text = (char *)"why"},
        };
        const TxnOutcome outcome = {
                .id = (char *)"t", .n_conflicts = ELEMENTSOF(conflicts), .conflicts = conflicts};
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", YEAR);

        scene->input.commit = &outcome;
        assert_active(scene, "foreign-change@/pki/unknown.crt foreign-change@apiserver");
        assert_reason(scene, 1, "why; what was displaced is saved in /state/x");
        scene_next(scene, DAY);
        scene_set_state(scene, i, STATE_MISMATCH, "why");
        assert_active(scene, "foreign-change@apiserver invalid@apiserver");
        scene_next(scene, DAY);
        assert_active(scene, "");
        scene_free(scene);
}

static void test_t35_postponed_near_the_end(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 4 * DAY);

        scene->verdicts[i].due_at = NOW;
        scene_skip(scene, i, OUTCOME_POSTPONED, "an upgrade is running");
        assert_active(scene, "");
        scene_next(scene, DAY + 1);
        scene->verdicts[i].due_at = scene->input.now;
        scene_skip(scene, i, OUTCOME_POSTPONED, "an upgrade is running");
        assert_active(scene, "postponed@apiserver");
        scene_next(scene, DAY);
        scene_set_residual(scene, i, YEAR);
        assert_active(scene, "");
        scene_free(scene);
}

static void test_what_left_the_inventory_is_cleared(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        scene_leaf(scene, "etcd-server", -1);
        assert_active(scene, "expired@etcd-server");
        scene_next(scene, DAY);
        scene->assessment.n = scene->inventory.n_items = 1;
        assert_active(scene, "");
        assert_non_null(
                scene_find_event(EVENT_ALARM_CLEARED, "REASON=it is no longer in the inventory\n"));
        scene->inventory.n_items = 2;
        scene_free(scene);
}

/* While a kubeconfig cannot be read its users are not listed: that is no evidence. */
static void test_a_user_of_an_unreadable_kubeconfig_stays(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_item(scene, ITEM_KUBECONFIG, "admin.conf", 300 * DAY);

        scene_item(scene, ITEM_KUBECONFIG, "admin.conf/bob", -1);
        assert_active(scene, "expired@admin.conf/bob");
        scene_next(scene, DAY);
        scene->assessment.n = scene->inventory.n_items = 1;
        scene_set_state(scene, i, STATE_INVALID, "no YAML");
        assert_active(scene, "expired@admin.conf/bob invalid@admin.conf");
        scene->inventory.n_items = 2;
        scene_free(scene);
}

/* Only a manifest says that an optional file is expected. */
static void test_a_missing_file_stays_while_a_manifest_is_unreadable(void **state)
{
        Scene *scene = scene_new();
        const ComponentEntry entry = {.name = (char *)"x", .manifest = (char *)"/x.yaml"};
        InventoryComponent component = {&entry, .error = -EBADMSG, .problem = (char *)"why"};

        scene_set_state(scene, scene_leaf(scene, "apiserver", YEAR), STATE_MISSING, "why");
        assert_active(scene, "invalid@apiserver");
        scene_next(scene, DAY);
        scene->inventory.components = &component;
        scene->inventory.n_components = 1;
        scene->assessment.n = scene->inventory.n_items = 0;
        assert_active(scene, "invalid@/x.yaml invalid@apiserver");
        component.error = 0;
        scene_next(scene, DAY);
        assert_active(scene, "");
        scene->inventory.n_items = 1;
        scene_free(scene);
}

static void test_alarms_of_others_are_left_alone(void **state)
{
        Alarm alarm = {.type = (char *)"disk-full", .resource = (char *)"host"};
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        assert_int_equal(alarm_raise(root_fd, "/state/public/alarms", &alarm, NOW, NULL), 1);
        put("state/public/alarms/README", "x");
        assert_active(scene, "disk-full@host");
        assert_content("/state/public/alarms/README", "x");
        scene_free(scene);
}

/* One file that cannot be written is reported, and stops nothing. */
static void test_one_bad_file_stops_nothing(void **state)
{
        Scene *scene = scene_new();
        Error error = {};

        scene_leaf(scene, "a", -1);
        scene_leaf(scene, "b", -1);
        assert_int_equal(
                fs_make_directories(root_fd, "/state/public/alarms/expired@a.json", 0755, NULL), 0);
        assert_true(report_alarms(&scene->input, &error) < 0);
        assert_non_null(strstr(error.text, "expired@a.json"));
        autoptr(AlarmList) list = list_all(scene);
        assert_int_equal(list->n, 1);
        assert_string_equal(list->alarms[0].resource, "b");
        scene_free(scene);
}

/* Names from a kubeconfig are anything. */
static void test_hostile_names(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "admin.conf/../..\n\033[2J\xff", -1);

        assert_active(scene, "expired@admin.conf/../..\\x0a\\x1b[2J\\xff");
        scene_next(scene, DAY);
        scene_set_state(scene, i, STATE_MISSING, "x");
        assert_active(scene, "expired@admin.conf/../..\\x0a\\x1b[2J\\xff "
                             "invalid@admin.conf/../..\\x0a\\x1b[2J\\xff");
        scene_next(scene, DAY);
        scene_set_state(scene, i, STATE_OK, NULL);
        scene_set_residual(scene, i, YEAR);
        assert_active(scene, "");
        scene_free(scene);
}

static void test_starlingx_ids(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 9 * DAY);

        scene_result(scene, i, OUTCOME_FAILED, "x");
        scene_owe(scene, "etcd");
        report(scene);
        autoptr(AlarmList) list = list_all(scene);
        assert_int_equal(list->n, 3);
        assert_string_equal(list->alarms[0].alarm_id, "500.200");
        assert_string_equal(list->alarms[1].alarm_id, "250.003");
        assert_string_equal(list->alarms[1].text, "Kubernetes certificates renewal failed.");
        assert_string_equal(list->alarms[2].alarm_id, "250.003");
        assert_string_equal(list->alarms[2].text,
                "Kubernetes certificates have been renewed but not all services have been "
                "updated.");
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t01_nothing_wrong_is_no_alarm),
                SCRATCH_TEST(test_t41_expiring_then_expired_then_renewed),
                SCRATCH_TEST(test_raising_again_is_no_news),
                SCRATCH_TEST(test_expiring_is_quiet_until_overdue),
                SCRATCH_TEST(test_t37_short_lives_are_told_in_time),
                SCRATCH_TEST(test_several_failures_are_several_alarms),
                SCRATCH_TEST(test_t22_only_what_is_gone_is_cleared),
                SCRATCH_TEST(test_unreadable_is_no_evidence),
                SCRATCH_TEST(test_t10_external_and_watched),
                SCRATCH_TEST(test_t04_authorities),
                SCRATCH_TEST(test_embedded_and_intermediate_authorities),
                SCRATCH_TEST(test_invalid_states),
                SCRATCH_TEST(test_t21_restart_is_owed_until_the_ledger_says_otherwise),
                SCRATCH_TEST(test_a_pass_that_failed_as_a_whole),
                SCRATCH_TEST(test_t19_foreign_change),
                SCRATCH_TEST(test_t35_postponed_near_the_end),
                SCRATCH_TEST(test_what_left_the_inventory_is_cleared),
                SCRATCH_TEST(test_a_user_of_an_unreadable_kubeconfig_stays),
                SCRATCH_TEST(test_a_missing_file_stays_while_a_manifest_is_unreadable),
                SCRATCH_TEST(test_alarms_of_others_are_left_alone),
                SCRATCH_TEST(test_one_bad_file_stops_nothing),
                SCRATCH_TEST(test_hostile_names),
                SCRATCH_TEST(test_starlingx_ids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

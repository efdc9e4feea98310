/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "scene.h"

#include <config.h>
#include <signal.h>
#include <sys/wait.h>

#define STATUS "/state/public/status.json"

static json_t *report(Scene *scene)
{
        json_t *status = NULL;
        Error error = {};

        if (report_status(&scene->input, &error) < 0 ||
                json_read_file(root_fd, STATUS, &status, &error) < 0)
                fail_msg("%s", error.text);
        return status;
}

static const char *text(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

static void test_status_is_as_documented(void **state)
{
        char *shelve[] = {(char *)"restart-owed@etcd", NULL};
        Scene *scene = scene_new();
        Rows *rows = NULL;
        Error error = {};
        struct stat st;

        scene->config.shelve = shelve;
        scene_leaf(scene, "apiserver", 300 * DAY);
        scene_leaf(scene, "etcd-server", -1);
        scene_item(scene, ITEM_CA, "ca", 9 * YEAR);
        scene->verdicts[0].loaded = LOADED_NO;
        scene->verdicts[1].loaded = LOADED_YES;
        scene_owe(scene, "etcd");
        scene->input.restarts = &(RestartReport){.turn_holder = (char *)"cp-2"};
        assert_int_equal(report_alarms(&scene->input, NULL), 0);

        autoptr(json_t) status = report(scene);
        assert_int_equal(json_integer_value(json_object_get(status, "generation")), 1);
        assert_int_equal(json_integer_value(json_object_get(status, "exit_status")), 0);
        assert_string_equal(text(status, "pass_id"), "pass-0");
        assert_string_equal(text(status, "hostname"), "cp-1");
        assert_string_equal(text(status, "last_run"), "2027-11-11T23:26:00Z");
        assert_string_equal(text(status, "last_success"), "2027-11-11T23:26:00Z");
        assert_string_equal(text(status, "next_due"), "2027-10-27T23:25:59Z");
        assert_string_equal(text(status, "valid_until"), "2027-11-14T05:26:00Z");
        assert_int_equal(json_array_size(json_object_get(status, "alarms")), 1);
        assert_int_equal(json_array_size(json_object_get(status, "shelved")), 1);
        assert_int_equal(json_array_size(json_object_get(status, "restarts_owed")), 1);
        assert_string_equal(text(status, "version"), PACKAGE_VERSION);
        assert_int_equal(json_array_size(json_object_get(status, "layouts")), 0);
        assert_string_equal(text(status, "turn_holder"), "cp-2");
        assert_int_equal(json_object_size(status), 15);

        if (rows_from_json(json_object_get(status, "certificates"), &rows, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(rows->n, 3);
        assert_string_equal(rows->rows[1].name, "etcd-server");
        assert_string_equal(rows->rows[1].status, "EXPIRED");
        assert_int_equal(rows->rows[0].loaded, LOADED_NO);
        assert_int_equal(rows->rows[1].loaded, LOADED_YES);
        assert_int_equal(rows->rows[2].loaded, LOADED_UNKNOWN);
        rows_free(rows);

        assert_int_equal(stat("state/public/status.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_int_equal(stat("state/public", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
        scene_free(scene);
}

/* The next pass compares its clock with the last one that could be believed. */
static void test_a_wrong_clock_is_no_run(void **state)
{
        Scene *scene = scene_new();
        const GuardFindings guards = {.clock = (char *)"it is wrong"};

        scene_leaf(scene, "apiserver", 300 * DAY);
        json_decref(report(scene));
        scene_next(scene, -9 * DAY);
        scene->input.guards = &guards;
        scene->input.after = NULL;
        scene->input.exit_status = 75;
        autoptr(json_t) second = report(scene);
        assert_string_equal(text(second, "last_run"), "2027-11-11T23:26:00Z");
        assert_string_equal(text(second, "last_success"), "2027-11-11T23:26:00Z");
        assert_string_equal(text(second, "valid_until"), "2027-11-14T05:26:00Z");
        assert_int_equal(json_integer_value(json_object_get(second, "exit_status")), 75);
        scene_free(scene);
}

static void test_a_failed_pass_is_a_run_but_no_success(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        json_decref(report(scene));
        scene_next(scene, DAY);
        scene->input.exit_status = 1;
        autoptr(json_t) second = report(scene);
        assert_int_equal(json_integer_value(json_object_get(second, "generation")), 2);
        assert_int_equal(json_integer_value(json_object_get(second, "exit_status")), 1);
        assert_string_equal(text(second, "last_run"), "2027-11-12T23:26:00Z");
        assert_string_equal(text(second, "last_success"), "2027-11-11T23:26:00Z");
        assert_string_equal(text(second, "valid_until"), "2027-11-15T05:26:00Z");
        scene_free(scene);
}

/* What was not looked at is not made to look fresh. */
static void test_a_pass_that_saw_nothing_keeps_the_end_of_validity(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        scene_owe(scene, "etcd");
        autoptr(json_t) first = report(scene);
        scene_next(scene, DAY);
        scene->input.after = NULL;
        scene->input.owed = NULL;
        scene->input.exit_status = 1;
        autoptr(json_t) second = report(scene);
        assert_string_equal(text(second, "last_run"), "2027-11-12T23:26:00Z");
        assert_string_equal(text(second, "valid_until"), "2027-11-14T05:26:00Z");
        assert_true(json_equal(
                json_object_get(first, "certificates"), json_object_get(second, "certificates")));
        assert_true(json_equal(
                json_object_get(first, "restarts_owed"), json_object_get(second, "restarts_owed")));
        assert_true(json_equal(
                json_object_get(first, "next_due"), json_object_get(second, "next_due")));
        scene_free(scene);
}

static void test_nothing_seen_ever(void **state)
{
        Scene *scene = scene_new();

        scene->input.after = NULL;
        scene->input.owed = NULL;
        scene->input.exit_status = 75;
        autoptr(json_t) status = report(scene);
        assert_true(json_is_null(json_object_get(status, "valid_until")));
        assert_true(json_is_null(json_object_get(status, "last_success")));
        assert_true(json_is_null(json_object_get(status, "next_due")));
        assert_int_equal(json_array_size(json_object_get(status, "certificates")), 0);
        assert_int_equal(json_array_size(json_object_get(status, "restarts_owed")), 0);
        scene_free(scene);
}

static void test_whatever_was_there_before(void **state)
{
        static const char *const before[] = {"", "{", "[]", "null", "{\"generation\": \"x\"}",
                "{\"generation\": 9223372036854775807, \"last_success\": null}",
                "{\"last_success\": {}, \"certificates\": 7, \"valid_until\": []}",
                "{\"certificates\": {}, \"valid_until\": \"2027-11-14T05:26:00Z\"}",
                "{\"certificates\": [1], \"valid_until\": \"2027-11-14T05:26:00Z\"}",
                "{\"restarts_owed\": [{}], \"valid_until\": \"2027-11-14T05:26:00Z\"}"};

        for (size_t i = 0; i < ELEMENTSOF(before); i++) {
                Scene *scene = scene_new();

                assert_int_equal(fs_make_directories(root_fd, "/state/public", 0755, NULL), 0);
                put("state/public/status.json", before[i]);
                scene->input.after = NULL;
                scene->input.owed = NULL;
                scene->input.exit_status = 1;
                autoptr(json_t) status = report(scene);
                assert_int_equal(json_integer_value(json_object_get(status, "generation")), 1);
                assert_true(json_is_null(json_object_get(status, "valid_until")));
                assert_true(json_is_null(json_object_get(status, "last_success")));
                assert_int_equal(json_array_size(json_object_get(status, "certificates")), 0);
                assert_int_equal(json_array_size(json_object_get(status, "restarts_owed")), 0);
                scene_free(scene);
        }
}

static json_t *read_status(void)
{
        json_t *status = NULL;
        Error error = {};

        if (json_read_file(root_fd, STATUS, &status, &error) < 0)
                fail_msg("%s", error.text);
        return status;
}

static bool metrics_have(const char *text)
{
        autoptr(FileImage) file = NULL;

        assert_int_equal(
                fs_read_file(root_fd, "/state/public/kube-renewd.prom", FS_SIZE_MAX, &file, NULL),
                0);
        return strstr((const char *)file->data, text);
}

static void assert_only_alarms_differ(json_t *before, json_t *after)
{
        static const char *const keys[] = {"alarms", "shelved", "generation"};

        assert_int_equal(json_integer_value(json_object_get(after, "generation")),
                json_integer_value(json_object_get(before, "generation")) + 1);
        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                json_object_del(before, keys[i]);
                json_object_del(after, keys[i]);
        }
        assert_true(json_equal(before, after));
}

/* Between two passes: all sources of alarms agree, and nothing else is said anew. */
static void test_an_incident_shows_its_alarms_everywhere(void **state)
{
        char *shelve[] = {(char *)"renewal-failed@*", NULL};
        Scene *scene = scene_new();

        scene->config.shelve = shelve;
        scene_leaf(scene, "apiserver", 300 * DAY);
        autoptr(json_t) first = report(scene);
        scene_next(scene, DAY);
        scene->input.after = NULL;
        scene->input.config_failure = "line 3";
        scene->input.failure = "no space";
        assert_int_equal(report_incident(&scene->input, NULL), 0);

        autoptr(json_t) second = read_status();
        const json_t *alarms = json_object_get(second, "alarms");
        const json_t *shelved = json_object_get(second, "shelved");
        assert_int_equal(json_array_size(alarms), 1);
        assert_string_equal(text(json_array_get(alarms, 0), "type"), "config-invalid");
        assert_int_equal(json_array_size(shelved), 1);
        assert_string_equal(text(json_array_get(shelved, 0), "type"), "renewal-failed");
        assert_true(metrics_have("kube_renewd_alarm{type=\"config-invalid\","));
        assert_true(metrics_have("kube_renewd_last_run_timestamp_seconds 1825975560\n"));
        assert_only_alarms_differ(first, second);
        scene_free(scene);
}

static void test_the_same_alarms_are_not_written_again(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        autoptr(json_t) before = report(scene);
        assert_int_equal(report_status_alarms(&scene->input, NULL), 0);
        autoptr(json_t) after = read_status();
        assert_true(json_equal(before, after));
        assert_false(fs_exists(root_fd, "/state/public/kube-renewd.prom"));
        scene_free(scene);
}

/* An incident has seen no certificate: of itself it makes neither a status nor metrics. */
static void test_alarms_alone_make_no_status(void **state)
{
        static const char *const before[] = {NULL, "", "{}", "[]", "{\"generation\": 1}"};

        for (size_t i = 0; i < ELEMENTSOF(before); i++) {
                Scene *scene = scene_new();

                assert_int_equal(fs_make_directories(root_fd, "/state/public", 0755, NULL), 0);
                if (before[i])
                        put("state/public/status.json", before[i]);
                scene->input.after = NULL;
                scene->input.failure = "no space";
                assert_int_equal(report_incident(&scene->input, NULL), 0);
                assert_true(fs_exists(root_fd, "/state/public/alarms/renewal-failed@host.json"));
                autofree char *content = fs_content(root_fd, STATUS);
                autofree char *expected = xstrdup("");
                if (before[i]) {
                        put("state/expected", before[i]);
                        free(expected);
                        expected = fs_content(root_fd, "/state/expected");
                }
                assert_string_equal(content, expected);
                assert_false(fs_exists(root_fd, "/state/public/kube-renewd.prom"));
                scene_free(scene);
        }
}

/* The alarm is what matters. */
static void test_an_incident_that_cannot_be_shown_everywhere_is_told(void **state)
{
        Scene *scene = scene_new();

        json_decref(report(scene));
        assert_int_equal(mkdir("state/public/kube-renewd.prom", 0755), 0);
        scene->input.after = NULL;
        scene->input.failure = "no space";
        assert_int_equal(report_incident(&scene->input, NULL), 0);
        autoptr(json_t) status = read_status();
        assert_int_equal(json_array_size(json_object_get(status, "alarms")), 1);
        scene_free(scene);
}

/* A pass and incidents may come at the same time: none undoes what another one has written. */
static void test_who_writes_waits_for_who_writes(void **state)
{
        static int (*const writers[])(const ReportInput *input, Error *reterr) = {
                report_status, report_status_alarms, report_metrics};
        pid_t children[ELEMENTSOF(writers)];
        Scene *scene = scene_new();
        int status;

        json_decref(report(scene));
        autofd int lock_fd = report_lock(&scene->input, NULL);
        assert_true(lock_fd >= 0);
        for (size_t i = 0; i < ELEMENTSOF(writers); i++) {
                children[i] = fork();
                if (children[i] != 0)
                        continue;
                close(lock_fd);
                alarm(1); /* who does not wait is done before */
                _exit(writers[i](&scene->input, NULL) < 0);
        }
        for (size_t i = 0; i < ELEMENTSOF(writers); i++) {
                assert_int_equal(waitpid(children[i], &status, 0), children[i]);
                assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
        }
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_status_is_as_documented),
                SCRATCH_TEST(test_a_failed_pass_is_a_run_but_no_success),
                SCRATCH_TEST(test_a_wrong_clock_is_no_run),
                SCRATCH_TEST(test_a_pass_that_saw_nothing_keeps_the_end_of_validity),
                SCRATCH_TEST(test_nothing_seen_ever),
                SCRATCH_TEST(test_whatever_was_there_before),
                SCRATCH_TEST(test_an_incident_shows_its_alarms_everywhere),
                SCRATCH_TEST(test_the_same_alarms_are_not_written_again),
                SCRATCH_TEST(test_alarms_alone_make_no_status),
                SCRATCH_TEST(test_an_incident_that_cannot_be_shown_everywhere_is_told),
                SCRATCH_TEST(test_who_writes_waits_for_who_writes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

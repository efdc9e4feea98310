/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/report/status.h"
#include "scene.h"

#include <fcntl.h>

#define STATE  "/state"
#define STATUS "/state/public/status.json"

/* A host with one certificate of each kind of fate, and the status that a pass left of it. */
static Scene *reported(void)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        scene_leaf(scene, "etcd-server", HOUR);
        scene_set_state(
                scene, scene_leaf(scene, "etcd-peer", -DAY), STATE_EXPIRED, "expired 1d ago");
        scene->verdicts[2].reason = DUE_EXPIRED;
        scene_set_state(scene, scene_leaf(scene, "admin.conf", HOUR), STATE_MISMATCH, "no match");
        scene_set_state(scene, scene_leaf(scene, "scheduler.conf", DAY), STATE_MISSING, NULL);
        scene_item(scene, ITEM_CA, "ca", HOUR);
        scene_owe(scene, "kube-scheduler");
        assert_int_equal(report_alarms(&scene->input, NULL), 0);
        assert_int_equal(report_status(&scene->input, NULL), 0);
        return scene;
}

static Status *status_at(int64_t now)
{
        Status *status = NULL;
        Error error = {};

        if (status_read(root_fd, STATE, now, &status, &error) < 0)
                fail_msg("%s", error.text);
        return status;
}

static void test_what_the_pass_saw_is_read_back(void **state)
{
        Scene *scene = reported();
        autoptr(Rows) rows = rows_from_assessment(&scene->assessment);
        autoptr(Status) status = status_at(NOW);
        autoptr(json_t) written = rows_to_json(rows);
        autoptr(json_t) read = rows_to_json(status->rows);

        assert_int_equal(status->generation, 1);
        assert_int_equal(status->last_run, NOW);
        assert_int_equal(status->last_success, NOW);
        assert_int_equal(status->valid_until, NOW + 2 * DAY + 6 * HOUR);
        assert_int_equal(status->exit_status, 0);
        assert_string_equal(status->hostname, "cp-1");
        assert_string_equal(status->pass_id, "pass-0");
        assert_non_null(status->version);
        assert_null(status->layouts);
        assert_null(status->turn_holder);
        assert_true(status->alarms->n > 0);
        assert_int_equal(status->shelved->n, 0);
        assert_int_equal(status->owed->n, 1);
        assert_string_equal(status->owed->entries[0].component, "kube-scheduler");
        assert_int_equal(status->owed->entries[0].since, NOW);
        assert_true(json_equal(written, read));
        scene_free(scene);
}

static void test_time_has_gone_on(void **state)
{
        static const struct {
                const char *status, *text, *due_reason;
                int64_t residual;
                int severity;
        } expected[] = {
                {"OK", NULL, "", 300 * DAY - 2 * HOUR, 0},
                {"EXPIRED", "expired 1h ago", "expired", -HOUR, 2},
                {"EXPIRED", "expired 1d 2h ago", "expired", -DAY - 2 * HOUR, 2},
                {"MISMATCH", "no match", "expired", -HOUR, 2},
                {"MISSING", NULL, "", 0, 2},
                {"EXPIRED", "expired 1h ago", "", -HOUR, 2},
        };
        Scene *scene = reported();
        autoptr(Status) status = status_at(NOW + 2 * HOUR);

        assert_int_equal(status->rows->n, ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                const Row *row = &status->rows->rows[i];

                print_message("# %s\n", row->name);
                assert_string_equal(row->status, expected[i].status);
                assert_int_equal(row->residual, expected[i].residual);
                assert_int_equal(row->severity, expected[i].severity);
                if (expected[i].text)
                        assert_string_equal(row->text, expected[i].text);
                if (streq(row->status, "EXPIRED") || !row->due_reason[0])
                        assert_string_equal(row->due_reason, expected[i].due_reason);
        }
        scene_free(scene);
}

/* As assess() has it: the second of notAfter is the last one. */
static void test_t08_the_last_second_counts(void **state)
{
        Scene *scene = reported();
        autoptr(Status) last = status_at(NOW + HOUR);
        autoptr(Status) after = status_at(NOW + HOUR + 1);

        assert_string_equal(last->rows->rows[1].status, "EXPIRING");
        assert_string_equal(after->rows->rows[1].status, "EXPIRED");
        scene_free(scene);
}

static void assert_refused(int64_t now, int r, const char *text)
{
        Status *status = NULL;
        Error error = {};

        assert_int_equal(status_read(root_fd, STATE, now, &status, &error), r);
        assert_null(status);
        if (!strstr(error.text, STATUS) || !strstr(error.text, text))
                fail_msg("'%s' does not say '%s'", error.text, text);
}

static void test_an_old_status_is_no_statement(void **state)
{
        Scene *scene = reported();
        const int64_t end = NOW + 2 * DAY + 6 * HOUR;

        status_free(status_at(end));
        assert_refused(end + 1, -ESTALE, "was valid until 2027-11-14T05:26:00Z");
        status_free(status_at(NOW - MINUTE));
        assert_refused(NOW - HOUR, -ESTALE, "written in the future, at 2027-11-11T23:26:00Z");
        scene_free(scene);
}

static void test_a_status_without_certificates_is_no_statement(void **state)
{
        Scene *scene = scene_new();

        scene->input.after = NULL;
        scene->input.exit_status = 1;
        assert_int_equal(report_status(&scene->input, NULL), 0);
        assert_refused(NOW, -ESTALE, "no pass has seen the certificates yet");
        scene_free(scene);
}

/* Nor has there been one yet whose clock could be believed. */
static void test_a_status_without_a_last_run(void **state)
{
        const GuardFindings guards = {.clock = (char *)"the clock says 1970"};
        Scene *scene = scene_new();

        scene->input.after = NULL;
        scene->input.guards = &guards;
        assert_int_equal(report_status(&scene->input, NULL), 0);
        assert_refused(NOW, -ESTALE, "no pass has seen the certificates yet; ");
        scene_free(scene);
}

static void test_a_missing_status_is_said(void **state)
{
        assert_refused(NOW, -ENOENT, "no pass has reported on this host yet");
}

static void test_t07_what_is_no_file_is_refused(void **state)
{
        Status *status = NULL;

        assert_int_equal(fs_make_directories(root_fd, STATUS, 0755, NULL), 0);
        assert_int_equal(status_read(root_fd, STATE, NOW, &status, NULL), -EISDIR);
        assert_int_equal(rmdir("state/public/status.json"), 0);
        assert_int_equal(mkfifo("state/public/status.json", 0644), 0);
        assert_int_equal(status_read(root_fd, STATE, NOW, &status, NULL), -EINVAL);
        assert_int_equal(unlink("state/public/status.json"), 0);
        put("state/public/status.json", "{}");
        assert_int_equal(truncate("state/public/status.json", 1 << 30), 0);
        assert_int_equal(status_read(root_fd, STATE, NOW, &status, NULL), -EFBIG);
}

/* One member replaced; NULL: removed. */
static const struct {
        const char *key, *value;
} broken[] = {
        {"generation", NULL},
        {"generation", "0"},
        {"generation", "\"1\""},
        {"exit_status", NULL},
        {"exit_status", "-1"},
        {"exit_status", "256"},
        {"exit_status", "1.5"},
        {"last_run", NULL},
        {"last_run", "null"},
        {"last_run", "7"},
        {"last_success", NULL},
        {"last_success", "\"yesterday\""},
        {"next_due", "true"},
        {"valid_until", NULL},
        {"valid_until", "\"2027-13-01T00:00:00Z\""},
        {"hostname", "7"},
        {"layouts", "{}"},
        {"layouts", "[7]"},
        {"pass_id", NULL},
        {"pass_id", "null"},
        {"version", "[]"},
        {"turn_holder", "[]"},
        {"certificates", NULL},
        {"certificates", "{}"},
        {"certificates", "[{}]"},
        {"alarms", NULL},
        {"alarms", "[7]"},
        {"alarms", "[{}]"},
        {"shelved", NULL},
        {"shelved", "{}"},
        {"shelved", "[null]"},
        {"restarts_owed", NULL},
        {"restarts_owed", "{}"},
        {"restarts_owed", "[{}]"},
        {"restarts_owed",
                "[{\"component\": \"etcd\", \"pass_id\": \"\", \"paths\": [], \"since\": 7}]"},
};

static void test_anything_broken_is_refused_by_name(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(broken); i++) {
                Scene *scene = reported();
                autoptr(json_t) json = NULL;

                print_message("# %s=%s\n", broken[i].key, broken[i].value ? broken[i].value : "");
                assert_int_equal(json_read_file(root_fd, STATUS, &json, NULL), 0);
                if (broken[i].value)
                        json_object_set_new(json, broken[i].key,
                                json_loads(broken[i].value, JSON_DECODE_ANY, NULL));
                else
                        json_object_del(json, broken[i].key);
                assert_int_equal(json_write_file(root_fd, STATUS, json, 0644, NULL), 0);
                assert_refused(NOW, -EBADMSG,
                        streq(broken[i].key, "certificates") ? "certificate" : broken[i].key);
                scene_free(scene);
        }
}

static void test_what_is_no_json_is_refused(void **state)
{
        static const char *const texts[] = {"", "{", "[]", "null", "{} {}", "{\"a\":1,\"a\":1}"};

        assert_int_equal(fs_make_directories(root_fd, "/state/public", 0755, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                put("state/public/status.json", texts[i]);
                assert_refused(NOW, -EBADMSG, "the next pass writes it anew");
        }
}

/* A later version may say more, an earlier one said less. */
static void test_other_versions_are_read(void **state)
{
        Scene *scene = reported();
        autoptr(json_t) json = NULL;

        assert_int_equal(json_read_file(root_fd, STATUS, &json, NULL), 0);
        json_object_set_new(json, "from_the_future", json_true());
        json_object_del(json, "version");
        json_object_set_new(json, "hostname", json_null());
        assert_int_equal(json_write_file(root_fd, STATUS, json, 0644, NULL), 0);
        autoptr(Status) status = status_at(NOW);
        assert_null(status->version);
        assert_null(status->hostname);
        scene_free(scene);
}

static void test_shelved_alarms_are_a_list_of_their_own(void **state)
{
        Scene *scene = reported();
        autoptr(json_t) json = NULL;

        assert_int_equal(json_read_file(root_fd, STATUS, &json, NULL), 0);
        json_t *shelved = json_array();
        json_array_append(shelved, json_array_get(json_object_get(json, "alarms"), 0));
        json_object_set_new(json, "shelved", shelved);
        assert_int_equal(json_write_file(root_fd, STATUS, json, 0644, NULL), 0);
        autoptr(Status) status = status_at(NOW);
        assert_int_equal(status->shelved->n, 1);
        assert_string_equal(status->shelved->alarms[0].type, status->alarms->alarms[0].type);
        scene_free(scene);
}

/* As the command line names it: StateDirectory= is all that counts, whatever else is wrong. */
static void test_the_configuration_says_where(void **state)
{
        Scene *scene = reported();
        Status *status = NULL;
        Error error = {};

        put("agent.conf", "[agent]\nStateDirectory=/state\nLayout=none\n[ca x]\nNonsense=1\n");
        if (status_open(scratch, "/agent.conf", NOW, &status, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(status->last_run, NOW);
        status_free(status);
        status = NULL;
        put("agent.conf", "x\n[agent]\nStateDirectory=/state\n  Layout=y\n[renewal\n"
                          "StateDirectory=/other\n\001\n[hooks]\n=z\n");
        if (status_open(scratch, "/agent.conf", NOW, &status, &error) < 0)
                fail_msg("%s", error.text);
        status_free(status);
        status = NULL;

        assert_int_equal(status_open(scratch, NULL, NOW, &status, &error), -ENOENT);
        assert_non_null(strstr(error.text, "'/var/lib/kube-renewd/public/status.json'"));
        put("agent.conf", "[agent]\nStateDirectory=\n");
        assert_int_equal(status_open(scratch, "/agent.conf", NOW, &status, &error), -ENOENT);
        assert_non_null(strstr(error.text, "'/var/lib/kube-renewd/public/status.json'"));
        put("agent.conf", "[agent]\nStateDirectory=state\n");
        assert_int_equal(status_open(scratch, "/agent.conf", NOW, &status, &error), -EINVAL);
        assert_non_null(strstr(error.text, "/agent.conf:2: StateDirectory=state"));
        put("agent.conf", "StateDirectory=/state\n"); /* of no section */
        assert_int_equal(status_open(scratch, "/agent.conf", NOW, &status, &error), -ENOENT);
        assert_non_null(strstr(error.text, "'/var/lib/kube-renewd/public/status.json'"));
        assert_int_equal(status_open(scratch, "/none.conf", NOW, &status, &error), -ENOENT);
        assert_null(status);
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_what_the_pass_saw_is_read_back),
                SCRATCH_TEST(test_time_has_gone_on),
                SCRATCH_TEST(test_t08_the_last_second_counts),
                SCRATCH_TEST(test_an_old_status_is_no_statement),
                SCRATCH_TEST(test_a_status_without_certificates_is_no_statement),
                SCRATCH_TEST(test_a_status_without_a_last_run),
                SCRATCH_TEST(test_a_missing_status_is_said),
                SCRATCH_TEST(test_t07_what_is_no_file_is_refused),
                SCRATCH_TEST(test_anything_broken_is_refused_by_name),
                SCRATCH_TEST(test_what_is_no_json_is_refused),
                SCRATCH_TEST(test_other_versions_are_read),
                SCRATCH_TEST(test_shelved_alarms_are_a_list_of_their_own),
                SCRATCH_TEST(test_the_configuration_says_where),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

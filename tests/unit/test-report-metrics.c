/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "scene.h"

#include <sys/stat.h>

#define METRICS "state/public/kube-renewd.prom"

static char *metrics_read(void)
{
        autoptr(FileImage) file = NULL;
        Error error = {};

        if (fs_read_file(root_fd, "/" METRICS, FS_SIZE_MAX, &file, &error) < 0)
                fail_msg("%s", error.text);
        return xstrdup((char *)file->data);
}

static void assert_metric(const char *line)
{
        autofree char *text = metrics_read();

        if (!strstr(text, line))
                fail_msg("'%s' is missing in:\n%s", line, text);
}

static void report(Scene *scene)
{
        Error error = {};

        if (report_alarms(&scene->input, &error) < 0 || report_status(&scene->input, &error) < 0 ||
                report_metrics(&scene->input, &error) < 0)
                fail_msg("%s", error.text);
}

static void test_t23_a_pass_writes_what_it_saw(void **state)
{
        Scene *scene = scene_new();
        struct stat st;

        scene_leaf(scene, "apiserver", 300 * DAY);
        scene_set_state(scene, scene_leaf(scene, "etcd-peer", DAY), STATE_INVALID, "no PEM");
        scene_leaf(scene, "etcd-server", HOUR);
        scene_owe(scene, "kube-scheduler");
        scene->input.exit_status = 75;
        report(scene);

        assert_int_equal(stat(METRICS, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_metric(
                "kube_renewd_certificate_status{certificate=\"apiserver\",status=\"OK\"} 1\n");
        assert_metric("{certificate=\"etcd-server\",status=\"EXPIRING\"} 1\n");
        assert_metric("{certificate=\"etcd-peer\",status=\"INVALID\"} 1\n");
        assert_metric("\nkube_renewd_last_run_timestamp_seconds 1825975560\n");
        assert_metric("\nkube_renewd_last_success_timestamp_seconds 0\n");
        assert_metric("\nkube_renewd_exit_status 75\n");
        assert_metric("\nkube_renewd_restarts_owed 1\n");
        assert_metric("\nkube_renewd_restart_owed_since_timestamp_seconds"
                      "{component=\"kube-scheduler\"} 1825975560\n");
        assert_metric("kube_renewd_alarm{type=\"invalid\",resource=\"etcd-peer\",");
        scene_free(scene);
}

static void test_a_shelved_alarm_says_so(void **state)
{
        char *shelve[] = {(char *)"invalid@etcd-*", NULL};
        Scene *scene = scene_new();

        scene->config.shelve = shelve;
        scene_set_state(scene, scene_leaf(scene, "etcd-peer", DAY), STATE_INVALID, "no PEM");
        scene_set_state(scene, scene_leaf(scene, "apiserver", DAY), STATE_INVALID, "no PEM");
        report(scene);
        assert_metric("kube_renewd_alarm{type=\"invalid\",resource=\"etcd-peer\","
                      "severity=\"major\",shelved=\"true\"} 1\n");
        assert_metric("kube_renewd_alarm{type=\"invalid\",resource=\"apiserver\","
                      "severity=\"major\",shelved=\"false\"} 1\n");
        scene_free(scene);
}

/* What is gone is gone from the file, too. */
static void test_the_next_pass_replaces_it(void **state)
{
        Scene *scene = scene_new();
        size_t i = scene_leaf(scene, "apiserver", 300 * DAY);

        scene_set_state(scene, i, STATE_INVALID, "no PEM");
        report(scene);
        assert_metric("kube_renewd_alarm{type=\"invalid\",resource=\"apiserver\",");
        scene_next(scene, DAY);
        scene_set_state(scene, i, STATE_OK, NULL);
        scene_set_residual(scene, i, 300 * DAY);
        report(scene);
        autofree char *text = metrics_read();
        assert_null(strstr(text, "kube_renewd_alarm{"));
        assert_metric("\nkube_renewd_last_success_timestamp_seconds 1826061960\n");
        scene_free(scene);
}

/* The certificates are those of status.json, and so is how long they mean anything. */
static void test_a_pass_that_saw_nothing_keeps_what_was_known(void **state)
{
        Scene *scene = scene_new();

        scene_leaf(scene, "apiserver", 300 * DAY);
        report(scene);
        scene_next(scene, DAY);
        scene->input.after = NULL;
        scene->input.failure = "no configuration";
        scene->input.exit_status = 1;
        report(scene);
        assert_metric(
                "kube_renewd_certificate_status{certificate=\"apiserver\",status=\"OK\"} 1\n");
        assert_metric("\nkube_renewd_last_run_timestamp_seconds 1826061960\n");
        assert_metric("\nkube_renewd_last_success_timestamp_seconds 1825975560\n");
        assert_metric("\nkube_renewd_valid_until_timestamp_seconds 1826169960\n");
        assert_metric("\nkube_renewd_exit_status 1\n");
        assert_metric("kube_renewd_alarm{type=\"renewal-failed\",resource=\"host\",");
        scene_free(scene);
}

static void test_without_a_status_there_are_no_metrics(void **state)
{
        Scene *scene = scene_new();
        Error error = {};

        assert_int_equal(report_metrics(&scene->input, &error), -ENOENT);
        assert_non_null(strstr(error.text, "/state/public/status.json"));
        assert_int_not_equal(access(METRICS, F_OK), 0);
        assert_int_equal(fs_make_directories(root_fd, "/state/public", 0755, NULL), 0);
        put("state/public/status.json", "{}");
        assert_int_equal(report_metrics(&scene->input, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "/state/public/status.json"));
        scene_free(scene);
}

static void test_what_cannot_be_written_is_said(void **state)
{
        Scene *scene = scene_new();
        Error error = {};

        report(scene);
        assert_int_equal(unlink(METRICS), 0);
        assert_int_equal(mkdir(METRICS, 0755), 0);
        assert_true(report_metrics(&scene->input, &error) < 0);
        assert_non_null(strstr(error.text, "/" METRICS));
        scene_free(scene);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_t23_a_pass_writes_what_it_saw),
                SCRATCH_TEST(test_a_shelved_alarm_says_so),
                SCRATCH_TEST(test_the_next_pass_replaces_it),
                SCRATCH_TEST(test_a_pass_that_saw_nothing_keeps_what_was_known),
                SCRATCH_TEST(test_without_a_status_there_are_no_metrics),
                SCRATCH_TEST(test_what_cannot_be_written_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

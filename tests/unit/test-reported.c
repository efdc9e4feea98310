/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "night.h"
#include "renew/report/report.h"
#include "renew/state/reported.h"

#define ID   "0123456789abcdef0123456789abcdef"
#define MARK STATE "/reported"

static int set_invocation(void **state)
{
        return setenv("INVOCATION_ID", ID, 1);
}

static void assert_marked(const Host *host, bool marked)
{
        struct stat st;

        assert_true(fs_exists(host->root_fd, MARK) == marked);
        if (!marked)
                return;
        autofree char *text = tree_read(host->root, MARK, NULL);
        assert_string_equal(text, ID "\n");
        autofree char *path = xasprintf("%s" MARK, host->root);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_whoever_reported_is_marked(void **state)
{
        static const struct {
                const char *at;
                int status;
        } table[] = {
                {ONE_DAY_OLD, EXIT_DONE},
                {TEN_DAYS_LEFT, EXIT_UNFINISHED},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new("v1.28.7/ecdsa-p256", table[i].at);

                assert_int_equal(run_nightly(&host), table[i].status);
                assert_marked(&host, true);
                host_free(&host);
        }
}

static void test_a_failure_that_has_its_alarm_is_marked(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        tree_write_text(host.root, STATE "/owed", "a file where a directory should be");
        assert_int_equal(run_nightly(&host), EXIT_FAILED);
        assert_true(fs_exists(host.root_fd, STATE "/public/alarms/renewal-failed@host.json"));
        assert_marked(&host, true);
        host_free(&host);
}

/* It has said so, if it could raise an alarm; if not, somebody else has to. */
static void test_a_report_that_failed_is_marked_with_its_alarm(void **state)
{
        static const struct {
                const char *obstacle;
                bool marked;
        } table[] = {
                {STATE "/public/alarms", false},
                {STATE "/public/status.json/x", true},
                {STATE "/public/kube-renewd.prom/x", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

                tree_write_text(host.root, table[i].obstacle, "in the way");
                assert_int_equal(run_nightly(&host), EXIT_FAILED);
                assert_marked(&host, table[i].marked);
                autoptr(AlarmList) list = NULL;
                int r = report_read_alarms(host.root_fd, host.config, &list, NULL);
                assert_int_equal(r >= 0, table[i].marked);
                assert_int_equal(list ? list->n : 0, table[i].marked ? 1 : 0);
                host_free(&host);
        }
}

/* A mark that cannot be written is a report that failed. */
static void test_a_mark_that_cannot_be_written(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        tree_write_text(host.root, MARK "/x", "in the way");
        assert_int_equal(run_nightly(&host), EXIT_FAILED);
        assert_true(fs_exists(host.root_fd, STATE "/public/alarms/renewal-failed@host.json"));
        host_free(&host);
}

static void test_nothing_is_marked_where_nobody_asks(void **state)
{
        static const char *const ids[] = {"", "x", ID "0", "0123456789ABCDEF0123456789ABCDEF",
                "../../../../../../../../../etc/xx"};
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                assert_int_equal(setenv("INVOCATION_ID", ids[i], 1), 0);
                assert_int_equal(run_nightly(&host), EXIT_DONE);
                assert_marked(&host, false);
        }
        assert_int_equal(unsetenv("INVOCATION_ID"), 0);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_marked(&host, false);
        set_invocation(NULL);
        assert_int_equal(run_at(&host, host.now, &(PassRequest){.dry_run = true}), EXIT_DONE);
        assert_marked(&host, false);
        host_free(&host);
}

/* The one that holds the lock reports. */
static void test_who_finds_the_lock_held_is_marked(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autoptr(Txn) txn = NULL;

        assert_int_equal(txn_open(host.root_fd, STATE, &txn, NULL), 0);
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        assert_marked(&host, true);
        host_free(&host);
}

static void test_an_unusable_configuration_with_an_alarm_is_marked(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        PassOptions open = {.root = host.root, .config.layout = "kubeadm", .at = host.now};
        Pass *pass = NULL;

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", "[renewal]\nValidity=x\n");
        assert_int_equal(pass_open(&open, &pass, NULL), -EINVAL);
        assert_marked(&host, false);
        open.nightly = true;
        assert_int_equal(pass_open(&open, &pass, NULL), -EINVAL);
        assert_marked(&host, true);

        autofree char *mark = xasprintf("%s" MARK, host.root);
        assert_int_equal(unlink(mark), 0);
        assert_int_equal(fs_remove_tree(host.root_fd, STATE "/public", NULL), 0);
        tree_write_text(host.root, STATE "/public", "in the way");
        assert_int_equal(pass_open(&open, &pass, NULL), -EINVAL);
        assert_marked(&host, false);
        host_free(&host);
}

#define FALLBACK REPORTED_FALLBACK "/renewal-failed@host.json"
#define ALARMS   STATE "/public/alarms"

static Alarm renewal_failed(const char *resource, const char *reason)
{
        return (Alarm){.type = (char *)"renewal-failed",
                .resource = (char *)resource,
                .reason = (char *)reason};
}

static void raise_in(const Host *host, const char *directory, const char *resource)
{
        Alarm alarm = renewal_failed(resource, directory);

        assert_int_equal(alarm_raise(host->root_fd, directory, &alarm, host->now, NULL), 1);
}

static AlarmList *active(const Host *host)
{
        AlarmList *list = NULL;

        assert_int_equal(report_read_alarms(host->root_fd, host->config, &list, NULL), 0);
        return list;
}

/* What could not be written where alarms are is an alarm like any other. */
static void test_alarms_of_the_fallback_are_listed(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        raise_in(&host, REPORTED_FALLBACK, "host");
        autoptr(AlarmList) one = active(&host);
        assert_int_equal(one->n, 1);

        raise_in(&host, ALARMS, "host");
        raise_in(&host, ALARMS, "apiserver");
        raise_in(&host, ALARMS, "z");
        tree_write_text(host.root, REPORTED_FALLBACK "/expired@x.json", "{");
        autoptr(AlarmList) list = active(&host);
        assert_int_equal(list->n, 3);
        assert_int_equal(strv_length(list->unreadable), 1);
        assert_string_equal(list->alarms[0].resource, "apiserver");
        assert_string_equal(list->alarms[1].resource, "host");
        assert_string_equal(list->alarms[1].reason, ALARMS);
        assert_string_equal(list->alarms[2].resource, "z");
        host_free(&host);
}

static void test_a_pass_that_comes_to_its_end_clears_the_fallback(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        raise_in(&host, REPORTED_FALLBACK, "host");
        raise_in(&host, ALARMS, "host");
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        autoptr(AlarmList) list = active(&host);
        assert_int_equal(list->n, 0);
        host_free(&host);
}

/* One fault, one file: the pass that failed tells its own reason, and in the right place. */
static void test_a_pass_that_fails_takes_the_fallback_over(void **state)
{
        Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

        raise_in(&host, REPORTED_FALLBACK, "host");
        tree_write_text(host.root, STATE "/owed", "a file where a directory should be");
        assert_int_equal(run_nightly(&host), EXIT_FAILED);
        assert_false(fs_exists(host.root_fd, FALLBACK));
        autoptr(AlarmList) list = active(&host);
        assert_int_equal(list->n, 1);
        assert_non_null(strstr(list->alarms[0].reason, "owed"));
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_whoever_reported_is_marked, set_invocation),
                cmocka_unit_test_setup(test_a_failure_that_has_its_alarm_is_marked, set_invocation),
                cmocka_unit_test_setup(
                        test_a_report_that_failed_is_marked_with_its_alarm, set_invocation),
                cmocka_unit_test_setup(test_a_mark_that_cannot_be_written, set_invocation),
                cmocka_unit_test_setup(test_nothing_is_marked_where_nobody_asks, set_invocation),
                cmocka_unit_test_setup(test_who_finds_the_lock_held_is_marked, set_invocation),
                cmocka_unit_test_setup(
                        test_an_unusable_configuration_with_an_alarm_is_marked, set_invocation),
                cmocka_unit_test(test_alarms_of_the_fallback_are_listed),
                cmocka_unit_test(test_a_pass_that_comes_to_its_end_clears_the_fallback),
                cmocka_unit_test(test_a_pass_that_fails_takes_the_fallback_over),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "night.h"

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

/* Whatever line of the report it is that cannot be written. */
static void test_a_report_that_failed_is_not_marked(void **state)
{
        static const char *const obstacles[] = {
                STATE "/public/alarms", STATE "/public/status.json/x", STATE "/reported/x"};

        for (size_t i = 0; i < ELEMENTSOF(obstacles); i++) {
                Host host = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);

                tree_write_text(host.root, obstacles[i], "in the way");
                assert_int_equal(run_nightly(&host), EXIT_FAILED);
                autofree char *path = xasprintf("%s" MARK, host.root);
                assert_true(access(path, F_OK) < 0 || i == 2);
                host_free(&host);
        }
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_whoever_reported_is_marked, set_invocation),
                cmocka_unit_test_setup(test_a_failure_that_has_its_alarm_is_marked, set_invocation),
                cmocka_unit_test_setup(test_a_report_that_failed_is_not_marked, set_invocation),
                cmocka_unit_test_setup(test_nothing_is_marked_where_nobody_asks, set_invocation),
                cmocka_unit_test_setup(test_who_finds_the_lock_held_is_marked, set_invocation),
                cmocka_unit_test_setup(
                        test_an_unusable_configuration_with_an_alarm_is_marked, set_invocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/commit/hook-debt.h"
#include "scratch.h"

#define NOW ((int64_t)1825975560) /* 2027-11-11T23:26:00Z */

static char *argv[] = {"/usr/bin/true", NULL};
static char *paths[] = {"/file", NULL};

typedef struct Case {
        Config config;
        Running *running;
        HookDebts debts;
} Case;

static void case_init(Case *c, bool has_deploy, bool has_post_renew)
{
        *c = (Case){.config = {.state_directory = "/state",
                            .hooks = {.deploy = has_deploy ? argv : NULL,
                                    .post_renew = has_post_renew ? argv : NULL,
                                    .timeout = 5}}};
        c->running = running_new(root_fd, &c->config, true);
        c->debts = (HookDebts){.root_fd = root_fd,
                .config = &c->config,
                .running = c->running,
                .pass_id = "p1",
                .now = NOW};
}

static size_t n_owed(void)
{
        autoptr(OwedList) list = NULL;

        assert_int_equal(owed_read(root_fd, "/state", &list, NULL), 0);
        return list->n;
}

static void test_only_what_is_configured_is_owed(void **state)
{
        static const struct {
                bool deploy, post_renew;
                size_t expected;
        } table[] = {{false, false, 0}, {true, false, 1}, {true, true, 2}};

        put("file", "old");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Case c;

                case_init(&c, table[i].deploy, table[i].post_renew);
                assert_int_equal(hook_debts_enter(&c.debts, paths, NULL), 0);
                assert_int_equal(n_owed(), table[i].expected);
                running_free(c.running);
        }
}

/* The commit never came: nobody is told of files that have not changed. */
static void test_t36_what_was_undone_is_not_owed(void **state)
{
        Case c;

        put("file", "old");
        case_init(&c, true, true);
        assert_int_equal(hook_debts_enter(&c.debts, paths, NULL), 0);
        assert_int_equal(owed_forget_undone(root_fd, "/state", NULL), 0);
        assert_int_equal(n_owed(), 0);
        assert_int_equal(hook_debts_enter(&c.debts, paths, NULL), 0);
        put("file", "new");
        assert_int_equal(owed_forget_undone(root_fd, "/state", NULL), 0);
        assert_int_equal(n_owed(), 2);
        running_free(c.running);
}

/* There is no systemd below this root: the hook cannot be run, and is not forgotten. */
static void test_a_failed_hook_stays_owed(void **state)
{
        Error error = {};
        Case c;

        put("file", "old");
        case_init(&c, true, false);
        assert_int_equal(hook_debt_settle(&c.debts, HOOK_DEPLOY, NULL, &error), 0);
        assert_int_equal(hook_debts_enter(&c.debts, paths, NULL), 0);
        put("file", "new");
        for (int night = 0; night < 2; night++) {
                assert_int_equal(hook_debt_settle(&c.debts, HOOK_DEPLOY, NULL, &error), -ECHILD);
                assert_true(*error.text);
                assert_int_equal(n_owed(), 1);
        }
        assert_int_equal(hook_debt_settle(&c.debts, HOOK_POST_RENEW, NULL, &error), 0);
        running_free(c.running);
}

static void test_what_is_no_longer_configured_is_paid(void **state)
{
        Case c;

        put("file", "old");
        case_init(&c, true, false);
        assert_int_equal(hook_debts_enter(&c.debts, paths, NULL), 0);
        c.config.hooks.deploy = NULL;
        assert_int_equal(hook_debt_settle(&c.debts, HOOK_DEPLOY, NULL, NULL), 1);
        assert_int_equal(n_owed(), 0);
        running_free(c.running);
}

/* No component has it, and still it has not left the host. */
static void test_whose_entry_it_is(void **state)
{
        assert_true(hook_debt_is("hook-deploy"));
        assert_true(hook_debt_is("hook-post-renew"));
        assert_false(hook_debt_is("hook-on-alarm")); /* it has a ledger of its own */
        assert_false(hook_debt_is("kube-scheduler"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whose_entry_it_is),
                SCRATCH_TEST(test_only_what_is_configured_is_owed),
                SCRATCH_TEST(test_t36_what_was_undone_is_not_owed),
                SCRATCH_TEST(test_a_failed_hook_stays_owed),
                SCRATCH_TEST(test_what_is_no_longer_configured_is_paid),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

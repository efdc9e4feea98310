/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run that is unfinished has reported itself. Whether it was the last one, systemctl says; here
 * it is one of the test. */

#include "unit.h"

#include "failure/run.h"
#include "scratch.h"

#define ID "0123456789abcdef0123456789abcdef"

/* A systemctl that answers so, and ends so; without it there is none at all. */
static void install_systemctl(const char *script)
{
        assert_int_equal(setenv("PATH", script ? scratch : "/nowhere", 1), 0);
        if (!script)
                return;
        put("systemctl", script);
        assert_int_equal(chmod("systemctl", 0755), 0);
}

static Run ended(const char *result, const char *status)
{
        assert_int_equal(setenv("MONITOR_SERVICE_RESULT", result, 1), 0);
        assert_int_equal(setenv("MONITOR_EXIT_CODE", "exited", 1), 0);
        assert_int_equal(setenv("MONITOR_EXIT_STATUS", status, 1), 0);
        assert_int_equal(setenv("MONITOR_INVOCATION_ID", ID, 1), 0);
        return run_from_environment("kube-renewd.service");
}

#define ANSWER(state, began, ended)                                                                \
        "#!/bin/sh\n"                                                                              \
        "echo SubState=" state "\n"                                                                \
        "echo ExecMainExitTimestampMonotonic=" ended "\n"                                          \
        "echo InactiveExitTimestampMonotonic=" began "\n"
#define ONLY_IF_ASKED                                                                              \
        "#!/bin/sh\n[ \"$*\" = 'show -p SubState,InactiveExitTimestampMonotonic,"                  \
        "ExecMainExitTimestampMonotonic -- kube-renewd.service' ] || exit 1\n"

static void test_the_last_of_all_tries(void **state)
{
        static const struct {
                const char *systemctl, *result, *status;
                bool reported;
        } table[] = {
                {ANSWER("failed", "7001", "7000"), "exit-code", "75", false},
                {ANSWER("auto-restart", "7001", "7000"), "exit-code", "75", true},
                {ANSWER("start", "7001", "7000"), "exit-code", "75", true},
                /* Stopped: it has begun once, and has not begun to restart. */
                {ANSWER("failed", "6000", "7000"), "exit-code", "75", true},
                {ANSWER("failed", "6000", "0"), "exit-code", "75", true},
                {ANSWER("failed", "7001", "7000") "exit 1", "exit-code", "75", true},
                {ONLY_IF_ASKED ANSWER("failed", "7001", "7000"), "exit-code", "75", false},
                {"#!/bin/sh\n", "exit-code", "75", true},
                {NULL, "exit-code", "75", true},
                {ANSWER("failed", "7001", "7000"), "exit-code", "1", true},
                {ANSWER("failed", "7001", "7000"), "exit-code", "78", true},
                {ANSWER("failed", "7001", "7000"), "timeout", "75", true},
                {ANSWER("auto-restart", "7001", "7000"), "start-limit-hit", "75", false},
                /* A systemd that does not say how it ended, here just now. */
                {ANSWER("failed", "7001", "7000"), "", "", false},
                {ANSWER("failed", "6000", "7000"), "", "", true},
        };

        put("reported", ID "\n");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Run run;

                install_systemctl(table[i].systemctl);
                run = ended(table[i].result, table[i].status);
                if (run.gave_up == table[i].reported ||
                        run_has_reported(&run, scratch) != table[i].reported)
                        fail_msg("row %zu", i);
        }
}

static void test_the_next_start_is_permitted(void **state)
{
        const Run run = {.unit = "kube-renewd.service"};

        install_systemctl("#!/bin/sh\n[ \"$*\" = 'reset-failed -- kube-renewd.service' ]\n");
        assert_int_equal(run_permit_start(&run), 0);
        install_systemctl("#!/bin/sh\nexit 1\n");
        assert_int_equal(run_permit_start(&run), -EIO);
}

static void test_what_is_said_of_it(void **state)
{
        char reason[REASON_SIZE], repair[REPAIR_SIZE];
        Run run;

        install_systemctl(ANSWER("failed", "7001", "7000"));
        run = ended("exit-code", "75");
        run_reason(&run, reason);
        assert_string_equal(reason,
                "kube-renewd.service is still unfinished after its last try, and is not tried "
                "again before its timer starts it");
        run_repair(&run, repair);
        assert_string_equal(repair,
                "Read 'kube-renewd alarms' and 'journalctl -u kube-renewd.service', remove the "
                "cause, then run 'systemctl start kube-renewd.service'.");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_the_last_of_all_tries),
                SCRATCH_TEST(test_the_next_start_is_permitted),
                SCRATCH_TEST(test_what_is_said_of_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

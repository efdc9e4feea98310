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

static void test_the_last_of_all_tries(void **state)
{
        static const struct {
                const char *systemctl, *result, *status;
                bool reported;
        } table[] = {
                {"#!/bin/sh\necho failed", "exit-code", "75", false},
                {"#!/bin/sh\necho auto-restart", "exit-code", "75", true},
                {"#!/bin/sh\necho start", "exit-code", "75", true},
                {"#!/bin/sh\necho failed; exit 1", "exit-code", "75", true},
                {"#!/bin/sh\n[ \"$*\" = 'show -P SubState -- kube-renewd.service' ] && echo failed",
                        "exit-code", "75", false},
                {"#!/bin/sh\n", "exit-code", "75", true},
                {NULL, "exit-code", "75", true},
                {"#!/bin/sh\necho failed", "exit-code", "1", true},
                {"#!/bin/sh\necho failed", "exit-code", "78", true},
                {"#!/bin/sh\necho failed", "timeout", "75", true},
                {"#!/bin/sh\necho auto-restart", "start-limit-hit", "75", false},
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

static void test_what_is_said_of_it(void **state)
{
        char reason[REASON_SIZE], repair[REPAIR_SIZE];
        Run run;

        install_systemctl("#!/bin/sh\necho failed");
        run = ended("exit-code", "75");
        run_reason(&run, reason);
        assert_string_equal(reason,
                "kube-renewd.service is still unfinished after its last try, and is not tried "
                "again before its timer starts it");
        run_repair(&run, repair);
        assert_string_equal(repair,
                "Read 'kube-renewd alarms' and 'journalctl -u kube-renewd.service', remove the "
                "cause, then run 'systemctl reset-failed kube-renewd.service' and 'systemctl start "
                "kube-renewd.service'.");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_the_last_of_all_tries),
                SCRATCH_TEST(test_what_is_said_of_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/interrupt.h"

#include <signal.h>
#include <unistd.h>

/* What is left pending must not end the test program. */
static void take(int number)
{
        sigset_t set;
        int taken;

        sigemptyset(&set);
        sigaddset(&set, number);
        assert_int_equal(sigwait(&set, &taken), 0);
        assert_int_equal(taken, number);
}

static void test_who_asks_to_stop_is_heard_and_nobody_is_ended(void **state)
{
        static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};

        assert_false(interrupt_is_pending());
        interrupt_hold();
        assert_false(interrupt_is_pending());
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                assert_int_equal(kill(getpid(), numbers[i]), 0);
                assert_true(interrupt_is_pending());
                assert_true(interrupt_is_pending()); /* to whoever asks */
                take(numbers[i]);
                assert_false(interrupt_is_pending());
        }
}

static void test_other_signals_do_not_stop_it(void **state)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGUSR1);
        assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
        interrupt_hold();
        assert_int_equal(kill(getpid(), SIGUSR1), 0);
        assert_false(interrupt_is_pending());
        take(SIGUSR1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_asks_to_stop_is_heard_and_nobody_is_ended),
                cmocka_unit_test(test_other_signals_do_not_stop_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

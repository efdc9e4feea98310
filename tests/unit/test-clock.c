/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/clock.h"

#include <sys/timex.h>
#include <time.h>

static void test_now_is_seconds_since_the_epoch(void **state)
{
        int64_t before = time(NULL), now = clock_now();

        /* time(2) may lag by the tick that clock_gettime(2) has already counted. */
        assert_in_range(now, before, time(NULL) + 1);
}

/* A container's start, a file's change: by this host's clock, so not later than now. */
static void test_failure_mode_30_what_is_yet_to_come(void **state)
{
        static const struct {
                int64_t later; /* seconds */
                bool is_future;
        } table[] = {{-86400, false}, {0, false}, {50, false}, {70, true}, {86400, true}};

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(clock_is_future((clock_now() + table[i].later) * 1000000000),
                        table[i].is_future);
}

static void test_monotonic_is_milliseconds(void **state)
{
        int64_t before = clock_monotonic(), passed;

        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        passed = clock_monotonic() - before;
        assert_in_range(passed, 19, 20000);
}

/* Only what is asleep is not counted by the monotonic clock. */
static void test_uptime_is_seconds_since_the_boot(void **state)
{
        int64_t least = clock_monotonic() / 1000, uptime = clock_uptime();
        struct timespec most;

        clock_gettime(CLOCK_BOOTTIME, &most);
        assert_in_range(uptime, least, most.tv_sec);
}

/* The kernel says the same in what adjtimex(2) returns. */
static void test_somebody_keeps_the_clock_right_or_not(void **state)
{
        struct timex state_of_clock = {};
        int r = adjtimex(&state_of_clock);

        assert_int_equal(clock_is_synchronised(), r != TIME_ERROR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_now_is_seconds_since_the_epoch),
                cmocka_unit_test(test_failure_mode_30_what_is_yet_to_come),
                cmocka_unit_test(test_monotonic_is_milliseconds),
                cmocka_unit_test(test_uptime_is_seconds_since_the_boot),
                cmocka_unit_test(test_somebody_keeps_the_clock_right_or_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

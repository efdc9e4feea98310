/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/clock.h"

#include <time.h>

static void test_now_is_seconds_since_the_epoch(void **state)
{
        int64_t before = time(NULL), now = clock_now();

        /* time(2) may lag by the tick that clock_gettime(2) has already counted. */
        assert_in_range(now, before, time(NULL) + 1);
}

static void test_monotonic_is_milliseconds(void **state)
{
        int64_t before = clock_monotonic(), passed;

        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        passed = clock_monotonic() - before;
        assert_in_range(passed, 19, 20000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_now_is_seconds_since_the_epoch),
                cmocka_unit_test(test_monotonic_is_milliseconds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

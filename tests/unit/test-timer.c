/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "host/timer.h"

/* In the form that `systemd-analyze calendar` calls normalised. */
static void test_longest_time_between_two_of_a_calendar(void **state)
{
        static const struct {
                const char *expression;
                int64_t interval;
        } table[] = {
                {"*-*-* 00:00:00", DAY},
                {"*-*-* 03:30:00 Europe/Berlin", DAY},
                {"*-*-* 00,12:00:00", 12 * HOUR},
                {"*-*-* 01,03:00:00", 22 * HOUR},
                {"*-*-* 00/6:00:00", 6 * HOUR},
                {"*-*-* 08..18:00:00", 14 * HOUR},
                {"*-*-* 08..18/2:00:00", 14 * HOUR},
                {"*-*-* *:00:00", HOUR},
                {"*-*-* *:00/15:00", 15 * MINUTE},
                {"*-*-* *:05,35:00", 30 * MINUTE},
                {"*-*-* *:*:00", MINUTE},
                {"Mon *-*-* 00:00:00", 7 * DAY},
                {"Mon..Fri *-*-* 00:00:00", 3 * DAY},
                {"Mon,Thu *-*-* *:00:00", 4 * DAY},
                {"Sat,Sun *-*-* 00:00:00", 6 * DAY},
                {"Mon..Sun *-*-* 00:00:00", DAY},
                {"*-*-01 00:00:00", 31 * DAY},
                {"*-*-01,15 00:00:00", 17 * DAY},
                {"*-*-01/2 00:00:00", 3 * DAY}, /* of the month before, too, to be safe */
                /* Rarer than that is all the same. */
                {"*-*~01 00:00:00", 366 * DAY},
                {"*-01-01 00:00:00", 366 * DAY},
                {"2027-11-11 00:00:00", 366 * DAY},
                {"Fri *-*-13 00:00:00", 366 * DAY},
                /* No such text comes from systemd. */
                {"", 0},
                {"daily", 0},
                {"*-*-*", 0},
                {"*-*-* ", 0},
                {"*-*-* 00", 0},
                {"*-*-* x:00:00", 0},
                {"*-*-* 00/0:00:00", 0},
                {"*-*-* 12..08:00:00", 0},
                {"*-*-* 99999999999999999999:00:00", 0},
                {"*-*-* *:x:00", 0},
                {"Fri..Mon *-*-* 00:00:00", 0},
                {"Mon,*-*-* 00:00:00", 0},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int64_t interval = timer_calendar_interval(table[i].expression);

                if (interval != table[i].interval)
                        fail_msg("%s: %lld, not %lld", table[i].expression, (long long)interval,
                                (long long)table[i].interval);
        }
}

static void test_several_lines_are_not_known(void **state)
{
        TimerState timer = {};

        timer_take_interval(&timer, 7 * DAY);
        assert_int_equal(timer.interval, 7 * DAY);
        for (int i = 0; i < 6; i++)
                timer_take_interval(&timer, 7 * DAY);
        assert_int_equal(timer.interval, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_longest_time_between_two_of_a_calendar),
                cmocka_unit_test(test_several_lines_are_not_known),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

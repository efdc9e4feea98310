/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"

static void test_time_parse(void **state)
{
        static const struct {
                const char *text;
                int64_t expected; /* if result is 0 */
                int result;
        } table[] = {
                {"1970-01-01T00:00:00Z", 0, 0},
                {"2027-11-11T23:26:00Z", 1825975560, 0},
                {"2027-11-11t23:26:00z", 1825975560, 0},
                {"2027-11-11T23:26:00.123456Z", 1825975560, 0},
                {"2027-11-12T01:26:00+02:00", 1825975560, 0},
                {"2027-11-11T18:56:00-04:30", 1825975560, 0},
                {"2027-11-11 23:26:00Z", 1825975560, 0},
                {"2027-11-11 23:26:00", 1825975560, 0},
                {"2027-11-11 23:26", 1825975560, 0},
                {"2027-11-11", 1825891200, 0},
                {"2028-02-29", 1835395200, 0},
                {"2016-12-31T23:59:60Z", 1483228800, 0},
                {"@1825975560", 1825975560, 0},
                {"@-1", -1, 0},
                {"1950-01-01", -631152000, 0},
                {"9999-12-31T23:59:59Z", 253402300799, 0},
                {"1949-12-31", 0, -ERANGE},
                {"9999-12-31T23:59:59-00:01", 0, -ERANGE},
                {"@253402300800", 0, -ERANGE},
                {"@99999999999999999999", 0, -ERANGE},
                {"", 0, -EINVAL},
                {"@", 0, -EINVAL},
                {"@-", 0, -EINVAL},
                {"@1x", 0, -EINVAL},
                {"@ 1", 0, -EINVAL},
                {"now", 0, -EINVAL},
                {"2027-11-31", 0, -EINVAL},
                {"2027-02-29", 0, -EINVAL},
                {"2027-00-01", 0, -EINVAL},
                {"2027-13-01", 0, -EINVAL},
                {"2027-1-1", 0, -EINVAL},
                {" 2027-11-11", 0, -EINVAL},
                {"2027-11-11 ", 0, -EINVAL},
                {"2027-11-11T23:26:00", 0, -EINVAL},
                {"2027-11-11T23:26Z", 0, -EINVAL},
                {"2027-11-11T23:26:00.Z", 0, -EINVAL},
                {"2027-11-11T24:00:00Z", 0, -EINVAL},
                {"2027-11-11T23:60:00Z", 0, -EINVAL},
                {"2027-11-11T23:26:61Z", 0, -EINVAL},
                {"2027-11-11T23:26:00+0200", 0, -EINVAL},
                {"2027-11-11T23:26:00+24:00", 0, -EINVAL},
                {"2027-11-11T23:26:00Zjunk", 0, -EINVAL},
                {"2027-11-11 23:26 UTC", 0, -EINVAL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int64_t t = 4711;
                int r = time_parse(table[i].text, &t);

                if (r != table[i].result || t != (r < 0 ? 4711 : table[i].expected))
                        fail_msg("'%s' is %d, %lld", table[i].text, r, (long long)t);
        }
}

static void test_time_format(void **state)
{
        char text[TIME_TEXT_SIZE];

        assert_string_equal(time_format(1825975560, text), "2027-11-11T23:26:00Z");
        assert_string_equal(time_format(-1, text), "1969-12-31T23:59:59Z");
        assert_string_equal(time_format(INT64_MAX, text), "@9223372036854775807");
        assert_string_equal(time_format(INT64_MIN, text), "@-9223372036854775808");
}

/* Local time never plays a part. */
static void test_zone_is_ignored(void **state)
{
        char text[TIME_TEXT_SIZE];
        int64_t t = 0;

        setenv("TZ", "Pacific/Kiritimati", 1);
        tzset();
        assert_int_equal(time_parse("2027-11-11 23:26", &t), 0);
        assert_int_equal(t, 1825975560);
        assert_string_equal(time_format(t, text), "2027-11-11T23:26:00Z");
        unsetenv("TZ");
        tzset();
}

static void test_span_parse(void **state)
{
        static const struct {
                const char *text;
                int64_t expected;
                int result;
        } table[] = {
                {"0", 0, 0},
                {"90", 90, 0},
                {"15d", 15 * DAY, 0},
                {"8760h", YEAR, 0},
                {"1y", YEAR, 0},
                {"1h 30min", 90 * MINUTE, 0},
                {"1h30m", 90 * MINUTE, 0},
                {" 2 weeks  1 day ", 15 * DAY, 0},
                {"1M", 30 * DAY, 0},
                {"1m", MINUTE, 0},
                {"1month 1s", 30 * DAY + 1, 0},
                {"3 hr 2 sec", 3 * HOUR + 2, 0},
                {"1000y", 1000 * YEAR, 0},
                {"1000y 1s", 0, -ERANGE},
                {"99999999999y", 0, -ERANGE},
                {"99999999999999999999s", 0, -ERANGE},
                {"", 0, -EINVAL},
                {" ", 0, -EINVAL},
                {"d", 0, -EINVAL},
                {"15 d x", 0, -EINVAL},
                {"15D", 0, -EINVAL},
                {"-1d", 0, -EINVAL},
                {"+1d", 0, -EINVAL},
                {"1.5h", 0, -EINVAL},
                {"15days!", 0, -EINVAL},
                {"infinity", 0, -EINVAL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int64_t span = 4711;
                int r = span_parse(table[i].text, &span);

                if (r != table[i].result || span != (r < 0 ? 4711 : table[i].expected))
                        fail_msg("'%s' is %d, %lld", table[i].text, r, (long long)span);
        }
}

static void test_span_format(void **state)
{
        static const struct {
                int64_t span;
                const char *expected;
        } table[] = {
                {0, "0s"},
                {42, "42s"},
                {15 * MINUTE, "15min"},
                {15 * MINUTE + 1, "15min 1s"},
                {HOUR - 1, "59min 59s"},
                {2 * DAY + 3 * HOUR + 59 * MINUTE, "2d 3h"},
                {DAY + 59, "1d"},
                {364 * DAY, "364d"},
                {YEAR, "1y"},
                {9 * YEAR + 364 * DAY + 5, "9y 364d"},
                {-1, "-1s"},
                {-(2 * DAY + 3 * HOUR), "-2d 3h"},
                {INT64_MIN, "-292471208677y 195d"},
        };
        char text[SPAN_TEXT_SIZE];

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_string_equal(span_format(table[i].span, text), table[i].expected);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_time_parse),
                cmocka_unit_test(test_time_format),
                cmocka_unit_test(test_zone_is_ignored),
                cmocka_unit_test(test_span_parse),
                cmocka_unit_test(test_span_format),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

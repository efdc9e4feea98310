/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "cli/range.h"

#include <inttypes.h>

/* The examples of the Monitoring Plugins Development Guidelines, in days; and what they say of the
 * values from -1 to 21 days: an alert for those that are listed. */
static const struct {
        const char *text;
        const char *formatted;
        int64_t quiet_from, quiet_to; /* days; quiet in between, or alert with is_inside */
        bool is_inside;
} table[] = {
        {"10", "0:864000", 0, 10, false},
        {"10:", "864000:", 10, 1000, false},
        {"~:10", "~:864000", -1000, 10, false},
        {"10:20", "864000:1728000", 10, 20, false},
        {"@10:20", "@864000:1728000", 10, 20, true},
        {"@10", "@0:864000", 0, 10, true},
        {"~:", "~:", -1000, 1000, false},
        {"0:0", "0:0", 0, 0, false},
        {"-1:1", "-86400:86400", -1, 1, false},
        {"-2d:-24h", "-172800:-86400", -2, -1, false},
        {"15d:", "1296000:", 15, 1000, false},
        {"72h:", "259200:", 3, 1000, false},
        {"1w:2w", "604800:1209600", 7, 14, false},
        {"1d 24h:", "172800:", 2, 1000, false},
        {" 2 : 4", "172800:345600", 2, 4, false},
};

static void test_ranges_of_the_guidelines(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Range range = {};
                Error error = {};

                print_message("# %s\n", table[i].text);
                if (range_parse(table[i].text, &range, &error) < 0)
                        fail_msg("%s", error.text);
                autofree char *formatted = range_format(&range);
                assert_string_equal(formatted, table[i].formatted);
                for (int64_t day = -3; day <= 30; day++) {
                        bool between = day >= table[i].quiet_from && day <= table[i].quiet_to;

                        assert_int_equal(
                                range_alerts(&range, day * DAY), between == table[i].is_inside);
                }
        }
}

static void test_t08_the_ends_belong_to_the_range(void **state)
{
        Range range = {};

        assert_int_equal(range_parse("15d:", &range, NULL), 0);
        assert_false(range_alerts(&range, 15 * DAY + 1));
        assert_false(range_alerts(&range, 15 * DAY));
        assert_true(range_alerts(&range, 15 * DAY - 1));
        assert_int_equal(range_parse("@0:15d", &range, NULL), 0);
        assert_true(range_alerts(&range, 15 * DAY));
        assert_false(range_alerts(&range, 15 * DAY + 1));
        assert_true(range_alerts(&range, 0));
        assert_false(range_alerts(&range, -1));
}

static void test_what_is_not_set_never_alerts(void **state)
{
        const Range range = {};
        autofree char *formatted = range_format(&range);

        assert_string_equal(formatted, "");
        assert_false(range_alerts(&range, -DAY));
        assert_false(range_alerts(&range, 0));
}

static void test_what_is_no_range_is_refused_with_its_place(void **state)
{
        static const struct {
                const char *text, *says;
        } wrong[] = {
                {"", "'' at character 1"},
                {":", "'' at character 1"},
                {":10", "'' at character 1"},
                {"@", "'' at character 2"},
                {"~", "'~' at character 1"},
                {"10:~", "'~' at character 4"},
                {"fifteen:", "'fifteen' at character 1"},
                {"15x:", "'15x' at character 1"},
                {"1.5:", "'1.5' at character 1"},
                {"10::20", "':20' at character 4"},
                {"10:20:", "'20:' at character 4"},
                {"@@10", "'@10' at character 2"},
                {"--1:", "'--1' at character 1"},
                {"-:", "'-' at character 1"},
                {"+1:", "'+1' at character 1"},
                {"20:10", "greater than its end '10' at character 4"},
                {"@1:-1", "greater than its end '-1' at character 4"},
                {"999999999999999999999:", "at character 1"},
                {"1001y:", "'1001y' at character 1"},
        };

        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                Range range = {.start = 7};
                Error error = {};

                print_message("# %s\n", wrong[i].text);
                assert_int_equal(range_parse(wrong[i].text, &range, &error), -EINVAL);
                if (!strstr(error.text, wrong[i].says))
                        fail_msg("'%s' does not say '%s'", error.text, wrong[i].says);
                assert_int_equal(range.start, 7);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ranges_of_the_guidelines),
                cmocka_unit_test(test_t08_the_ends_belong_to_the_range),
                cmocka_unit_test(test_what_is_not_set_never_alerts),
                cmocka_unit_test(test_what_is_no_range_is_refused_with_its_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/shared-text.h"

static void test_it_is_there_until_the_last_one_drops_it(void **state)
{
        const char *a = shared_text_new("/etc/file");
        const char *b = shared_text_hold(a);

        assert_ptr_equal(a, b);
        shared_text_drop(a);
        assert_string_equal(b, "/etc/file");
        shared_text_drop(b);
}

static void test_equal_ones_are_one(void **state)
{
        const char *a = shared_text_new("a");
        const char *same = shared_text_like(a, "a"), *other = shared_text_like(a, "b");
        const char *first = shared_text_like(NULL, "");

        assert_ptr_equal(same, a);
        assert_string_equal(other, "b");
        assert_string_equal(first, "");
        shared_text_drop(a);
        assert_string_equal(same, "a");
        shared_text_drop(same);
        shared_text_drop(other);
        shared_text_drop(first);
}

static void test_nothing_is_held_and_dropped(void **state)
{
        assert_null(shared_text_hold(NULL));
        shared_text_drop(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_it_is_there_until_the_last_one_drops_it),
                cmocka_unit_test(test_equal_ones_are_one),
                cmocka_unit_test(test_nothing_is_held_and_dropped),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/name-index.h"

static void test_finds_what_was_added(void **state)
{
        NameIndex index = {};
        char *names[1000];
        size_t position = 77;

        assert_false(name_index_find(&index, "n1", &position));
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                name_index_add(&index, names[i] = xasprintf("n%zu", i * 7919 % 1000), i);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_true(name_index_find(&index, names[i], &position));
                assert_int_equal(position, i);
        }
        position = 77;
        assert_false(name_index_find(&index, "n1000", &position));
        assert_false(name_index_find(&index, "", &position));
        assert_int_equal(position, 77);
        name_index_clear(&index);
        assert_false(name_index_find(&index, "n1", &position));
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                free(names[i]);
}

static void test_the_first_of_a_name_stays(void **state)
{
        NameIndex index = {};
        size_t position;

        name_index_add(&index, "twice", 1);
        name_index_add(&index, "twice", 2);
        assert_true(name_index_find(&index, "twice", &position));
        assert_int_equal(position, 1);
        name_index_clear(&index);
        name_index_clear(&index);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_finds_what_was_added),
                cmocka_unit_test(test_the_first_of_a_name_stays),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

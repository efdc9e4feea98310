/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/nearest-word.h"

static void test_the_nearest_word(void **state)
{
        static const char *const words[] = {
                "RenewBefore", "RenewAt", "Validity", "CA", "check", NULL};
        static const struct {
                const char *word, *nearest;
        } cases[] = {
                {"RenewBefor", "RenewBefore"},
                {"renewbefore", "RenewBefore"},
                {"RenewBefroe", "RenewBefore"},
                {"Validty", "Validity"},
                {"RenewOn", "RenewAt"},
                {"ca", "CA"},
                {"chekc", "check"}, /* one exchange, not two replacements */
                {"hceck", "check"},
                {"hcekc", NULL},
                {"Colour", NULL},
                {"", NULL},
                {"x", NULL},
                {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                        NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *nearest = nearest_word(cases[i].word, words);

                assert_string_equal(
                        nearest ? nearest : "-", cases[i].nearest ? cases[i].nearest : "-");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_nearest_word),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

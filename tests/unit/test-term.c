/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/term.h"

#include <locale.h>

/* stdout of a test is no terminal: colour comes only where it is asked for. */
static const struct {
        const char *systemd_colors, *no_color;
        bool colors;
} cases[] = {
        {NULL, NULL, false},
        {"1", NULL, true},
        {"1", "1", true},
        {"256", NULL, true},
        {"no", NULL, false},
        {"0", NULL, false},
        {"False", NULL, false},
        {"", NULL, false},
        {NULL, "1", false},
};

static void set(const char *name, const char *value)
{
        if (value)
                setenv(name, value, 1);
        else
                unsetenv(name);
}

static void test_colors(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                set("SYSTEMD_COLORS", cases[i].systemd_colors);
                set("NO_COLOR", cases[i].no_color);
                assert_int_equal(term_colors(), cases[i].colors);
        }
}

static void test_width(void **state)
{
        set("COLUMNS", "132");
        assert_int_equal(term_width(), 132);
        set("COLUMNS", "wide");
        assert_int_equal(term_width(), 80);
        set("COLUMNS", NULL);
        assert_int_equal(term_width(), 80);
}

static void test_text_width(void **state)
{
        assert_int_equal(term_text_width(""), 0);
        assert_int_equal(term_text_width("apiserver"), 9);
        assert_int_equal(term_text_width("caf\xc3\xa9"), 4);
        assert_int_equal(term_text_width("\xe8\xad\x89\xe6\x9b\xb8"), 4); /* two wide ones */
        assert_int_equal(term_text_width("a\xff"), 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_colors),
                cmocka_unit_test(test_width),
                cmocka_unit_test(test_text_width),
        };

        setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}

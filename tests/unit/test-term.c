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

static void test_styles(void **state)
{
        set("SYSTEMD_COLORS", "no");
        assert_string_equal(term_style(STYLE_BAD), "");
        set("SYSTEMD_COLORS", "yes");
        assert_string_equal(term_style(term_severity_style(0)), "\033[32m");
        assert_string_equal(term_style(term_severity_style(1)), "\033[33m");
        assert_string_equal(term_style(term_severity_style(2)), "\033[31m");
        assert_string_equal(term_style(STYLE_PLAIN), "\033[0m");
        set("SYSTEMD_COLORS", NULL);
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

/* What may be sent to a terminal, in a locale that knows UTF-8 and in one that does not. */
static const struct {
        const char *locale, *text, *escaped;
} escapes[] = {
        {"C.UTF-8", "apiserver", "apiserver"},
        {"C.UTF-8", "caf\xc3\xa9", "caf\xc3\xa9"},
        {"C.UTF-8", "a\033[2Jb\x7f\n", "a\\x1b[2Jb\\x7f\\x0a"},
        {"C.UTF-8", "\xc2\x9b", "\\xc2\\x9b"},
        {"C.UTF-8", "\xff", "\\xff"},
        {"C.UTF-8",
                "a\xe2\x80\xae"
                "b",
                "a\\xe2\\x80\\xae"
                "b"},
        {"C.UTF-8", NULL, ""},
        {"C", "caf\xc3\xa9", "caf\\xc3\\xa9"},
        {"C", "\xc2\x9b", "\\xc2\\x9b"},
};

static void test_escape(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(escapes); i++) {
                assert_non_null(setlocale(LC_CTYPE, escapes[i].locale));
                autofree char *escaped = term_escape(escapes[i].text);
                assert_string_equal(escaped, escapes[i].escaped);
        }
        setlocale(LC_CTYPE, "C.UTF-8");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_colors),
                cmocka_unit_test(test_styles),
                cmocka_unit_test(test_width),
                cmocka_unit_test(test_text_width),
                cmocka_unit_test(test_escape),
        };

        setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/plugin.h"
#include "printed.h"

#include <locale.h>

static void print_unknown(const void *notes)
{
        plugin_print_unknown("no\nway | 'x'=1", (char *const *)notes);
}

static void test_unknown_is_a_line_too(void **state)
{
        static char *notes[] = {(char *)"warning: a\tb", NULL};
        autofree char *alone = printed(print_unknown, NULL);
        autofree char *with_notes = printed(print_unknown, notes);

        assert_string_equal(alone, "KUBE-RENEWD UNKNOWN - no\\x0away ! 'x'=1\n");
        assert_string_equal(with_notes, "KUBE-RENEWD UNKNOWN - no\\x0away ! 'x'=1\n"
                                        "warning: a\\x09b\n");
}

static void test_text_is_of_one_line_without_a_bar(void **state)
{
        autofree char *text = plugin_text("a|b;c\nx", 96);
        autofree char *label = plugin_label("it's=|1");
        autofree char *nothing = plugin_text(NULL, 96);

        assert_string_equal(text, "a!b,c\\x0ax");
        assert_string_equal(label, "it_s_!1");
        assert_string_equal(nothing, "");
}

/* A name is cut between two characters, not in one. */
static void test_cut_text_is_still_utf8(void **state)
{
        static const char name[] = "aääääää";

        for (size_t max = 3; max < sizeof(name); max++) {
                autofree char *text = plugin_text(name, max);

                assert_true(strlen(text) <= max);
                assert_true(mbstowcs(NULL, text, 0) != (size_t)-1);
                assert_int_equal(streq(text, name), max >= strlen(name));
                assert_int_equal(streq(text + strlen(text) - 3, "..."), max < strlen(name));
        }
}

static void test_what_does_not_fit_is_left_out_whole(void **state)
{
        PluginOutput output = {};

        assert_true(plugin_append(&output, 8, "%s", "12345"));
        assert_false(plugin_append(&output, 8, "%s", "6789"));
        assert_string_equal(output.text, "12345");
        assert_true(plugin_append(&output, 8, "%s", "678"));
        assert_false(plugin_append(&output, 8, "%s", "9"));
        assert_false(plugin_append(&output, 4, "%s", "9"));
        assert_string_equal(output.text, "12345678");
        for (size_t i = 8; i < NAGIOS_OUTPUT_MAX; i++)
                assert_true(plugin_append(&output, NAGIOS_OUTPUT_MAX, "x"));
        assert_false(plugin_append(&output, NAGIOS_OUTPUT_MAX, "x"));
        assert_int_equal(strlen(output.text), NAGIOS_OUTPUT_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unknown_is_a_line_too),
                cmocka_unit_test(test_text_is_of_one_line_without_a_bar),
                cmocka_unit_test(test_cut_text_is_still_utf8),
                cmocka_unit_test(test_what_does_not_fit_is_left_out_whole),
        };

        setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}

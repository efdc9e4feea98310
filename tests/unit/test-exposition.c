/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/exposition.h"

static void assert_text(Exposition *exposition, const char *expected)
{
        autofree char *text = exposition_end(exposition);

        assert_string_equal(text, expected);
}

static void test_nothing(void **state)
{
        assert_text(exposition_new(), "");
}

static void test_families_in_their_order_and_samples_sorted(void **state)
{
        Exposition *exposition = exposition_new();

        exposition_family(exposition, "b_seconds", "The first.");
        exposition_sample(exposition, (Label[]){{"x", "2"}, {}}, -1);
        exposition_sample(exposition, (Label[]){{"x", "10"}, {"y", "1"}, {}}, 1826839562);
        exposition_sample(exposition, (Label[]){{"x", "10"}, {}}, INT64_MAX);
        exposition_family(exposition, "a_without_samples", "The second.");
        exposition_family(exposition, "a_without_labels", "The third.");
        exposition_sample(exposition, (Label[]){{}}, 0);
        assert_text(exposition, "# HELP b_seconds The first.\n"
                                "# TYPE b_seconds gauge\n"
                                "b_seconds{x=\"10\"} 9223372036854775807\n"
                                "b_seconds{x=\"10\",y=\"1\"} 1826839562\n"
                                "b_seconds{x=\"2\"} -1\n"
                                "# HELP a_without_samples The second.\n"
                                "# TYPE a_without_samples gauge\n"
                                "# HELP a_without_labels The third.\n"
                                "# TYPE a_without_labels gauge\n"
                                "a_without_labels 0\n");
}

/* One double sample, and the reader throws the whole file away. */
static void test_no_two_samples_with_the_same_labels(void **state)
{
        Exposition *exposition = exposition_new();

        exposition_family(exposition, "a", "A.");
        exposition_sample(exposition, (Label[]){{"x", "1"}, {"y", ""}, {}}, 3);
        exposition_sample(exposition, (Label[]){{"x", "0"}, {}}, 9);
        exposition_sample(exposition, (Label[]){{"x", "1"}, {}}, 2);
        exposition_sample(exposition, (Label[]){{"x", "1"}, {"y", NULL}, {}}, 1);
        exposition_family(exposition, "b", "B.");
        exposition_sample(exposition, (Label[]){{"x", "1"}, {}}, 4);
        assert_text(exposition, "# HELP a A.\n# TYPE a gauge\na{x=\"0\"} 9\na{x=\"1\"} 3\n"
                                "# HELP b B.\n# TYPE b gauge\nb{x=\"1\"} 4\n");
}

static void test_values_are_escaped_twice(void **state)
{
        static const struct {
                const char *value, *expected;
        } table[] = {
                {"kube-apiserver", "x=\"kube-apiserver\""},
                {"a \"quoted\" word", "x=\"a \\\"quoted\\\" word\""},
                {"back\\slash", "x=\"back\\\\slash\""},
                {"ends in \\", "x=\"ends in \\\\\""},
                {"two\nlines", "x=\"two\\\\x0alines\""},
                {"{a=\"b\"} 1", "x=\"{a=\\\"b\\\"} 1\""},
                {"M\xc3\xbcller", "x=\"M\xc3\xbcller\""},
                {"\xff\xfe", "x=\"\\\\xff\\\\xfe\""},
                {"\xc2\x9b\x1b[2J", "x=\"\\\\xc2\\\\x9b\\\\x1b[2J\""},
                {"# HELP", "x=\"# HELP\""},
                {"", ""},
                {NULL, ""},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = exposition_labels((Label[]){{"x", table[i].value}, {}});

                assert_string_equal(text, table[i].expected);
        }
}

static void test_a_thousand_samples(void **state)
{
        Exposition *exposition = exposition_new();
        autofree char *text = NULL;
        char number[16];
        size_t n = 0;

        exposition_family(exposition, "a", "A.");
        for (int i = 999; i >= 0; i--) {
                snprintf(number, sizeof(number), "%03d", i);
                exposition_sample(exposition, (Label[]){{"i", number}, {}}, i);
        }
        text = exposition_end(exposition);
        for (const char *line = strchr(text, '{'); line; line = strchr(line + 1, '{'), n++) {
                snprintf(number, sizeof(number), "{i=\"%03zu\"} ", n);
                assert_true(starts_with(line, number));
        }
        assert_int_equal(n, 1000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_families_in_their_order_and_samples_sorted),
                cmocka_unit_test(test_no_two_samples_with_the_same_labels),
                cmocka_unit_test(test_values_are_escaped_twice),
                cmocka_unit_test(test_a_thousand_samples),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

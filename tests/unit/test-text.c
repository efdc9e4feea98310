/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/text.h"
#include "printed.h"

static void test_dates_are_kubeadms(void **state)
{
        char text[DATE_TEXT_SIZE];

        assert_string_equal(text_date(1826839560, text), "Nov 21, 2027 23:26 UTC");
        assert_string_equal(text_date(0, text), "-");
}

static void print_fields(const void *unused)
{
        text_line("a\033[31mb");
        text_field("nothing", NULL);
        text_field("nothing", "");
        text_field("label", "value");
        text_field("", "continued");
        text_field("SANs", "DNS:kubernetes, DNS:kubernetes.default, DNS:kubernetes.default.svc, "
                           "IP:10.96.0.1");
}

static void test_fields_are_broken_and_escaped(void **state)
{
        autofree char *text = printed(print_fields, NULL);

        assert_string_equal(text, "a\\x1b[31mb\n"
                                  "  label       value\n"
                                  "              continued\n"
                                  "  SANs        DNS:kubernetes, DNS:kubernetes.default,\n"
                                  "              DNS:kubernetes.default.svc, IP:10.96.0.1\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dates_are_kubeadms),
                cmocka_unit_test(test_fields_are_broken_and_escaped),
        };

        setenv("COLUMNS", "70", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static void print_changes(const void *unused)
{
        text_title("apiserver", NULL);
        text_title("apiserver", "lacks the configured DNS:api.example.org; lacks the configured "
                                "IP:203.0.113.7");
        text_change("key", "RSA-2048", "ECDSA-P256");
        text_change("subject", NULL, "CN=a\x1b");
        text_change("issuer", "CN=the old certificate authority of the cluster",
                "CN=the new certificate authority of the cluster");
        text_paragraph(4, NULL);
        text_paragraph(4, "uses /etc/kubernetes/scheduler.conf (--kubeconfig): keeps its embedded "
                          "credentials");
}

static void test_changes(void **state)
{
        autofree char *text = printed(print_changes, NULL);

        assert_string_equal(text,
                "apiserver\n"
                "apiserver: lacks the configured DNS:api.example.org; lacks the configured "
                "IP:203.0.113.7\n"
                "  key         RSA-2048 -> ECDSA-P256\n"
                "  subject   + CN=a\\x1b\n"
                "  issuer    - CN=the old certificate authority of the cluster\n"
                "            + CN=the new certificate authority of the cluster\n"
                "    uses /etc/kubernetes/scheduler.conf (--kubeconfig): keeps its\n"
                "    embedded credentials\n");
}

static void print_coloured(const void *unused)
{
        text_title("a", "b");
        text_state("state", "EXPIRED", 2);
        text_change("key", "old", "new");
        text_change("key", NULL, "new");
}

static void test_changes_are_coloured(void **state)
{
        setenv("SYSTEMD_COLORS", "1", 1);
        autofree char *text = printed(print_coloured, NULL);
        unsetenv("SYSTEMD_COLORS");

        assert_string_equal(text, "\033[1ma\033[0m: b\n"
                                  "  state       \033[31mEXPIRED\033[0m\n"
                                  "  key         \033[31mold\033[0m -> \033[32mnew\033[0m\n"
                                  "  key       \033[32m+ new\033[0m\n");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dates_are_kubeadms),
                cmocka_unit_test(test_fields_are_broken_and_escaped),
                cmocka_unit_test(test_changes),
                cmocka_unit_test(test_changes_are_coloured),
        };

        setenv("COLUMNS", "70", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}

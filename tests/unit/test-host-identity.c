/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/error.h"
#include "renew/config/config.h"

static const struct Expansion {
        const char *text, *expanded, *error;
} expansions[] = {
        {"plain", "plain", NULL},
        {"", "", NULL},
        {"system:node:%H", "system:node:cp-1", NULL},
        {"%H%%%D", "cp-1%cluster.local", NULL},
        {"IP:%S", "IP:10.96.0.1", NULL},
        {"https://%S:6443", "https://10.96.0.1:6443", NULL},
        {"%A", NULL,
                "'%A' needs the advertise address of this host, which is not known; set "
                "AdvertiseAddress= in [host]"},
        {"a%", NULL,
                "'a%' has an unknown specifier; known are %H, %A, %S, %D, and %% for a per "
                "cent sign"},
        {"%h", NULL,
                "'%h' has an unknown specifier; known are %H, %A, %S, %D, and %% for a per "
                "cent sign"},
};

static void test_specifiers(void **state)
{
        HostIdentity host = {
                (char[]){"cp-1"}, NULL, (char[]){"10.96.0.1"}, (char[]){"cluster.local"}};
        autofree char *url = NULL, *san = NULL;

        for (size_t i = 0; i < ELEMENTSOF(expansions); i++) {
                autofree char *expanded = NULL;
                Error error = {};
                int r = host_identity_expand(&host, expansions[i].text, &expanded, &error);

                assert_string_equal(error.text, expansions[i].error ? expansions[i].error : "");
                assert_int_equal(r, !expansions[i].error           ? 0
                                    : expansions[i].text[1] == 'A' ? -ENOKEY
                                                                   : -EINVAL);
                if (r >= 0)
                        assert_string_equal(expanded, expansions[i].expanded);
        }

        /* An IPv6 address stands in brackets in a URL, and only there. */
        host.advertise_address = (char[]){"2001:db8::1"};
        assert_int_equal(host_identity_expand(&host, "https://%A:6443", &url, NULL), 0);
        assert_string_equal(url, "https://[2001:db8::1]:6443");
        assert_int_equal(host_identity_expand(&host, "IP:%A", &san, NULL), 0);
        assert_string_equal(san, "IP:2001:db8::1");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_specifiers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

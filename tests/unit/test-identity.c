/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/inventory/identity.h"

static const HostIdentity host = {
        .node_name = "cp-1",
        .advertise_address = "192.0.2.10",
        .service_address = "10.96.0.1",
        .dns_domain = "cluster.local",
};

static void test_specifiers(void **state)
{
        char *organizations[] = {"system:nodes", NULL};
        char *sans[] = {"DNS:%H", "DNS:kubernetes.default.svc.%D", "IP:%A", "IP:%S", NULL};
        const IdentityEntry entry = {.common_name = "system:node:%H",
                .organizations = organizations,
                .sans = sans,
                .usage = CERT_USAGE_SERVER};
        autoptr(Identity) identity = NULL;

        assert_int_equal(identity_expand(&host, &entry, &identity, NULL), 0);
        assert_string_equal(identity->common_name, "system:node:cp-1");
        assert_string_equal(identity->organizations[0], "system:nodes");
        assert_int_equal(strv_length(identity->sans), 4);
        assert_string_equal(identity->sans[0], "DNS:cp-1");
        assert_string_equal(identity->sans[1], "DNS:kubernetes.default.svc.cluster.local");
        assert_string_equal(identity->sans[2], "IP:192.0.2.10");
        assert_string_equal(identity->sans[3], "IP:10.96.0.1");
        assert_int_equal(identity_leaf(identity).usage, CERT_USAGE_SERVER);
}

static void test_what_is_not_known_is_refused(void **state)
{
        char *address[] = {"IP:%A", NULL}, *junk[] = {"IP:%H", NULL};
        const HostIdentity bare = {.node_name = "cp-1"};
        const struct {
                const HostIdentity *host;
                IdentityEntry entry;
                int r;
                const char *text;
        } table[] = {
                {&host, {}, -ENOKEY, "CommonName="},
                {&bare, {.common_name = "x", .sans = address}, -ENOKEY, "AdvertiseAddress="},
                {&host, {.common_name = "x", .sans = junk}, -EINVAL, "cp-1"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Identity *identity = NULL;
                Error error = {};

                assert_int_equal(identity_expand(table[i].host, &table[i].entry, &identity, &error),
                        table[i].r);
                assert_null(identity);
                assert_non_null(strstr(error.text, table[i].text));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_specifiers),
                cmocka_unit_test(test_what_is_not_known_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/kubelet.h"
#include "servers.h"

#define DIRECTORY "var/lib/kubelet"

/* kubelet_setting() itself is tested by test-cri-endpoint. */

static int ask(const char *flags, const char *config, Error *error)
{
        shell("rm -rf var; mkdir -p " DIRECTORY);
        if (flags)
                put(DIRECTORY "/kubeadm-flags.env", flags);
        if (config)
                put(DIRECTORY "/config.yaml", config);
        return kubelet_ask_health(root_fd, error);
}

static void test_where_its_files_say(void **state)
{
        uint16_t well = server_saying("HTTP/1.0 200 OK\r\n\r\nok", true);
        uint16_t ill = server_saying("HTTP/1.0 500 No\r\n\r\n[-]syncloop failed", true);
        autofree char *good = xasprintf("healthzPort: %u\nhealthzBindAddress: 127.0.0.1\n", well);
        autofree char *any = xasprintf("healthzPort: %u\nhealthzBindAddress: 0.0.0.0\n", well);
        autofree char *bad = xasprintf("healthzPort: %u\n", ill);
        autofree char *nobody = xasprintf("healthzPort: %u\n", server_none());
        autofree char *flag = xasprintf("A=\"--healthz-port=%u\"\n", well);
        const struct {
                const char *flags, *config;
                int expected;
        } table[] = {
                {NULL, good, 0},
                {NULL, any, 0},
                {NULL, bad, -EIO},
                {NULL, nobody, -ECONNREFUSED},
                {flag, bad, 0},
                {NULL, "healthzPort: 0\n", -EOPNOTSUPP},
                {NULL, "healthzPort: x\n", -EOPNOTSUPP},
                {NULL, "healthzPort: [", -EBADMSG},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Error error = {};
                int r = ask(table[i].flags, table[i].config, &error);

                if (r != table[i].expected || (r < 0 && !*error.text))
                        fail_msg("%zu: %d %s", i, r, error.text);
        }
}

static void test_a_key_in_a_mapping(void **state)
{
        static const struct {
                const char *flags, *config;
                int expected;
                const char *value;
        } table[] = {
                {NULL, NULL, 0, NULL},
                {NULL, "authentication: {x509: {clientCAFile: /ca.crt}}\n", 0, "/ca.crt"},
                {NULL, "authentication: {x509: {}}\n", 0, NULL},
                {NULL, "authentication: {anonymous: {}}\n", 0, NULL},
                {NULL, "clientCAFile: /ca.crt\n", 0, NULL},
                {NULL, "authentication: 1\n", -EBADMSG, NULL},
                {"A=\"--client-ca-file=/flag.crt\"\n", "authentication: 1\n", 0, "/flag.crt"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *value = NULL;
                const char *source;
                Error error = {};

                ask(table[i].flags, table[i].config, &error);
                int r = kubelet_setting(root_fd, "--client-ca-file",
                        "authentication.x509.clientCAFile", &value, &source, &error);
                assert_int_equal(r, table[i].expected);
                assert_int_equal(!value, !table[i].value);
                if (value)
                        assert_string_equal(value, table[i].value);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_where_its_files_say),
                SERVERS_TEST(test_a_key_in_a_mapping),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

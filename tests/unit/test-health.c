/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/health.h"
#include "servers.h"

/* Asks 127.0.0.1; the error goes to `error`. */
static int ask(ProbeKind kind, uint16_t port, const char *path, Error *error)
{
        ManifestProbe probe = {.kind = kind,
                .host = (char *)"127.0.0.1",
                .port = port,
                .path = (char *)path,
                .timeout = 1};

        return health_ask(&probe, error);
}

static void test_http_statuses(void **state)
{
        static const struct {
                const char *status;
                int r;
        } cases[] = {
                {"200 OK", 0},
                {"204 No Content", 0},
                {"302 Found", 0},
                {"399 Odd", 0},
                {"400 Bad Request", -EIO},
                {"401 Unauthorized", -EIO},
                {"500 Internal Server Error", -EIO},
                {"503 Service Unavailable", -EIO},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *text =
                        xasprintf("HTTP/1.1 %s\r\nContent-Length: 4\r\n\r\nmood", cases[i].status);
                Error error = {};
                uint16_t port = server_saying(text, true);

                assert_int_equal(ask(PROBE_HTTP, port, "/healthz", &error), cases[i].r);
                if (cases[i].r < 0) {
                        autofree char *expected =
                                xasprintf("/healthz: HTTP status %.3s: mood", cases[i].status);
                        assert_non_null(strstr(error.text, expected));
                }
                servers_stop();
        }
}

static void test_path_and_query_are_asked_for(void **state)
{
        static const char *const paths[] = {"/livez?verbose", "livez?verbose"};
        Error error = {};

        servers_make_pki();
        put("livez?verbose", "HTTP/1.0 200 OK\r\n\r\nok");
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                assert_int_equal(ask(PROBE_HTTPS, server_tls("-HTTP"), paths[i], &error), 0);
}

/* The kubelet does not verify, and so the probe says nothing about certificates. */
static void test_https_is_not_verified(void **state)
{
        Error error = {};
        uint16_t port;

        servers_make_pki();
        shell("cp old.crt server.crt; cp old.key server.key");
        put("livez", "HTTP/1.0 200 OK\r\n\r\nok");
        put("readyz", "HTTP/1.0 500 No\r\n\r\n[-]etcd failed");
        port = server_tls("-HTTP");
        assert_int_equal(ask(PROBE_HTTPS, port, "/livez", &error), 0);
        assert_int_equal(ask(PROBE_HTTPS, port, "/readyz", &error), -EIO);
        assert_non_null(strstr(error.text, "[-]etcd failed"));
        assert_int_equal(ask(PROBE_HTTP, port, "/livez", &error), -EIO);
}

static void test_server_that_wants_a_certificate_cannot_be_asked(void **state)
{
        Error error = {};

        servers_make_pki();
        put("health", "HTTP/1.0 200 OK\r\n\r\nok");
        assert_int_equal(
                ask(PROBE_HTTPS, server_tls("-HTTP -Verify 1 -CAfile ca.crt -verify_return_error"),
                        "/health", &error),
                -EIO);
}

static void test_tcp(void **state)
{
        Error error = {};

        assert_int_equal(ask(PROBE_TCP, server_saying("", false), NULL, &error), 0);
        assert_int_equal(ask(PROBE_TCP, server_none(), NULL, &error), -ECONNREFUSED);
}

static void test_nobody_or_no_answer(void **state)
{
        Error error = {};

        assert_int_equal(ask(PROBE_HTTP, server_none(), "/", &error), -ECONNREFUSED);
        assert_int_equal(ask(PROBE_HTTPS, server_none(), "/", &error), -ECONNREFUSED);
        assert_int_equal(ask(PROBE_HTTP, server_saying("", false), "/", &error), -ETIMEDOUT);
        assert_int_equal(ask(PROBE_HTTPS, server_saying("", false), "/", &error), -ETIMEDOUT);
        assert_int_equal(ask(PROBE_HTTP, server_saying("", true), "/", &error), -EIO);
}

static void test_what_only_the_kubelet_can_ask(void **state)
{
        Error error = {};

        assert_int_equal(ask(PROBE_NONE, 1, "/", &error), -EOPNOTSUPP);
        assert_int_equal(ask(PROBE_OTHER, 1, "/", &error), -EOPNOTSUPP);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_http_statuses),
                SERVERS_TEST(test_path_and_query_are_asked_for),
                SERVERS_TEST(test_https_is_not_verified),
                SERVERS_TEST(test_server_that_wants_a_certificate_cannot_be_asked),
                SERVERS_TEST(test_tcp),
                SERVERS_TEST(test_nobody_or_no_answer),
                SERVERS_TEST(test_what_only_the_kubelet_can_ask),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

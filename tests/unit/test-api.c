/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/api.h"
#include "servers.h"

static ApiVerdict try(uint16_t port, const char *ca, const char *name, Error *error)
{
        HttpTls tls = tls_of(ca, name);

        return api_try_credentials("127.0.0.1", port, &tls, 1, error);
}

static void test_verdict_by_status(void **state)
{
        static const struct {
                const char *answer;
                ApiVerdict verdict;
                const char *text;
        } cases[] = {
                {"200 OK\r\n\r\n{\"kind\": \"APIVersions\"}", API_ACCEPTED, ""},
                {"403 Forbidden\r\n\r\n{\"message\": \"forbidden: User \\\"kubernetes-admin\\\" "
                 "cannot get path \\\"/api\\\"\"}",
                        API_ACCEPTED, ""},
                {"403 Forbidden\r\n\r\n{\"message\": \"forbidden: User \\\"system:anonymous\\\" "
                 "cannot get path \\\"/api\\\"\"}",
                        API_REFUSED, "nobody"},
                {"401 Unauthorized\r\n\r\n", API_REFUSED, "does not know"},
                {"500 Internal Server Error\r\n\r\n", API_SILENT, "status 500"},
                {"429 Too Many Requests\r\n\r\n", API_SILENT, "status 429"},
                {"302 Found\r\nLocation: /elsewhere\r\n\r\n", API_SILENT, "status 302"},
        };
        uint16_t port;

        servers_make_pki();
        port = server_tls("-HTTP");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *answer = xasprintf("HTTP/1.0 %s", cases[i].answer);
                Error error = {};

                put("api", answer);
                assert_int_equal(try(port, "ca", "client", &error), cases[i].verdict);
                if (!strstr(error.text, cases[i].text) || !*cases[i].text != !*error.text)
                        fail_msg("'%s'", error.text);
        }
}

static void test_server_of_another_ca_says_nothing(void **state)
{
        Error error = {};
        uint16_t port;

        servers_make_pki();
        put("api", "HTTP/1.0 200 OK\r\n\r\n");
        port = server_tls("-HTTP");
        assert_int_equal(try(port, "other-ca", "client", &error), API_SILENT);
        assert_true(starts_with(error.text, "no trustworthy answer from the API server: "));
}

/* A certificate of its own need not have kubeadm's names. */
static void test_server_with_its_address_only(void **state)
{
        Error error = {};
        uint16_t port;

        servers_make_pki();
        put("api", "HTTP/1.0 200 OK\r\n\r\n");
        shell("printf 'subjectAltName=IP:127.0.0.1\\n' >ext && openssl x509 -req -in server.csr "
              "-CA ca.crt -CAkey ca.key -days 2 -extfile ext -out server.crt");
        port = server_tls("-HTTP");
        assert_int_equal(try(port, "ca", "client", &error), API_ACCEPTED);
        assert_string_equal(error.text, "");
        servers_stop();

        shell("printf 'subjectAltName=IP:192.0.2.1\\n' >ext && openssl x509 -req -in server.csr "
              "-CA ca.crt -CAkey ca.key -days 2 -extfile ext -out server.crt");
        port = server_tls("-HTTP");
        assert_int_equal(try(port, "ca", "client", &error), API_SILENT);
}

static void test_nobody_answers(void **state)
{
        Error error = {};

        servers_make_pki();
        assert_int_equal(try(server_none(), "ca", "client", &error), API_SILENT);
        assert_int_equal(try(server_saying("", false), "ca", "client", &error), API_SILENT);
        assert_int_equal(
                try(server_saying("HTTP/1.1 200 OK\r\n\r\n", true), "ca", "client", &error),
                API_SILENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_verdict_by_status),
                SERVERS_TEST(test_server_of_another_ca_says_nothing),
                SERVERS_TEST(test_server_with_its_address_only),
                SERVERS_TEST(test_nobody_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

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

static ApiServer server_of(uint16_t port)
{
        return (ApiServer){
                .host = "127.0.0.1", .port = port, .tls = tls_of("ca", "client"), .timeout = 5};
}

static void test_get_by_status(void **state)
{
        static const struct {
                const char *answer;
                int r;
        } cases[] = {
                {"200 OK\r\n\r\n{\"kind\": \"Pod\"}", 0},
                {"200 OK\r\n\r\n[1]", -EBADMSG},
                {"200 OK\r\n\r\n{\"kind\"", -EBADMSG},
                {"401 Unauthorized\r\n\r\n{}", -EACCES},
                {"403 Forbidden\r\n\r\n{}", -EACCES},
                {"404 Not Found\r\n\r\n{}", -ENOENT},
                {"410 Gone\r\n\r\n{}", -ESTALE},
                {"500 Internal Server Error\r\n\r\n{}", -EIO},
        };
        ApiServer server;

        servers_make_pki();
        server = server_of(server_tls("-HTTP"));
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *answer = xasprintf("HTTP/1.0 %s", cases[i].answer);
                autoptr(json_t) object = NULL;
                Error error = {};

                put("thing", answer);
                assert_int_equal(api_get(&server, "/thing", &object, &error), cases[i].r);
                assert_int_equal(!object, cases[i].r < 0);
                assert_int_equal(!*error.text, cases[i].r == 0);
        }
}

static void add_name(const json_t *object, void *userdata)
{
        strv_add(userdata, api_text(object, "metadata", "name", NULL));
}

#define PAGE(items, next)                                                                          \
        "HTTP/1.0 200 OK\r\n\r\n{\"metadata\": {\"continue\": \"" next "\"}, \"items\": [" items   \
        "]}"
#define ITEM(name) "{\"metadata\": {\"name\": \"" name "\"}}"

static void test_list_of_several_pages(void **state)
{
        autostrv names = NULL;
        autofree char *all = NULL;
        Error error = {};
        ApiServer server;

        servers_make_pki();
        put("pods?limit=2", PAGE(ITEM("a") ", " ITEM("b"), "x/y=="));
        put("pods?limit=2&continue=x%2Fy%3D%3D", PAGE(ITEM("c"), ""));
        put("pods?in=here&limit=5", PAGE("", ""));
        server = server_of(server_tls("-HTTP"));
        assert_int_equal(api_list(&server, "/pods", 2, add_name, &names, &error), 0);
        assert_int_equal(api_list(&server, "/pods?in=here", 5, add_name, &names, &error), 0);
        all = strv_join(names, " ");
        assert_string_equal(all, "a b c");
}

static void test_list_that_breaks_off(void **state)
{
        autostrv names = NULL;
        Error error = {};
        ApiServer server;

        servers_make_pki();
        put("pods?limit=1", PAGE(ITEM("a"), "next"));
        put("pods?limit=1&continue=next", "HTTP/1.0 410 Gone\r\n\r\n{}");
        server = server_of(server_tls("-HTTP"));
        assert_int_equal(api_list(&server, "/pods", 1, add_name, &names, &error), -ESTALE);
        assert_string_equal(names[0], "a");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_verdict_by_status),
                SERVERS_TEST(test_server_of_another_ca_says_nothing),
                SERVERS_TEST(test_server_with_its_address_only),
                SERVERS_TEST(test_nobody_answers),
                SERVERS_TEST(test_get_by_status),
                SERVERS_TEST(test_list_of_several_pages),
                SERVERS_TEST(test_list_that_breaks_off),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

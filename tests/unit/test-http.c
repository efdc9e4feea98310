/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/http.h"
#include "servers.h"

/* The request of a port, with the URL that the caller frees. */
static HttpRequest request_to(char **ret_url, const char *scheme, uint16_t port, const char *path)
{
        *ret_url = xasprintf("%s://127.0.0.1:%u%s", scheme, port, path);
        return (HttpRequest){.url = *ret_url, .timeout = 5};
}

static HttpAnswer *ask(const HttpRequest *request)
{
        HttpAnswer *answer = NULL;
        Error error = {};

        if (http_call(request, &answer, &error) < 0)
                fail_msg("%s", error.text);
        return answer;
}

/* The request fails with r, says so, and has no answer. */
static void refused(const HttpRequest *request, int expected)
{
        HttpAnswer *answer = NULL;
        Error error = {};
        int r = http_call(request, &answer, &error);

        if (r != expected)
                fail_msg("%s: %s", strerror(r < 0 ? -r : 0), error.text);
        assert_null(answer);
        assert_true(starts_with(error.text, request->url));
}

static void test_answer_with_headers(void **state)
{
        uint16_t port = server_saying("HTTP/1.1 403 No\r\nX-One: first \r\nx-one:second\r\n"
                                      "Empty:\r\nContent-Length: 3\r\n\r\nabc",
                true);
        autofree char *url = NULL;
        HttpRequest request = request_to(&url, "http", port, "/");
        autoptr(HttpAnswer) answer = ask(&request);

        assert_int_equal(answer->status, 403);
        assert_int_equal(answer->body_size, 3);
        assert_string_equal(answer->body, "abc");
        assert_string_equal(http_header(answer, "x-one"), "second");
        assert_string_equal(http_header(answer, "empty"), "");
        assert_null(http_header(answer, "x"));
        assert_null(http_header(answer, "X-One"));
}

/* Newer versions of libcurl put the two lines together, older ones do not. */
static void test_a_folded_line_is_no_header(void **state)
{
        uint16_t port = server_saying("HTTP/1.1 200 OK\r\nX: one\r\n\tY: two\r\n\r\n", true);
        autofree char *url = NULL;
        HttpRequest request = request_to(&url, "http", port, "/");
        autoptr(HttpAnswer) answer = ask(&request);

        assert_true(starts_with(http_header(answer, "x"), "one"));
        assert_int_equal(strv_length(answer->headers), 1);
}

static void test_trailers_are_headers(void **state)
{
        uint16_t port = server_saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                      "2\r\nok\r\n0\r\nAfter: all\r\n\r\n",
                true);
        autofree char *url = NULL;
        HttpRequest request = request_to(&url, "http", port, "/");
        autoptr(HttpAnswer) answer = ask(&request);

        assert_string_equal(answer->body, "ok");
        assert_string_equal(http_header(answer, "after"), "all");
}

static void test_redirect_is_an_answer(void **state)
{
        uint16_t port = server_saying("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", true);
        autofree char *url = NULL;
        HttpRequest request = request_to(&url, "http", port, "/");
        autoptr(HttpAnswer) answer = ask(&request);

        assert_int_equal(answer->status, 302);
        assert_string_equal(answer->body, "");
        assert_string_equal(http_header(answer, "location"), "/elsewhere");
}

/* Neither a proxy of the environment nor a request that goes elsewhere than it says. */
static void test_proxy_is_not_used(void **state)
{
        uint16_t proxy = server_saying("HTTP/1.1 500 Proxy\r\n\r\n", true);
        uint16_t port = server_saying("HTTP/1.1 200 OK\r\n\r\n", true);
        autofree char *url = NULL, *variable = xasprintf("http://127.0.0.1:%u", proxy);
        HttpRequest request = request_to(&url, "http", port, "/");

        setenv("http_proxy", variable, true);
        setenv("ALL_PROXY", variable, true);
        autoptr(HttpAnswer) answer = ask(&request);
        unsetenv("http_proxy");
        unsetenv("ALL_PROXY");
        assert_int_equal(answer->status, 200);
}

static void test_body_is_bounded(void **state)
{
        autofree char *text = xasprintf("HTTP/1.1 200 OK\r\n\r\n%*s", (int)HTTP_BODY_MAX, "");
        autofree char *more = xasprintf("%s.", text);
        autofree char *url = NULL, *url_more = NULL;
        HttpRequest request = request_to(&url, "http", server_saying(text, true), "/");
        HttpRequest too_much = request_to(&url_more, "http", server_saying(more, true), "/");
        autoptr(HttpAnswer) answer = ask(&request);

        assert_int_equal(answer->body_size, HTTP_BODY_MAX);
        refused(&too_much, -EFBIG);
}

static void test_headers_are_bounded(void **state)
{
        char *text = xstrdup("HTTP/1.1 200 OK\r\n");
        autofree char *url = NULL;

        for (int i = 0; i < 90; i++) {
                char *longer = xasprintf("%sX: %01000d\r\n", text, i);

                free(text);
                text = longer;
        }
        HttpRequest request = request_to(&url, "http", server_saying(text, true), "/");
        free(text);
        refused(&request, -EFBIG);
}

static void test_no_answers(void **state)
{
        static const struct {
                const char *text;
                bool closes;
                int expected;
        } cases[] = {
                {"", true, -EPROTO},
                {"SSH-2.0-OpenSSH_9.2\r\n", true, -EPROTO},
                {"HTTP/20999999 \r\n\r\n", true, -EPROTO},
                {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", true, -EPROTO},
                {"", false, -ETIMEDOUT},
                {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", false, -ETIMEDOUT},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                uint16_t port = server_saying(cases[i].text, cases[i].closes);
                autofree char *url = NULL;
                HttpRequest request = request_to(&url, "http", port, "/");

                request.timeout = 1;
                refused(&request, cases[i].expected);
        }
}

static void test_nobody_listens(void **state)
{
        autofree char *url = NULL;
        HttpRequest request = request_to(&url, "http", server_none(), "/");
        HttpRequest socket_missing = {
                .url = "http://localhost/", .unix_socket = "/no/such/socket", .timeout = 5};
        HttpRequest name_unknown = {.url = "http://nowhere.invalid/", .timeout = 5};

        refused(&request, -ECONNREFUSED);
        refused(&socket_missing, -ECONNREFUSED);
        refused(&name_unknown, -ECONNREFUSED);
}

static void test_other_protocols_are_refused(void **state)
{
        put("file", "content");
        autofree char *url = xasprintf("file://%s/file", scratch);

        refused(&(HttpRequest){.url = url, .timeout = 5}, -EPROTO);
        refused(&(HttpRequest){.url = "ftp://127.0.0.1/", .timeout = 5}, -EPROTO);
        refused(&(HttpRequest){.url = "no url", .timeout = 5}, -EINVAL);
}

static void test_tls_server_is_verified(void **state)
{
        servers_make_pki();
        put("ready", "HTTP/1.0 200 OK\r\n\r\nok");

        uint16_t port = server_tls("-HTTP");
        autofree char *url = NULL, *url_name = NULL;
        HttpRequest request = request_to(&url, "https", port, "/ready");
        HttpRequest stranger = request, system = request, anybody = request, name = request;

        request.tls = tls_of("ca", NULL);
        autoptr(HttpAnswer) answer = ask(&request);
        assert_int_equal(answer->status, 200);
        assert_string_equal(answer->body, "ok");

        stranger.tls = tls_of("other-ca", NULL);
        refused(&stranger, -EKEYREJECTED);
        refused(&system, -EKEYREJECTED);

        anybody.insecure = true;
        autoptr(HttpAnswer) unverified = ask(&anybody);
        assert_int_equal(unverified->status, 200);

        /* localhost is where we go, and no name of the certificate. */
        url_name = xasprintf("https://localhost:%u/ready", port);
        name.url = url_name;
        name.tls = tls_of("ca", NULL);
        refused(&name, -EKEYREJECTED);
}

static void test_name_of_the_url_is_verified_wherever_it_connects(void **state)
{
        servers_make_pki();
        put("ready", "HTTP/1.0 200 OK\r\n\r\nok");

        autofree char *there = xasprintf("127.0.0.1:%u", server_tls("-HTTP"));
        HttpRequest request = {
                .url = "https://kubernetes:6443/ready", .connect_to = there, .timeout = 5};
        HttpRequest other = {.url = "https://etcd:6443/ready", .connect_to = there, .timeout = 5};

        request.tls = tls_of("ca", NULL);
        autoptr(HttpAnswer) answer = ask(&request);
        assert_string_equal(answer->body, "ok");
        other.tls = tls_of("ca", NULL);
        refused(&other, -EKEYREJECTED);
}

static void test_client_certificate(void **state)
{
        static const struct {
                const char *name, *version;
                int expected;
        } cases[] = {
                {"client", "-tls1_3", 0},
                {"client", "-tls1_2", 0},
                {"other", "-tls1_3", -EKEYREJECTED},
                {"other", "-tls1_2", -EKEYREJECTED},
                {"old", "-tls1_3", -EKEYREJECTED},
                {"old", "-tls1_2", -EKEYREJECTED},
                {NULL, "-tls1_3", -EKEYREJECTED},
                {NULL, "-tls1_2", -EKEYREJECTED},
        };
        uint16_t port = 0;

        servers_make_pki();
        put("ready", "HTTP/1.0 200 OK\r\n\r\nok");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *words = xasprintf(
                        "-HTTP -Verify 1 -CAfile ca.crt -verify_return_error %s", cases[i].version);
                autofree char *url = NULL;

                port = server_tls(words);
                HttpRequest request = request_to(&url, "https", port, "/ready");
                request.tls = tls_of("ca", cases[i].name);
                if (cases[i].expected < 0) {
                        refused(&request, cases[i].expected);
                } else {
                        autoptr(HttpAnswer) answer = ask(&request);
                        assert_string_equal(answer->body, "ok");
                }
                servers_stop();
        }
}

static void test_certificate_without_its_key(void **state)
{
        servers_make_pki();

        autofree char *url = NULL;
        HttpRequest request = request_to(&url, "https", server_tls("-HTTP"), "/ready");

        request.tls = tls_of("ca", "client");
        request.tls.key = pem("key", "other")->data;
        request.tls.key_size = pem("key", "other")->size;
        refused(&request, -EKEYREJECTED);
}

/* It is not asked for at the terminal. */
static void test_key_with_a_password(void **state)
{
        servers_make_pki();
        shell("openssl pkcs8 -topk8 -in client.key -passout pass:secret -out locked.key");

        autofree char *url = NULL;
        HttpRequest request = request_to(&url, "https", server_tls("-HTTP"), "/ready");

        request.tls = tls_of("ca", "client");
        request.tls.key = pem("key", "locked")->data;
        request.tls.key_size = pem("key", "locked")->size;
        refused(&request, -EKEYREJECTED);
}

/* What the server has been told, when that ends so. The caller frees. */
static char *told(const char *end)
{
        for (;;) {
                FileImage *file = NULL;
                bool ends;

                if (fs_read_file(root_fd, "/told", FS_SIZE_MAX, &file, NULL) >= 0) {
                        ends = strstr((char *)file->data, end);
                        if (ends) {
                                char *text = xstrdup((char *)file->data);

                                file_image_free(file);
                                return text;
                        }
                        file_image_free(file);
                }
                poll(NULL, 0, 10);
        }
}

/* As server_tls_saying(), and writes down what it is told. */
static uint16_t server_listening(void)
{
        put("say", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        put("told", "");
        return server_spawn((const char *const[]){"sh", "-c",
                                    "{ cat say; sleep 60; } | openssl s_server -accept "
                                    "127.0.0.1:0 -cert server.crt -key server.key | tee told",
                                    NULL},
                "ACCEPT");
}

static void test_methods(void **state)
{
        static const struct {
                const char *method, *body, *line;
        } cases[] = {
                {NULL, NULL, "GET /x HTTP/1.1\r\n"},
                {NULL, "{body}", "POST /x HTTP/1.1\r\n"},
                {"POST", "{body}", "POST /x HTTP/1.1\r\n"},
                {"PUT", "{body}", "PUT /x HTTP/1.1\r\n"},
                {"DELETE", "{body}", "DELETE /x HTTP/1.1\r\n"},
                {"DELETE", NULL, "DELETE /x HTTP/1.1\r\n"},
        };

        servers_make_pki();
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *url = NULL, *text = NULL;
                HttpRequest request = request_to(&url, "https", server_listening(), "/x");
                autoptr(HttpAnswer) answer = NULL;

                request.tls = tls_of("ca", NULL);
                request.method = cases[i].method;
                request.body = cases[i].body;
                request.body_size = cases[i].body ? strlen(cases[i].body) : 0;
                request.content_type = "application/json";
                answer = ask(&request);
                assert_string_equal(answer->body, "ok");
                text = told(cases[i].body ? cases[i].body : "\r\n\r\n");
                assert_non_null(strstr(text, cases[i].line));
                assert_int_equal(!strstr(text, "content-type: application/json"), !cases[i].body);
                assert_null(strcasestr(text, "authorization"));
                servers_stop();
        }
}

static void test_token_goes_over_tls_only(void **state)
{
        static const char *const none[] = {"", "a b", "a\r\nx: y", "a\n", "\xc3\xa4", "a\"b"};
        autoptr(Secret) token = secret_new("aZ9-._~+/=", 10);
        autofree char *url = NULL, *plain_url = NULL, *text = NULL;
        autoptr(HttpAnswer) answer = NULL;
        HttpRequest request, plain;

        servers_make_pki();
        request = request_to(&url, "https", server_listening(), "/x");
        request.tls = tls_of("ca", NULL);
        request.token = token;
        answer = ask(&request);
        text = told("\r\n\r\n");
        assert_non_null(strstr(text, "\r\nauthorization: Bearer aZ9-._~+/=\r\n"));

        plain = request_to(
                &plain_url, "http", server_saying("HTTP/1.1 200 OK\r\n\r\n", true), "/x");
        plain.token = token;
        refused(&plain, -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(none); i++) {
                autoptr(Secret) bad = secret_new(none[i], strlen(none[i]));

                request.token = bad;
                refused(&request, -EINVAL);
        }
        autoptr(Secret) nul = secret_new("a\0b", 3);
        request.token = nul;
        refused(&request, -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SERVERS_TEST(test_answer_with_headers),
                SERVERS_TEST(test_a_folded_line_is_no_header),
                SERVERS_TEST(test_trailers_are_headers),
                SERVERS_TEST(test_redirect_is_an_answer),
                SERVERS_TEST(test_proxy_is_not_used),
                SERVERS_TEST(test_body_is_bounded),
                SERVERS_TEST(test_headers_are_bounded),
                SERVERS_TEST(test_no_answers),
                SERVERS_TEST(test_nobody_listens),
                SERVERS_TEST(test_other_protocols_are_refused),
                SERVERS_TEST(test_tls_server_is_verified),
                SERVERS_TEST(test_name_of_the_url_is_verified_wherever_it_connects),
                SERVERS_TEST(test_client_certificate),
                SERVERS_TEST(test_certificate_without_its_key),
                SERVERS_TEST(test_key_with_a_password),
                SERVERS_TEST(test_methods),
                SERVERS_TEST(test_token_goes_over_tls_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

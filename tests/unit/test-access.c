/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kube/access.h"
#include "scratch.h"

#include <sys/stat.h>

/* The cluster's and the user's body go into it; "Y2E=" is "ca", "Y2VydA==" "cert", "a2V5" "key". */
static char *kubeconfig(const char *cluster, const char *user)
{
        return xasprintf("clusters:\n- {name: other, cluster: {server: 'https://192.0.2.99'}}\n"
                         "- name: c\n  cluster: {%s}\n"
                         "contexts:\n- {name: x, context: {cluster: c, user: u}}\n"
                         "current-context: x\n"
                         "users:\n- {name: other, user: {token: other}}\n- name: u\n  user: {%s}\n",
                cluster, user);
}

static int try(const char *cluster, const char *user, Access **ret, Error *error)
{
        autofree char *text = kubeconfig(cluster, user);

        mkdir("conf", 0755);
        put("conf/k.conf", text);
        return access_read(root_fd, "/conf/k.conf", 7, ret, error);
}

static Access *read_well(const char *cluster, const char *user)
{
        Access *access = NULL;
        Error error = {};

        if (try(cluster, user, &access, &error) < 0)
                fail_msg("%s", error.text);
        return access;
}

static void refused(const char *cluster, const char *user, int r, const char *text)
{
        Access *access = NULL;
        Error error = {};
        int q = try(cluster, user, &access, &error);

        if (q != r || !strstr(error.text, text) || !strstr(error.text, "'/conf/k.conf'"))
                fail_msg("%s: %s", strerror(-q), error.text);
        assert_null(access);
        assert_null(strstr(error.text, "t0ken"));
}

#define CERTIFICATE "client-certificate-data: Y2VydA==, client-key-data: a2V5"
#define CLUSTER     "server: 'https://192.0.2.1:6443', certificate-authority-data: Y2E="

static void is(const void *data, size_t size, const char *text)
{
        assert_int_equal(size, strlen(text));
        assert_memory_equal(data, text, size);
}

static void test_embedded(void **state)
{
        autoptr(Access) access = read_well(CLUSTER, CERTIFICATE);
        const ApiServer *server = &access->server;

        assert_string_equal(server->host, "192.0.2.1");
        assert_string_equal(server->name, "192.0.2.1");
        assert_string_equal(server->prefix, "");
        assert_int_equal(server->port, 6443);
        assert_int_equal(server->timeout, 7);
        is(server->tls.ca, server->tls.ca_size, "ca");
        is(server->tls.certificate, server->tls.certificate_size, "cert");
        is(server->tls.key, server->tls.key_size, "key");
        assert_null(server->token);
}

static void test_files_beside_the_kubeconfig(void **state)
{
        autoptr(Access) access = NULL;
        const ApiServer *server;

        mkdir("conf", 0755);
        mkdir("run", 0755);
        put("conf/ca.crt", "CA");
        put("run/u.crt", "CERT");
        put("run/u.key", "KEY");
        put("run/token", " \n t0ken\n\n");
        access = read_well("server: 'https://api.test', certificate-authority: ca.crt",
                "client-certificate: ../run/u.crt, client-key: /run/u.key, tokenFile: "
                "../run/token, token: other");
        server = &access->server;
        assert_string_equal(server->name, "api.test");
        assert_int_equal(server->port, 443);
        is(server->tls.ca, server->tls.ca_size, "CA");
        is(server->tls.certificate, server->tls.certificate_size, "CERT");
        is(server->tls.key, server->tls.key_size, "KEY");
        is(server->token->data, server->token->size, "t0ken");
}

static void test_token_alone(void **state)
{
        autoptr(Access) access = read_well(
                "server: 'https://api.test', tls-server-name: kubernetes", "token: t0ken");
        const ApiServer *server = &access->server;

        is(server->token->data, server->token->size, "t0ken");
        assert_string_equal(server->host, "api.test");
        assert_string_equal(server->name, "kubernetes");
        assert_null(server->tls.ca);
        assert_null(server->tls.certificate);
}

static void test_servers(void **state)
{
        static const struct {
                const char *url, *host, *prefix;
                uint16_t port;
        } cases[] = {
                {"https://[2001:db8::1]:6443", "2001:db8::1", "", 6443},
                {"https://[2001:db8::1]/", "2001:db8::1", "", 443},
                {"https://api.test:1/k8s/clusters/c-1/", "api.test", "/k8s/clusters/c-1", 1},
                {"api.test:6443", "api.test", "", 6443},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *cluster = xasprintf("server: '%s'", cases[i].url);
                autoptr(Access) access = read_well(cluster, "token: t0ken");

                assert_string_equal(access->server.host, cases[i].host);
                assert_string_equal(access->server.prefix, cases[i].prefix);
                assert_int_equal(access->server.port, cases[i].port);
        }
}

static void test_servers_that_are_none(void **state)
{
        static const char *const urls[] = {"", "http://api.test", "https://", "https://:6443",
                "https://api.test:", "https://api.test:0", "https://api.test:65536",
                "https://u:p@api.test", "https://2001:db8::1", "https://api.test/a?b",
                "https://api.test?b", "https://api.test#b", "https://a b", "unix:///run/x",
                "https://api.test/a b"};

        for (size_t i = 0; i < ELEMENTSOF(urls); i++) {
                autofree char *cluster = xasprintf("server: '%s'", urls[i]);

                refused(cluster, "token: t0ken", -EINVAL, "is no https://HOST:PORT");
        }
        refused("certificate-authority-data: Y2E=", "token: t0ken", -EINVAL, "is no https");
        refused("server: 'https://h', tls-server-name: 'a/b'", "token: t0ken", -EINVAL,
                "tls-server-name");
}

static void test_what_is_refused(void **state)
{
        static const struct {
                const char *cluster, *user;
                int r;
                const char *text;
        } cases[] = {
                {CLUSTER, "exec: {command: aws}", -EOPNOTSUPP, "logs in by 'exec'"},
                {CLUSTER, CERTIFICATE ", exec: {command: aws}", -EOPNOTSUPP, "'exec'"},
                {CLUSTER, "auth-provider: {name: oidc}", -EOPNOTSUPP, "'auth-provider'"},
                {CLUSTER, "username: a, password: b", -EOPNOTSUPP, "'username'"},
                {CLUSTER, CERTIFICATE ", as: somebody", -EOPNOTSUPP, "'as'"},
                {CLUSTER ", insecure-skip-tls-verify: true", CERTIFICATE, -EOPNOTSUPP, "anybody"},
                {CLUSTER ", insecure-skip-tls-verify: True", CERTIFICATE, -EOPNOTSUPP, "anybody"},
                {CLUSTER ", proxy-url: 'http://p'", CERTIFICATE, -EOPNOTSUPP, "proxy"},
                {CLUSTER, "", -EINVAL, "no client certificate and no token"},
                {CLUSTER, "client-certificate-data: '*', client-key-data: a2V5", -EINVAL,
                        "no base64"},
                {CLUSTER, "client-certificate-data: Y2VydA==", -EINVAL, "not both"},
                {CLUSTER, "client-key-data: a2V5, token: t0ken", -EINVAL, "not both"},
                {CLUSTER, "tokenFile: /nowhere", -ENOENT, "nowhere"},
                {CLUSTER, "token: 't0ken t0ken'", -EINVAL, "a token that is none"},
                {CLUSTER, "token: 't0ken', tokenFile: empty", -EINVAL, "a token that is none"},
                {"server: 'https://h', certificate-authority: no.crt", "token: t0ken", -ENOENT,
                        "/conf/no.crt"},
        };

        mkdir("conf", 0755);
        put("conf/empty", "\n");
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                refused(cases[i].cluster, cases[i].user, cases[i].r, cases[i].text);
        autoptr(Access) access =
                read_well(CLUSTER ", insecure-skip-tls-verify: false", CERTIFICATE);
        assert_non_null(access);
}

static void test_contexts_that_are_none(void **state)
{
        static const struct {
                const char *text;
                int r;
        } cases[] = {
                {"users: []\n", -EINVAL},
                {"current-context: x\ncontexts:\n- {name: x, context: {user: u, cluster: c}}\n"
                 "users:\n- {name: u, user: {token: t}}\n",
                        -EINVAL},
                {"current-context: x\ncontexts:\n- {name: x, context: {user: u, cluster: c}}\n"
                 "clusters:\n- {name: c, cluster: {server: 'https://h'}}\n",
                        -EINVAL},
                {"kind: Pod\n", -EBADMSG},
                {"\t", -EBADMSG},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Access *access = NULL;
                Error error = {};

                put("k.conf", cases[i].text);
                assert_int_equal(access_read(root_fd, "/k.conf", 1, &access, &error), cases[i].r);
                assert_null(access);
        }
}

/* Whoever may write it could send our token to himself. */
static void test_what_others_could_change(void **state)
{
        Access *access = NULL;
        Error error = {};

        if (geteuid() != 0)
                return;
        assert_int_equal(try(CLUSTER, "tokenFile: /token", &access, &error), -ENOENT);
        put("token", "t0ken");
        assert_int_equal(chmod("conf/k.conf", 0666), 0);
        refused(CLUSTER, "tokenFile: /token", -EPERM, "is not to be trusted");
        assert_int_equal(chmod("conf/k.conf", 0600), 0);
        assert_int_equal(chown("token", 4711, 4711), 0);
        refused(CLUSTER, "tokenFile: /token", -EPERM, "'/token' is not to be trusted");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_embedded),
                SCRATCH_TEST(test_files_beside_the_kubeconfig),
                SCRATCH_TEST(test_token_alone),
                SCRATCH_TEST(test_servers),
                SCRATCH_TEST(test_servers_that_are_none),
                SCRATCH_TEST(test_what_is_refused),
                SCRATCH_TEST(test_contexts_that_are_none),
                SCRATCH_TEST(test_what_others_could_change),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

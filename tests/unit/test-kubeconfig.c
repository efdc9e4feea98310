/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "kubeconfig-texts.h"

static void test_reads_users_clusters_and_current_context(void **state)
{
        autoptr(Kubeconfig) config = parse(simple);

        assert_int_equal(config->n_users, 1);
        assert_string_equal(config->users[0].name, "u");
        assert_int_equal(config->users[0].certificate_size, 4);
        assert_memory_equal(config->users[0].certificate, "cert", 4);
        assert_int_equal(config->users[0].key->size, 3);
        assert_memory_equal(config->users[0].key->data, "key", 3);
        assert_null(config->users[0].problem);
        assert_false(config->users[0].other);
        assert_int_equal(config->n_clusters, 1);
        assert_string_equal(config->clusters[0].name, "c");
        assert_string_equal(config->clusters[0].server, "https://192.0.2.10:6443");
        assert_memory_equal(config->clusters[0].ca, "ca", 2);
        assert_string_equal(config->current_user, "u");
        assert_string_equal(config->current_cluster, "c");
}

static void test_kinds_of_users(void **state)
{
        autoptr(Kubeconfig) config = parse("users:\n"
                                           "- {name: both, user: {client-certificate: /a, "
                                           "client-certificate-data: Y2VydA==, token: t}}\n"
                                           "- {name: files, user: {client-certificate: a.crt, "
                                           "client-key: a.key}}\n"
                                           "- {name: token, user: {token: t}}\n"
                                           "- {name: exec, user: {exec: {command: aws}}}\n"
                                           "- {name: nothing, user: {}}\n"
                                           "- {name: null-user, user: null}\n"
                                           "- {name: no-user}\n"
                                           "- {name: empty, user: {client-certificate-data: '', "
                                           "client-certificate: /a}}\n");

        assert_int_equal(config->n_users, 8);
        for (size_t i = 0; i < config->n_users; i++)
                assert_null(config->users[i].problem);
        assert_memory_equal(config->users[0].certificate, "cert", 4);
        assert_null(config->users[0].certificate_file);
        assert_false(config->users[0].other);
        assert_string_equal(config->users[1].certificate_file, "a.crt");
        assert_string_equal(config->users[1].key_file, "a.key");
        assert_true(config->users[2].other);
        assert_true(config->users[3].other);
        assert_false(config->users[4].other);
        assert_false(config->users[5].other);
        assert_string_equal(config->users[7].certificate_file, "/a");
        assert_null(config->users[7].certificate);
        assert_null(config->current_user);
}

static void test_t26_empty_lists_and_missing_keys(void **state)
{
        static const char *const texts[] = {
                "{}",
                "apiVersion: v1\nkind: Config\n",
                "users: []\nclusters: []\n",
                "users: null\nclusters:\ncontexts: ~\n",
                "users: []\ncurrent-context: ''\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(Kubeconfig) config = parse(texts[i]);

                assert_int_equal(config->n_users, 0);
                assert_int_equal(config->n_clusters, 0);
                assert_null(config->current_user);
        }
}

/* Reading one user is not disturbed by another one. */
static void test_t26_one_users_problem_is_its_own(void **state)
{
        autoptr(Kubeconfig) config = parse("x: &a {" DATA "}\n"
                                           "users:\n"
                                           "- {name: twice, user: {" DATA "}}\n"
                                           "- {name: twice, user: {" DATA "}}\n"
                                           "- {name: alias, user: *a}\n"
                                           "- {name: garbage, user: {client-certificate-data: '?',"
                                           " client-key-data: a2V5}}\n"
                                           "- &b {name: anchor, user: {" DATA "}}\n"
                                           "- just text\n"
                                           "- null\n"
                                           "- {name: [], user: {}}\n"
                                           "- {name: \"a\\0b\", user: {}}\n"
                                           "- {name: good, user: {" DATA "}}\n"
                                           "- {name: token, user: &t {token: t}}\n");
        static const char *const problems[] = {
                "line 3, column 3: the user 'twice' is there twice, also in line 4",
                "line 4, column 3: the user 'twice' is there twice, also in line 3",
                "line 5, column 23: 'user' is an alias",
                "line 6, column 51: 'client-certificate-data' is no base64",
                "line 7, column 3: an anchor on the way",
                "line 8, column 3: a mapping with 'name' is missing",
                "line 9, column 3: a mapping with 'name' is missing",
                "line 10, column 10: 'name' is no scalar",
                "line 11, column 10: 'name' has a NUL in it",
                NULL,
                NULL,
        };

        assert_int_equal(config->n_users, ELEMENTSOF(problems));
        for (size_t i = 0; i < ELEMENTSOF(problems); i++) {
                const char *problem = config->users[i].problem;

                if (!problems[i] != !problem || (problem && !starts_with(problem, problems[i])))
                        fail_msg("%zu: %s", i, problem);
        }
        /* What cannot be changed can still be watched. */
        assert_memory_equal(config->users[4].certificate, "cert", 4);
        assert_memory_equal(config->users[3].key->data, "key", 3);
        assert_memory_equal(config->users[9].certificate, "cert", 4);
}

static void test_t26_a_second_document_is_a_problem_of_all_data(void **state)
{
        autoptr(Kubeconfig) config =
                parse("users:\n- {name: u, user: {" DATA "}}\n- {name: t, user: {token: t}}\n"
                      "---\nmore\n");

        assert_string_equal(config->users[0].problem,
                "line 4, column 1: a second document, which is not supported");
        assert_non_null(config->users[0].certificate);
        assert_null(config->users[1].problem);
}

static void test_clusters_have_problems_too(void **state)
{
        autoptr(Kubeconfig) config =
                parse("clusters:\n"
                      "- {name: a, cluster: {certificate-authority-data: '*'}}\n"
                      "- {name: b, cluster: {certificate-authority: ca.crt, server: s}}\n"
                      "- {name: c, cluster: {server: [s]}}\n");

        assert_true(starts_with(config->clusters[0].problem, "line 2, column 51: "));
        assert_null(config->clusters[1].problem);
        assert_string_equal(config->clusters[1].ca_file, "ca.crt");
        assert_true(starts_with(config->clusters[2].problem, "line 4, column 31: "));
}

static void test_not_a_kubeconfig(void **state)
{
        static const char *const texts[] = {
                "kind: Pod\n",
                "",
                "text",
                "[]",
                "users: {}",
                "clusters: 1",
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
                "\177ELF\002\001\001",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                Kubeconfig *config = NULL;
                Error error = {};

                assert_int_equal(
                        kubeconfig_parse(texts[i], strlen(texts[i]), &config, &error), -EBADMSG);
                assert_null(config);
                assert_true(starts_with(error.text, "line 1, column "));
        }
}

static void test_broken_contexts_hide_no_user(void **state)
{
        static const char *const texts[] = {
                "users: [{name: u, user: {" DATA "}}]\ncontexts: 1\ncurrent-context: x\n",
                "users: [{name: u, user: {" DATA "}}]\ncurrent-context: [x]\n",
                "users: [{name: u, user: {" DATA "}}]\ncurrent-context: x\n",
                "users: [{name: u, user: {" DATA "}}]\ncurrent-context: x\n"
                "contexts: [{name: x}, {name: x, context: {user: u}}]\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(Kubeconfig) config = parse(texts[i]);

                assert_int_equal(config->n_users, 1);
                assert_null(config->current_user);
        }
}

static void test_bounds(void **state)
{
        static const struct {
                const char *head, *unit;
                size_t n;
                int r;
        } cases[] = {
                {"a: ", "[", 1000, -E2BIG},
                {"a: ", "{b: ", 100000, -E2BIG},
                {"a:\n", "- ", 100000, -E2BIG},
                {"a: [", "b,", 400000, -E2BIG},
                {"users:\n", "- {name: u@, user: {}}\n", 4097, -E2BIG},
                {"users:\n", "- {name: u@, user: {}}\n", 4096, 0},
                {"# ", "x", (size_t)5 << 20, -EFBIG},
                {"", "k@: v\n", 1025, -E2BIG},
                {"", "%TAG !@! x\n", 200000, -E2BIG},
                {"users: []\n", "---\n", 1000000, 0},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autoptr(Kubeconfig) config = NULL;
                Error error = {};
                size_t size;
                autofree char *text = repeat(cases[i].head, cases[i].unit, cases[i].n, &size);
                int r = kubeconfig_parse(text, size, &config, &error);

                if (r != cases[i].r)
                        fail_msg("%zu: %d, %s", i, r, error.text);
        }
}

/* Reads a genuine file and writes what it says: the same bytes come out. */
static void test_writes_kubeadms_form(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(genuine); i++) {
                size_t size;
                autofree char *text = read_data_file(genuine[i], &size);
                autoptr(Kubeconfig) config = parse(text);
                KubeconfigNew new = {
                        .cluster = config->clusters[0].name,
                        .server = config->clusters[0].server,
                        .user = config->users[0].name,
                        .ca = config->clusters[0].ca,
                        .ca_size = config->clusters[0].ca_size,
                        .certificate = config->users[0].certificate,
                        .certificate_size = config->users[0].certificate_size,
                        .key = config->users[0].key->data,
                        .key_size = config->users[0].key->size,
                };
                autoptr(Secret) written = kubeconfig_write(&new);

                assert_string_equal(config->current_user, config->users[0].name);
                assert_int_equal(written->size, size);
                assert_memory_equal(written->data, text, size);
        }
}

static void test_names_are_quoted_where_yaml_needs_it(void **state)
{
        static const char *const names[] = {"jane", "system:node:cp-1", "yes", "Null", "1234",
                "1e3", "a: b", "a #b", "#a", "- a", "a:", "", " a", "a\"b\\c", "a\nb\tc", "'a'",
                "*a", "\xc3\xbc", "{a}", "~", "0x1f", "!a", "@a", "a,b"};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                KubeconfigNew new = {"c", "https://a:1", names[i], "ca", "cert", "key", 2, 4, 3};
                autoptr(Secret) written = kubeconfig_write(&new);
                autoptr(Kubeconfig) config = NULL;

                assert_int_equal(kubeconfig_parse(written->data, written->size, &config, NULL), 0);
                assert_string_equal(config->users[0].name, names[i]);
                if (*names[i])
                        assert_string_equal(config->current_user, names[i]);
                assert_string_equal(config->current_cluster, "c");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reads_users_clusters_and_current_context),
                cmocka_unit_test(test_kinds_of_users),
                cmocka_unit_test(test_t26_empty_lists_and_missing_keys),
                cmocka_unit_test(test_t26_one_users_problem_is_its_own),
                cmocka_unit_test(test_t26_a_second_document_is_a_problem_of_all_data),
                cmocka_unit_test(test_clusters_have_problems_too),
                cmocka_unit_test(test_not_a_kubeconfig),
                cmocka_unit_test(test_broken_contexts_hide_no_user),
                cmocka_unit_test(test_bounds),
                cmocka_unit_test(test_writes_kubeadms_form),
                cmocka_unit_test(test_names_are_quoted_where_yaml_needs_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

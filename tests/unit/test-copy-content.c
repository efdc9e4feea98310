/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "night.h"
#include "renew/config/copy-content.h"

/* What a copy holds that is no copy of whole files; test-copy has those. */

#define ADMIN "/etc/kubernetes/admin.conf"
#define TREE  "v1.28.7/ecdsa-p256"

static Host host_with(const char *configuration, const char *at)
{
        Host host = host_new(TREE, at);

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", configuration);
        host_configure(&host);
        return host;
}

/* Of the one copy there is. */
static CopyState state_of(Host *host)
{
        host_look(host);
        assert_int_equal(host->inventory->n_copies, 1);
        return host->assessment->copies[0].state;
}

static void assert_same(const Host *host, const char *path, const char *other)
{
        autofree char *a = tree_read(host->root, path, NULL);
        autofree char *b = tree_read(host->root, other, NULL);

        assert_string_equal(a, b);
}

static void test_join(void **state)
{
        static const struct {
                const char *first, *second, *joined;
        } table[] = {
                {"a\n", NULL, "a\n"},
                {"a", NULL, "a"},
                {"a\n", "b\n", "a\nb\n"},
                {"a", "b", "a\nb"},
                {"", "b", "b"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const char *second = table[i].second;
                autoptr(Secret) joined = copy_join(table[i].first, strlen(table[i].first), second,
                        second ? strlen(second) : 0);

                assert_int_equal(joined->size, strlen(table[i].joined));
                assert_memory_equal(joined->data, table[i].joined, joined->size);
        }
}

/* What several hosts write is nobody's: it becomes what the source is, whoever was there. */
static void test_whatever_is_there_is_overwritten(void **state)
{
        Host host = host_with("[copy root-kubeconfig]\nSource=\n"
                              "[copy shared]\nSource=admin.conf\nPath=/shared/admin.conf\n"
                              "Overwrite=yes\n",
                ONE_DAY_OLD);

        tree_write_text(host.root, "/shared/admin.conf", "of the other host");
        assert_int_equal(state_of(&host), COPY_OUTDATED);
        assert_int_equal(run_nightly(&host), EXIT_DONE);
        assert_same(&host, "/shared/admin.conf", ADMIN);
        assert_int_equal(state_of(&host), COPY_CURRENT);
        host_free(&host);
}

/* A scalar of a kubeconfig of kubeadm, decoded. */
static char *scalar_of(const Host *host, const char *path, const char *key)
{
        size_t size;
        autofree char *text = tree_read(host->root, path, &size);
        autoptr(Kubeconfig) kubeconfig = NULL;

        assert_int_equal(kubeconfig_parse(text, size, &kubeconfig, NULL), 0);
        assert_int_equal(kubeconfig->n_users, 1);
        const KubeconfigUser *user = &kubeconfig->users[0];
        return streq(key, "key") ? xstrndup((char *)user->key->data, user->key->size)
                                 : xstrndup((char *)user->certificate, user->certificate_size);
}

static void write_scalars(const Host *host, const char *first, const char *second, const char *to)
{
        autofree char *a = scalar_of(host, ADMIN, first);
        autofree char *b = *second ? scalar_of(host, ADMIN, second) : xstrdup("");
        autofree char *both = xasprintf("%s%s", a, b);

        tree_write_text(host->root, to, both);
}

/* haproxy_client.pem of StarlingX: what is inside of a kubeconfig, for who cannot read one. */
static void test_what_is_inside_of_a_kubeconfig(void **state)
{
        Host host = host_with("[copy pem]\nSource=admin.conf\nPath=/a.pem\nContent=bundle\n"
                              "[copy crt]\nSource=admin.conf\nPath=/a.crt\nContent=certificate\n"
                              "[copy key]\nSource=admin.conf\nPath=/a.key\nContent=key\n"
                              "[copy first]\nSource=admin.conf\nPath=/b.pem\n"
                              "Content=bundle-key-first\n",
                TEN_DAYS_LEFT);
        static const struct {
                const char *path, *first, *second;
        } table[] = {
                {"/a.pem", "certificate", "key"},
                {"/a.crt", "certificate", ""},
                {"/a.key", "key", ""},
                {"/b.pem", "key", "certificate"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                write_scalars(&host, table[i].first, table[i].second, table[i].path);
        assert_int_equal(run_nightly(&host), EXIT_UNFINISHED);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                write_scalars(&host, table[i].first, table[i].second, "/expected");
                assert_same(&host, table[i].path, "/expected");
        }
        host_free(&host);
}

/* Who has nothing embedded has nothing to be copied, and that is no fault of the copy. */
static void test_nothing_is_inside_of_a_kubeconfig_with_a_token(void **state)
{
        Host host = host_with("[copy root-kubeconfig]\nSource=\n"
                              "[copy pem]\nSource=scheduler.conf\nPath=/a.pem\nContent=bundle\n",
                TEN_DAYS_LEFT);

        tree_write_text(host.root, "/a.pem", "old");
        tree_write_text(host.root, "/etc/kubernetes/scheduler.conf",
                "apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    token: b\n");
        assert_int_equal(state_of(&host), COPY_UNKNOWN);
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_join),
                cmocka_unit_test(test_whatever_is_there_is_overwritten),
                cmocka_unit_test(test_what_is_inside_of_a_kubeconfig),
                cmocka_unit_test(test_nothing_is_inside_of_a_kubeconfig_with_a_token),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

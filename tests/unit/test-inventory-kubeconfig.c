/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/inventory/rotation.h"

#define TREE     "v1.28.7/rsa2048-default"
#define OTHER_CA "kubeadm/v1.28.7/ecdsa-p256/etc-kubernetes/pki/ca.crt"
#define ADMIN    "/etc/kubernetes/admin.conf"
#define CA_FILE  "/etc/kubernetes/pki/ca.crt"
#define KUBELET  "/etc/kubernetes/kubelet.conf"
#define CURRENT  "/var/lib/kubelet/pki/kubelet-client-current.pem"
#define N_ITEMS  14 /* of the tree as it is */
#define FILE_USER                                                                                  \
        "{client-certificate: pki/front-proxy-client.crt, client-key: pki/front-proxy-client.key}"

/* The value behind the first "key: " of a kubeconfig. */
static char *scalar(const char *text, const char *key)
{
        autofree char *label = xasprintf("%s: ", key);
        const char *found = strstr(text, label);

        assert_non_null(found);
        found += strlen(label);
        return xstrndup(found, strcspn(found, "\n"));
}

/* Writes admin.conf with this cluster (NULL: the genuine one) and these users, `a` the current one.
 */
static void write_admin(Host *host, const char *cluster, const char *users)
{
        autofree char *genuine = tree_read(host->root, "/etc/kubernetes/scheduler.conf", NULL);
        autofree char *ca = scalar(genuine, "certificate-authority-data");
        autofree char *data = xasprintf("certificate-authority-data: %s", ca);
        autofree char *text = xasprintf("apiVersion: v1\nkind: Config\nclusters:\n- name: k\n"
                                        "  cluster: {%s}\n"
                                        "contexts:\n- name: c\n  context: {cluster: k, user: a}\n"
                                        "current-context: c\nusers:\n%s",
                cluster ? cluster : data, users);

        tree_write_text(host->root, ADMIN, text);
        host_look(host);
}

/* "- name: NAME\n  user: {…}" with the genuine certificate and key. */
static char *embedded_user(const Host *host, const char *name)
{
        autofree char *text = tree_read(host->root, ADMIN, NULL);
        autofree char *certificate = scalar(text, "client-certificate-data");
        autofree char *key = scalar(text, "client-key-data");

        return xasprintf("- name: %s\n  user: {client-certificate-data: %s, client-key-data: %s}\n",
                name, certificate, key);
}

/* The CA file has a root that the kubeconfigs lack: to be repaired in each, but the kubelet's. */
static void test_t14_stale_ca_data(void **state)
{
        static const char *const ours[] = {
                "admin.conf", "controller-manager.conf", "scheduler.conf"};
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_append(host.root, OTHER_CA, CA_FILE);
        host_look(&host);
        for (size_t i = 0; i < ELEMENTSOF(ours); i++) {
                host_assert_row(&host, ours[i], STATE_DRIFTED, "lacks a root of '" CA_FILE "'");
                assert_true(host_verdict(&host, ours[i])->repair_ca_data);
        }
        host_assert_row(&host, "kubelet.conf", STATE_DRIFTED, "lacks a root");
        assert_false(host_verdict(&host, "kubelet.conf")->repair_ca_data);
        host_assert_row(&host, "apiserver", STATE_OK, "");
        assert_int_equal(host.assessment->n_due, 0);
        assert_int_equal(host.inventory->n_items, N_ITEMS + 1); /* ca#2 */
        host_free(&host);
}

/* The kubeconfig has a root more than the CA file: a row of its own, nothing stale, nothing lost.
 */
static void test_t43_root_that_only_the_kubeconfig_has(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *ca = tree_read(host.root, CA_FILE, NULL);
        size_t i;

        tree_append(host.root, OTHER_CA, CA_FILE);
        autofree char *both = tree_read(host.root, CA_FILE, NULL);
        autofree char *data = base64_encode(both, strlen(both));
        autofree char *cluster = xasprintf("certificate-authority-data: %s", data);
        autofree char *user = embedded_user(&host, "a");

        tree_write_text(host.root, CA_FILE, ca);
        write_admin(&host, cluster, user);
        i = host_index(&host, "admin.conf/ca");
        assert_int_equal(i, host_index(&host, "admin.conf") + 1);
        assert_int_equal(host.inventory->items[i].kind, ITEM_EMBEDDED_CA);
        assert_string_equal(host.inventory->items[i].path, ADMIN);
        assert_non_null(host.inventory->items[i].cluster);
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        assert_int_equal(host.inventory->n_items, N_ITEMS + 1);

        /* Both files hold both: no row but those of the CA file. */
        tree_write_text(host.root, CA_FILE, both);
        host_look(&host);
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        assert_int_equal(host.inventory->n_items, N_ITEMS + 1);
        assert_non_null(host_item(&host, "ca#2"));
        host_free(&host);
}

static void test_t14_ca_path(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *user = embedded_user(&host, "a");

        write_admin(&host, "certificate-authority: pki/ca.crt", user);
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        assert_int_equal(host.inventory->n_items, N_ITEMS);

        /* The same roots in another file are as good. */
        tree_add(host.root, "kubeadm/" TREE "/etc-kubernetes/pki/ca.crt", "/etc/other/ca.crt");
        write_admin(&host, "certificate-authority: ../other/ca.crt", user);
        host_assert_row(&host, "admin.conf", STATE_OK, "");

        /* Other roots are not, and that file is not ours to write. */
        tree_add(host.root, OTHER_CA, "/etc/other/ca.crt");
        host_look(&host);
        host_assert_row(&host, "admin.conf", STATE_DRIFTED, "'/etc/other/ca.crt', which it trusts");
        assert_false(host_verdict(&host, "admin.conf")->repair_ca_data);
        assert_string_equal(host_item(&host, "admin.conf/ca")->path, "/etc/other/ca.crt");
        assert_null(host_item(&host, "admin.conf/ca")->cluster);

        write_admin(&host, "certificate-authority: /nowhere/ca.crt", user);
        host_assert_row(&host, "admin.conf/ca", STATE_MISSING, "'/nowhere/ca.crt' is missing");
        host_free(&host);
}

/* A cluster that is not the current one may be anybody's: listed, never repaired. */
static void test_t14_other_cluster_is_not_ours(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *user = embedded_user(&host, "a");

        tree_add(host.root, OTHER_CA, "/etc/other/ca.crt");
        write_admin(&host,
                "certificate-authority: pki/ca.crt}\n- name: other\n"
                "  cluster: {certificate-authority: /etc/other/ca.crt",
                user);
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        host_assert_row(&host, "admin.conf/other/ca", STATE_OK, "");
        host_free(&host);
}

static void test_bad_ca_data_is_one_row(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *user = embedded_user(&host, "a");

        write_admin(&host, "certificate-authority-data: AAAA", user);
        host_assert_row(&host, "admin.conf/ca", STATE_INVALID, "cluster 'k' of '" ADMIN "'");
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        write_admin(&host, "certificate-authority-data: '###'", user);
        host_assert_row(&host, "admin.conf/ca", STATE_INVALID, "line 5");
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        host_free(&host);
}

/* Each user with a certificate has a row; tokens and plugins are left alone. */
static void test_t26_several_users(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *first = embedded_user(&host, "a"), *second = embedded_user(&host, "b");
        autofree char *users = xasprintf("%s- name: t\n  user: {token: abc}\n%s"
                                         "- name: e\n  user: {exec: {command: x}}\n",
                second, first);

        write_admin(&host, NULL, users);
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        assert_string_equal(host_item(&host, "admin.conf")->user->name, "a");
        host_assert_row(&host, "admin.conf/b", STATE_OK, "");
        assert_int_equal(host.inventory->n_items, N_ITEMS + 1);
        assert_ptr_equal(host_item(&host, "admin.conf")->kubeconfig,
                host_item(&host, "admin.conf/b")->kubeconfig);
        host_free(&host);
}

static void test_t26_token_alone_is_no_row(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        write_admin(&host, NULL, "- name: a\n  user: {token: abc}\n");
        assert_int_equal(host.inventory->n_items, N_ITEMS - 1);
        host_free(&host);
}

static void test_t26_precise_refusals(void **state)
{
        static const struct {
                const char *users, *part;
        } table[] = {
                {"  []\n", "has no user"},
                {"- name: a\n  user: {}\n", "user 'a' of '" ADMIN "' has no client certificate"},
                {"- name: a\n  user: {client-certificate-data: '###', client-key-data: AAAA}\n",
                        "line 12, column 35"},
                {"- name: a\n  user: {client-certificate-data: AAAA, client-key-data: AAAA}\n",
                        "user 'a' of '" ADMIN "'"},
                {"- name: a\n  user: {client-certificate-data: AAAA, client-key: a.key}\n",
                        "different forms"},
                {"- name: a\n  user: {client-certificate: a.crt, client-key-data: AAAA}\n",
                        "different forms"},
                {"- name: a\n  user: {client-certificate: a.crt, token: t}\n",
                        "user 'a' of '" ADMIN "' has a certificate and no key"},
                {"- name: a\n  user: " FILE_USER "\n- name: a\n  user: {token: x}\n", "twice"},
                {"{\n", ADMIN},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new(TREE, ONE_DAY_OLD);

                write_admin(&host, NULL, table[i].users);
                host_assert_row(&host, "admin.conf", STATE_INVALID, table[i].part);
                host_assert_row(&host, "scheduler.conf", STATE_OK, "");
                assert_int_equal(host.assessment->n_due, 0);
                host_free(&host);
        }
}

/* A certificate that can be read is judged, even if its key cannot. */
static void test_t26_bad_key_beside_a_good_certificate(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *user = embedded_user(&host, "a");
        char *key = strstr(user, "client-key-data: ") + strlen("client-key-data: ");

        stpcpy(key, "'###'}\n");
        write_admin(&host, NULL, user);
        host_assert_row(&host, "admin.conf", STATE_INVALID, "line 12");
        assert_true(host_verdict(&host, "admin.conf")->residual > 0);
        host_free(&host);
}

/* Comments, CRLF and a BOM change nothing of what is read. */
static void test_t26_forms(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *old = tree_read(host.root, ADMIN, NULL);
        char *text = xcalloc(2 * strlen(old) + 64, 1), *end;

        end = stpcpy(text, "\357\273\277# \303\244\r\n");
        for (const char *p = old; *p; p++) {
                if (*p == '\n')
                        *end++ = '\r';
                *end++ = *p;
        }
        tree_write_text(host.root, ADMIN, text);
        free(text);
        host_look(&host);
        host_assert_row(&host, "admin.conf", STATE_OK, "");
        assert_true(host_item(&host, "admin.conf")->key_matches);
        assert_int_equal(host.inventory->n_items, N_ITEMS);
        host_free(&host);
}

/* Files that a user names are followed; one that has an entry of its own is renewed once. */
static void test_user_with_files(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);
        const Item *item;

        write_admin(&host, NULL, "- name: a\n  user: " FILE_USER "\n");
        item = host_item(&host, "admin.conf");
        assert_false(item->embedded);
        assert_string_equal(item->path, "/etc/kubernetes/pki/front-proxy-client.crt");
        assert_string_equal(item->key_path, "/etc/kubernetes/pki/front-proxy-client.key");
        assert_string_equal(item->renewed_as, "front-proxy-client");
        assert_ptr_equal(item->cert, host_item(&host, "front-proxy-client")->cert);
        assert_false(host_verdict(&host, "admin.conf")->due);
        assert_true(host_verdict(&host, "front-proxy-client")->due);
        assert_int_equal(host.assessment->n_due, 9);

        write_admin(
                &host, NULL, "- name: a\n  user: {client-certificate: a.crt, client-key: a.key}\n");
        host_assert_row(&host, "admin.conf", STATE_MISSING, "'/etc/kubernetes/a.crt' is missing");
        host_free(&host);
}

/* As on a node that joined: kubelet.conf names the link that the kubelet keeps current. */
static void test_t42_kubelet_rotates_its_own(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);
        autofree char *old = tree_read(host.root, KUBELET, NULL);
        autofree char *certificate = scalar(old, "client-certificate-data");
        autofree char *key = scalar(old, "client-key-data");
        autofree char *link = xasprintf("%s" CURRENT, host.root);
        unsigned char *pem[2];
        size_t size[2];

        assert_int_equal(base64_decode(certificate, strlen(certificate), &pem[0], &size[0]), 0);
        assert_int_equal(base64_decode(key, strlen(key), &pem[1], &size[1]), 0);
        autofree char *both = xasprintf("%s%s", pem[0], pem[1]);
        tree_write_text(host.root, "/var/lib/kubelet/pki/kubelet-client-2026.pem", both);
        assert_int_equal(symlink("/var/lib/kubelet/pki/kubelet-client-2026.pem", link), 0);
        tree_write_text(host.root, KUBELET,
                "kind: Config\ncontexts:\n- name: c\n  context: {user: u}\ncurrent-context: c\n"
                "users:\n- name: u\n  user: {client-certificate: " CURRENT ", client-key: " CURRENT
                "}\n");
        host_look(&host);
        host_assert_row(&host, "kubelet-client", STATE_EXPIRING, "");
        assert_true(host_item(&host, "kubelet-client")->key_matches);
        assert_string_equal(host_item(&host, "kubelet.conf")->path, CURRENT);
        assert_int_equal(host.assessment->n_due, 10);
        assert_true(rotation_is_kept(host_item(&host, "kubelet.conf")));
        assert_false(rotation_is_kept(host_item(&host, "kubelet-client")));
        assert_true(host_item(&host, "kubelet.conf")->is_link);

        /* What was restored from somewhere is no link any more. */
        assert_int_equal(unlink(link), 0);
        tree_write_text(host.root, CURRENT, both);
        host_look(&host);
        assert_true(rotation_is_kept(host_item(&host, "kubelet.conf")));
        assert_false(host_item(&host, "kubelet.conf")->is_link);
        free(pem[0]);
        free(pem[1]);
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t14_stale_ca_data),
                cmocka_unit_test(test_t43_root_that_only_the_kubeconfig_has),
                cmocka_unit_test(test_t14_ca_path),
                cmocka_unit_test(test_t14_other_cluster_is_not_ours),
                cmocka_unit_test(test_bad_ca_data_is_one_row),
                cmocka_unit_test(test_t26_several_users),
                cmocka_unit_test(test_t26_token_alone_is_no_row),
                cmocka_unit_test(test_t26_precise_refusals),
                cmocka_unit_test(test_t26_bad_key_beside_a_good_certificate),
                cmocka_unit_test(test_t26_forms),
                cmocka_unit_test(test_user_with_files),
                cmocka_unit_test(test_t42_kubelet_rotates_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

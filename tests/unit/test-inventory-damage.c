/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "damage.h"
#include "host.h"

#define TREE      "v1.28.7/rsa2048-default"
#define OTHER     "kubeadm/v1.28.7/ecdsa-p256/etc-kubernetes/pki/"
#define APISERVER "/etc/kubernetes/pki/apiserver.crt"
#define CA_FILE   "/etc/kubernetes/pki/ca.crt"
#define CA_KEY    "/etc/kubernetes/pki/ca.key"
#define N_ITEMS   14

/* The rest of the listing is there and healthy. */
static void assert_others_are_fine(const Host *host, const char *name)
{
        assert_int_equal(host->inventory->n_items, N_ITEMS);
        for (size_t i = 0; i < host->inventory->n_items; i++) {
                const char *other = host->inventory->items[i].name;

                if (!streq(other, name))
                        host_assert_row(host, other, STATE_OK, "");
        }
        assert_int_equal(host->assessment->n_due, 0);
}

static void test_t07_bad_certificate_is_one_row(void **state)
{
        static const struct {
                Damage *damage;
                int error;
        } table[] = {
                {make_empty, -ENODATA},
                {make_garbage, -ENODATA},
                {make_bad_base64, -EBADMSG},
                {make_truncated, -EBADMSG},
                {make_directory, -EISDIR},
                {make_fifo, -EINVAL},
                {make_huge, -EFBIG},
                {make_loop, -ELOOP},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new(TREE, ONE_DAY_OLD);

                table[i].damage(host.root, APISERVER);
                host_look(&host);
                assert_int_equal(host_item(&host, "apiserver")->error, table[i].error);
                host_assert_row(&host, "apiserver", STATE_INVALID, APISERVER);
                assert_others_are_fine(&host, "apiserver");
                host_free(&host);
        }
}

static void test_t07_bad_key_is_one_row(void **state)
{
        static const struct {
                Damage *damage;
                int error;
        } table[] = {
                {make_empty, -ENODATA},
                {make_garbage, -ENODATA},
                {make_truncated, -EBADMSG},
                {make_double, -ENOTUNIQ},
                {make_directory, -EISDIR},
                {make_fifo, -EINVAL},
                {make_huge, -EFBIG},
        };
        const char *key = "/etc/kubernetes/pki/apiserver.key";

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Host host = host_new(TREE, ONE_DAY_OLD);

                table[i].damage(host.root, key);
                host_look(&host);
                assert_int_equal(host_item(&host, "apiserver")->key_error, table[i].error);
                host_assert_row(&host, "apiserver", STATE_INVALID, key);
                assert_true(host_verdict(&host, "apiserver")->residual > 0);
                assert_others_are_fine(&host, "apiserver");
                host_free(&host);
        }
}

/* Inside the root every absolute link stays inside; what it seems to lead to is not there. */
static void test_link_out_of_the_tree(void **state)
{
        static const char *const targets[] = {"/proc/self/root/etc/passwd",
                "../../../../../../../../../../../../etc/passwd", "/dev/zero"};

        for (size_t i = 0; i < ELEMENTSOF(targets); i++) {
                Host host = host_new(TREE, ONE_DAY_OLD);
                autofree char *full = xasprintf("%s" APISERVER, host.root);

                tree_remove(host.root, APISERVER);
                assert_int_equal(symlink(targets[i], full), 0);
                host_look(&host);
                host_assert_row(&host, "apiserver", STATE_MISSING, APISERVER);
                assert_others_are_fine(&host, "apiserver");
                host_free(&host);
        }
}

static void test_t05_missing_certificate(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        const Item *item;

        tree_remove(host.root, APISERVER);
        host_look(&host);
        item = host_item(&host, "apiserver");
        assert_int_equal(item->error, -ENOENT);
        assert_non_null(item->key); /* still there, and to be replaced with the certificate */
        host_assert_row(&host, "apiserver", STATE_MISSING, "'" APISERVER "' is missing");
        assert_others_are_fine(&host, "apiserver");
        host_free(&host);
}

static void test_t05_missing_pair_that_a_manifest_uses(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_remove(host.root, "/etc/kubernetes/pki/etcd/server.crt");
        tree_remove(host.root, "/etc/kubernetes/pki/etcd/server.key");
        host_look(&host);
        host_assert_row(&host, "etcd-server", STATE_MISSING, "is missing");
        assert_others_are_fine(&host, "etcd-server");
        host_free(&host);
}

static void test_t05_missing_kubeconfig(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_remove(host.root, "/etc/kubernetes/scheduler.conf");
        host_look(&host);
        host_assert_row(&host, "scheduler.conf", STATE_MISSING, "is missing");
        assert_others_are_fine(&host, "scheduler.conf");
        host_free(&host);
}

/* Files that exist only on some control planes are not errors (failure mode 34). */
static void test_what_a_host_need_not_have_is_no_row(void **state)
{
        static const char *const gone[] = {"/etc/kubernetes/manifests/etcd.yaml",
                "/etc/kubernetes/pki/etcd/server.crt", "/etc/kubernetes/pki/etcd/server.key",
                "/etc/kubernetes/pki/etcd/peer.crt", "/etc/kubernetes/pki/etcd/peer.key",
                "/etc/kubernetes/pki/etcd/healthcheck-client.crt",
                "/etc/kubernetes/pki/etcd/healthcheck-client.key"};
        Host host = host_new(TREE, ONE_DAY_OLD);

        for (size_t i = 0; i < ELEMENTSOF(gone); i++)
                tree_remove(host.root, gone[i]);
        host_look(&host);
        assert_int_equal(host.inventory->n_items, N_ITEMS - 3);
        host_assert_row(&host, "etcd-ca", STATE_OK, ""); /* still here, so still listed */
        host_free(&host);
}

static void test_half_of_what_a_host_need_not_have_is_a_row(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_remove(host.root, "/etc/kubernetes/manifests/etcd.yaml");
        tree_remove(host.root, "/etc/kubernetes/pki/etcd/server.crt");
        tree_remove(host.root, "/etc/kubernetes/pki/etcd/peer.key");
        host_look(&host);
        host_assert_row(&host, "etcd-server", STATE_MISSING, "server.crt' is missing");
        host_assert_row(&host, "etcd-peer", STATE_MISMATCH, "peer.key' is missing");
        host_free(&host);
}

static void test_missing_key(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_remove(host.root, "/etc/kubernetes/pki/apiserver.key");
        host_look(&host);
        host_assert_row(&host, "apiserver", STATE_MISMATCH, "apiserver.key' is missing");
        assert_others_are_fine(&host, "apiserver");
        host_free(&host);
}

static void test_mismatched_pair(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_add(host.root, "kubeadm/" TREE "/etc-kubernetes/pki/sa.key",
                "/etc/kubernetes/pki/apiserver.key");
        host_look(&host);
        host_assert_row(&host, "apiserver", STATE_MISMATCH, "does not belong");
        assert_others_are_fine(&host, "apiserver");

        /* The same two files at the next pass. */
        history_free(host.history);
        host.history = assess_history(host.assessment);
        host_look(&host);
        assert_true(host_verdict(&host, "apiserver")->due);
        assert_int_equal(host_verdict(&host, "apiserver")->reason, DUE_MISMATCH);
        host_free(&host);
}

static void test_t06_missing_ca_certificate(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);

        tree_remove(host.root, CA_FILE);
        host_look(&host);
        host_assert_row(&host, "ca", STATE_MISSING, "'" CA_FILE "' is missing");
        host_assert_row(&host, "apiserver", STATE_EXPIRING, "");
        assert_false(host_verdict(&host, "apiserver")->external);
        assert_null(host_item(&host, "apiserver")->expected_ca->ca);
        assert_int_equal(host.assessment->n_due, 10);
        host_free(&host);
}

static void test_t10_missing_ca_key(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);

        tree_remove(host.root, CA_KEY);
        host_look(&host);
        host_assert_row(&host, "ca", STATE_OK, "");
        assert_true(host_verdict(&host, "ca")->external);
        host_assert_row(
                &host, "apiserver", STATE_EXPIRING, "the key of its CA is not on this host");
        assert_true(host_verdict(&host, "apiserver")->external);
        assert_int_equal(host.assessment->n_due, 5); /* etcd's four, front-proxy-client */
        host_free(&host);
}

static void test_ca_key_of_another_ca(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);

        tree_add(host.root, OTHER "ca.key", CA_KEY);
        host_look(&host);
        assert_int_equal(host_item(&host, "ca")->ca_file->key_error, -ENOKEY);
        host_assert_row(&host, "ca", STATE_MISMATCH, "belongs to no certificate");
        assert_others_are_fine(&host, "ca");
        host_free(&host);
}

/* Another cluster's CA of the same name, swapped in by hand: an alarm, no mass re-issue. */
static void test_swapped_ca(void **state)
{
        Host host = host_new(TREE, TEN_DAYS_LEFT);

        tree_add(host.root, OTHER "ca.crt", CA_FILE);
        tree_add(host.root, OTHER "ca.key", CA_KEY);
        host_look(&host);
        host_assert_row(&host, "ca", STATE_OK, "");
        host_assert_row(
                &host, "apiserver", STATE_UNTRUSTED, "signed by no certificate in '" CA_FILE);
        assert_false(host_verdict(&host, "apiserver")->external);
        assert_int_equal(host.assessment->n_due, 5);
        host_free(&host);
}

static void test_leaf_signed_by_another_of_our_cas(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        const char *pki = "kubeadm/" TREE "/etc-kubernetes/pki/";
        autofree char *crt = xasprintf("%sapiserver-kubelet-client.crt", pki);
        autofree char *key = xasprintf("%sapiserver-kubelet-client.key", pki);

        tree_add(host.root, crt, "/etc/kubernetes/pki/front-proxy-client.crt");
        tree_add(host.root, key, "/etc/kubernetes/pki/front-proxy-client.key");
        host_look(&host);
        assert_string_equal(host_item(&host, "front-proxy-client")->ca->entry->name, "ca");
        host_assert_row(&host, "front-proxy-client", STATE_UNTRUSTED,
                "signed by CA 'ca' and not by 'front-proxy-ca'");
        assert_others_are_fine(&host, "front-proxy-client");
        host_free(&host);
}

/* A leaf and its CA in one file: a row each, named in turn. */
static void test_t27_chain_in_a_leaf_file(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        size_t i;

        tree_append(host.root, "kubeadm/" TREE "/etc-kubernetes/pki/ca.crt", APISERVER);
        host_look(&host);
        i = host_index(&host, "apiserver#2");
        assert_int_equal(i, host_index(&host, "apiserver") + 1);
        assert_int_equal(host.inventory->items[i].kind, ITEM_CHAIN);
        assert_string_equal(host.inventory->items[i].cert->common_name, "kubernetes");
        assert_int_equal(host_item(&host, "apiserver")->chain->n, 2);
        assert_int_equal(host.assessment->n_due, 0);
        host_assert_row(&host, "apiserver#2", STATE_OK, "");
        host_free(&host);
}

/* The signer is the one that matches the key, wherever it stands. */
static void test_t27_ca_bundle(void **state)
{
        Host host = host_new(TREE, ONE_DAY_OLD);
        autofree char *ours = tree_read(host.root, CA_FILE, NULL);
        autofree char *bundle = NULL;
        const InventoryCa *ca;

        tree_add(host.root, OTHER "ca.crt", CA_FILE);
        autofree char *theirs = tree_read(host.root, CA_FILE, NULL);
        bundle = xasprintf("%s%s", theirs, ours);
        tree_write_text(host.root, CA_FILE, bundle);
        host_look(&host);
        ca = host_item(&host, "ca")->ca_file;
        assert_ptr_equal(ca, host_item(&host, "ca#2")->ca_file);
        assert_ptr_equal(ca->signer, host_item(&host, "ca#2")->cert);
        assert_int_equal(ca->key_error, 0);
        host_assert_row(&host, "apiserver", STATE_OK, "");
        assert_true(host_item(&host, "apiserver")->trusted);
        host_free(&host);
}

/* The apiserver's pair and the CA's, from certificates made for pki's own tests. */
static Host host_with_pki(const char *ca, const char *leaf, const char *key)
{
        const struct {
                const char *data, *path;
        } files[] = {
                {ca, CA_FILE},
                {"p256.key", CA_KEY},
                {leaf, APISERVER},
                {key, "/etc/kubernetes/pki/apiserver.key"},
        };
        Host host = host_new(TREE, "2026-12-01");

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                autofree char *data = xasprintf("pki/%s", files[i].data);

                tree_add(host.root, data, files[i].path);
        }
        return host;
}

/* Trusted by way of a CA that is not ours: nobody here can sign it anew. */
static void test_t27_below_an_intermediate(void **state)
{
        Host host = host_with_pki("p256.crt", "below-intermediate.crt", "p521.key");

        tree_append(host.root, "pki/intermediate.crt", APISERVER);
        host_look(&host);
        assert_null(host_item(&host, "apiserver")->ca);
        assert_true(host_item(&host, "apiserver")->trusted);
        assert_true(host_verdict(&host, "apiserver")->external);
        assert_string_equal(host_item(&host, "apiserver#2")->ca->entry->name, "ca");
        host_free(&host);
}

/* What is no CA has signed nothing that counts, whatever its key did. */
static void test_ca_file_without_a_ca(void **state)
{
        Host host = host_with_pki("no-ca.crt", "server.crt", "p384.key");

        host_look(&host);
        host_assert_row(&host, "ca", STATE_INVALID, "no CA certificate");
        host_assert_row(&host, "apiserver", STATE_UNTRUSTED, "signed by no certificate in");
        assert_null(host_item(&host, "apiserver")->ca);
        host_free(&host);
}

static void test_t09_everything_lies_in_the_future(void **state)
{
        Host host = host_new(TREE, "2026-01-01");

        host_look(&host);
        assert_int_equal(host.inventory->n_items, N_ITEMS);
        for (size_t i = 0; i < host.assessment->n; i++)
                assert_int_equal(host.assessment->verdicts[i].state, STATE_NOT_YET_VALID);
        assert_int_equal(host.assessment->n_due, 0);
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t07_bad_certificate_is_one_row),
                cmocka_unit_test(test_t07_bad_key_is_one_row),
                cmocka_unit_test(test_link_out_of_the_tree),
                cmocka_unit_test(test_t05_missing_certificate),
                cmocka_unit_test(test_t05_missing_pair_that_a_manifest_uses),
                cmocka_unit_test(test_t05_missing_kubeconfig),
                cmocka_unit_test(test_what_a_host_need_not_have_is_no_row),
                cmocka_unit_test(test_half_of_what_a_host_need_not_have_is_a_row),
                cmocka_unit_test(test_missing_key),
                cmocka_unit_test(test_mismatched_pair),
                cmocka_unit_test(test_t06_missing_ca_certificate),
                cmocka_unit_test(test_t10_missing_ca_key),
                cmocka_unit_test(test_ca_key_of_another_ca),
                cmocka_unit_test(test_swapped_ca),
                cmocka_unit_test(test_leaf_signed_by_another_of_our_cas),
                cmocka_unit_test(test_t27_chain_in_a_leaf_file),
                cmocka_unit_test(test_t27_ca_bundle),
                cmocka_unit_test(test_t27_below_an_intermediate),
                cmocka_unit_test(test_ca_file_without_a_ca),
                cmocka_unit_test(test_t09_everything_lies_in_the_future),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

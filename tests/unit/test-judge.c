/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host.h"
#include "renew/commit/judge.h"

/* Reads members from the tree; an empty name ends the list. */
static bool judge(const Host *host, const char *const *paths, size_t n)
{
        autoptr(PairJudge) pair_judge = pair_judge_new(host->root_fd, host->config);
        TxnMember members[4];
        char *owned[4] = {};
        bool whole;

        for (size_t i = 0; i < n; i++) {
                size_t size = 0;

                owned[i] = paths[i][0] ? tree_read(host->root, paths[i], &size) : NULL;
                members[i] = (TxnMember){.path = paths[i], .data = owned[i], .size = size};
        }
        whole = pair_is_whole(pair_judge, members, n);
        for (size_t i = 0; i < n; i++)
                free(owned[i]);
        return whole;
}

#define JUDGE(host, ...)                                                                           \
        judge(host, (const char *const[]){__VA_ARGS__},                                            \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

#define PKI "/etc/kubernetes/pki/"

static void test_pairs(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        assert_true(JUDGE(&host, PKI "apiserver.crt", PKI "apiserver.key"));
        assert_true(JUDGE(&host, PKI "apiserver.key", PKI "apiserver.crt"));
        assert_true(JUDGE(&host, PKI "etcd/peer.crt", PKI "etcd/peer.key"));
        assert_false(JUDGE(&host, PKI "apiserver.crt", PKI "etcd/peer.key"));
        assert_false(JUDGE(&host, PKI "apiserver.crt", PKI "apiserver.crt"));
        assert_false(JUDGE(&host, PKI "apiserver.crt", ""));
        assert_false(JUDGE(&host, PKI "apiserver.crt"));
        host_free(&host);
}

static void test_one_file_holds_both(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autofree char *certificate = tree_read(host.root, PKI "apiserver.crt", NULL);
        autofree char *key = tree_read(host.root, PKI "apiserver.key", NULL);
        autofree char *both = xasprintf("%s%s", certificate, key);

        tree_write_text(host.root, "/etc/both.pem", both);
        assert_true(JUDGE(&host, "/etc/both.pem"));
        host_free(&host);
}

/* What a commit was interrupted at may be copies, in all their forms. */
static void test_copies(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autofree char *certificate = tree_read(host.root, PKI "apiserver.crt", NULL);
        autofree char *key = tree_read(host.root, PKI "apiserver.key", NULL);
        autofree char *other = tree_read(host.root, PKI "etcd/peer.key", NULL);
        autofree char *conf = tree_read(host.root, "/etc/kubernetes/admin.conf", NULL);
        autofree char *key_first = xasprintf("%s%s", key, certificate);
        autofree char *mixed = xasprintf("%s%s", certificate, other);

        tree_write_text(host.root, "/standby/apiserver.crt", certificate);
        tree_write_text(host.root, "/standby/apiserver.key", key);
        tree_write_text(host.root, "/standby/peer.key", other);
        tree_write_text(host.root, "/key-first.pem", key_first);
        tree_write_text(host.root, "/mixed.pem", mixed);
        tree_write_text(host.root, "/root/.kube/config", conf);
        assert_true(JUDGE(&host, "/standby/apiserver.crt", "/standby/apiserver.key"));
        assert_false(JUDGE(&host, "/standby/apiserver.crt", "/standby/peer.key"));
        assert_true(JUDGE(&host, "/key-first.pem"));
        assert_false(JUDGE(&host, "/mixed.pem"));
        assert_true(JUDGE(&host, "/root/.kube/config"));
        assert_false(JUDGE(&host, "/standby/apiserver.crt"));
        host_free(&host);
}

static void test_kubeconfigs(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        assert_true(JUDGE(&host, "/etc/kubernetes/admin.conf"));
        autofree char *text = tree_read(host.root, "/etc/kubernetes/admin.conf", NULL);
        char *key = strstr(text, "client-key-data: ");
        assert_non_null(key);
        strcpy(key, "client-key-data: AAAA\n");
        tree_write_text(host.root, "/etc/kubernetes/admin.conf", text);
        assert_false(JUDGE(&host, "/etc/kubernetes/admin.conf"));
        tree_write_text(host.root, "/etc/kubernetes/admin.conf",
                "apiVersion: v1\nkind: Config\nusers: []\n");
        assert_false(JUDGE(&host, "/etc/kubernetes/admin.conf"));
        host_free(&host);
}

static void test_a_stranger_s_pair_does_not_chain(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        Host other = host_new("v1.28.7/ecdsa-p256", ONE_DAY_OLD);
        autofree char *certificate = tree_read(other.root, PKI "apiserver.crt", NULL);
        autofree char *key = tree_read(other.root, PKI "apiserver.key", NULL);

        tree_write_text(host.root, "/etc/stranger.crt", certificate);
        tree_write_text(host.root, "/etc/stranger.key", key);
        assert_false(JUDGE(&host, "/etc/stranger.crt", "/etc/stranger.key"));
        host_free(&host);
        host_free(&other);
}

/* A CA's two files, each with the content of another file, or NULL: not in the transaction. */
static bool judge_ca(const Host *host, const char *certificate, const char *key)
{
        autoptr(PairJudge) pair_judge = pair_judge_new(host->root_fd, host->config);
        autofree char *certificate_text =
                certificate ? tree_read(host->root, certificate, NULL) : NULL;
        autofree char *key_text = key ? tree_read(host->root, key, NULL) : NULL;
        TxnMember members[2];
        size_t n = 0;

        if (certificate)
                members[n++] =
                        (TxnMember){PKI "ca.crt", certificate_text, strlen(certificate_text)};
        if (key)
                members[n++] = (TxnMember){PKI "ca.key", key_text, strlen(key_text)};
        return pair_is_whole(pair_judge, members, n);
}

/* Never one CA's certificate beside another one's key: what is not in the transaction is on disk.
 */
static void test_t16_ca_and_its_key(void **state)
{
        static const struct {
                const char *certificate, *key;
                bool wanted;
        } table[] = {
                {PKI "ca.crt", PKI "ca.key", true},
                {PKI "ca.crt", NULL, true},
                {NULL, PKI "ca.key", true},
                {"/both.crt", PKI "ca.key", true},
                {"/both.crt", NULL, true},
                {"/other-first.crt", PKI "ca.key", false},
                {"/other-first.crt", NULL, false},
                {"/other-first.crt", PKI "etcd/ca.key", true},
                /* another CA, whole or not */
                {PKI "etcd/ca.crt", PKI "etcd/ca.key", true},
                {PKI "etcd/ca.crt", NULL, false},
                {PKI "etcd/ca.crt", PKI "ca.key", false},
                {NULL, PKI "etcd/ca.key", false},
                /* no CA at all */
                {PKI "apiserver.crt", PKI "apiserver.key", false},
                {"/garbage", PKI "ca.key", false},
        };
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autofree char *ca = tree_read(host.root, PKI "ca.crt", NULL);
        autofree char *other = tree_read(host.root, PKI "etcd/ca.crt", NULL);
        autofree char *both = xasprintf("%s%s", ca, other);
        autofree char *other_first = xasprintf("%s%s", other, ca);

        tree_write_text(host.root, "/both.crt", both);
        tree_write_text(host.root, "/other-first.crt", other_first);
        tree_write_text(host.root, "/garbage", "garbage");
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (judge_ca(&host, table[i].certificate, table[i].key) != table[i].wanted)
                        fail_msg("%zu", i);
        tree_remove(host.root, PKI "ca.key");
        assert_false(judge_ca(&host, PKI "ca.crt", NULL));
        host_free(&host);
}

/* Nobody is here who could ask the token whether the key is the CA's. */
static void test_ca_whose_key_is_in_a_token(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);

        tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf",
                "[ca kubernetes]\nKey=pkcs11:token=cas;object=kubernetes\n");
        host_configure(&host);
        tree_remove(host.root, PKI "ca.key");
        assert_true(judge_ca(&host, PKI "ca.crt", NULL));
        assert_true(judge_ca(&host, PKI "etcd/ca.crt", NULL));
        assert_false(judge_ca(&host, PKI "apiserver.crt", NULL));
        host_free(&host);
}

/* What the CA files will hold may be another matter than what they hold. */
static void test_trust_that_is_told(void **state)
{
        Host host = host_new("v1.28.7/rsa2048-default", ONE_DAY_OLD);
        autoptr(PairJudge) judge = pair_judge_empty(host.root_fd, host.config);
        autoptr(FileImage) ca = NULL;
        autoptr(FileImage) leaf = NULL;
        autoptr(CertList) list = NULL;

        assert_int_equal(fs_read_file(host.root_fd, PKI "etcd/ca.crt", FS_SIZE_MAX, &ca, NULL), 0);
        assert_int_equal(
                fs_read_file(host.root_fd, PKI "etcd/peer.crt", FS_SIZE_MAX, &leaf, NULL), 0);
        assert_int_equal(cert_list_parse(leaf->data, leaf->size, &list, NULL), 0);
        pair_judge_trust(judge, NULL);
        assert_false(chain_is_ours(judge, list));
        pair_judge_trust(judge, ca);
        assert_true(chain_is_ours(judge, list));
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pairs),
                cmocka_unit_test(test_one_file_holds_both),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_kubeconfigs),
                cmocka_unit_test(test_a_stranger_s_pair_does_not_chain),
                cmocka_unit_test(test_t16_ca_and_its_key),
                cmocka_unit_test(test_ca_whose_key_is_in_a_token),
                cmocka_unit_test(test_trust_that_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/init.h"

#include "host.h"

static Host empty_host(void)
{
        Host host = {.root = tree_new(), .history = history_new()};

        host_set_layouts();
        assert_int_equal(time_parse("2027-01-01", &host.now), 0);
        host.root_fd = fs_open_root(host.root, NULL);
        host_configure(&host);
        return host;
}

static const InitOptions options = {
        .node_name = "cp-1",
        .advertise_address = "192.0.2.10",
        .key_algorithm = "ECDSA-P256",
        .pass_id = "0123456789abcdef0123456789abcdef",
};

static void test_t11_makes_everything_where_there_is_nothing(void **state)
{
        Host host = empty_host();
        autostrv paths = NULL;
        Error error = {};

        if (init_control_plane(host.root_fd, host.config, &options, host.now, &paths, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(strv_length(paths), 3 * 2 + 7 * 2 + 5 + 2);
        host_look(&host);
        for (size_t i = 0; i < host.inventory->n_items; i++) {
                if (host.assessment->verdicts[i].state != STATE_OK)
                        fail_msg("%s: %s", host.inventory->items[i].name,
                                host.assessment->verdicts[i].text);
                assert_string_equal(host.inventory->items[i].cert->key_algorithm, "ECDSA-P256");
        }
        assert_true(cert_has_san(host_item(&host, "apiserver")->cert, "IP:192.0.2.10"));
        assert_true(cert_has_san(
                host_item(&host, "apiserver")->cert, "DNS:kubernetes.default.svc.cluster.local"));
        assert_string_equal(
                host_item(&host, "kubelet.conf")->cert->common_name, "system:node:cp-1");
        host_free(&host);
}

static void test_modes(void **state)
{
        static const struct {
                const char *path;
                mode_t mode;
        } table[] = {
                {"/etc/kubernetes/pki/ca.key", 0600},
                {"/etc/kubernetes/pki/ca.crt", 0644},
                {"/etc/kubernetes/pki/etcd/server.key", 0600},
                {"/etc/kubernetes/admin.conf", 0600},
                {"/etc/kubernetes/pki/sa.key", 0600},
                {"/etc/kubernetes/pki/sa.pub", 0600},
        };
        Host host = empty_host();
        autostrv paths = NULL;
        mode_t old = umask(0);

        assert_int_equal(
                init_control_plane(host.root_fd, host.config, &options, host.now, &paths, NULL), 0);
        umask(old);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *path = xasprintf("%s%s", host.root, table[i].path);
                struct stat st;

                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode & 07777, table[i].mode);
        }
        host_free(&host);
}

static void test_service_account_halves_belong_together(void **state)
{
        Host host = empty_host();
        autostrv paths = NULL;
        autoptr(Key) key = NULL;
        autofree char *again = NULL;

        assert_int_equal(
                init_control_plane(host.root_fd, host.config, &options, host.now, &paths, NULL), 0);
        autofree char *private_pem = tree_read(host.root, "/etc/kubernetes/pki/sa.key", NULL);
        autofree char *public_pem = tree_read(host.root, "/etc/kubernetes/pki/sa.pub", NULL);
        assert_int_equal(key_parse(private_pem, strlen(private_pem), &key, NULL), 0);
        assert_int_equal(key_public_to_pem(key, &again, NULL), 0);
        assert_string_equal(public_pem, again);
        assert_true(starts_with(public_pem, "-----BEGIN PUBLIC KEY-----\n"));
        host_free(&host);
}

static void test_never_overwrites(void **state)
{
        Host host = empty_host();
        char **paths = NULL;
        Error error = {};

        tree_write_text(host.root, "/etc/kubernetes/pki/etcd/peer.key", "mine");
        assert_int_equal(
                init_control_plane(host.root_fd, host.config, &options, host.now, &paths, &error),
                -EEXIST);
        assert_null(paths);
        assert_non_null(strstr(error.text, "/etc/kubernetes/pki/etcd/peer.key"));
        autofree char *ca = xasprintf("%s/etc/kubernetes/pki/ca.crt", host.root);
        assert_int_equal(access(ca, F_OK), -1);
        host_free(&host);
}

/* What may be left out on a host that has its certificates cannot be left out here. */
static void test_an_entry_without_a_key_is_refused(void **state)
{
        static const char *const configurations[] = {
                "[ca etcd]\nKey=\n",
                "[ca etcd]\nKey=pkcs11:token=hsm\n",
                "[certificate apiserver]\nKey=\nWatch=yes\n",
                "[certificate apiserver]\nCA=\nWatch=yes\n",
        };

        for (size_t i = 0; i < ELEMENTSOF(configurations); i++) {
                Host host = empty_host();
                char **paths = NULL;
                Error error = {};

                tree_write_text(host.root, "/etc/kube-renewd/kube-renewd.conf", configurations[i]);
                host_configure(&host);
                assert_int_equal(init_control_plane(host.root_fd, host.config, &options, host.now,
                                         &paths, &error),
                        -EINVAL);
                assert_non_null(strstr(error.text, "Key="));
                assert_false(fs_exists(host.root_fd, "/etc/kubernetes"));
                host_free(&host);
        }
}

static void test_bad_options(void **state)
{
        Host host = empty_host();
        InitOptions bad = options;
        char **paths = NULL;
        Error error = {};

        bad.key_algorithm = "DSA-512";
        assert_int_equal(
                init_control_plane(host.root_fd, host.config, &bad, host.now, &paths, &error),
                -EINVAL);
        assert_non_null(strstr(error.text, "RSA-2048"));
        bad = options;
        bad.advertise_address = "not an address";
        assert_int_equal(
                init_control_plane(host.root_fd, host.config, &bad, host.now, &paths, &error),
                -EINVAL);
        assert_non_null(strstr(error.text, "not an address"));
        host_free(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t11_makes_everything_where_there_is_nothing),
                cmocka_unit_test(test_modes),
                cmocka_unit_test(test_service_account_halves_belong_together),
                cmocka_unit_test(test_never_overwrites),
                cmocka_unit_test(test_an_entry_without_a_key_is_refused),
                cmocka_unit_test(test_bad_options),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

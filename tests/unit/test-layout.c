/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "loaded.h"

/* Every tree of kubeadm is recognised, also without manifests, and what is in it has an entry. */
static void test_kubeadm_is_detected(void **state)
{
        static const char *const trees[] = {TREE_28,
                "kubeadm/v1.20.2/rsa2048-default/etc-kubernetes",
                "kubeadm/v1.28.7/extetcd-external/etc-kubernetes",
                "kubeadm/v1.36.0/ecdsa-p256/etc-kubernetes"};

        for (size_t i = 0; i < ELEMENTSOF(trees); i++) {
                char *root = tree_copy(trees[i], "/etc/kubernetes");
                autoptr(Config) config = load_good(root, NULL);

                assert_null(config->warnings);
                assert_string_equal(config->layout.names[0], "kubeadm");
                assert_string_equal(config->layout.description, "kubeadm");
                assert_effective(config, "agent", "", "Layout", "kubeadm", "/kubeadm.conf:");
                tree_free(root);
        }
}

/* One of the files is enough: a host that lost the others must not be forgotten. */
static void test_what_is_left_is_detected(void **state)
{
        static const char *const files[] = {"/etc/kubernetes/manifests/kube-apiserver.yaml",
                "/etc/kubernetes/admin.conf", "/etc/kubernetes/pki/apiserver.crt",
                "/etc/kubernetes/pki/apiserver.key"};

        for (size_t i = 0; i < ELEMENTSOF(files); i++) {
                char *root = tree_new();

                tree_write_text(root, files[i], "");
                config_free(load_good(root, NULL));
                tree_free(root);
        }
}

/* The layout lists what kubeadm makes: every certificate and kubeconfig of the tree, in kubeadm's
 * names. */
static void test_the_entries_of_kubeadm(void **state)
{
        static const char *const names[] = {"apiserver", "apiserver-kubelet-client",
                "front-proxy-client", "apiserver-etcd-client", "etcd-server", "etcd-peer",
                "etcd-healthcheck-client", "kubelet-client", "kubelet-server", "kubelet-serving",
                "admin.conf", "super-admin.conf", "controller-manager.conf", "scheduler.conf",
                "kubelet.conf"};
        char *root = tree_copy("kubeadm/v1.36.0/rsa2048-default/etc-kubernetes", "/etc/kubernetes");
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(Config) config = load_good(root, NULL);
        const Layout *layout = &config->layout;

        assert_int_equal(layout->n_cas, 3);
        assert_string_equal(layout->cas[0].name, "ca");
        assert_string_equal(layout->cas[1].name, "front-proxy-ca");
        assert_string_equal(layout->cas[2].name, "etcd-ca");
        assert_string_equal(layout->cas[2].required_by, "etcd");
        assert_int_equal(layout->n_credentials, ELEMENTSOF(names));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                assert_string_equal(entry->name, names[i]);
                assert_int_equal(entry->is_kubeconfig, strstr(names[i], ".conf") != NULL);
                assert_int_equal(entry->watch, strstr(names[i], "kubelet") == names[i]);
                if (!starts_with(entry->path, "/var/lib/kubelet/"))
                        assert_true(fs_exists(root_fd, entry->path));
                if (entry->key && !entry->watch)
                        assert_true(fs_exists(root_fd, entry->key));
                assert_true(entry->watch || entry->identity.common_name);
                assert_true(entry->watch || entry->identity.usage != 0);
                assert_true(!entry->is_kubeconfig || entry->watch || entry->server);
        }
        assert_int_equal(layout->n_components, 5);
        assert_string_equal(layout->components[0].name, "kubelet");
        assert_string_equal(layout->components[1].name, "etcd");
        assert_string_equal(layout->components[4].name, "kube-scheduler");
        tree_free(root);
}

static void test_naming_a_layout_that_is_not_there(void **state)
{
        char *root = tree_new();

        assert_load_fails(root, &(ConfigOptions){.layout = "kubeadmin"}, -ENOENT,
                "--layout: there is no layout 'kubeadmin'; name one with --layout= or Layout= in "
                "[agent] (there are: kubeadm)");
        assert_load_fails(root, &(ConfigOptions){.layout = "/srv/x.conf"}, -ENOENT,
                "--layout: cannot open '/srv/x.conf': No such file or directory");
        tree_write_text(root, ETC "kube-renewd.conf", "[agent]\nLayout=k4s\n");
        assert_load_fails(root, &(ConfigOptions){}, -ENOENT,
                "/etc/kube-renewd/kube-renewd.conf:2: there is no layout 'k4s'; name one with "
                "--layout= or Layout= in [agent] (there are: kubeadm)");
        tree_free(root);
}

static void test_a_layout_by_its_path(void **state)
{
        char *root = tree_new();

        tree_write_text(root, "/srv/mine.conf", OTHER_CA);
        autoptr(Config) config = load_good(root, "/srv/mine.conf");

        assert_string_equal(config->layout.names[0], "mine");
        assert_string_equal(config->layout.cas[0].name, "other");
        tree_free(root);
}

/* /etc over /run over the vendor's; a link to /dev/null and an empty file hide without being
 * anything. */
static void test_layers_of_layouts(void **state)
{
        char *root = tree_copy(TREE_28, "/etc/kubernetes");
        autofree char *etc = xasprintf("%s/etc/kube-renewd/layouts/kubeadm.conf", root);

        tree_write_text(
                root, "/run/kube-renewd/layouts/kubeadm.conf", "[layout]\nDetect=/run\n" OTHER_CA);
        autoptr(Config) run = load_good(root, NULL);
        assert_int_equal(run->layout.n_cas, 1);

        tree_make_parents(root, ETC "layouts/x");
        assert_int_equal(symlink("/dev/null", etc), 0);
        assert_load_fails(root, &(ConfigOptions){}, -ENODEV, NOTHING_FITS);
        assert_load_fails(root, &(ConfigOptions){.layout = "kubeadm"}, -ENOENT,
                "--layout: there is no layout 'kubeadm'; name one with --layout= or Layout= in "
                "[agent] (there are: kubeadm)");

        assert_int_equal(unlink(etc), 0);
        tree_write_text(root, ETC "layouts/kubeadm.conf", "");
        assert_load_fails(root, &(ConfigOptions){.layout = "kubeadm"}, -EINVAL,
                "layout 'kubeadm' lists no certificate; there is nothing to look after");

        assert_int_equal(unlink(etc), 0);
        assert_int_equal(symlink("/nowhere", etc), 0);
        assert_load_fails(root, &(ConfigOptions){.layout = "kubeadm"}, -ENOENT,
                "cannot open '/etc/kube-renewd/layouts/kubeadm.conf': No such file or directory");
        tree_free(root);
}

/* A tree that carries a vendor's layout of its own is judged by that. */
static void test_the_vendor_below_the_root(void **state)
{
        char *root = tree_copy(TREE_28, "/etc/kubernetes");
        const char *path = PKGDATADIR "/layouts/kubeadm.conf",
                   *seam = getenv("KUBE_RENEWD_LAYOUT_PATH");
        autofree char *saved = xstrdup(seam);

        tree_write_text(root, path, "[layout]\nDetect=/etc/kubernetes\n" OTHER_CA);
        unsetenv("KUBE_RENEWD_LAYOUT_PATH");
        autoptr(Config) own = load_good(root, "kubeadm");
        setenv("KUBE_RENEWD_LAYOUT_PATH", saved, 1);
        autoptr(Config) ours = load_good(root, "kubeadm");

        assert_int_equal(own->layout.n_cas, 1);
        assert_int_equal(ours->layout.n_cas, 3);
        tree_free(root);
}

/* T32: the same control plane in another directory, once by a layout of its own, once by a drop-in
 * over the vendor's. */
static void test_t32_another_pki_directory_by_layout(void **state)
{
        char *root = tree_new();

        tree_add(root, TREE_28 "/pki", "/var/lib/vcluster/pki");
        tree_write_text(root, ETC "layouts/vcluster.conf",
                "[layout]\n"
                "Detect=/var/lib/vcluster/pki/ca.crt\n"
                "[ca vcluster]\n"
                "Certificate=/var/lib/vcluster/pki/ca.crt\n"
                "Key=/var/lib/vcluster/pki/ca.key\n"
                "[certificate apiserver]\n"
                "Certificate=/var/lib/vcluster/pki/apiserver.crt\n"
                "Key=/var/lib/vcluster/pki/apiserver.key\n"
                "CA=vcluster\n");
        autoptr(Config) config = load_good(root, NULL);
        autofd int root_fd = fs_open_root(root, NULL);

        assert_string_equal(config->layout.names[0], "vcluster");
        assert_int_equal(config->layout.n_credentials, 1);
        assert_true(fs_exists(root_fd, config->layout.credentials[0].path));
        assert_true(fs_exists(root_fd, config->layout.credentials[0].key));
        tree_free(root);
}

static void test_t32_another_pki_directory_by_drop_in(void **state)
{
        char *root = tree_copy(TREE_28, "/etc/kubernetes");

        tree_write_text(root, ETC "kube-renewd.conf.d/10-front-proxy.conf",
                "[ca front-proxy]\n"
                "Certificate=/srv/front-proxy/ca.crt\n"
                "Key=pkcs11:token=ca;object=front-proxy\n"
                "[certificate front-proxy-client]\n"
                "Certificate=/srv/front-proxy/client.crt\n"
                "Key=/srv/front-proxy/client.key\n");
        autoptr(Config) config = load_good(root, NULL);
        const CaEntry *ca = layout_find_ca(&config->layout, "front-proxy");
        const CredentialEntry *entry =
                layout_find_credential(&config->layout, "front-proxy-client");

        assert_string_equal(config->warnings[0],
                "/etc/kube-renewd/kube-renewd.conf.d/10-front-proxy.conf:3: [ca front-proxy] has "
                "its key in a token, but no library is named by which to reach it; set Module= in "
                "[pkcs11]");
        assert_null(config->warnings[1]);
        assert_string_equal(ca->certificate, "/srv/front-proxy/ca.crt");
        assert_string_equal(ca->key, "pkcs11:token=ca;object=front-proxy");
        assert_true(ca_has_token(ca));
        assert_null(ca_key_path(ca));
        assert_string_equal(ca->name, "front-proxy-ca");
        assert_string_equal(entry->path, "/srv/front-proxy/client.crt");
        assert_string_equal(entry->key, "/srv/front-proxy/client.key");
        assert_string_equal(entry->ca, "front-proxy");
        assert_effective(config, "certificate", "front-proxy-client", "Key",
                "/srv/front-proxy/client.key",
                "/etc/kube-renewd/kube-renewd.conf.d/10-front-proxy.conf:6");
        assert_effective(config, "certificate", "front-proxy-client", "CA", "front-proxy",
                "/layouts/kubeadm.conf:");
        tree_free(root);
}

#define BASED                                                                                      \
        "[layout]\n"                                                                               \
        "Detect=%b/ca.crt\n"                                                                       \
        "BaseDirectory=/var/lib/vcluster/pki /data/pki\n"                                          \
        "[ca vcluster]\n"                                                                          \
        "Certificate=%b/ca.crt\n"                                                                  \
        "Key=pkcs11:token=a;object=%ba\n"                                                          \
        "[certificate apiserver]\n"                                                                \
        "Certificate=%b/apiserver.crt\n"                                                           \
        "Key=%b/apiserver.key\n"                                                                   \
        "CA=vcluster\n"                                                                            \
        "[component vcluster]\n"                                                                   \
        "Unit=vcluster.service\n"                                                                  \
        "Uses=/x/%b %b\t%b/apiserver.crt\n"

/* T32: the first directory that is there; a specifier only where a path begins. */
static void test_t32_a_layout_whose_directory_is_one_of_several(void **state)
{
        static const struct {
                const char *ca, *configured, *base;
        } cases[] = {
                {"/var/lib/vcluster/pki/ca.crt", NULL, "/var/lib/vcluster/pki"},
                {"/data/pki/ca.crt", NULL, "/data/pki"},
                {"/srv/pki/ca.crt", "[layout]\nBaseDirectory=/nowhere /srv/pki\n", "/srv/pki"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *root = tree_new();
                autofree char *key = xasprintf("%s/apiserver.key", cases[i].base);
                autofree char *uses =
                        xasprintf("/x/%%b %s %s/apiserver.crt", cases[i].base, cases[i].base);

                tree_write_text(root, ETC "layouts/vcluster.conf", BASED);
                tree_write_text(root, cases[i].ca, "");
                if (cases[i].configured)
                        tree_write_text(root, ETC "kube-renewd.conf", cases[i].configured);
                tree_write_text(root, ETC "kube-renewd.conf.d/x.conf",
                        "[copy x]\nSource=apiserver\nPath=%b/x.pem\nContent=bundle\n");
                autoptr(Config) config = load_good(root, NULL);

                assert_int_equal(strv_length(config->warnings), 1); /* of the token */
                assert_string_equal(config->layout.names[0], "vcluster");
                assert_string_equal(config->layout.cas[0].certificate, cases[i].ca);
                assert_string_equal(config->layout.cas[0].key, "pkcs11:token=a;object=%ba");
                assert_string_equal(config->layout.credentials[0].key, key);
                assert_true(starts_with(config->layout.copies[0].path, cases[i].base));
                assert_effective(config, "component", "vcluster", "Uses", uses, "vcluster.conf:");
                tree_free(root);
        }
}

/* Where none is there, messages and new files are about the first. */
static void test_t32_no_directory_is_there_or_none_is_said(void **state)
{
        char *root = tree_new();

        tree_write_text(root, ETC "layouts/vcluster.conf", BASED);
        autoptr(Config) config = load_good(root, "vcluster");
        assert_string_equal(config->layout.cas[0].certificate, "/var/lib/vcluster/pki/ca.crt");

        tree_write_text(root, ETC "kube-renewd.conf", "[layout]\nBaseDirectory=\n");
        assert_load_fails(root, &(ConfigOptions){.layout = "vcluster"}, -EINVAL,
                ETC "layouts/vcluster.conf:2: Detect=%b/ca.crt begins with %b, but there is no "
                    "BaseDirectory= in [layout]; write it there, or the whole path here");
        tree_write_text(root, ETC "kube-renewd.conf", "[layout]\nBaseDirectory=/srv %b/pki\n");
        assert_load_fails(root, &(ConfigOptions){.layout = "vcluster"}, -EINVAL,
                ETC "kube-renewd.conf:2: BaseDirectory=%b/pki is not an absolute path without "
                    "'//', '.' and '..'; write for example /etc/kubernetes/pki");
        tree_free(root);
}

/* What is usual for that kind of control plane; what the administrator says of all comes above it,
 * and what the layout says of one certificate above both. */
static void test_defaults_of_a_layout(void **state)
{
        char *root = tree_new();

        tree_write_text(root, ETC "layouts/site.conf",
                "[layout]\nDetect=/etc\n"
                "[renewal]\nRenewBefore=90d\nRecreateMissing=yes\n" OTHER_CA
                "[certificate a]\nCertificate=/a.crt\nKey=/a.key\nCA=other\n"
                "[certificate b]\nCertificate=/b.crt\nKey=/b.key\nCA=other\nRenewBefore=7d\n");
        autoptr(Config) config = load_good(root, NULL);
        const CredentialEntry *entries = config->layout.credentials;

        assert_null(config->warnings);
        assert_int_equal(entries[0].policy.renew_before, 90 * DAY);
        assert_true(entries[0].policy.recreate_missing);
        assert_int_equal(entries[1].policy.renew_before, 7 * DAY);
        assert_effective(config, "certificate", "a", "RenewBefore", "90d", "/site.conf:4");

        tree_write_text(root, ETC "kube-renewd.conf", "[renewal]\nRenewBefore=20d\n");
        autoptr(Config) configured = load_good(root, NULL);
        entries = configured->layout.credentials;
        assert_int_equal(entries[0].policy.renew_before, 20 * DAY);
        assert_true(entries[0].policy.recreate_missing);
        assert_int_equal(entries[1].policy.renew_before, 7 * DAY);

        tree_write_text(root, ETC "kube-renewd.conf", "[renewal]\nRenewBefore=\n");
        autoptr(Config) reset = load_good(root, NULL);
        assert_int_equal(reset->layout.credentials[0].policy.renew_before, 15 * DAY);
        tree_free(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kubeadm_is_detected),
                cmocka_unit_test(test_what_is_left_is_detected),
                cmocka_unit_test(test_the_entries_of_kubeadm),
                cmocka_unit_test(test_naming_a_layout_that_is_not_there),
                cmocka_unit_test(test_a_layout_by_its_path),
                cmocka_unit_test(test_layers_of_layouts),
                cmocka_unit_test(test_the_vendor_below_the_root),
                cmocka_unit_test(test_t32_another_pki_directory_by_layout),
                cmocka_unit_test(test_t32_another_pki_directory_by_drop_in),
                cmocka_unit_test(test_t32_a_layout_whose_directory_is_one_of_several),
                cmocka_unit_test(test_t32_no_directory_is_there_or_none_is_said),
                cmocka_unit_test(test_defaults_of_a_layout),
        };

        return cmocka_run_group_tests(tests, install_kubeadm, remove_vendor);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "loaded.h"

static void test_nothing_fits(void **state)
{
        char *root = tree_new();
        autoptr(Config) config = NULL;

        assert_load_fails(root, &(ConfigOptions){}, -ENODEV,
                NOTHING_FITS "; it has none of /etc/kubernetes/manifests/kube-apiserver.yaml, "
                             "/etc/kubernetes/admin.conf, /etc/kubernetes/pki/apiserver.crt, "
                             "/etc/kubernetes/pki/apiserver.key");
        assert_int_equal(load(root, &(ConfigOptions){.layout_any = true}, &config, NULL), 0);
        assert_string_equal(config->layout.names[0], "kubeadm");
        assert_effective(config, "agent", "", "Layout", "kubeadm", "default");
        tree_free(root);
}

static void test_several_fit(void **state)
{
        char *root = tree_copy(TREE_28, "/etc/kubernetes");

        tree_write_text(root, ETC "layouts/site.conf",
                "[layout]\nDetect=/nowhere /etc/kubernetes/admin.conf\n" OTHER_CA);
        autoptr(Config) both = load_good(root, NULL);
        assert_effective(both, "agent", "", "Layout", "kubeadm site", "/kubeadm.conf:");
        assert_effective(both, "agent", "", "Layout", "kubeadm site", "/site.conf:2");
        assert_non_null(layout_find_ca(&both->layout, "site:other"));
        tree_write_text(root, ETC "layouts/site.conf",
                "[layout]\nOrder=9\nDetect=/nowhere /etc/kubernetes/admin.conf\n" OTHER_CA);
        autoptr(Config) turned = load_good(root, NULL);
        assert_effective(turned, "agent", "", "Layout", "site kubeadm", "/site.conf:3");
        assert_non_null(layout_find_ca(&turned->layout, "kubeadm:etcd"));
        tree_write_text(root, ETC "kube-renewd.conf", "[agent]\nLayout=site\n");

        autoptr(Config) config = load_good(root, NULL);
        autoptr(Config) other = load_good(root, "kubeadm");

        assert_string_equal(config->layout.names[0], "site");
        assert_int_equal(config->layout.n_cas, 1);
        assert_effective(config, "agent", "", "Layout", "site", "/kube-renewd.conf:2");
        assert_string_equal(other->layout.names[0], "kubeadm");
        assert_effective(other, "agent", "", "Layout", "kubeadm", "--layout");
        tree_free(root);
}

static void test_a_layout_that_does_not_fit_beside_another(void **state)
{
        const char *site = ETC "layouts/site.conf", *detect = "[layout]\nDetect=/etc\n" OTHER_CA;
        char *root = tree_new();

        tree_write_text(root, site, "[layout]\nDetect=/etc\nUnless=/x /etc/kubernetes\n" OTHER_CA);
        autoptr(Config) alone = load_good(root, NULL);
        assert_string_equal(alone->layout.names[0], "site");
        tree_write_text(root, "/etc/kubernetes/admin.conf", "");
        autoptr(Config) beside = load_good(root, NULL);
        assert_string_equal(beside->layout.names[0], "kubeadm");
        tree_write_text(root, site, detect);
        autoptr(Config) both = load_good(root, NULL);
        assert_effective(both, "agent", "", "Layout", "kubeadm site", "");
        tree_free(root);
}

/* A product that is built on another one has its files, too. What is superseded supersedes nobody,
 * whatever the order. */
static void test_the_superseded_does_not_count(void **state)
{
        static const struct {
                const char *site, *other, *names;
        } cases[] = {
                {"Supersedes=kubeadm", NULL, "site"},
                {"Supersedes=x kubeadm\nOrder=5", NULL, "site"},
                {"Supersedes=x site", NULL, "kubeadm site"},
                {"Supersedes=kubeadm\nSupersedes=", NULL, "kubeadm site"},
                {"Order=5", "Supersedes=site kubeadm", "other"},
                {"Supersedes=kubeadm", "Supersedes=site", "kubeadm other"},
                {"Supersedes=other kubeadm", "Supersedes=site\nOrder=60", "site"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *root = tree_copy(TREE_28, "/etc/kubernetes");
                autofree char *site = xasprintf(
                                      "[layout]\nDetect=/etc\n%s\n" OTHER_CA, cases[i].site),
                              *other = xasprintf(
                                      "[layout]\nDetect=/etc\n%s\n" OTHER_CA, cases[i].other);

                tree_write_text(root, ETC "layouts/site.conf", site);
                if (cases[i].other)
                        tree_write_text(root, ETC "layouts/other.conf", other);
                autoptr(Config) config = load_good(root, NULL);

                assert_null(config->warnings);
                assert_effective(config, "agent", "", "Layout", cases[i].names, "");
                tree_free(root);
        }
}

static void test_a_damaged_layout_is_no_reason_to_guess(void **state)
{
        char *root = tree_copy(TREE_28, "/etc/kubernetes");

        tree_write_text(root, ETC "layouts/site.conf", "[layout]\nDetect=etc/x\n");
        assert_load_fails(root, &(ConfigOptions){}, -EINVAL,
                "/etc/kube-renewd/layouts/site.conf:2: Detect=etc/x is not an absolute path "
                "without "
                "'//', '.' and '..'; write for example /etc/kubernetes/pki/ca.crt");
        tree_write_text(root, ETC "layouts/site.conf", "[layout\n");
        assert_load_fails(root, &(ConfigOptions){}, -EINVAL,
                "/etc/kube-renewd/layouts/site.conf:1: '[layout' lacks its ']'; write [section] or "
                "[section name]");
        tree_write_text(root, ETC "layouts/site.conf", "[layout]\nDetect=/x\n[ca a]\n=v\n");
        assert_load_fails(root, &(ConfigOptions){}, -EINVAL,
                "/etc/kube-renewd/layouts/site.conf:4: '=v' has no key in front of '='; write "
                "Key=Value");
        tree_free(root);
}

/* A moved control plane of another kind has files of the same names. */
static void test_a_configured_base_is_nobody_s_by_itself(void **state)
{
        static const char site[] =
                "[layout]\nBaseDirectory=/var/lib/site\nDetect=%b/apiserver.crt\n" OTHER_CA;
        char *root = tree_new();

        tree_write_text(root, ETC "layouts/site.conf", site);
        tree_write_text(root, ETC "kube-renewd.conf", "[layout]\nBaseDirectory=/srv/pki\n");
        tree_write_text(root, "/srv/pki/apiserver.crt", "");
        assert_load_fails(root, &(ConfigOptions){}, -EINVAL,
                "/etc/kube-renewd/kube-renewd.conf:2: BaseDirectory=/srv/pki fits several layouts "
                "(kubeadm, site); name the one it is for by --layout= or Layout= in [agent]");
        autoptr(Config) named = load_good(root, "site");
        assert_string_equal(named->layout.names[0], "site");

        /* Something else speaks for one of them. */
        tree_write_text(root, "/etc/kubernetes/admin.conf", "");
        autoptr(Config) config = load_good(root, NULL);
        assert_string_equal(config->layout.names[0], "kubeadm");
        tree_free(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing_fits),
                cmocka_unit_test(test_several_fit),
                cmocka_unit_test(test_a_layout_that_does_not_fit_beside_another),
                cmocka_unit_test(test_the_superseded_does_not_count),
                cmocka_unit_test(test_a_configured_base_is_nobody_s_by_itself),
                cmocka_unit_test(test_a_damaged_layout_is_no_reason_to_guess),
        };

        return cmocka_run_group_tests(tests, install_kubeadm, remove_vendor);
}

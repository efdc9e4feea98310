/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "loaded.h"

/* Two layouts with the same names; the second has one of everything that refers to something. */
#define ONE                                                                                        \
        "[layout]\nDescription=one\n"                                                              \
        "[ca root]\nCertificate=/one/ca.crt\nKey=/one/ca.key\n"                                    \
        "[certificate api]\nCertificate=/one/api.crt\nKey=/one/api.key\nCA=root\n"                 \
        "[component daemon]\nUnit=one.service\n"
#define TWO                                                                                        \
        "[layout]\nDescription=two\nBaseDirectory=/two\n"                                          \
        "[ca root]\nName=top\nCertificate=%b/ca.crt\nKey=%b/ca.key\nRequiredBy=daemon\n"           \
        "[certificate api]\nCertificate=%b/api.crt\nKey=%b/api.key\nCA=root\n"                     \
        "RequiredBy=daemon\nSupersededBy=web\nSANs=DNS:api\nUsage=server\nCommonName=root\n"       \
        "[certificate web]\nCertificate=%b/web.crt\nKey=%b/web.key\nCA=root\n"                     \
        "[kubeconfig admin.conf]\nPath=%b/admin.conf\nCA=root\nOrganization=system:masters\n"      \
        "[component daemon]\nUnit=two.service\nUses=%b/api.crt\n"                                  \
        "[copy all]\nSource=api\tweb admin.conf\nDirectory=/copies\n"                              \
        "[service-account]\nKey=/two/sa.key\n"

static char *two_layouts(const char *one, const char *two, const char *configuration)
{
        char *root = tree_new();

        tree_write_text(root, ETC "layouts/one.conf", one);
        tree_write_text(root, ETC "layouts/two.conf", two);
        if (configuration)
                tree_write_text(root, ETC "kube-renewd.conf", configuration);
        return root;
}

typedef struct Expected {
        const char *section, *name, *key, *value;
} Expected;

static void assert_all(const Config *config, const Expected *expected, size_t n)
{
        assert_null(config->warnings);
        for (size_t i = 0; i < n; i++)
                assert_effective(config, expected[i].section, expected[i].name, expected[i].key,
                        expected[i].value, "");
}

static void test_sections_and_references_get_the_name_of_their_layout(void **state)
{
        static const Expected expected[] = {
                {"agent", "", "Layout", "one two"},
                {"layout", "", "Description", "one"},
                {"ca", "root", "Name", "root"},
                {"ca", "root", "Certificate", "/one/ca.crt"},
                {"certificate", "api", "Certificate", "/one/api.crt"},
                {"certificate", "api", "CA", "root"},
                {"component", "daemon", "Unit", "one.service"},
                {"ca", "two:root", "Name", "two:top"},
                {"ca", "two:root", "Certificate", "/two/ca.crt"},
                {"ca", "two:root", "RequiredBy", "two:daemon"},
                {"certificate", "two:api", "Certificate", "/two/api.crt"},
                {"certificate", "two:api", "CA", "two:root"},
                {"certificate", "two:api", "RequiredBy", "two:daemon"},
                {"certificate", "two:api", "SupersededBy", "two:web"},
                {"certificate", "two:api", "SANs", "DNS:api"},
                {"certificate", "two:api", "CommonName", "root"},
                {"kubeconfig", "two:admin.conf", "CA", "two:root"},
                {"kubeconfig", "two:admin.conf", "Organization", "system:masters"},
                {"component", "two:daemon", "Unit", "two.service"},
                {"component", "two:daemon", "Uses", "/two/api.crt"},
                {"copy", "two:all", "Source", "two:api two:web two:admin.conf"},
                {"copy", "two:all", "Directory", "/copies"},
                {"service-account", "", "Key", ""},
        };
        static const Expected turned[] = {
                {"agent", "", "Layout", "two one"},
                {"layout", "", "Description", "two"},
                {"layout", "", "BaseDirectory", "/two"},
                {"ca", "root", "Name", "top"},
                {"certificate", "api", "SupersededBy", "web"},
                {"copy", "all", "Source", "api web admin.conf"},
                {"certificate", "one:api", "CA", "one:root"},
                {"component", "one:daemon", "Unit", "one.service"},
                {"service-account", "", "Key", "/two/sa.key"},
        };
        char *root = two_layouts(ONE, TWO, NULL);
        autoptr(Config) config = load_good(root, "one,two");
        autoptr(Config) other = load_good(root, "two,one");

        assert_all(config, expected, ELEMENTSOF(expected));
        assert_int_equal(config->layout.n_credentials, 4);
        assert_string_equal(config->layout.credentials[0].name, "api");
        assert_string_equal(config->layout.names[1], "two");
        assert_all(other, turned, ELEMENTSOF(turned));
        tree_free(root);
}

/* What the configuration says of an entry of the second, and what it adds that refers to both. */
static void test_the_configuration_has_the_whole_names(void **state)
{
        static const Expected expected[] = {
                {"certificate", "two:api", "CA", "two:root"},
                {"certificate", "two:api", "ExtraSANs", "DNS:x"},
                {"certificate", "two:api", "Key", "/two/keys/api.key"},
                {"certificate", "api", "ExtraSANs", ""},
                {"certificate", "mine", "CA", "two:root"},
                {"certificate", "mine", "Certificate", "/srv/one/mine.crt"},
                {"copy", "both", "Source", "api two:api"},
        };
        char *root = two_layouts("[layout]\nBaseDirectory=/one\n" ONE, TWO,
                "[agent]\nLayout=one two\n"
                "[layout]\nBaseDirectory=/srv/one\n"
                "[certificate two:api]\nExtraSANs=DNS:x\nKey=%b/keys/api.key\n"
                "[certificate mine]\nCA=two:root\nCertificate=%b/mine.crt\nKey=%b/mine.key\n"
                "[copy both]\nSource=api two:api\nDirectory=/x\nContent=bundle\n");
        autoptr(Config) config = load_good(root, NULL);

        assert_all(config, expected, ELEMENTSOF(expected));
        assert_effective(config, "agent", "", "Layout", "one two", "/kube-renewd.conf:2");
        assert_effective(config, "certificate", "two:api", "CA", "two:root", "/two.conf:");
        tree_free(root);
}

#define ENTRY(text) ONE "[certificate api]\n" text

/* [renewal] of a layout is for its own entries; what is nearer to one, and what the administrator
 * says of all, is above it, in either of the two ways to say when. */
static void test_defaults_of_two_layouts(void **state)
{
        static const struct {
                const char *one, *two, *configuration, *key, *of_one, *of_two;
        } cases[] = {
                {ONE "[renewal]\nRenewBefore=90d\n", TWO, "", "RenewBefore", "90d", "15d"},
                {ONE, TWO "[renewal]\nRenewBefore=90d\n", "", "RenewBefore", "15d", "90d"},
                {ONE "[renewal]\nRenewBefore=90d\n", TWO "[renewal]\nRenewBefore=1d\n", "",
                        "RenewBefore", "90d", "1d"},
                {ONE "[renewal]\nRenewBefore=90d\n", TWO "[renewal]\nRenewBefore=1d\n",
                        "[renewal]\nRenewBefore=20d\n", "RenewBefore", "20d", "20d"},
                {ONE "[renewal]\nRenewBefore=90d\n", TWO, "[renewal]\nRenewBefore=\n",
                        "RenewBefore", "15d", "15d"},
                {ENTRY("RenewBefore=7d\n") "[renewal]\nRenewBefore=90d\n", TWO, "", "RenewBefore",
                        "7d", "15d"},
                {ENTRY("RenewBefore=7d\n") "[renewal]\nRenewBefore=90d\n", TWO,
                        "[certificate api]\nRenewBefore=\n", "RenewBefore", "90d", "15d"},
                {ENTRY("RenewAt=70%\n") "[renewal]\nRenewBefore=90d\n", TWO, "", "RenewAt", "70%",
                        ""},
                {ONE "[renewal]\nRenewBefore=90d\n", TWO, "[renewal]\nRenewAt=80%\n", "RenewAt",
                        "80%", "80%"},
                {ONE, TWO "[renewal]\nRenewAt=60%\n", "[renewal]\nRenewBefore=20d\n", "RenewAt", "",
                        ""},
                {ONE, TWO "[renewal]\nRenewAt=60%\n", "[certificate two:api]\nRenewBefore=20d\n",
                        "RenewAt", "", ""},
                {ONE, TWO "[renewal]\nRenewAt=60%\n", "", "RenewAt", "", "60%"},
                {ONE "[renewal]\nRecreateMissing=yes\n", TWO "[renewal]\nKeyAlgorithm=Ed25519\n",
                        "", "RecreateMissing", "yes", "no"},
                {ONE "[renewal]\nRecreateMissing=yes\n", TWO "[renewal]\nKeyAlgorithm=Ed25519\n",
                        "", "KeyAlgorithm", "", "Ed25519"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char *root = two_layouts(cases[i].one, cases[i].two, cases[i].configuration);
                autoptr(Config) config = load_good(root, "one,two");

                assert_effective(config, "certificate", "api", cases[i].key, cases[i].of_one, "");
                assert_effective(
                        config, "certificate", "two:api", cases[i].key, cases[i].of_two, "");
                if (!strstr(cases[i].configuration, "[certificate")) {
                        autoptr(Config) turned = load_good(root, "two,one");

                        assert_effective(turned, "certificate", "one:api", cases[i].key,
                                cases[i].of_one, "");
                        assert_effective(
                                turned, "certificate", "api", cases[i].key, cases[i].of_two, "");
                }
                tree_free(root);
        }
}

/* What the administrator adds to a layout is renewed as that layout's others; and a slip of the pen
 * is still the administrator's. */
static void test_defaults_of_what_is_added(void **state)
{
        char *root = two_layouts(ONE "[renewal]\nRenewBefore=90d\n", TWO "[renewal]\nRenewAt=60%\n",
                "[certificate mine]\nCA=root\nCertificate=/m.crt\nKey=/m.key\n"
                "[certificate two:mine]\nCA=two:root\nCertificate=/n.crt\nKey=/n.key\n");
        autoptr(Config) config = load_good(root, "one,two");

        assert_effective(config, "certificate", "mine", "RenewBefore", "90d", "/one.conf:");
        assert_effective(config, "certificate", "two:mine", "RenewAt", "60%", "/two.conf:");
        tree_write_text(root, ETC "kube-renewd.conf", "[certificate two:apo]\nExtraSANs=DNS:x\n");
        assert_load_fails(root, &(ConfigOptions){.layout = "one,two"}, -EINVAL,
                ETC "kube-renewd.conf:2: [certificate two:apo] has no Certificate=, and layout "
                    "'one' or 'two' does not list it; did you mean 'two:api'?");
        tree_free(root);
}

/* Of the whole host there is one: the first layout that says it counts, lists are of all. */
static void test_what_stands_for_the_whole_host(void **state)
{
        static const Expected expected[] = {
                {"renewal", "", "PostponeLimit", "5d"},
                {"renewal", "", "UpgradeMarker", "/b /a"},
                {"alarms", "", "CAExpiringBefore", "200d"},
                {"backup", "", "KeepBackups", "3"},
                {"backup", "", "PKIDirectory", "/two/pki /one/pki"},
        };
        char *root = two_layouts(ONE
                "[renewal]\nPostponeLimit=5d\nUpgradeMarker=/a\n[backup]\nKeepBackups=4\n"
                "PKIDirectory=/one/pki\n",
                TWO "[renewal]\nPostponeLimit=6d\nUpgradeMarker=/b\n[alarms]\n"
                    "CAExpiringBefore=200d\n[backup]\nPKIDirectory=%b/pki\n",
                "[backup]\nKeepBackups=3\n");
        autoptr(Config) config = load_good(root, "one,two");

        assert_all(config, expected, ELEMENTSOF(expected));
        tree_free(root);
}

/* The administrator's kubeconfig of the one cluster asks nobody of the other. */
static void test_who_asks_is_of_the_same_layout(void **state)
{
        static const char web[] = "[certificate web]\nIssuer=csr\nSignerName=example.com/x\n";
        autofree char *one =
                xasprintf("%s[certificate web]\nCertificate=/w.crt\nKey=/w.key\n%s", ONE, web);
        char *root = two_layouts(one, TWO, NULL);

        assert_load_fails(root, &(ConfigOptions){.layout = "one,two"}, -EINVAL,
                ETC "layouts/one.conf:17: [certificate web] has Issuer=csr, but nobody who could "
                    "ask; write the path of a kubeconfig into RequestKubeconfig=");
        tree_write_text(root, ETC "layouts/one.conf", ONE);
        tree_write_text(root, ETC "kube-renewd.conf",
                "[certificate two:web]\nIssuer=csr\nSignerName=example.com/x\n");
        autoptr(Config) config = load_good(root, "one,two");

        assert_effective(
                config, "certificate", "two:web", "RequestKubeconfig", "/two/admin.conf", "");
        tree_free(root);
}

#define COPY(name, path) "[copy " name "]\nSource=admin.conf\nPath=" path "\n"

/* A file that is replaced belongs to one of them; of copies, the first. */
static void test_the_same_file_in_two_layouts(void **state)
{
        static const char one[] = ONE "[kubeconfig admin.conf]\nPath=/a\nCA=root\n" COPY(
                "root", "/root/.kube/config") COPY("home", "/home/*/.kube/config");
        static const char two[] = TWO COPY("root", "/root/.kube/config")
                COPY("home", "/home/*/.kube/config") COPY("a", "/a");
        char *root = two_layouts(one, two, NULL);
        autoptr(Config) config = load_good(root, "one,two");

        assert_null(config->warnings);
        assert_int_equal(config->layout.n_copy_targets, 1 + 5);
        assert_string_equal(config->layout.copy_targets[0].entry->name, "root");
        assert_string_equal(config->layout.copy_targets[1].entry->name, "two:all");
        tree_write_text(root, ETC "layouts/two.conf",
                "[certificate x]\nCertificate=/one/api.crt\nWatch=yes\n");
        assert_load_fails(root, &(ConfigOptions){.layout = "one,two"}, -EINVAL,
                ETC "layouts/two.conf:2: [certificate two:x] has the same file as " ETC
                    "layouts/one.conf:7: [certificate api]: '/one/api.crt'; name the layout to be "
                    "used with --layout= or Layout= in [agent]");
        tree_free(root);
}

static void test_copies_by_a_pattern_are_of_whom_they_equal(void **state)
{
        char *root = two_layouts(ONE
                "[kubeconfig admin.conf]\nPath=/a\nCA=root\n" COPY("home", "/homes/*/config"),
                TWO COPY("home", "/homes/*/config"), NULL);

        tree_write_text(root, "/a", "one");
        tree_write_text(root, "/two/admin.conf", "two");
        tree_write_text(root, "/homes/a/config", "two");
        tree_write_text(root, "/homes/b/config", "one");
        tree_write_text(root, "/homes/c/config", "three");
        autoptr(Config) config = load_good(root, "one,two");
        const Layout *layout = &config->layout;

        assert_int_equal(layout->n_copy_targets, 5 + 2);
        assert_string_equal(layout->copy_targets[5].path, "/homes/b/config");
        assert_string_equal(layout->copy_targets[5].entry->name, "home");
        assert_string_equal(layout->copy_targets[6].path, "/homes/a/config");
        assert_string_equal(layout->copy_targets[6].entry->name, "two:home");
        tree_free(root);
}

static void test_names_that_cannot_be_told_apart(void **state)
{
        char *root = two_layouts(ONE, TWO, NULL);

        tree_write_text(root, "/srv/one.conf", ONE);
        tree_write_text(root, "/srv/a:b.conf", ONE);
        assert_load_fails(root, &(ConfigOptions){.layout = "one,/srv/one.conf"}, -EINVAL,
                "--layout: there are two layouts 'one'; give one of the files another name");
        assert_load_fails(root, &(ConfigOptions){.layout = "/srv/a:b.conf"}, -EINVAL,
                "--layout: 'a:b' is not the name of a layout; give the file another name");
        assert_load_fails(root, &(ConfigOptions){.layout = "one,three"}, -ENOENT,
                "--layout: there is no layout 'three'; name one with --layout= or Layout= in "
                "[agent] (there are: kubeadm, one, two)");
        autoptr(Config) once = load_good(root, "one,one,one");
        assert_int_equal(strv_length(once->layout.names), 1);
        tree_free(root);
}

static void test_names_of_the_same_layout(void **state)
{
        static const struct {
                const char *a, *b;
                bool is_same;
        } cases[] = {
                {"apiserver", "ca", true},
                {"x:apiserver", "x:ca", true},
                {"x:apiserver", "ca", false},
                {"apiserver", "x:ca", false},
                {"x:apiserver", "xy:apiserver", false},
                {"admin.conf/system:admin", "ca", true},
                {"x:admin.conf/system:admin", "x:ca#2", true},
                {"ca#2:1", "ca", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_int_equal(layout_is_same(cases[i].a, cases[i].b), cases[i].is_same);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sections_and_references_get_the_name_of_their_layout),
                cmocka_unit_test(test_the_configuration_has_the_whole_names),
                cmocka_unit_test(test_defaults_of_two_layouts),
                cmocka_unit_test(test_defaults_of_what_is_added),
                cmocka_unit_test(test_what_stands_for_the_whole_host),
                cmocka_unit_test(test_who_asks_is_of_the_same_layout),
                cmocka_unit_test(test_the_same_file_in_two_layouts),
                cmocka_unit_test(test_copies_by_a_pattern_are_of_whom_they_equal),
                cmocka_unit_test(test_names_that_cannot_be_told_apart),
                cmocka_unit_test(test_names_of_the_same_layout),
        };

        return cmocka_run_group_tests(tests, install_kubeadm, remove_vendor);
}

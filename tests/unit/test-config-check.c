/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host-config.h"

static const struct Misfit {
        const char *text, *error;
} misfits[] = {
        {"[certificate apisever]\nValidity=90d\n", MAIN_FILE
                ":2: [certificate apisever] has no Certificate=, and layout 'small' does not list "
                "it; did you mean 'apiserver'?"},
        {"[certificate mine]\nKey=/x.key\nCA=kubernetes\n", MAIN_FILE
                ":2: [certificate mine] has no Certificate=, and layout 'small' does not list it"},
        {"[kubeconfig other.conf]\nCA=kubernetes\n", MAIN_FILE
                ":2: [kubeconfig other.conf] has no Path=, and layout 'small' does not list it"},
        {"[ca kubernets]\nKey=/x.key\n", MAIN_FILE
                ":2: [ca kubernets] has no Certificate=, and layout 'small' does not list it; did "
                "you mean 'kubernetes'?"},
        {"[certificate mine]\nCertificate=/x.crt\nCA=kubernetes\n", MAIN_FILE
                ":2: [certificate mine] has no Key=; write the path of its private key, or "
                "Watch=yes"},
        {"[certificate mine]\nCertificate=/x.crt\nKey=/x.key\n", MAIN_FILE
                ":2: [certificate mine] has no CA=; write the name of the [ca] that signs it, or "
                "Watch=yes"},
        {"[certificate mine]\nCertificate=/x.pem\nKey=/x.pem\nCA=kubernetes\n", MAIN_FILE
                ":3: [certificate mine] has certificate and key in one file; that can only be "
                "watched: write Watch=yes"},
        {"[certificate apiserver]\nCommonName=x\n", MAIN_FILE
                ":2: [certificate apiserver] has CommonName= but no Usage=; write Usage=server, "
                "Usage=client or both"},
        {"[certificate apiserver]\nCA=kubernets\n", MAIN_FILE
                ":2: [certificate apiserver] names CA=kubernets, but there is no [ca kubernets]; "
                "did you mean 'kubernetes'?"},
        {"[kubeconfig admin.conf]\nCA=front-proxy\n",
                MAIN_FILE ":2: [kubeconfig admin.conf] names CA=front-proxy, but there is no [ca "
                          "front-proxy]"},
        {"[certificate apiserver]\nSupersededBy=etcd-serve\n", MAIN_FILE
                ":2: [certificate apiserver] names SupersededBy=etcd-serve, but there is no other "
                "[certificate etcd-serve]"},
        {"[certificate apiserver]\nSupersededBy=apiserver\n", MAIN_FILE
                ":2: [certificate apiserver] names SupersededBy=apiserver, but there is no other "
                "[certificate apiserver]"},
        {"[certificate apiserver]\nRequiredBy=etdc\n", MAIN_FILE
                ":2: [certificate apiserver] names RequiredBy=etdc, but there is no [component "
                "etdc]; did you mean 'etcd'?"},
        {"[component etcd]\nUnit=etcd.service\n",
                MAIN_FILE ":2: [component etcd] has both Manifest= and Unit=; write only one"},
        {"[component kubelet]\nOrder=90\n",
                MAIN_FILE ":2: [component kubelet] has neither Manifest=, Unit= nor "
                          "RestartCommand=; write what "
                          "runs it"},
        {"[kubeconfig apiserver]\nPath=/x.conf\nCA=kubernetes\n", MAIN_FILE
                ":2: 'apiserver' is the name of a certificate and of a kubeconfig; choose "
                "another"},
        {"[ca]\nCertificate=/x.crt\n", MAIN_FILE ":2: [ca] needs a name; write [ca NAME]"},
        {"[renewal x]\nValidity=1y\n", MAIN_FILE ":2: [renewal x] takes no name; write [renewal]"},
        {"[cluster]\nCoordination=lease\n", MAIN_FILE
                ":2: [cluster] has Coordination=lease, but nobody who could ask for it; write the "
                "path of a kubeconfig into Kubeconfig="},
        {"[alarms]\nCACriticalBefore=200d\n", MAIN_FILE
                ":2: [alarms] has CACriticalBefore= longer than CAExpiringBefore=; write a shorter "
                "one"},
};

static void test_what_does_not_fit_together(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(misfits); i++)
                assert_load_fails(misfits[i].text, misfits[i].error);
}

static void test_no_two_entries_share_a_name_or_a_file(void **state)
{
        static const struct {
                const char *text, *error;
        } cases[] = {
                {"[ca mine]\nName=apiserver\nCertificate=/x.crt\n",
                        "MAIN:2: [ca mine] has the same name as /l/small.conf:6: [certificate "
                        "apiserver]: 'apiserver'; choose another"},
                {"[certificate mine]\nCertificate=/pki/apiserver.crt\nKey=/x.key\nCA=kubernetes\n",
                        "MAIN:2: [certificate mine] has the same file as /l/small.conf:6: "
                        "[certificate apiserver]: '/pki/apiserver.crt'; choose another"},
                {"[certificate apiserver]\nKey=/pki/ca.key\n",
                        "MAIN:2: [certificate apiserver] has the same file as /l/small.conf:4: [ca "
                        "kubernetes]: '/pki/ca.key'; choose another"},
                {"[component mine]\nManifest=/manifests/etcd.yaml\n",
                        "MAIN:2: [component mine] has the same file as /l/small.conf:13: "
                        "[component etcd]: '/manifests/etcd.yaml'; choose another"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *error =
                        xasprintf("%s%s", MAIN_FILE, cases[i].error + strlen("MAIN"));

                assert_load_fails(cases[i].text, error);
        }
}

#define LEASED "[cluster]\nCoordination=lease\nKubeconfig=/x.conf\n"
#define TURNS                                                                                      \
        "[cluster] has Coordination=lease: 'k3s', which is no static pod, waits for its turn, "    \
        "but "                                                                                     \
        "nobody looks whether another API server is up, or etcd has a quorum without it"

static const struct Warning {
        const char *text, *warning;
} warnings[] = {
        {"[renewal]\nRenewBefor=1d\n", "unknown key 'RenewBefor' in [renewal], ignoring; did you "
                                       "mean 'RenewBefore'?"},
        {"[renewal]\nrenewbefore=1d\n", "unknown key 'renewbefore' in [renewal], ignoring; did you "
                                        "mean 'RenewBefore'?"},
        {"[renewal]\nColour=red\n", "unknown key 'Colour' in [renewal], ignoring"},
        {"[agent]\nKeepBackups=3\n",
                "unknown key 'KeepBackups' in [agent], ignoring; it belongs in [backup]"},
        {"[renewal]\nExtraSANs=DNS:a\n",
                "unknown key 'ExtraSANs' in [renewal], ignoring; it belongs in [certificate]"},
        {"[renew]\nValidity=1y\nValidity=2y\n", "unknown section [renew], ignoring"},
        {"[renewals]\nValidity=1y\n",
                "unknown section [renewals], ignoring; did you mean [renewal]?"},
        {"[layout]\nDetect=/x\n",
                "'Detect' of [layout] has no place in the configuration, ignoring; it belongs in a "
                "layout"},
        {"[layout]\nDetected=/x\n",
                "unknown key 'Detected' in [layout], ignoring; did you mean 'Detect'?"},
        {"[alarms]\nShelve=ca-exp*@ca ca-expirng@ca\n",
                "[alarms] has Shelve=ca-expirng@ca, but no type of alarm is called 'ca-expirng'; "
                "did you mean 'ca-expiring'?"},
        {"[renewal]\nRenewBefore=20d\nRenewAt=80%\n",
                "[renewal] has RenewBefore= and RenewAt= (line 3), which exclude each other; the "
                "later one counts"},
        {LEASED "[component k3s]\nUnit=k3s.service\nLoopbackAge=335d\n", TURNS},
        {LEASED "[component k3s]\nRestartCommand=/bin/k3s\nUses=/x.pem /pki/apiserver.crt\n"
                "[certificate apiserver]\nUsage=server\n",
                TURNS},
        {LEASED "[component k3s]\nUnit=k3s.service\n"
                "[certificate apiserver]\nUsage=server\nIssuer=restart\nRenewedBy=k3s\n",
                TURNS},
};

static void test_warnings(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(warnings); i++) {
                autoptr(Config) config = load_text(warnings[i].text);
                autofree char *expected = xasprintf(MAIN_FILE ":2: %s", warnings[i].warning);

                assert_int_equal(strv_length(config->warnings), 1);
                assert_string_equal(config->warnings[0], expected);
        }
}

static void test_what_gives_no_warning(void **state)
{
        static const char *const texts[] = {"[renewal]\nRenewBefore=2d 1h\n",
                "[renewal]\nRenewBefore=1d\nRenewBefore=20d\n", "[renewal]\nRenewAt=80%\n",
                "[renewal]\nRenewAt=80%\nRenewAt=\nRenewBefore=30d\n", "[nothing]\n", LEASED,
                LEASED "[component kubelet]\nUnit=kubelet.service\nUses=/x.conf\n",
                LEASED "[component k3s]\nUnit=k3s.service\nRestart=never\nLoopbackAge=335d\n",
                "[component k3s]\nUnit=k3s.service\nLoopbackAge=335d\n",
                LEASED "[component etcd]\nLoopbackAge=335d\n"};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(Config) config = load_text(texts[i]);

                assert_null(config->warnings);
        }
}

static void test_ignored_settings_have_no_effect(void **state)
{
        autoptr(Config) config =
                load_text("[layout]\nDescription=x\nDetect=nonsense\nBaseDirectory=/x /y\n"
                          "[service-account]\nKey=/x\n[cas]\nName=x\n");

        assert_null(config->layout.description);
        assert_null(config->layout.detect);
        assert_null(config->layout.service_account_key);
        assert_int_equal(strv_length(config->layout.base_directories), 2);
        assert_int_equal(config->layout.n_cas, 1);
}

static void test_agent_has_no_place_in_a_layout(void **state)
{
        char *root = new_root(NULL);
        autofree char *text = xasprintf("%s[agent]\nStateDirectory=/x\n", small_layout);

        tree_write_text(root, "/l/small.conf", text);
        autoptr(Config) config = load_good(root);

        assert_string_equal(config->warnings[0], "/l/small.conf:15: [agent] has no place in a "
                                                 "layout, ignoring; it belongs in "
                                                 "kube-renewd.conf");
        assert_string_equal(config->state_directory, "/var/lib/kube-renewd");
        tree_free(root);
}

static void test_copies(void **state)
{
        autoptr(Config) config =
                load_text("[copy root]\nSource=admin.conf\nPath=/root/.kube/config\n"
                          "[copy proxy]\nSource=apiserver\nPath=/proxy.pem\n"
                          "Content=bundle-key-first\n"
                          "[copy standby]\nSource=apiserver admin.conf\n"
                          "Directory=/standby\nCreate=yes\nMode=640\n"
                          "[copy pems]\nSource=apiserver\nDirectory=/pems\n"
                          "Content=bundle\n"
                          "[copy nginx]\nSource=apiserver\nPath=/tls.crt\n"
                          "Key=/tls.key\n"
                          "[copy off]\nSource=apiserver\nSource=\n"
                          "[copy client]\nSource=admin.conf\nPath=/client.pem\n"
                          "Content=bundle\n"
                          "[copy crt]\nSource=admin.conf\nDirectory=/d\nContent=certificate\n"
                          "[copy key]\nSource=admin.conf\nDirectory=/d\nContent=key\n"
                          "[copy pem]\nSource=admin.conf\nDirectory=/d\n"
                          "Content=bundle-key-first\n");
        static const struct {
                const char *name, *path, *first, *second;
        } table[] = {
                {"root", "/root/.kube/config", "/admin.conf", NULL},
                {"proxy", "/proxy.pem", "/pki/apiserver.key", "/pki/apiserver.crt"},
                {"standby", "/standby/apiserver.crt", "/pki/apiserver.crt", NULL},
                {"standby", "/standby/apiserver.key", "/pki/apiserver.key", NULL},
                {"standby", "/standby/admin.conf", "/admin.conf", NULL},
                {"pems", "/pems/apiserver.pem", "/pki/apiserver.crt", "/pki/apiserver.key"},
                {"nginx", "/tls.crt", "/pki/apiserver.crt", NULL},
                {"nginx", "/tls.key", "/pki/apiserver.key", NULL},
                {"client", "/client.pem", "/admin.conf", NULL},
                {"crt", "/d/admin.conf.crt", "/admin.conf", NULL},
                {"key", "/d/admin.conf.key", "/admin.conf", NULL},
                {"pem", "/d/admin.conf.pem", "/admin.conf", NULL},
        };

        assert_int_equal(config->layout.n_copies, 10);
        assert_int_equal(config->layout.n_copy_targets, ELEMENTSOF(table));
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const CopyTarget *target = &config->layout.copy_targets[i];

                assert_string_equal(target->entry->name, table[i].name);
                assert_string_equal(target->path, table[i].path);
                assert_string_equal(target->parts[0], table[i].first);
                if (table[i].second)
                        assert_string_equal(target->parts[1], table[i].second);
                else
                        assert_null(target->parts[1]);
        }
        assert_effective(config, "copy", "standby", "Mode", "0640 " MAIN_FILE ":12");
        assert_effective(config, "copy", "root", "Mode", "0600 default");
        assert_effective(config, "copy", "proxy", "Content", "bundle-key-first " MAIN_FILE ":7");
}

static void test_a_copy_becomes_an_entry_of_its_own(void **state)
{
        autoptr(Config) config =
                load_text("[copy root]\nSource=admin.conf\nPath=/root/.kube/config\n"
                          "[kubeconfig root]\nPath=/root/.kube/config\n"
                          "CA=kubernetes\n");

        assert_int_equal(config->layout.n_copies, 1);
        assert_int_equal(config->layout.n_copy_targets, 0);
}

static void test_a_pattern_makes_no_file(void **state)
{
        static const char complaint[] =
                MAIN_FILE ":3: [copy x] has a pattern in Path=, which finds one file each that is "
                          "there already; write it without Key= and Create=";

        assert_load_fails("[copy x]\nSource=admin.conf\nPath=/h/*/x\nCreate=yes\n", complaint);
        assert_load_fails("[copy x]\nSource=apiserver\nPath=/h/*/x\nKey=/h/y\n", complaint);
}

/* Files that are what the source is, each once; entries that name one come first. */
static void test_copies_are_found_by_a_pattern(void **state)
{
        char *root = new_root("[copy homes]\nSource=admin.conf\nPath=/h/*/.kube/c*\n"
                              "[copy again]\nSource=admin.conf\nPath=/h/[ab]/.kube/config\n"
                              "[copy named]\nSource=admin.conf\nPath=/h/b/.kube/config\n"
                              "[copy pem]\nSource=apiserver\nPath=/p?m\nContent=bundle\n");
        static const struct {
                const char *path, *content;
        } files[] = {
                {"/admin.conf", "same"},
                {"/pki/apiserver.crt", "1\n"},
                {"/pki/apiserver.key", "2\n"},
                {"/h/a/.kube/config", "same"},
                {"/h/b/.kube/config", "same"},
                {"/h/c/.kube/config", "other"},
                {"/h/d/.kube/cfg", "same"},
                {"/h/e/kube/config", "same"},
                {"/h/.f/.kube/config", "same"},
                {"/h/g", "same"},
                {"/pem", "1\n2\n"},
        };
        static const struct {
                const char *name, *path;
        } found[] = {
                {"named", "/h/b/.kube/config"},
                {"homes", "/h/a/.kube/config"},
                {"homes", "/h/d/.kube/cfg"},
                {"pem", "/pem"},
        };

        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                tree_write_text(root, files[i].path, files[i].content);
        autoptr(Config) config = load_good(root);

        assert_int_equal(config->layout.n_copy_targets, ELEMENTSOF(found));
        for (size_t i = 0; i < ELEMENTSOF(found); i++) {
                const CopyTarget *target = &config->layout.copy_targets[i];

                assert_string_equal(target->entry->name, found[i].name);
                assert_string_equal(target->path, found[i].path);
                assert_int_equal(target->group, i);
        }
        tree_free(root);
}

/* A directory that several hosts share: in which of them there are both files of a pair. */
static void test_directories_are_found_by_a_pattern(void **state)
{
        static const struct {
                const char *path, *content;
        } files[] = {
                {"/pki/apiserver.crt", "1\n"},
                {"/pki/apiserver.key", "2\n"},
                {"/d/same/s/apiserver.crt", "1\n"},
                {"/d/same/s/apiserver.key", "2\n"},
                {"/d/half/s/apiserver.crt", "1\n"},
                {"/d/half/s/apiserver.key", "3\n"},
                {"/d/one/s/apiserver.crt", "1\n"},
                {"/d/none/s/other", "1\n"},
                {"/d/file/s", "1\n"},
        };
        static const struct {
                const char *keys, *found;
        } table[] = {
                {"", "/d/same/s/"},
                {"Create=yes\n", "/d/none/s/ /d/one/s/ /d/same/s/"},
                {"Overwrite=yes\n", "/d/half/s/ /d/none/s/ /d/one/s/ /d/same/s/"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf(
                        "[copy x]\nSource=apiserver\nDirectory=/d/*/s\n%s", table[i].keys);
                char *root = new_root(text);

                for (size_t k = 0; k < ELEMENTSOF(files); k++)
                        tree_write_text(root, files[k].path, files[k].content);
                autoptr(Config) config = load_good(root);
                autostrv found = NULL;
                for (size_t k = 0; k < config->layout.n_copy_targets; k++) {
                        const CopyTarget *target = &config->layout.copy_targets[k];
                        const char *name = fs_basename(target->path);

                        assert_string_equal(name, k % 2 ? "apiserver.key" : "apiserver.crt");
                        assert_int_equal(target->group, k / 2);
                        if (k % 2)
                                strv_take(&found,
                                        xstrndup(target->path, (size_t)(name - target->path)));
                }
                autofree char *joined = strv_join(found, " ");
                assert_string_equal(joined, table[i].found);
                tree_free(root);
        }
}

static void test_copies_that_make_no_sense(void **state)
{
        static const struct {
                const char *text, *complaint;
        } table[] = {
                {"Source=admin.conf\n", ":2: [copy x] has neither Path= nor Directory=; write the "
                                        "one that says where it is"},
                {"Source=admin.cnf\nPath=/x\n",
                        ":2: [copy x] names Source=admin.cnf, but there is no [certificate "
                        "admin.cnf] and no [kubeconfig admin.cnf]; did you mean 'admin.conf'?"},
                {"Source=admin.conf apiserver\nPath=/x\n",
                        ":2: [copy x] has several names in Source= and one Path=; write "
                        "Directory="},
                {"Source=admin.conf\nPath=/x\nKey=/y\nContent=bundle\n",
                        ":5: [copy x] has Key=, but 'admin.conf' is copied to one file or to a "
                        "directory; write Key= only beside the Path= of a certificate"},
                {"Source=apiserver\nPath=/x\n",
                        ":2: [copy x] copies 'apiserver', which is two files, to one Path=; write "
                        "Key=, Directory=, or Content=certificate, key or bundle"},
                {"Source=apiserver\nDirectory=/x\nKey=/y\n",
                        ":2: [copy x] has Key=, but 'apiserver' is copied to one file or to a "
                        "directory; write Key= only beside the Path= of a certificate"},
                {"Source=apiserver\nPath=/x\nKey=/x\n",
                        ":4: [copy x] has the same file as " MAIN_FILE
                        ":3: [copy x]: '/x'; choose another"},
                {"Source=kubelet\nPath=/x\nContent=bundle\n[certificate kubelet]\n"
                 "Certificate=/kubelet.pem\nWatch=yes\n",
                        ":4: [copy x] takes a key from 'kubelet', which has no key file of its "
                        "own; write Content=file"},
                {"Source=apiserver\nPath=/x\nContent=all\n",
                        ":4: Content=all is not the content of a copy; write file, certificate, "
                        "key, bundle or bundle-key-first"},
                {"Source=apiserver\nDirectory=/x/\n",
                        ":3: Directory=/x/ is not an absolute path without '//', '.' and '..'; "
                        "write for example /etc/kubernetes/pki/ca.crt"},
                {"Source=apiserver\nDirectory=/x\nMode=0900\n",
                        ":4: Mode=0900 is not a file mode; write for example 0600"},
                {"Source=apiserver\nDirectory=/x\nMode=1777\n",
                        ":4: Mode=1777 is out of range; write 0400 to 0777"},
                /* never over a file that has a meaning of its own */
                {"Source=admin.conf\nPath=/pki/ca.key\n",
                        ":3: [copy x] has the same file as /l/small.conf:4: [ca kubernetes]: "
                        "'/pki/ca.key'; choose another"},
                {"Source=apiserver\nDirectory=/pki\n",
                        ":3: [copy x] has the same file as /l/small.conf:6: [certificate "
                        "apiserver]: '/pki/apiserver.crt'; choose another"},
                {"Source=admin.conf\nPath=/manifests/etcd.yaml\n",
                        ":3: [copy x] has the same file as /l/small.conf:13: [component etcd]: "
                        "'/manifests/etcd.yaml'; choose another"},
                {"Source=admin.conf\nPath=/a\n[copy y]\nSource=admin.conf\nPath=/a\n",
                        ":6: [copy y] has the same file as " MAIN_FILE
                        ":3: [copy x]: '/a'; choose another"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf("[copy x]\n%s", table[i].text);
                autofree char *complaint = xasprintf(MAIN_FILE "%s", table[i].complaint);

                assert_load_fails(text, complaint);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_does_not_fit_together),
                cmocka_unit_test(test_no_two_entries_share_a_name_or_a_file),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_what_gives_no_warning),
                cmocka_unit_test(test_ignored_settings_have_no_effect),
                cmocka_unit_test(test_agent_has_no_place_in_a_layout),
                cmocka_unit_test(test_copies),
                cmocka_unit_test(test_a_copy_becomes_an_entry_of_its_own),
                cmocka_unit_test(test_copies_are_found_by_a_pattern),
                cmocka_unit_test(test_directories_are_found_by_a_pattern),
                cmocka_unit_test(test_a_pattern_makes_no_file),
                cmocka_unit_test(test_copies_that_make_no_sense),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

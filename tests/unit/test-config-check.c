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
        {"[certificate apiserver]\nRequiredBy=etdc\n", MAIN_FILE
                ":2: [certificate apiserver] names RequiredBy=etdc, but there is no [component "
                "etdc]"},
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
        {"[layout]\nDetect=/x\n", "[layout] has no place in the configuration, ignoring; it "
                                  "belongs in a layout"},
        {"[renewal]\nRenewBefore=2d\n",
                "[renewal] has RenewBefore=2d, which leaves no time for a second try: the timer "
                "runs once a day; write at least 2d 1h"},
        {"[kubeconfig admin.conf]\nRenewBefore=1h\n",
                "[kubeconfig admin.conf] has RenewBefore=1h, which leaves no time for a second "
                "try: the timer runs once a day; write at least 2d 1h"},
        {"[renewal]\nRenewBefore=20d\nRenewAt=80%\n",
                "[renewal] has RenewBefore= and RenewAt= (line 3), which exclude each other; the "
                "later one counts"},
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
                "[renewal]\nRenewAt=80%\nRenewAt=\nRenewBefore=30d\n", "[nothing]\n"};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(Config) config = load_text(texts[i]);

                assert_null(config->warnings);
        }
}

static void test_ignored_settings_have_no_effect(void **state)
{
        autoptr(Config) config =
                load_text("[layout]\nDescription=x\nDetect=nonsense\n[cas]\nName=x\n");

        assert_null(config->layout.description);
        assert_null(config->layout.detect);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_does_not_fit_together),
                cmocka_unit_test(test_no_two_entries_share_a_name_or_a_file),
                cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_what_gives_no_warning),
                cmocka_unit_test(test_ignored_settings_have_no_effect),
                cmocka_unit_test(test_agent_has_no_place_in_a_layout),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

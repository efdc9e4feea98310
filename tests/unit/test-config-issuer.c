/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "host-config.h"

#define APISERVER "[certificate apiserver]\n"
#define MINE      "[certificate mine]\nCertificate=/m.crt\nKey=/m.key\n"
#define SOURCE    "SourceCertificate=/s.crt\nSourceKey=/s.key\n"
#define K3S       "[component k3s]\nUnit=k3s.service\n"
#define SIGNER    "SignerName=kubernetes.io/kubelet-serving\nRequestKubeconfig=/r.conf\n"

static const CredentialEntry *find(const Config *config, const char *name)
{
        const CredentialEntry *entry = layout_find_credential(&config->layout, name);

        assert_non_null(entry);
        return entry;
}

static const struct {
        const char *text;
        IssuerKind kind;
} choices[] = {
        {MINE "CA=kubernetes\n", ISSUER_KIND_CA},
        {MINE "Issuer=self-signed\n", ISSUER_KIND_SELF_SIGNED},
        {MINE "Issuer=external\n", ISSUER_KIND_EXTERNAL},
        {K3S MINE "Issuer=restart\nRenewedBy=k3s\n", ISSUER_KIND_RESTART},
        {K3S MINE "Issuer=restart ca\nCA=kubernetes\n", ISSUER_KIND_CA},
        {K3S MINE "Key=/m.crt\nIssuer=restart\nRenewedBy=k3s\n", ISSUER_KIND_RESTART},
        {MINE "Issuer=files\n" SOURCE, ISSUER_KIND_FILES},
        {MINE "Issuer=csr\n" SIGNER, ISSUER_KIND_CSR},
        {MINE "Issuer=command\nIssuerCommand=/bin/x\n", ISSUER_KIND_COMMAND},
        {MINE "Issuer=files self-signed csr\n" SOURCE SIGNER, ISSUER_KIND_FILES},
        {MINE "Issuer=files self-signed csr\n" SIGNER, ISSUER_KIND_SELF_SIGNED},
        {MINE "Issuer=files csr\n" SIGNER, ISSUER_KIND_CSR},
        {MINE "Issuer=csr ca\nCA=kubernetes\n", ISSUER_KIND_CA},
        {MINE "Issuer=csr command external\n", ISSUER_KIND_EXTERNAL},
        /* What is said later is the whole list, not more of it. */
        {MINE "Issuer=csr external\nIssuer=self-signed\n" SIGNER, ISSUER_KIND_SELF_SIGNED},
        {MINE "Issuer=external\nIssuer=\nCA=kubernetes\n", ISSUER_KIND_CA},
        /* What is of use to nobody is a warning, and changes nothing. */
        {MINE "CA=kubernetes\n" SIGNER, ISSUER_KIND_CA},
};

static void test_t30_the_first_that_is_configured_is_in_use(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(choices); i++) {
                autoptr(Config) config = load_text(choices[i].text);

                assert_int_equal(find(config, "mine")->issuer.kind, choices[i].kind);
                assert_false(find(config, "mine")->watch);
        }
}

#define FAILS(text) MAIN_FILE ":" text

static const struct {
        const char *text, *error;
} misfits[] = {
        {APISERVER "SourceCertificate=/s.crt\n",
                FAILS("2: [certificate apiserver] has SourceCertificate= but no SourceKey=; write "
                      "the path of its private key")},
        {APISERVER "Issuer=files\nSourceKey=/s.key\n",
                FAILS("3: [certificate apiserver] has SourceKey= but no SourceCertificate=; write "
                      "the path of the certificate that it belongs to")},
        {APISERVER "Watch=yes\nSourceKey=/s.key\n",
                FAILS("3: [certificate apiserver] has SourceKey= but no SourceCertificate=; write "
                      "the path of the certificate that it belongs to")},
        {APISERVER "Issuer=files\nSourceCertificate=/pki/apiserver.crt\nSourceKey=/s.key\n",
                FAILS("3: [certificate apiserver] has itself as its source; without "
                      "SourceCertificate= and SourceKey= it is what somebody else has put in "
                      "place")},
        {MINE "Issuer=files\nSourceCertificate=/s.pem\nSourceKey=/s.pem\n",
                FAILS("6: [certificate mine] has certificate and key in one file at its source; "
                      "write the paths of two files")},
        {APISERVER "Issuer=csr\n",
                FAILS("2: [certificate apiserver] has Issuer=csr, but nothing that it needs; write "
                      "SignerName=")},
        {MINE "Issuer=ca csr files command\n",
                FAILS("4: [certificate mine] has Issuer=ca csr files command, but nothing that it "
                      "needs; write CA=, or SignerName=, or SourceCertificate= and SourceKey=, or "
                      "IssuerCommand=")},
        {MINE "Issuer=ca\n",
                FAILS("2: [certificate mine] has no CA=; write the name of the [ca] that signs it, "
                      "or Watch=yes")},
        {MINE "Issuer=self-signed\nCA=kubernets\n",
                FAILS("5: [certificate mine] names CA=kubernets, but there is no [ca kubernets]; "
                      "did you mean 'kubernetes'?")},
        {MINE "Issuer=selfsigned\n",
                FAILS("4: Issuer=selfsigned is not an issuer; write one or more of ca, "
                      "self-signed, files, csr, command, external and restart")},
        {"[kubeconfig admin.conf]\nIssuer=ca files\n",
                FAILS("2: [kubeconfig admin.conf] has Issuer=files, which no kubeconfig can have; "
                      "write ca, csr, command, external or restart")},
        {"[kubeconfig admin.conf]\nIssuer=self-signed\n",
                FAILS("2: [kubeconfig admin.conf] has Issuer=self-signed, which no kubeconfig can "
                      "have; write ca, csr, command, external or restart")},
        {APISERVER "Issuer=restart\n",
                FAILS("2: [certificate apiserver] has Issuer=restart, but nothing that it needs; "
                      "write RenewedBy=")},
        {K3S APISERVER "Issuer=restart\nRenewedBy=k3\n",
                FAILS("5: [certificate apiserver] names RenewedBy=k3, but there is no [component "
                      "k3]")},
        {K3S MINE "Key=/m.crt\nIssuer=restart ca\nRenewedBy=k3s\n",
                FAILS("6: [certificate mine] has certificate and key in one file; that can only be "
                      "watched: write Watch=yes")},
        {APISERVER "Issuer=csr\nSignerName=kubernetes.io/kubelet-serving\n",
                FAILS("3: [certificate apiserver] has Issuer=csr, but nobody who could ask; write "
                      "the path of a kubeconfig into RequestKubeconfig=")},
        {APISERVER "RequestTimeout=2h\n",
                FAILS("2: RequestTimeout=2h is out of range; write 1s to 1h")},
        {APISERVER "IssuerCommand=x\n",
                FAILS("2: IssuerCommand=x is not a command: an absolute path, blanks between its "
                      "words, quotes in pairs; write for example /usr/bin/systemctl reload "
                      "haproxy.service")},
};

static void test_t30_what_is_half_said_is_refused(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(misfits); i++)
                assert_load_fails(misfits[i].text, misfits[i].error);
}

static const struct {
        const char *name;
        bool is_good;
} signers[] = {
        {"kubernetes.io/kubelet-serving", true},
        {"kubernetes.io/kube-apiserver-client-kubelet", true},
        {"issuers.cert-manager.io/default.my-issuer", true},
        {"kubernetes.io", false},
        {"kubernetes.io/", false},
        {"/kubelet-serving", false},
        {"kubernetes/kubelet-serving", false},
        {"kubernetes.io/a/b", false},
        {"Kubernetes.io/kubelet-serving", false},
        {"kubernetes.io/Serving", false},
};

static void test_names_of_signers(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(signers); i++) {
                autofree char *signer = NULL, *wrong = NULL;

                assert_int_equal(
                        value_read(&value_signer, signers[i].name, &signer, sizeof(signer), &wrong),
                        signers[i].is_good ? 0 : -EINVAL);
        }
}

static void test_who_asks_by_default(void **state)
{
        autoptr(Config) config =
                load_text("[kubeconfig admin.conf]\n"
                          "Organization=kubeadm:cluster-admins\n"
                          "[kubeconfig kubelet.conf]\n"
                          "Path=/kubelet.conf\n"
                          "Issuer=csr\n"
                          "SignerName=kubernetes.io/kube-apiserver-client-kubelet\n"
                          "[certificate apiserver]\n"
                          "Issuer=csr\n"
                          "SignerName=kubernetes.io/kubelet-serving\n");

        assert_string_equal(find(config, "apiserver")->issuer.request_kubeconfig, "/admin.conf");
        assert_string_equal(
                find(config, "kubelet.conf")->issuer.request_kubeconfig, "/kubelet.conf");
        assert_int_equal(find(config, "apiserver")->issuer.request_timeout, 2 * MINUTE);
        assert_null(find(config, "apiserver")->issuer.approve_with);
}

static const struct {
        const char *text;
        int64_t renew_before;
        unsigned renew_at;
} defaults[] = {
        {MINE "CA=kubernetes\n", 15 * DAY, 0},
        {MINE "Issuer=external\n", 15 * DAY, 0},
        {MINE "Issuer=self-signed\n", 2 * DAY + 2 * HOUR, 0},
        {MINE "Issuer=csr\n" SIGNER, 15 * DAY, 80},
        {MINE "Issuer=command\nIssuerCommand=/bin/x\n", 15 * DAY, 80},
        {MINE "Issuer=self-signed\nRenewBefore=5d\n", 5 * DAY, 0},
        {MINE "Issuer=csr\nRenewBefore=5d\n" SIGNER, 5 * DAY, 0},
        {MINE "Issuer=csr\nRenewAt=50%\n" SIGNER, 15 * DAY, 50},
        {MINE "Issuer=csr\nRenewAt=\n" SIGNER, 15 * DAY, 80},
        {"[renewal]\nRenewBefore=20d\n" MINE "Issuer=csr\n" SIGNER, 20 * DAY, 0},
        {"[renewal]\nRenewAt=60%\n" MINE "Issuer=self-signed\n", 15 * DAY, 60},
};

static void test_t30_80_per_cent_and_two_nights_where_nobody_says_when(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(defaults); i++) {
                autoptr(Config) config = load_text(defaults[i].text);
                const Policy *policy = &find(config, "mine")->policy;

                assert_int_equal(policy->renew_before, defaults[i].renew_before);
                assert_int_equal(policy->renew_at, defaults[i].renew_at);
        }
}

static void test_files_without_a_source_are_watched(void **state)
{
        autoptr(Config) config = load_text(MINE "Issuer=files\n");

        assert_int_equal(find(config, "mine")->issuer.kind, ISSUER_KIND_FILES);
        assert_true(find(config, "mine")->watch);
        assert_effective(config, "certificate", "mine", "Issuer", "files " MAIN_FILE ":4");
}

static const struct {
        const char *text, *warning;
} useless[] = {
        {APISERVER "SignerName=kubernetes.io/x\n",
                MAIN_FILE ":2: [certificate apiserver] has SignerName=, which is of no use with "
                          "Issuer=ca"},
        {MINE "Issuer=self-signed\nRequestTimeout=1min\n",
                MAIN_FILE ":5: [certificate mine] has RequestTimeout=, which is of no use with "
                          "Issuer=self-signed"},
        {MINE "Issuer=files csr\nIssuerCommand=/bin/x\n" SOURCE,
                MAIN_FILE ":5: [certificate mine] has IssuerCommand=, which is of no use with "
                          "Issuer=files"},
        {APISERVER "Watch=yes\nIssuer=csr\n",
                MAIN_FILE ":3: [certificate apiserver] has Issuer=, which is of no use with "
                          "Watch=yes"},
        {MINE "Issuer=self-signed\nRenewedBy=k3s\n" K3S,
                MAIN_FILE ":5: [certificate mine] has RenewedBy=, which is of no use with "
                          "Issuer=self-signed"},
        {MINE "Issuer=restart\nRenewedBy=k3s\nKeyAlgorithm=RSA-2048\n" K3S,
                MAIN_FILE ":6: [certificate mine] has KeyAlgorithm=, which is of no use with "
                          "Issuer=restart"},
        {MINE "Issuer=restart\nRenewedBy=k3s\nRenewBefore=20d\nRecreateMissing=yes\n" K3S, NULL},
        {MINE "Issuer=command\nIssuerCommand=/bin/x\nRequestTimeout=1min\n", NULL},
        {MINE "Issuer=files self-signed csr\nSignerName=example.com/x\n", NULL},
};

static void test_what_is_of_no_use_is_a_warning(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(useless); i++) {
                autoptr(Config) config = load_text(useless[i].text);

                if (!useless[i].warning) {
                        assert_null(config->warnings);
                        continue;
                }
                assert_int_equal(strv_length(config->warnings), 1);
                assert_string_equal(config->warnings[0], useless[i].warning);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t30_the_first_that_is_configured_is_in_use),
                cmocka_unit_test(test_t30_what_is_half_said_is_refused),
                cmocka_unit_test(test_names_of_signers),
                cmocka_unit_test(test_who_asks_by_default),
                cmocka_unit_test(test_t30_80_per_cent_and_two_nights_where_nobody_says_when),
                cmocka_unit_test(test_files_without_a_source_are_watched),
                cmocka_unit_test(test_what_is_of_no_use_is_a_warning),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

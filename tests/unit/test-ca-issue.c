/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-ca.h"

static const KeyKind kinds[] = {KEY_KIND_RSA_2048, KEY_KIND_ECDSA_P256, KEY_KIND_ECDSA_P384,
        KEY_KIND_ECDSA_P521, KEY_KIND_ED25519};

static void test_t24_ca_of_every_kind(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                autoptr(Key) key = new_key(kinds[i]);
                autoptr(Cert) ca = NULL;

                assert_int_equal(
                        ca_create("etcd-ca", key, DATA_NOW, DATA_NOW + YEAR, &ca, NULL), 0);
                assert_string_equal(ca->subject, "CN=etcd-ca");
                assert_true(ca->is_ca);
                assert_true(ca->is_self_issued);
                assert_string_equal(ca->sans[0], "DNS:etcd-ca");
                assert_int_equal(ca->not_before, DATA_NOW);
                assert_int_equal(ca->not_after, DATA_NOW + YEAR);
                assert_true(key_matches(key, ca));
                assert_true(cert_is_issued_by(ca, ca));
                if (have_openssl())
                        assert_true(openssl_verifies(ca, ca, DATA_NOW, "any"));
        }
}

/* Beside the key identifier, a CA says the same as kubeadm's. */
static void test_ca_says_what_kubeadm_says(void **state)
{
        autoptr(Cert) kubeadm = data_cert(KUBEADM_1_36 "ca.crt");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Cert) ca = NULL;

        assert_int_equal(ca_create("kubernetes", key, DATA_NOW, DATA_NOW + YEAR, &ca, NULL), 0);
        assert_string_equal(ca->subject, kubeadm->subject);
        assert_int_equal(strv_length(ca->sans), strv_length(kubeadm->sans));
        if (have_openssl()) {
                autofree char *mine =
                        openssl_says(ca, "-ext keyUsage,basicConstraints,subjectAltName");
                autofree char *theirs =
                        openssl_says(kubeadm, "-ext keyUsage,basicConstraints,subjectAltName");

                assert_string_equal(mine, theirs);
        }
}

static void test_ca_whose_name_is_no_dns_name(void **state)
{
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Cert) ca = NULL;

        assert_int_equal(ca_create("My CA, Größe", key, DATA_NOW, DATA_NOW + 1, &ca, NULL), 0);
        assert_string_equal(ca->common_name, "My CA, Größe");
        assert_null(ca->sans);
}

static void test_ca_that_would_end_before_it_begins(void **state)
{
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        Cert *ca = NULL;

        assert_int_equal(ca_create("x", key, DATA_NOW, DATA_NOW, &ca, NULL), -EINVAL);
        assert_null(ca);
}

/* The same leaf as kubeadm's, extension by extension, but for the subject's string types. */
static void test_leaves_say_what_kubeadm_says(void **state)
{
        static const struct {
                const char *leaf, *ca, *purpose;
        } table[] = {
                {"apiserver", "ca", "sslserver"},
                {"apiserver-kubelet-client", "ca", "sslclient"},
                {"etcd/server", "etcd/ca", "sslserver"},
                {"etcd/peer", "etcd/ca", "sslclient"},
                {"front-proxy-client", "front-proxy-ca", "sslclient"},
        };
        static const char all[] =
                "-ext subjectAltName,keyUsage,extendedKeyUsage,basicConstraints,"
                "authorityKeyIdentifier,subjectKeyIdentifier -subject -nameopt RFC2253";

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *old_path = xasprintf(KUBEADM_1_36 "%s.crt", table[i].leaf);
                autofree char *ca_path = xasprintf(KUBEADM_1_36 "%s.crt", table[i].ca);
                autofree char *key_path = xasprintf(KUBEADM_1_36 "%s.key", table[i].ca);
                autoptr(Ca) ca = ca_of(ca_path, key_path);
                autoptr(Cert) kubeadm = data_cert(old_path);
                autoptr(Key) key = new_key(KEY_KIND_RSA_2048);
                autoptr(Cert) fresh = NULL;
                LeafIdentity identity = {kubeadm->common_name, kubeadm->organizations,
                        kubeadm->sans, kubeadm->usage};
                LeafTerms terms = leaf_terms(ca, kubeadm->not_before + DAY, YEAR, NULL);

                assert_int_equal(ca_issue(ca, &identity, key, &terms, &fresh, NULL), 0);
                assert_string_equal(fresh->subject, kubeadm->subject);
                assert_int_equal(strv_length(fresh->sans), strv_length(kubeadm->sans));
                assert_int_equal(fresh->usage, kubeadm->usage);
                assert_true(key_matches(key, fresh));
                if (have_openssl()) {
                        autofree char *mine = openssl_says(fresh, all);
                        autofree char *theirs = openssl_says(kubeadm, all);

                        assert_string_equal(mine, theirs);
                        assert_true(openssl_verifies(
                                fresh, ca_signer(ca), terms.not_before, table[i].purpose));
                }
        }
}

static void test_issued_leaf_can_be_renewed(void **state)
{
        char *const organizations[] = {"system:masters", "second", NULL};
        char *const sans[] = {"DNS:CP-1", "cp-1", "IP:192.0.2.1", NULL};
        char *const extra[] = {"IP:192.0.2.1", "DNS:lb", NULL};
        LeafIdentity identity = {"kubernetes-admin", organizations, sans, CERT_USAGE_CLIENT};
        autoptr(Ca) ca = data_ca("p384");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P384);
        LeafTerms terms = leaf_terms(ca, DATA_NOW, DAY, extra);
        LeafTerms later = leaf_terms(ca, DATA_NOW, YEAR, NULL);
        autoptr(Cert) first = NULL;
        autoptr(Cert) second = NULL;

        assert_int_equal(ca_issue(ca, &identity, key, &terms, &first, NULL), 0);
        assert_string_equal(first->subject, "CN=kubernetes-admin,O=second,O=system:masters");
        assert_int_equal(strv_length(first->sans), 3);
        assert_int_equal(ca_renew(ca, first, key, &later, &second, NULL), 0);
        assert_int_equal(cert_compare_identity(first, second, NULL), 0);
}

static void test_long_and_odd_names(void **state)
{
        autofree char *long_name = xasprintf("system:node:%0200d", 1);
        const char *const names[] = {long_name, "Größe, \"x\" + y", "a\\b", "#1", " x "};
        autoptr(Ca) ca = data_ca("p256");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        LeafTerms terms = leaf_terms(ca, DATA_NOW, DAY, NULL);

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                LeafIdentity identity = {.common_name = names[i], .usage = CERT_USAGE_CLIENT};
                autoptr(Cert) fresh = NULL;

                assert_int_equal(ca_issue(ca, &identity, key, &terms, &fresh, NULL), 0);
                assert_string_equal(fresh->common_name, names[i]);
        }
}

static void test_refusals(void **state)
{
        char *const bad_sans[] = {"DNS:a b", NULL};
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        const struct {
                const char *ca;
                LeafIdentity identity;
                LeafTerms terms;
                int r;
        } table[] = {
                {"p256", {"x", NULL, bad_sans, 0}, {DATA_NOW, DATA_NOW + DAY, NULL, false},
                        -EINVAL},
                {"p256", {"x", NULL, NULL, 0}, {DATA_NOW, DATA_NOW + DAY, bad_sans, false},
                        -EINVAL},
                {"p256", {"", NULL, NULL, 0}, {DATA_NOW, DATA_NOW + DAY, NULL, false}, -EINVAL},
                {"p256", {"\xff", NULL, NULL, 0}, {DATA_NOW, DATA_NOW + DAY, NULL, false}, -EINVAL},
                {"p256", {"x", NULL, NULL, 0}, {DATA_NOW, DATA_NOW, NULL, false}, -EKEYREJECTED},
                {"p256", {"x", NULL, NULL, 0}, {0, DATA_NOW, NULL, false}, -EKEYREJECTED},
                {"expired-ca", {"x", NULL, NULL, 0}, {DATA_NOW, DATA_NOW + DAY, NULL, false},
                        -EKEYEXPIRED},
                {"no-ca", {"x", NULL, NULL, 0}, {DATA_NOW, DATA_NOW + DAY, NULL, false},
                        -EKEYREJECTED},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Ca) ca = data_ca(table[i].ca);
                Cert *fresh = NULL;
                Error error = {};
                int r = ca_issue(ca, &table[i].identity, key, &table[i].terms, &fresh, &error);

                if (r != table[i].r)
                        fail_msg("%zu: %d '%s'", i, r, error.text);
                assert_null(fresh);
                assert_string_not_equal(error.text, "");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t24_ca_of_every_kind),
                cmocka_unit_test(test_ca_says_what_kubeadm_says),
                cmocka_unit_test(test_ca_whose_name_is_no_dns_name),
                cmocka_unit_test(test_ca_that_would_end_before_it_begins),
                cmocka_unit_test(test_leaves_say_what_kubeadm_says),
                cmocka_unit_test(test_issued_leaf_can_be_renewed),
                cmocka_unit_test(test_long_and_odd_names),
                cmocka_unit_test(test_refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-ca.h"

static const KeyKind kinds[] = {KEY_KIND_RSA_2048, KEY_KIND_ECDSA_P256, KEY_KIND_ECDSA_P384,
        KEY_KIND_ECDSA_P521, KEY_KIND_ED25519};

static char *const names[] = {(char *)"IP:192.0.2.7", NULL};
static const LeafIdentity node = {
        "system:node:node-1", NULL, names, CERT_USAGE_SERVER | CERT_USAGE_CLIENT};

static Cert *sign(
        const Key *key, const Cert *old, const LeafIdentity *identity, char *const *extra_sans)
{
        LeafTerms terms = leaf_terms(NULL, DATA_NOW, YEAR, extra_sans);
        Cert *cert = NULL;
        Error error = {};

        if (cert_self_sign(key, old, identity, &terms, &cert, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(cert->not_before, DATA_NOW - 5 * MINUTE);
        assert_int_equal(cert->not_after, DATA_NOW + YEAR);
        assert_true(key_matches(key, cert));
        assert_true(cert_is_self_signed(cert));
        assert_false(cert->is_ca);
        return cert;
}

static void test_t30_leaf_of_every_kind_signs_itself(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                autoptr(Key) key = new_key(kinds[i]);
                autoptr(Cert) cert = sign(key, NULL, &node, NULL);

                assert_string_equal(cert->subject, "CN=system:node:node-1");
                assert_string_equal(cert->sans[0], "IP:192.0.2.7");
                assert_int_equal(cert->usage, node.usage);
                if (have_openssl())
                        assert_true(openssl_verifies(cert, cert, DATA_NOW, "sslserver"));
        }
}

static void test_t30_successor_says_what_the_old_one_said(void **state)
{
        static const char *const paths[] = {"pki/rich.crt", "pki/server.crt", "pki/plain.crt",
                "pki/sans-upper.crt", KUBEADM_1_36 "apiserver.crt"};
        char *const extra[] = {"DNS:lb.example", NULL};

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                autoptr(Cert) old = data_cert(paths[i]);
                autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
                autoptr(Cert) cert = sign(key, old, NULL, extra);

                assert_int_equal(cert_compare_identity(old, cert, NULL), 0);
                assert_true(cert_has_san(cert, "DNS:lb.example"));
        }
}

/* The issuer that a key identifier names is the certificate itself, whoever signed the old one. */
static void test_key_identifiers_are_its_own(void **state)
{
        autoptr(Cert) old = data_cert("pki/rich.crt");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Cert) cert = sign(key, old, NULL, NULL);

        if (have_openssl()) {
                autofree char *subject = openssl_says(cert, "-ext subjectKeyIdentifier");
                autofree char *authority = openssl_says(cert, "-ext authorityKeyIdentifier");

                assert_string_equal(strchr(subject, '\n'), strchr(authority, '\n'));
        }
}

static void test_successor_of_a_successor(void **state)
{
        autoptr(Key) first_key = new_key(KEY_KIND_ED25519);
        autoptr(Key) second_key = new_key(KEY_KIND_RSA_2048);
        autoptr(Cert) first = sign(first_key, NULL, &node, NULL);
        autoptr(Cert) second = sign(second_key, first, NULL, NULL);

        assert_int_equal(cert_compare_identity(first, second, NULL), 0);
        assert_string_not_equal(first->serial, second->serial);
}

static void test_refusals(void **state)
{
        static const struct {
                const char *old;
                int64_t not_after;
                char *extra_san;
                int r;
        } table[] = {
                {"pki/plain.crt", DATA_NOW, NULL, -EINVAL},
                {"pki/plain.crt", DATA_NOW + 1, (char *)"DNS:a b", -EINVAL},
                {"pki/p256.crt", DATA_NOW + 1, NULL, -EOPNOTSUPP},
                {"pki/no-subject.crt", DATA_NOW + 1, NULL, -EOPNOTSUPP},
                {"pki/version1.crt", DATA_NOW + 1, NULL, -EOPNOTSUPP},
                {"pki/unknown-plain.crt", DATA_NOW + 1, NULL, -EOPNOTSUPP},
        };
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Cert) old = data_cert(table[i].old);
                LeafTerms terms = {DATA_NOW, table[i].not_after,
                        (char *const[]){table[i].extra_san, NULL}, false};
                Cert *cert = NULL;
                Error error = {};
                int r = cert_self_sign(key, old, NULL, &terms, &cert, &error);

                if (r != table[i].r)
                        fail_msg("%zu: %d '%s'", i, r, error.text);
                assert_null(cert);
                assert_string_not_equal(error.text, "");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t30_leaf_of_every_kind_signs_itself),
                cmocka_unit_test(test_t30_successor_says_what_the_old_one_said),
                cmocka_unit_test(test_key_identifiers_are_its_own),
                cmocka_unit_test(test_successor_of_a_successor),
                cmocka_unit_test(test_refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

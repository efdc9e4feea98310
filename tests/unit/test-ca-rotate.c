/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-ca.h"
#include "pki/ca-rotate.h"

#define BEGIN (DATA_NOW - 5 * MINUTE)
#define END   (DATA_NOW + 10 * YEAR)

/* Two CAs of one name, each signed by the other, and a leaf of each. */
typedef struct Change {
        Ca *old, *new;
        Cert *new_by_old, *old_by_new;
        Cert *old_leaf, *new_leaf;
} Change;

static Cert *issue(const Ca *ca)
{
        LeafIdentity identity = {"server", NULL, (char *[]){(char *)"DNS:server", NULL},
                CERT_USAGE_SERVER | CERT_USAGE_CLIENT};
        LeafTerms terms = leaf_terms(ca, DATA_NOW, YEAR, NULL);
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        Cert *cert = NULL;
        Error error = {};

        if (ca_issue(ca, &identity, key, &terms, &cert, &error) < 0)
                fail_msg("%s", error.text);
        return cert;
}

static Cert *cross_sign(const Ca *signer, const Cert *ca)
{
        Cert *cert = NULL;
        Error error = {};

        if (ca_cross_sign(signer, ca, BEGIN, INT64_MAX, &cert, &error) < 0)
                fail_msg("%s", error.text);
        return cert;
}

static Ca *succeed(const Cert *old, KeyKind kind)
{
        autoptr(Cert) cert = NULL;
        autoptr(Key) key = new_key(kind);
        Ca *ca = NULL;
        Error error = {};

        if (ca_succeed(old, key, BEGIN, END, &cert, &error) < 0)
                fail_msg("%s: %s", old->subject, error.text);
        assert_int_equal(ca_new(&(CertList){&cert, 1}, key, &ca, NULL), 0);
        TAKE(key);
        return ca;
}

static Change change_new(const char *old, KeyKind kind)
{
        Change change = {.old = data_ca(old)};

        change.new = succeed(ca_signer(change.old), kind);
        change.new_by_old = cross_sign(change.old, ca_signer(change.new));
        change.old_by_new = cross_sign(change.new, ca_signer(change.old));
        change.old_leaf = issue(change.old);
        change.new_leaf = issue(change.new);
        return change;
}

static void change_free(Change *change)
{
        ca_free(change->old);
        ca_free(change->new);
        cert_free(change->new_by_old);
        cert_free(change->old_by_new);
        cert_free(change->old_leaf);
        cert_free(change->new_leaf);
}

/* Up to a self-signed root, without -partial_chain. */
static bool openssl_chains(
        const Cert *leaf, const CertList *others, const CertList *roots, const char *purpose)
{
        autofd int fd = -1, roots_fd = -1, others_fd = -1;
        autofree char *path = cert_as_file(leaf, &fd);
        autofree char *roots_path = certs_as_file(roots, &roots_fd);
        autofree char *others_path = certs_as_file(others, &others_fd);
        autofree char *untrusted =
                others->n > 0 ? xasprintf("-untrusted %s", others_path) : xstrdup("");
        autofree char *command = xasprintf("openssl verify -no-CApath -no-CAstore -x509_strict "
                                           "-attime %lld -purpose %s -CAfile %s %s %s "
                                           ">/dev/null 2>&1",
                (long long)DATA_NOW, purpose, roots_path, untrusted, path);

        return system(command) == 0;
}

static void check_chain(const char *what, const Cert *leaf, const Cert *cross,
        const Cert *const *trusted, size_t n, bool wanted)
{
        CertList others = {(Cert *[]){(Cert *)cross}, cross ? 1 : 0};
        CertList roots = {(Cert **)trusted, n};
        Error error = {};
        int r = cert_verify(
                leaf, &others, &roots, DATA_NOW, CERT_USAGE_SERVER | CERT_USAGE_CLIENT, &error);

        if ((r == 0) != wanted)
                fail_msg("%s, GnuTLS: %s", what, r < 0 ? error.text : "verifies");
        if (!have_openssl())
                return;
        if (openssl_chains(leaf, &others, &roots, "sslserver") != wanted ||
                openssl_chains(leaf, &others, &roots, "sslclient") != wanted)
                fail_msg("%s, OpenSSL: %s", what, wanted ? "refuses" : "verifies");
}

/* The leaf of one CA with its cross certificate, seen by those who know the one, the other, or
 * both with the signer first, as ca.crt has them in a rotation. */
static void check_direction(const char *what, const Cert *leaf, const Cert *cross,
        const Cert *wrong_cross, const Cert *signer, const Cert *other)
{
        const Cert *const roots[] = {other, signer, other};

        check_chain(what, leaf, cross, roots + 1, 1, true);
        check_chain(what, leaf, cross, roots, 1, true);
        check_chain(what, leaf, cross, roots + 1, 2, true);
        check_chain(what, leaf, NULL, roots + 1, 2, true);
        check_chain(what, leaf, NULL, roots, 1, false);
        check_chain(what, leaf, wrong_cross, roots, 1, false);
}

static void check_change(const char *what, const Change *change)
{
        const Cert *old = ca_signer(change->old), *new = ca_signer(change->new);

        check_direction(what, change->old_leaf, change->old_by_new, change->new_by_old, old, new);
        check_direction(what, change->new_leaf, change->new_by_old, change->old_by_new, new, old);
}

static void test_t16_old_and_new_roots_verify_both_chains(void **state)
{
        static const struct {
                const char *old;
                KeyKind kind;
        } table[] = {
                {"rsa-2048", KEY_KIND_RSA_2048},
                {"rsa-2048", KEY_KIND_ECDSA_P256},
                {"rsa-2048", KEY_KIND_ED25519},
                {"p256", KEY_KIND_RSA_2048},
                {"p256", KEY_KIND_ECDSA_P384},
                {"p384", KEY_KIND_ED25519},
                {"p521", KEY_KIND_ECDSA_P521},
                {"ed25519", KEY_KIND_RSA_2048},
                {"ed25519", KEY_KIND_ECDSA_P256},
                {"ed25519", KEY_KIND_ED25519},
                {"no-key-id-ca", KEY_KIND_RSA_2048},
                {"no-key-id-ca", KEY_KIND_ECDSA_P256},
                {"path-1-ca", KEY_KIND_ECDSA_P256},
                {"rich-ca", KEY_KIND_RSA_2048},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *what =
                        xasprintf("%s to %s", table[i].old, key_kind_name(table[i].kind));
                Change change = change_new(table[i].old, table[i].kind);

                check_change(what, &change);
                change_free(&change);
        }
}

/* A second rotation: what succeeds a successor. */
static void test_successor_is_succeeded(void **state)
{
        Change change = change_new("no-key-id-ca", KEY_KIND_ECDSA_P256), again = {};

        again.old = TAKE(change.new);
        again.new = succeed(ca_signer(again.old), KEY_KIND_RSA_2048);
        again.new_by_old = cross_sign(again.old, ca_signer(again.new));
        again.old_by_new = cross_sign(again.new, ca_signer(again.old));
        again.old_leaf = issue(again.old);
        again.new_leaf = issue(again.new);
        check_change("again", &again);
        change_free(&again);
        change_free(&change);
}

static void test_successor_says_what_the_old_one_says(void **state)
{
        static const char *const table[] = {"rsa-2048", "no-key-id-ca", "path-0-ca", "rich-ca"};
        static const char options[] =
                "-subject -nameopt RFC2253 -ext keyUsage,basicConstraints,subjectAltName,"
                "nameConstraints,certificatePolicies,crlDistributionPoints,nsComment";

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *path = xasprintf("pki/%s.crt", table[i]);
                autoptr(Cert) old = data_cert(path);
                autoptr(Ca) ca = succeed(old, KEY_KIND_ED25519);
                const Cert *new = ca_signer(ca);

                assert_string_equal(new->subject, old->subject);
                assert_string_equal(new->issuer, old->subject);
                assert_string_not_equal(new->serial, old->serial);
                assert_string_equal(new->key_algorithm, "Ed25519");
                assert_int_equal(new->not_before, BEGIN);
                assert_int_equal(new->not_after, END);
                assert_true(cert_is_self_signed(new));
                assert_int_equal(cert_compare_identity(old, new, NULL), 0);
                if (have_openssl()) {
                        autofree char *before = openssl_says(old, options);
                        autofree char *after = openssl_says(new, options);

                        assert_string_equal(after, before);
                }
        }
}

/* Of all that stands in a certificate, what follows the keyword; NULL if it does not stand there.
 */
static char *key_id(const Cert *cert, const char *extension)
{
        autofree char *options = xasprintf("-ext %s", extension);
        autofree char *text = openssl_says(cert, options);
        char *colon = strchr(text, ':'), *line;

        if (!colon)
                return NULL;
        line = strchr(colon, '\n') + 1;
        line += strspn(line, " ");
        if (starts_with(line, "keyid:"))
                line += strlen("keyid:");
        return xstrndup(line, strcspn(line, "\n"));
}

/* Each certificate names the key that signed it, also where the old CA names none: so nobody takes
 * the one for the other, which has the same name. */
static void test_key_identifiers_tell_old_and_new_apart(void **state)
{
        static const char *const table[] = {"rsa-2048", "no-key-id-ca", "rich-ca"};

        for (size_t i = 0; i < ELEMENTSOF(table) && have_openssl(); i++) {
                Change change = change_new(table[i], KEY_KIND_ECDSA_P256);
                autofree char *new = key_id(ca_signer(change.new), "subjectKeyIdentifier");
                autofree char *cross = key_id(change.new_by_old, "subjectKeyIdentifier");
                autofree char *old = key_id(change.old_by_new, "subjectKeyIdentifier");
                autofree char *old_leaf = key_id(change.old_leaf, "authorityKeyIdentifier");
                autofree char *new_leaf = key_id(change.new_leaf, "authorityKeyIdentifier");
                autofree char *by_old = key_id(change.new_by_old, "authorityKeyIdentifier");
                autofree char *by_new = key_id(change.old_by_new, "authorityKeyIdentifier");
                autofree char *own = key_id(ca_signer(change.old), "subjectKeyIdentifier");

                assert_string_not_equal(old, new);
                assert_string_equal(cross, new);
                assert_string_equal(by_new, new);
                assert_string_equal(new_leaf, new);
                assert_string_equal(by_old, old);
                assert_string_equal(old_leaf, old);
                if (own)
                        assert_string_equal(own, old);
                change_free(&change);
        }
}

/* OpenSSL says so itself of the root that had one: its own identifier stands for its issuer's. */
static void test_successor_names_itself_as_issuer_where_the_old_one_did(void **state)
{
        static const struct {
                const char *old;
                bool names_itself;
        } table[] = {{"rsa-2048", false}, {"rich-ca", true}};

        for (size_t i = 0; i < ELEMENTSOF(table) && have_openssl(); i++) {
                autofree char *path = xasprintf("pki/%s.crt", table[i].old);
                autoptr(Cert) old = data_cert(path);
                autoptr(Ca) ca = succeed(old, KEY_KIND_ECDSA_P256);
                autofree char *own = key_id(ca_signer(ca), "subjectKeyIdentifier");
                autofree char *issuer = key_id(ca_signer(ca), "authorityKeyIdentifier");

                assert_int_equal(issuer != NULL, table[i].names_itself);
                if (issuer)
                        assert_string_equal(issuer, own);
        }
}

static void test_no_successor(void **state)
{
        static const struct {
                const char *old;
                int64_t not_before, not_after;
                int r;
                const char *words;
        } table[] = {
                {"p256", BEGIN, BEGIN, -EINVAL, "would end before it begins"},
                {"p256", END, BEGIN, -EINVAL, "would end before it begins"},
                {"expired-ca", BEGIN, END, -EKEYREJECTED, "would have the old one's key"},
                {"no-ca", BEGIN, END, -EKEYREJECTED, "'CN=ca-p256' is not a CA certificate"},
                {"unknown-ca", BEGIN, END, -EOPNOTSUPP, "1.2.3.4.5.7 is not understood"},
        };
        autoptr(Key) key = data_key("pki/p256.key");

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *path = xasprintf("pki/%s.crt", table[i].old);
                autoptr(Cert) old = data_cert(path);
                Cert *fresh = NULL;
                Error error = {};

                assert_int_equal(ca_succeed(old, key, table[i].not_before, table[i].not_after,
                                         &fresh, &error),
                        table[i].r);
                assert_null(fresh);
                if (!strstr(error.text, table[i].words))
                        fail_msg("%zu: %s", i, error.text);
        }
}

static void test_cross_certificate_lies_within_both(void **state)
{
        static const struct {
                const char *ca;
                int64_t not_before, not_after;
                const char *begin, *end;
        } table[] = {
                {"p384", DATA_NOW, INT64_MAX, "2026-06-01T00:00:00Z", "2036-01-01T00:00:00Z"},
                {"p384", DATA_NOW, DATA_NOW + DAY, "2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z"},
                {"p384", 0, INT64_MAX, "2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z"},
                {"intermediate", DATA_NOW, INT64_MAX, "2026-06-01T00:00:00Z",
                        "2035-01-01T00:00:00Z"},
                {"future-ca", DATA_NOW, INT64_MAX, "2035-01-01T00:00:00Z", "2036-01-01T00:00:00Z"},
        };
        autoptr(Ca) signer = data_ca("rsa-2048");

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *path = xasprintf("pki/%s.crt", table[i].ca);
                autoptr(Cert) ca = data_cert(path);
                autoptr(Cert) cross = NULL;
                char begin[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE];

                assert_int_equal(ca_cross_sign(signer, ca, table[i].not_before, table[i].not_after,
                                         &cross, NULL),
                        0);
                assert_string_equal(time_format(cross->not_before, begin), table[i].begin);
                assert_string_equal(time_format(cross->not_after, end), table[i].end);
                assert_string_equal(cross->subject, ca->subject);
                assert_string_equal(cross->issuer, "CN=ca-rsa-2048");
                assert_string_equal(cross->key_algorithm, ca->key_algorithm);
                assert_false(cert_is_self_signed(cross));
        }
}

static void test_t04_t17_no_cross_certificate(void **state)
{
        static const struct {
                const char *signer, *ca;
                int r;
                const char *words;
        } table[] = {
                {"path-0-ca", "rsa-2048", -EKEYREJECTED, "path length of CA 'CN=ca-p256' is 0"},
                {"no-ca", "rsa-2048", -EKEYREJECTED, "'CN=ca-p256' is not a CA certificate"},
                {"no-sign-ca", "rsa-2048", -EKEYREJECTED, "does not allow it to sign"},
                {"expired-ca", "rsa-2048", -EKEYEXPIRED, "no time is left"},
                {"rsa-2048", "expired-ca", -EKEYEXPIRED, "would end at 2021-01-01T00:00:00Z"},
                {"rsa-2048", "plain", -EKEYREJECTED, "'CN=plain' is not a CA certificate"},
                {"rsa-2048", "unknown-ca", -EOPNOTSUPP, "1.2.3.4.5.7 is not understood"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *path = xasprintf("pki/%s.crt", table[i].ca);
                autoptr(Ca) signer = data_ca(table[i].signer);
                autoptr(Cert) ca = data_cert(path);
                Cert *cross = NULL;
                Error error = {};

                assert_int_equal(
                        ca_cross_sign(signer, ca, DATA_NOW, INT64_MAX, &cross, &error), table[i].r);
                assert_null(cross);
                if (!strstr(error.text, table[i].words))
                        fail_msg("%zu: %s", i, error.text);
        }
}

static void test_self_signed_is_not_only_self_issued(void **state)
{
        static const struct {
                const char *cert;
                bool wanted;
        } table[] = {
                {"pki/p256.crt", true},
                {"pki/no-key-id-ca.crt", true},
                {"pki/expired-ca.crt", true},
                {"pki/cross.crt", false}, /* of the same name */
                {"pki/intermediate.crt", false},
                {"pki/plain.crt", false},
                {KUBEADM_1_20 "ca.crt", true},
                {KUBEADM_1_36 "etcd/ca.crt", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Cert) cert = data_cert(table[i].cert);

                if (cert_is_self_signed(cert) != table[i].wanted)
                        fail_msg("%s", table[i].cert);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t16_old_and_new_roots_verify_both_chains),
                cmocka_unit_test(test_successor_is_succeeded),
                cmocka_unit_test(test_successor_says_what_the_old_one_says),
                cmocka_unit_test(test_key_identifiers_tell_old_and_new_apart),
                cmocka_unit_test(test_successor_names_itself_as_issuer_where_the_old_one_did),
                cmocka_unit_test(test_no_successor),
                cmocka_unit_test(test_cross_certificate_lies_within_both),
                cmocka_unit_test(test_t04_t17_no_cross_certificate),
                cmocka_unit_test(test_self_signed_is_not_only_self_issued),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

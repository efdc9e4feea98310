/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-ca.h"
#include "pki/der.h"

/* Renewed by that CA of tests/data/pki with a P-256 key, and what comes of it. */
static Cert *renewed(const char *ca_name, const char *old_name, char *const *extra_sans)
{
        autofree char *path = xasprintf("pki/%s.crt", old_name);
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Ca) ca = data_ca(ca_name);
        autoptr(Cert) old = data_cert(path);
        LeafTerms terms = leaf_terms(ca, DATA_NOW, YEAR, extra_sans);
        Cert *fresh = NULL;
        Error error = {};

        if (ca_renew(ca, old, key, &terms, &fresh, &error) < 0)
                fail_msg("%s by %s: %s", old_name, ca_name, error.text);
        return fresh;
}

static void assert_refused(
        const char *ca_name, const char *old_name, const LeafTerms *terms, int r, const char *words)
{
        autofree char *path = xasprintf("pki/%s.crt", old_name);
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Ca) ca = data_ca(ca_name);
        autoptr(Cert) old = data_cert(path);
        LeafTerms usual = leaf_terms(ca, DATA_NOW, YEAR, NULL);
        Cert *fresh = NULL;
        Error error = {};

        assert_int_equal(ca_renew(ca, old, key, terms ? terms : &usual, &fresh, &error), r);
        assert_null(fresh);
        if (!strstr(error.text, words))
                fail_msg("'%s' does not say '%s'", error.text, words);
}

static void assert_openssl_prints(const Cert *cert, const char *options, const char *wanted)
{
        autofree char *text = have_openssl() ? openssl_says(cert, options) : NULL;

        if (text && !strstr(text, wanted))
                fail_msg("'%s' is not in:\n%s", wanted, text);
}

static void test_t24_every_kind_signs_every_kind(void **state)
{
        static const struct {
                const char *name, *signature;
        } cas[] = {
                {"rsa-2048", "sha256WithRSAEncryption"},
                {"rsa-3072", "sha256WithRSAEncryption"},
                {"rsa-4096", "sha256WithRSAEncryption"},
                {"p256", "ecdsa-with-SHA256"},
                {"p384", "ecdsa-with-SHA384"},
                {"p521", "ecdsa-with-SHA512"},
                {"ed25519", "ED25519"},
        };
        static const KeyKind kinds[] = {KEY_KIND_RSA_2048, KEY_KIND_ECDSA_P256, KEY_KIND_ECDSA_P384,
                KEY_KIND_ECDSA_P521, KEY_KIND_ED25519};
        autoptr(Cert) old = data_cert("pki/server.crt");

        for (size_t k = 0; k < ELEMENTSOF(kinds); k++) {
                autoptr(Key) key = new_key(kinds[k]);

                for (size_t i = 0; i < ELEMENTSOF(cas); i++) {
                        autoptr(Ca) ca = data_ca(cas[i].name);
                        LeafTerms terms = leaf_terms(ca, DATA_NOW, YEAR, NULL);
                        autoptr(Cert) fresh = NULL;

                        assert_int_equal(ca_renew(ca, old, key, &terms, &fresh, NULL), 0);
                        assert_int_equal(key_kind_of_cert(fresh), kinds[k]);
                        assert_true(key_matches(key, fresh));
                        assert_openssl_prints(fresh, "-text", cas[i].signature);
                        if (have_openssl())
                                assert_true(openssl_verifies(
                                        fresh, ca_signer(ca), DATA_NOW, "sslserver"));
                }
        }
}

static const struct {
        const char *leaf, *ca, *purpose;
} kubeadm_leaves[] = {
        {"apiserver", "ca", "sslserver"},
        {"apiserver-kubelet-client", "ca", "sslclient"},
        {"front-proxy-client", "front-proxy-ca", "sslclient"},
        {"etcd/server", "etcd/ca", "sslserver"},
        {"etcd/peer", "etcd/ca", "sslclient"},
        {"etcd/healthcheck-client", "etcd/ca", "sslclient"},
        {"apiserver-etcd-client", "etcd/ca", "sslclient"},
};

static const char kubeadm_says[] =
        "-ext subjectAltName,keyUsage,extendedKeyUsage,basicConstraints,authorityKeyIdentifier,"
        "subjectKeyIdentifier "
        "-subject -nameopt multiline,show_type";

/* One leaf of a genuine tree, ten days before its end. */
static void renew_kubeadm_leaf(
        const char *tree, const char *leaf, const char *ca_name, const char *purpose)
{
        autofree char *old_path = xasprintf("%s%s.crt", tree, leaf);
        autofree char *ca_path = xasprintf("%s%s.crt", tree, ca_name);
        autofree char *key_path = xasprintf("%s%s.key", tree, ca_name);
        autoptr(CertList) roots = data_certs(ca_path);
        autoptr(Ca) ca = ca_of(ca_path, key_path);
        autoptr(Cert) old = data_cert(old_path);
        autoptr(Key) key = new_key(key_kind_of_cert(old));
        int64_t now = old->not_after - 10 * DAY;
        LeafTerms terms = leaf_terms(ca, now, YEAR, NULL);
        autoptr(Cert) fresh = NULL;

        assert_int_equal(ca_check(ca, now, NULL), 0);
        assert_int_equal(ca_renew(ca, old, key, &terms, &fresh, NULL), 0);
        assert_true(fresh->not_after > old->not_after);
        assert_false(digest_equal(&fresh->sha256, &old->sha256));
        assert_string_not_equal(fresh->serial, old->serial);
        assert_string_equal(fresh->subject, old->subject);
        assert_int_equal(strv_length(fresh->sans), strv_length(old->sans));
        assert_int_equal(fresh->usage, old->usage);
        assert_int_equal(cert_compare_identity(old, fresh, NULL), 0);
        assert_int_equal(cert_verify(old, NULL, roots, now, old->usage, NULL), 0);
        if (have_openssl()) {
                autofree char *before = openssl_says(old, kubeadm_says);
                autofree char *after = openssl_says(fresh, kubeadm_says);

                assert_string_equal(after, before);
                assert_true(openssl_verifies(fresh, ca_signer(ca), now, purpose));
        }
}

/* GnuTLS itself cannot put an RSA key in the place of an Ed25519 one. */
static void test_t24_key_of_every_kind_in_the_place_of_every_kind(void **state)
{
        static const KeyKind kinds[] = {KEY_KIND_RSA_2048, KEY_KIND_ECDSA_P256, KEY_KIND_ED25519};
        static const char *const cas[] = {"rsa-2048", "p256", "ed25519"};
        LeafIdentity identity = {"leaf", NULL, NULL, CERT_USAGE_SERVER};

        for (size_t i = 0; i < ELEMENTSOF(kinds) * ELEMENTSOF(kinds) * ELEMENTSOF(cas); i++) {
                autoptr(Ca) ca = data_ca(cas[i / 9]);
                autoptr(Key) before = new_key(kinds[i / 3 % 3]);
                autoptr(Key) after = new_key(kinds[i % 3]);
                LeafTerms terms = leaf_terms(ca, DATA_NOW, DAY, NULL);
                LeafTerms longer = leaf_terms(ca, DATA_NOW, YEAR, NULL);
                autoptr(Cert) old = NULL;
                autoptr(Cert) fresh = NULL;
                Error error = {};

                assert_int_equal(ca_issue(ca, &identity, before, &terms, &old, NULL), 0);
                if (ca_renew(ca, old, after, &longer, &fresh, &error) < 0)
                        fail_msg("%zu: %s", i, error.text);
                assert_true(key_matches(after, fresh));
                if (have_openssl())
                        assert_true(openssl_verifies(fresh, ca_signer(ca), DATA_NOW, "sslserver"));
        }
}

static void test_t15_kubeadm_leaves_keep_their_identity(void **state)
{
        static const char *const trees[] = {KUBEADM_1_20, KUBEADM_1_28, KUBEADM_1_36};

        for (size_t i = 0; i < ELEMENTSOF(trees); i++)
                for (size_t k = 0; k < ELEMENTSOF(kubeadm_leaves); k++)
                        renew_kubeadm_leaf(trees[i], kubeadm_leaves[k].leaf, kubeadm_leaves[k].ca,
                                kubeadm_leaves[k].purpose);
}

/* Every kind of RDN, SAN and extension that is understood, in its order and with its criticality.
 */
static void test_rich_certificate_is_kept(void **state)
{
        static const char all[] = "-ext subjectAltName,keyUsage,extendedKeyUsage,basicConstraints,"
                                  "certificatePolicies,crlDistributionPoints,authorityInfoAccess,"
                                  "nsComment,nsCertType -subject -nameopt multiline,show_type";
        autoptr(Cert) old = data_cert("pki/rich.crt");
        autoptr(Cert) fresh = renewed("p256", "rich", NULL);

        for (size_t i = 0; old->sans[i]; i++)
                assert_string_equal(fresh->sans[i], old->sans[i]);
        assert_int_equal(strv_length(fresh->sans), 11);
        assert_int_equal(cert_compare_identity(old, fresh, NULL), 0);
        if (have_openssl()) {
                autofree char *before = openssl_says(old, all);
                autofree char *after = openssl_says(fresh, all);

                assert_string_equal(after, before);
                assert_non_null(strstr(after, "X509v3 Subject Alternative Name: critical"));
        }
}

static void test_key_identifiers_follow_the_keys(void **state)
{
        static const char both[] = "-ext subjectKeyIdentifier,authorityKeyIdentifier";
        autoptr(Cert) old = data_cert("pki/rich.crt");
        autoptr(Cert) ca = data_cert("pki/rsa-2048.crt");
        autoptr(Cert) fresh = renewed("rsa-2048", "rich", NULL);
        autofree char *before = NULL, *after = NULL, *id = NULL;

        if (!have_openssl())
                return;
        before = openssl_says(old, both);
        after = openssl_says(fresh, both);
        assert_string_not_equal(after, before);
        assert_null(strstr(after, "DirName"));
        id = openssl_says(ca, "-ext subjectKeyIdentifier");
        assert_non_null(strstr(after, strrchr(strtok(id, "\n") + strlen(id) + 1, ' ') + 1));
}

static void test_serials_are_random_and_positive(void **state)
{
        autostrv seen = NULL;

        for (int i = 0; i < 16; i++) {
                autoptr(Cert) fresh = renewed("p256", "plain", NULL);

                assert_int_equal(strlen(fresh->serial), 32);
                assert_non_null(strchr("4567", fresh->serial[0]));
                assert_false(strv_contains(seen, fresh->serial));
                strv_add(&seen, fresh->serial);
        }
}

static void test_t25_upper_case_sans_stay(void **state)
{
        autoptr(Cert) old = data_cert("pki/sans-upper.crt");
        autoptr(Cert) fresh = renewed("p256", "sans-upper", NULL);

        assert_int_equal(strv_length(fresh->sans), 3);
        assert_string_equal(fresh->sans[0], "DNS:CP-1");
        assert_int_equal(cert_compare_identity(old, fresh, NULL), 0);
}

static void test_extra_sans_are_added(void **state)
{
        char *const extra[] = {"cp-1", "DNS:LB.example", "lb.example", "192.0.2.7",
                "DNS:kubernetes", "IP:2001:db8:0::1", "::1", NULL};
        static const char *const wanted[] = {"DNS:CP-1", "DNS:kubernetes", "IP:2001:db8::1",
                "DNS:lb.example", "IP:192.0.2.7", "IP:::1"};
        autoptr(Cert) fresh = renewed("p256", "sans-upper", extra);
        autoptr(Cert) first = renewed("p256", "plain", extra);
        autoptr(Cert) rich = renewed("p256", "rich", extra);

        assert_int_equal(strv_length(fresh->sans), ELEMENTSOF(wanted));
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                assert_string_equal(fresh->sans[i], wanted[i]);
        assert_int_equal(strv_length(first->sans), 6);
        assert_int_equal(strv_length(rich->sans), 11 + 5);
        assert_openssl_prints(rich, "-ext subjectAltName", "Alternative Name: critical");
        assert_openssl_prints(first, "-ext subjectAltName", "DNS:cp-1, DNS:lb.example, IP Addr");
}

static void test_many_extra_sans(void **state)
{
        autostrv extra = NULL;

        for (int i = 0; i < 1024; i++)
                strv_take(&extra, xasprintf("DNS:node-%d.example", i));
        autoptr(Cert) fresh = renewed("p256", "plain", extra);
        assert_int_equal(strv_length(fresh->sans), 1024);
        strv_add(&extra, "DNS:one-more");
        LeafTerms terms = {DATA_NOW, DATA_NOW + YEAR, extra, false};
        assert_refused("p256", "plain", &terms, -EBADMSG, "more than 1024 SANs");
}

static void test_bad_extra_san(void **state)
{
        char *const extra[] = {"DNS:a b", NULL};
        LeafTerms terms = {DATA_NOW, DATA_NOW + YEAR, extra, false};

        assert_refused("p256", "plain", &terms, -EINVAL, "'DNS:a b'");
}

static void test_what_is_not_understood_is_refused(void **state)
{
        assert_refused("p256", "unknown-critical", NULL, -EOPNOTSUPP, "1.2.3.4.5.6");
        assert_refused("p256", "unknown-plain", NULL, -EOPNOTSUPP, "1.2.3.4.5.7");
        assert_refused("p384", "p256", NULL, -EOPNOTSUPP, "is a CA");
        assert_refused("p256", "version1", NULL, -EOPNOTSUPP, "no extensions");
}

/* The plain certificate with an issuerUniqueID before its extensions, which are [3]. */
static Cert *with_unique_identifier(void)
{
        static const unsigned char id[] = {0x81, 0x02, 0x00, 0x2a};
        autoptr(Cert) plain = data_cert("pki/plain.crt");
        Der rest = {plain->der, plain->der_size}, left;
        DerElement outer, signed_part, field;
        autofree unsigned char *fields = xmalloc(plain->der_size + sizeof(id)), *part = NULL,
                               *inner = NULL, *whole = NULL;
        size_t used = 0, size;
        Cert *cert = NULL;

        assert_true(der_next(&rest, &outer));
        left = outer.content;
        assert_true(der_next(&left, &signed_part));
        while (der_next(&signed_part.content, &field)) {
                if (field.tag == 0xa3) {
                        memcpy(fields + used, id, sizeof(id));
                        used += sizeof(id);
                }
                memcpy(fields + used, field.whole.data, field.whole.size);
                used += field.whole.size;
        }
        part = der_wrap(DER_SEQUENCE, (Der){fields, used}, &size);
        inner = xmalloc(size + left.size);
        memcpy(inner, part, size);
        memcpy(inner + size, left.data, left.size);
        whole = der_wrap(DER_SEQUENCE, (Der){inner, size + left.size}, &size);
        assert_int_equal(cert_parse_der(whole, size, &cert, NULL), 0);
        return cert;
}

static void test_unique_identifiers_are_refused(void **state)
{
        autoptr(Cert) old = with_unique_identifier();
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Ca) ca = data_ca("p256");
        LeafTerms terms = leaf_terms(ca, DATA_NOW, YEAR, NULL);
        Cert *fresh = NULL;
        Error error = {};

        assert_int_equal(ca_renew(ca, old, key, &terms, &fresh, &error), -EOPNOTSUPP);
        assert_non_null(strstr(error.text, "unique identifiers"));
}

static void test_empty_subject(void **state)
{
        autoptr(Cert) fresh = renewed("p256", "no-subject", NULL);

        assert_string_equal(fresh->subject, "");
        assert_string_equal(fresh->sans[0], "DNS:nameless");
        assert_openssl_prints(fresh, "-ext subjectAltName", "critical");
}

static void test_intermediate_signs(void **state)
{
        autoptr(Cert) fresh = renewed("intermediate", "below-intermediate", NULL);
        autoptr(Cert) intermediate = data_cert("pki/intermediate.crt");

        assert_true(cert_is_issued_by(fresh, intermediate));
}

static void test_ca_limited(void **state)
{
        autoptr(Ca) ca = data_ca("p256");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Cert) old = data_cert("pki/plain.crt");
        int64_t end = ca_signer(ca)->not_after;
        LeafTerms terms = leaf_terms(ca, end - 30 * DAY, YEAR, NULL);
        autoptr(Cert) fresh = NULL;

        assert_int_equal(ca_renew(ca, old, key, &terms, &fresh, NULL), 0);
        assert_int_equal(fresh->not_after, end);
}

#define YEAR_9999 ((int64_t)253402300799) /* 99991231235959Z: no end (RFC 5280 4.1.2.5) */

/* RFC 5280 4.1.2.5: as UTCTime to the last second of 2049, then as GeneralizedTime; GnuTLS writes a
 * date over one of the same kind only. */
static void test_dates_beyond_2049(void **state)
{
        static const struct {
                int64_t end;
                const char *words;
        } table[] = {
                {2524607999, "Dec 31 23:59:59 2049"},
                {2524608000, "Jan  1 00:00:00 2050"},
                {YEAR_9999, "Dec 31 23:59:59 9999"},
                {2524607998, "Dec 31 23:59:58 2049"},
        };
        autoptr(Key) ca_key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Cert) root = NULL;
        autoptr(Cert) old = data_cert("pki/plain.crt");
        autoptr(Ca) ca = NULL;

        assert_int_equal(ca_create("x", ca_key, DATA_NOW, YEAR_9999, &root, NULL), 0);
        assert_int_equal(root->not_after, YEAR_9999);
        assert_int_equal(ca_new(&(CertList){&root, 1}, TAKE(ca_key), &ca, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                /* Each begins earlier than the one before, so that the last may end earlier. */
                LeafTerms terms = {2524600000 - (int64_t)i * DAY, table[i].end, NULL, false};
                Cert *fresh = NULL;
                Error error = {};

                if (ca_renew(ca, old, key, &terms, &fresh, &error) < 0)
                        fail_msg("%zu: %s", i, error.text);
                assert_int_equal(fresh->not_before, terms.not_before);
                assert_int_equal(fresh->not_after, terms.not_after);
                assert_openssl_prints(fresh, "-enddate", table[i].words);
                cert_free(old);
                old = fresh;
        }
}

static void test_no_gain_is_refused(void **state)
{
        autoptr(Cert) old = data_cert("pki/plain.crt");
        LeafTerms same = {DATA_NOW, old->not_after, NULL, false};
        LeafTerms later = {DATA_NOW, old->not_after + 1, NULL, false};
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Ca) ca = data_ca("p256");
        autoptr(Cert) fresh = NULL;

        assert_refused("p256", "plain", &same, -EKEYEXPIRED,
                "a new certificate would end at 2027-01-01T00:00:00Z, not later than the old one");
        assert_int_equal(ca_renew(ca, old, key, &later, &fresh, NULL), 0);
        assert_int_equal(fresh->not_after, old->not_after + 1);

        /* What is of no use need not end later. */
        autoptr(Cert) repaired = NULL;
        same.is_repair = true;
        assert_int_equal(ca_renew(ca, old, key, &same, &repaired, NULL), 0);
}

/* A clock that was ahead has dated it; five minutes are no more than the back-dating. */
static void test_another_issuer_is_a_gain_whatever_the_end(void **state)
{
        autoptr(Cert) old = data_cert("pki/plain.crt");
        LeafTerms sooner = {DATA_NOW, old->not_after - DAY, NULL, false};
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Ca) other = data_ca("p384");
        autoptr(Cert) fresh = NULL;

        assert_refused("p256", "plain", &sooner, -EKEYEXPIRED, "not later than the old one");
        assert_int_equal(ca_renew(other, old, key, &sooner, &fresh, NULL), 0);
        assert_int_equal(fresh->not_after, sooner.not_after);
}

static void test_t09_what_is_not_valid_yet_gains_by_an_earlier_end(void **state)
{
        autoptr(Cert) plain = data_cert("pki/plain.crt");
        int64_t begin = DATA_NOW + 60 * DAY, end = plain->not_after + YEAR;
        LeafTerms ahead = {begin, end, NULL, false};
        LeafTerms same = {begin - 5 * MINUTE, end, NULL, false};
        LeafTerms earlier = {begin - 5 * MINUTE - 1, end - DAY, NULL, false};
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        autoptr(Ca) ca = data_ca("p256");
        autoptr(Cert) old = NULL;
        autoptr(Cert) fresh = NULL;

        assert_int_equal(ca_renew(ca, plain, key, &ahead, &old, NULL), 0);
        assert_int_equal(ca_renew(ca, old, key, &same, &fresh, NULL), -EKEYEXPIRED);
        assert_null(fresh);
        assert_int_equal(ca_renew(ca, old, key, &earlier, &fresh, NULL), 0);
        assert_int_equal(fresh->not_before, earlier.not_before);
        assert_int_equal(fresh->not_after, earlier.not_after);
}

static void test_t04_t09_expired_and_future_ca_sign_nothing(void **state)
{
        LeafTerms too_early = {DATA_NOW, DATA_NOW + YEAR, NULL, false};
        LeafTerms backwards = {DATA_NOW + YEAR, DATA_NOW + YEAR - 1, NULL, false};
        LeafTerms beyond = {DATA_NOW, DATA_NOW + 20 * YEAR, NULL, false};

        assert_refused("expired-ca", "plain", NULL, -EKEYEXPIRED, "has expired at 2021-01-01");
        assert_refused("future-ca", "plain", NULL, -EKEYREJECTED, "not lie within");
        assert_refused("future-ca", "plain", &too_early, -EKEYREJECTED, "not lie within");
        assert_refused("p256", "plain", &backwards, -EKEYREJECTED, "not lie within");
        assert_refused("p256", "plain", &beyond, -EKEYREJECTED, "not lie within");
        assert_refused("no-ca", "plain", NULL, -EKEYREJECTED, "does not verify");
        assert_refused("no-sign-ca", "plain", NULL, -EKEYREJECTED, "does not verify");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t24_every_kind_signs_every_kind),
                cmocka_unit_test(test_t24_key_of_every_kind_in_the_place_of_every_kind),
                cmocka_unit_test(test_t15_kubeadm_leaves_keep_their_identity),
                cmocka_unit_test(test_rich_certificate_is_kept),
                cmocka_unit_test(test_key_identifiers_follow_the_keys),
                cmocka_unit_test(test_serials_are_random_and_positive),
                cmocka_unit_test(test_t25_upper_case_sans_stay),
                cmocka_unit_test(test_extra_sans_are_added),
                cmocka_unit_test(test_many_extra_sans),
                cmocka_unit_test(test_bad_extra_san),
                cmocka_unit_test(test_what_is_not_understood_is_refused),
                cmocka_unit_test(test_unique_identifiers_are_refused),
                cmocka_unit_test(test_empty_subject),
                cmocka_unit_test(test_intermediate_signs),
                cmocka_unit_test(test_ca_limited),
                cmocka_unit_test(test_dates_beyond_2049),
                cmocka_unit_test(test_no_gain_is_refused),
                cmocka_unit_test(test_another_issuer_is_a_gain_whatever_the_end),
                cmocka_unit_test(test_t09_what_is_not_valid_yet_gains_by_an_earlier_end),
                cmocka_unit_test(test_t04_t09_expired_and_future_ca_sign_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

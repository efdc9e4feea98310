/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-ca.h"

static void test_t27_signer_is_the_one_that_matches_the_key(void **state)
{
        static const struct {
                const char *bundle, *key, *signer; /* NULL: none */
        } table[] = {
                {"p256", "p256", "p256"},
                {"rsa-2048 p384 p256", "p256", "p256"},
                {"p256 rsa-2048 p384", "p384", "p384"},
                {"same-name-ca p256", "p256", "p256"},
                {"p256 same-name-ca", "p384", "same-name-ca"},
                {"p256 p256", "p256", "p256"},
                /* one key, several certificates */
                {"expired-ca p256", "p256", "p256"},
                {"p256 expired-ca", "p256", "p256"},
                {"no-ca p256", "p256", "p256"},
                {"no-ca expired-ca", "p256", "expired-ca"},
                {"no-ca", "p256", "no-ca"},
                {"p256", "rsa-2048", NULL},
                {"rsa-2048 p384", "p256", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *key_path = xasprintf("pki/%s.key", table[i].key);
                autoptr(CertList) bundle = data_bundle(table[i].bundle);
                autoptr(Key) key = data_key(key_path);
                autoptr(Ca) ca = NULL;
                Error error = {};
                int r = ca_new(bundle, key, &ca, &error);

                if (table[i].signer) {
                        autoptr(CertList) signer = data_bundle(table[i].signer);

                        assert_int_equal(r, 0);
                        TAKE(key);
                        assert_true(cert_equal(ca_signer(ca), signer->certs[0]));
                } else {
                        assert_int_equal(r, -ENOKEY);
                        assert_null(ca);
                        assert_non_null(strstr(error.text, "the CA key belongs to none"));
                }
        }
}

static void test_t04_t09_who_may_sign(void **state)
{
        static const struct {
                const char *name, *at;
                int r;
                const char *words;
        } table[] = {
                {"p256", "2026-06-01", 0, ""},
                {"p256", "2026-01-01T00:00:00Z", 0, ""},
                {"p256", "2025-12-31T23:59:59Z", -EKEYREJECTED,
                        "CA 'CN=ca-p256' is not valid before 2026-01-01T00:00:00Z"},
                {"p256", "2036-01-01T00:00:00Z", 0, ""},
                {"p256", "2036-01-01T00:00:01Z", -EKEYEXPIRED,
                        "CA 'CN=ca-p256' has expired at 2036-01-01T00:00:00Z"},
                {"rsa-4096", "2026-06-01", 0, ""},
                {"ed25519", "2026-06-01", 0, ""},
                {"expired-ca", "2026-06-01", -EKEYEXPIRED, "expired"},
                {"future-ca", "2026-06-01", -EKEYREJECTED, "not valid before"},
                {"no-ca", "2026-06-01", -EKEYREJECTED, "not a CA certificate"},
                {"no-sign-ca", "2026-06-01", -EKEYREJECTED, "does not allow it to sign"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Ca) ca = data_ca(table[i].name);
                Error error = {};
                int64_t at;
                int r;

                assert_int_equal(time_parse(table[i].at, &at), 0);
                r = ca_check(ca, at, &error);
                if (r != table[i].r || !strstr(error.text, table[i].words))
                        fail_msg("%s at %s: %d '%s'", table[i].name, table[i].at, r, error.text);
        }
}

static void test_terms(void **state)
{
        char *const extra[] = {"DNS:x", NULL};
        autoptr(Ca) ca = data_ca("p256");
        int64_t begin = ca_signer(ca)->not_before, end = ca_signer(ca)->not_after;
        const struct {
                int64_t now, validity, not_before, not_after;
        } table[] = {
                {begin + DAY, YEAR, begin + DAY - 300, begin + DAY + YEAR},
                {begin + 300, 60, begin, begin + 360},
                {begin + 299, 60, begin, begin + 359},
                {begin, YEAR, begin, begin + YEAR},
                {end - YEAR, YEAR, end - YEAR - 300, end},
                {end - YEAR + 1, YEAR, end - YEAR - 299, end},
                {end, YEAR, end - 300, end},
                {end - 60, 50, end - 360, end - 10},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                LeafTerms terms = leaf_terms(ca, table[i].now, table[i].validity, extra);

                assert_int_equal(terms.not_before, table[i].not_before);
                assert_int_equal(terms.not_after, table[i].not_after);
                assert_ptr_equal(terms.extra_sans, extra);
        }
}

/* It tells what it would sign, by the CA that ends last, and signs nothing. */
static void test_ca_whose_key_is_not_open(void **state)
{
        autoptr(CertList) bundle = data_bundle("plain expired-ca p256 future-ca");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        const LeafIdentity identity = {.common_name = "x", .usage = CERT_USAGE_SERVER};
        autoptr(Ca) ca = NULL;
        Cert *cert = NULL;
        Error error = {};

        assert_int_equal(ca_new_unopened(&(CertList){}, &ca, NULL), -EINVAL);
        assert_int_equal(ca_new_unopened(bundle, &ca, NULL), 0);
        assert_true(cert_equal(ca_signer(ca), bundle->certs[2]) ||
                    cert_equal(ca_signer(ca), bundle->certs[3]));
        assert_int_equal(ca_check(ca, ca_signer(ca)->not_before, NULL), 0);
        LeafTerms terms = leaf_terms(ca, ca_signer(ca)->not_before + DAY, DAY, NULL);

        assert_int_equal(ca_issue(ca, &identity, key, &terms, &cert, &error), -ENOKEY);
        assert_string_equal(error.text, "the key of the CA is not open");
        assert_null(cert);
}

/* What is wrong stays wrong, so that no token is asked twice. */
static void test_key_that_cannot_be_opened(void **state)
{
        static const char url[] = "pkcs11:token=nowhere;object=ca";
        autoptr(CertList) bundle = data_bundle("p256");
        const TokenAccess none = {.no_module = "", .no_pin = ""};
        const TokenAccess missing = {.no_module = "cannot open '/m.so'", .no_pin = ""};
        autoptr(Ca) ca = NULL;
        autoptr(Ca) other = NULL;
        Error error = {};

        assert_int_equal(ca_new_unopened(bundle, &ca, NULL), 0);
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(
                        ca_open(ca, bundle, url, i == 0 ? &none : &missing, &error), -ENOKEY);
                assert_string_equal(error.text,
                        "'pkcs11:token=nowhere;object=ca' is in a token, and Module= of [pkcs11] "
                        "names no module");
        }
        assert_int_equal(ca_new_unopened(bundle, &other, NULL), 0);
        assert_int_equal(ca_open(other, bundle, url, &missing, &error), -ENOKEY);
        assert_string_equal(error.text, "cannot open '/m.so'");
}

static void test_key_in_a_file_is_open(void **state)
{
        autoptr(CertList) bundle = data_bundle("p256");
        autoptr(Ca) ca = data_ca("p256");

        assert_int_equal(ca_open(ca, bundle, "pkcs11:", &(TokenAccess){}, NULL), 0);
}

static void test_free_of_nothing(void **state)
{
        ca_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t27_signer_is_the_one_that_matches_the_key),
                cmocka_unit_test(test_t04_t09_who_may_sign),
                cmocka_unit_test(test_terms),
                cmocka_unit_test(test_ca_whose_key_is_not_open),
                cmocka_unit_test(test_key_that_cannot_be_opened),
                cmocka_unit_test(test_key_in_a_file_is_open),
                cmocka_unit_test(test_free_of_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

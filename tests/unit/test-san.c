/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "pki-ca.h"

static void test_compare_identity(void **state)
{
        static const struct {
                const char *old, *fresh, *words; /* NULL: same */
        } table[] = {
                {"rich", "rich", NULL},
                {"plain", "server", "another subject"},
                {"plain", "unknown-plain", "extension 2.5.29.19"},
                {"sans-upper", "unknown-plain", "lacks the SAN 'DNS:CP-1'"},
                {"version1", "plain", "another subject"},
                {"p256", "expired-ca", NULL},
                {"p256", "no-sign-ca", "extension 2.5.29.15"},
                {"p256", "no-ca", "extension 2.5.29."},
                {"no-subject", "no-subject", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(CertList) old = data_bundle(table[i].old);
                autoptr(CertList) fresh = data_bundle(table[i].fresh);
                Error error = {};
                int r = cert_compare_identity(old->certs[0], fresh->certs[0], &error);

                if (r != (table[i].words ? -EKEYREJECTED : 0) ||
                        (table[i].words && !strstr(error.text, table[i].words)))
                        fail_msg("%s, %s: %d '%s'", table[i].old, table[i].fresh, r, error.text);
        }
}

/* Critical, then not: both directions differ. */
static void test_compare_criticality(void **state)
{
        static const struct {
                const char *extension, *words;
        } table[] = {
                {"\x55\x1d\x25\x01\x01\xff", "extension 2.5.29.37"},
                {"\x55\x1d\x11\x01\x01\xff", "criticality of its SANs"},
        };
        autoptr(Cert) rich = data_cert("pki/rich.crt");

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                unsigned char uncritical[6];
                Error error = {}, reverse = {};

                memcpy(uncritical, table[i].extension, 6);
                uncritical[5] = 0;
                autoptr(Cert) other =
                        data_cert_patched("pki/rich.crt", table[i].extension, 6, uncritical);
                assert_int_equal(cert_compare_identity(rich, other, &error), -EKEYREJECTED);
                assert_non_null(strstr(error.text, table[i].words));
                assert_int_equal(cert_compare_identity(other, rich, &reverse), -EKEYREJECTED);
                assert_non_null(strstr(reverse.text, table[i].words));
        }
}

/* A purpose that the old one did not have is a difference too. */
static void test_compare_what_is_new(void **state)
{
        LeafIdentity without = {.common_name = "x"}, with = without;
        autoptr(Ca) ca = data_ca("p256");
        autoptr(Key) key = new_key(KEY_KIND_ECDSA_P256);
        LeafTerms terms = leaf_terms(ca, DATA_NOW, 60, NULL);
        autoptr(Cert) old = NULL;
        autoptr(Cert) fresh = NULL;
        Error error = {};

        with.usage = CERT_USAGE_CLIENT;
        assert_int_equal(ca_issue(ca, &without, key, &terms, &old, NULL), 0);
        assert_int_equal(ca_issue(ca, &with, key, &terms, &fresh, NULL), 0);
        assert_int_equal(cert_compare_identity(old, fresh, &error), -EKEYREJECTED);
        assert_string_equal(error.text, "the new certificate differs in the extension 2.5.29.37");
}

static void test_t25_sans_in_other_order_duplicates_upper_case(void **state)
{
        static const char *const names[] = {"DNS:cp-1", "DNS:CP-1", "DNS:Kubernetes",
                "IP:2001:db8::1", "IP:2001:DB8:0::0:1", "2001:db8::1", "cp-1", "dns:cp-1"};
        static const char *const others[] = {"DNS:cp", "DNS:cp-1.", "DNS:cp-10", "IP:2001:db8::2",
                "IP:192.0.2.1", "IP:cp-1", ""};
        autoptr(Cert) upper = data_cert("pki/sans-upper.crt");
        autoptr(Cert) lower = data_cert("pki/sans-lower.crt");

        assert_int_equal(cert_compare_identity(upper, lower, NULL), 0);
        assert_int_equal(cert_compare_identity(lower, upper, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                assert_true(cert_has_san(upper, names[i]));
                assert_true(cert_has_san(lower, names[i]));
        }
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                assert_false(cert_has_san(upper, others[i]));
}

static void test_has_san(void **state)
{
        static const struct {
                const char *san;
                bool wanted;
        } table[] = {
                {"DNS:cp-1.example", true},
                {"DNS:*.pods.example", true},
                {"DNS:a.pods.example", false},
                {"IP:192.0.2.10", true},
                {"IP:::ffff:192.0.2.10", true},
                {"IP:192.0.2.11", true},
                {"IP:::ffff:192.0.2.11", true},
                {"DNS:192.0.2.10", false},
                {"192.0.2.10", true},
                {"IP:192.0.2.12", false},
                {"email:root@example", false},
        };
        autoptr(Cert) cert = data_cert("pki/rich.crt");
        autoptr(Cert) plain = data_cert("pki/plain.crt");

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (cert_has_san(cert, table[i].san) != table[i].wanted)
                        fail_msg("%s", table[i].san);
        assert_false(cert_has_san(plain, "DNS:plain"));
}

static void test_san_normalize(void **state)
{
        static const struct {
                const char *text, *normal; /* NULL: refused */
        } table[] = {
                {"DNS:cp-1", "DNS:cp-1"},
                {"dns:CP-1.Example", "DNS:cp-1.example"},
                {"cp-1", "DNS:cp-1"},
                {"1a", "DNS:1a"},
                {"*.example", "DNS:*.example"},
                {"IP:192.0.2.10", "IP:192.0.2.10"},
                {"192.0.2.10", "IP:192.0.2.10"},
                {"ip:2001:DB8:0:0::1", "IP:2001:db8::1"},
                {"::1", "IP:::1"},
                {"::ffff:192.0.2.10", "IP:192.0.2.10"},
                {"", NULL},
                {"DNS:", NULL},
                {"IP:", NULL},
                {"IP:cp-1", NULL},
                {"IP:192.0.2", NULL},
                {"IP:192.0.2.10/24", NULL},
                {"192.0.2.256", NULL},
                {"192.0.2", NULL},
                {"1", NULL},
                {"DNS:192.0.2.10", NULL},
                {"[::1]", NULL},
                {"fe80::1%eth0", NULL},
                {"cp 1", NULL},
                {"cp_1", NULL},
                {"-cp", NULL},
                {"cp-", NULL},
                {"a..b", NULL},
                {".a", NULL},
                {"a.", NULL},
                {"*", NULL},
                {"*.", NULL},
                {"a.*.b", NULL},
                {"*a.b", NULL},
                {"*.*.b", NULL},
                {"k\xc3\xb6ln.example", NULL},
                {"email:a@b", NULL},
                {"URI:spiffe://x", NULL},
                {"cp-1\n", NULL},
                {"https://cp-1:6443", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *normal = NULL;
                Error error = {};
                int r = san_normalize(table[i].text, &normal, &error);

                if (r != (table[i].normal ? 0 : -EINVAL))
                        fail_msg("'%s': %d", table[i].text, r);
                if (table[i].normal)
                        assert_string_equal(normal, table[i].normal);
                else
                        assert_string_not_equal(error.text, "");
        }
}

static void test_san_normalize_lengths(void **state)
{
        char label[65] = {}, name[256] = {};
        autofree char *normal = NULL, *other = NULL;

        memset(label, 'a', 63);
        assert_int_equal(san_normalize(label, &normal, NULL), 0);
        label[63] = 'a';
        assert_int_equal(san_normalize(label, &other, NULL), -EINVAL);
        for (size_t i = 0; i < 254; i++)
                name[i] = i % 2 ? '.' : 'a';
        name[253] = 0;
        assert_int_equal(san_normalize(name, &other, NULL), 0);
        name[253] = 'a';
        free(TAKE(other));
        assert_int_equal(san_normalize(name, &other, NULL), -EINVAL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_compare_identity),
                cmocka_unit_test(test_compare_criticality),
                cmocka_unit_test(test_compare_what_is_new),
                cmocka_unit_test(test_t25_sans_in_other_order_duplicates_upper_case),
                cmocka_unit_test(test_has_san),
                cmocka_unit_test(test_san_normalize),
                cmocka_unit_test(test_san_normalize_lengths),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/time-util.h"
#include "pki-data.h"

static void test_issued_by(void **state)
{
        static const struct {
                const char *cert, *issuer;
                bool wanted;
        } table[] = {
                {"pki/plain.crt", "pki/p256.crt", true},
                {"pki/plain.crt", "pki/expired-ca.crt", true},
                {"pki/plain.crt", "pki/same-name-ca.crt", false},
                {"pki/plain.crt", "pki/p384.crt", false},
                {"pki/plain.crt", "pki/plain.crt", false},
                {"pki/p256.crt", "pki/p256.crt", true},
                {"pki/rsa-4096.crt", "pki/rsa-4096.crt", true},
                {"pki/ed25519.crt", "pki/ed25519.crt", true},
                {"pki/version1.crt", "pki/p256.crt", true},
                {"pki/sha1.crt", "pki/p256.crt", true},
                {"pki/cross.crt", "pki/p256.crt", true},
                {"pki/cross.crt", "pki/cross.crt", false},
                {"pki/below-cross.crt", "pki/cross.crt", true},
                {"pki/below-cross.crt", "pki/same-name-ca.crt", true},
                {"pki/unknown-critical.crt", "pki/p256.crt", true},
                {"pki/below-intermediate.crt", "pki/intermediate.crt", true},
                {"pki/below-intermediate.crt", "pki/p256.crt", false},
                {KUBEADM_1_20 "apiserver.crt", KUBEADM_1_20 "ca.crt", true},
                {KUBEADM_1_20 "apiserver.crt", KUBEADM_1_36 "ca.crt", false},
                {KUBEADM_1_36 "etcd/server.crt", KUBEADM_1_36 "etcd/ca.crt", true},
                {KUBEADM_1_36 "etcd/server.crt", KUBEADM_1_36 "ca.crt", false},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Cert) cert = data_cert(table[i].cert);
                autoptr(Cert) issuer = data_cert(table[i].issuer);

                if (cert_is_issued_by(cert, issuer) != table[i].wanted)
                        fail_msg("%s by %s", table[i].cert, table[i].issuer);
        }
}

#define SERVER CERT_USAGE_SERVER
#define CLIENT CERT_USAGE_CLIENT

static const struct {
        const char *leaf, *intermediates, *roots, *at;
        unsigned usage;
        const char *words; /* NULL: verifies */
} verifications[] = {
        {"server", NULL, "p256", "2026-06-01", SERVER, NULL},
        {"server", NULL, "p256", "2026-06-01", 0, NULL},
        {"client", NULL, "p256", "2026-06-01", CLIENT, NULL},
        {"server", NULL, "p256", "2026-06-01", CLIENT, "purpose"},
        {"client", NULL, "p256", "2026-06-01", SERVER, "purpose"},
        {"server", NULL, "p256", "2026-06-01", SERVER | CLIENT, "purpose"},
        {"plain", NULL, "p256", "2026-06-01", SERVER | CLIENT, NULL},
        {"rich", NULL, "p256", "2026-06-01", SERVER | CLIENT, NULL},
        /* dates: both ends belong to the validity */
        {"server", NULL, "p256", "2026-01-01T00:00:00Z", SERVER, NULL},
        {"server", NULL, "p256", "2025-12-31T23:59:59Z", SERVER, "not valid yet"},
        {"server", NULL, "p256", "2027-01-01T00:00:00Z", SERVER, NULL},
        {"server", NULL, "p256", "2027-01-01T00:00:01Z", SERVER, "expired"},
        {"server", NULL, "expired-ca", "2026-06-01", SERVER, "expired"},
        {"server", NULL, "future-ca", "2026-06-01", SERVER, "not valid yet"},
        {"server", NULL, "expired-ca", NULL, SERVER, NULL},
        {"server", NULL, "future-ca", NULL, SERVER, NULL},
        {"client", NULL, "p256", NULL, SERVER, "purpose"},
        /* several roots, of one name too */
        {"server", NULL, "rsa-2048 p384 p256", "2026-06-01", SERVER, NULL},
        {"server", NULL, "same-name-ca p256", "2026-06-01", SERVER, NULL},
        {"server", NULL, "p256 same-name-ca", "2026-06-01", SERVER, NULL},
        {"server", NULL, "expired-ca p256", "2026-06-01", SERVER, NULL},
        {"server", NULL, "future-ca p256 expired-ca", "2026-06-01", SERVER, NULL},
        {"server", NULL, "rsa-2048", "2026-06-01", SERVER, "none of the trusted CAs"},
        {"server", NULL, "rsa-2048 expired-ca", "2026-06-01", SERVER, "expired"},
        {"server", NULL, "expired-ca rsa-2048", "2026-06-01", SERVER, "expired"},
        {"server", NULL, "same-name-ca", "2026-06-01", SERVER, ""},
        /* roots that are no CA */
        {"server", NULL, "no-ca", "2026-06-01", SERVER, "not a CA"},
        {"server", NULL, "no-sign-ca", "2026-06-01", SERVER, ""},
        {"unknown-critical", NULL, "p256", "2026-06-01", 0, "unknown critical extension"},
        {"unknown-plain", NULL, "p256", "2026-06-01", 0, NULL},
        {"version1", NULL, "p256", NULL, 0, NULL},
        /* intermediates, in any order and with the leaf among them */
        {"below-intermediate", "intermediate", "p256", "2026-06-01", SERVER, NULL},
        {"below-intermediate", "below-intermediate intermediate", "p256", "2026-06-01", SERVER,
                NULL},
        {"below-intermediate", "rsa-2048 plain intermediate", "p256", "2026-06-01", SERVER, NULL},
        {"below-intermediate", "intermediate p256", "p256", "2026-06-01", SERVER, NULL},
        {"below-intermediate", NULL, "p256", "2026-06-01", SERVER, "none of the trusted"},
        {"below-intermediate", "plain", "p256", "2026-06-01", SERVER, "none of the trusted"},
        {"below-intermediate", NULL, "intermediate", "2026-06-01", SERVER, NULL},
        {"below-intermediate", "p256 intermediate", "rsa-2048", "2026-06-01", SERVER,
                "none of the trusted"},
        {"p256", NULL, "p256", "2026-06-01", 0, NULL},
        {"p256", "p256", "p256", "2026-06-01", 0, NULL},
        /* in the middle of a CA rotation: two roots of one name, one of them signed by the other */
        {"below-cross", "cross", "p256", "2026-06-01", SERVER, NULL},
        {"below-cross", "same-name-ca cross", "p256", "2026-06-01", SERVER, NULL},
        {"below-cross", "cross", "same-name-ca", "2026-06-01", SERVER, NULL},
        {"below-cross", "cross", "p256 same-name-ca", "2026-06-01", SERVER, NULL},
        {"below-cross", NULL, "same-name-ca", "2026-06-01", SERVER, NULL},
        {"below-cross", NULL, "p256", "2026-06-01", SERVER, ""},
        {"server", "cross", "p256", "2026-06-01", SERVER, NULL},
        {"sha1", NULL, "p256", "2026-06-01", SERVER, "insecure algorithm"},
};

static void test_verify(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(verifications); i++) {
                autoptr(CertList) leaf = data_bundle(verifications[i].leaf);
                autoptr(CertList) roots = data_bundle(verifications[i].roots);
                autoptr(CertList) intermediates =
                        verifications[i].intermediates ? data_bundle(verifications[i].intermediates)
                                                       : NULL;
                int64_t at = 0;
                Error error = {};
                int r;

                if (verifications[i].at)
                        assert_int_equal(time_parse(verifications[i].at, &at), 0);
                r = cert_verify(
                        leaf->certs[0], intermediates, roots, at, verifications[i].usage, &error);
                if (r != (verifications[i].words ? -EKEYREJECTED : 0) ||
                        (verifications[i].words && !strstr(error.text, verifications[i].words)))
                        fail_msg("%zu: %s by %s: %d '%s'", i, verifications[i].leaf,
                                verifications[i].roots, r, error.text);
        }
}

static void test_kubeadm_trees_verify(void **state)
{
        static const struct {
                const char *leaf, *ca;
                unsigned usage;
        } table[] = {
                {"apiserver.crt", "ca.crt", SERVER},
                {"apiserver-kubelet-client.crt", "ca.crt", CLIENT},
                {"front-proxy-client.crt", "front-proxy-ca.crt", CLIENT},
                {"etcd/server.crt", "etcd/ca.crt", SERVER | CLIENT},
                {"etcd/peer.crt", "etcd/ca.crt", SERVER | CLIENT},
                {"etcd/healthcheck-client.crt", "etcd/ca.crt", CLIENT},
        };
        static const char *const trees[] = {KUBEADM_1_20, KUBEADM_1_28, KUBEADM_1_36};

        for (size_t i = 0; i < ELEMENTSOF(trees); i++)
                for (size_t k = 0; k < ELEMENTSOF(table); k++) {
                        autofree char *leaf_path = xasprintf("%s%s", trees[i], table[k].leaf);
                        autofree char *ca_path = xasprintf("%s%s", trees[i], table[k].ca);
                        autoptr(Cert) leaf = data_cert(leaf_path);
                        autoptr(CertList) roots = data_certs(ca_path);

                        assert_int_equal(cert_verify(leaf, NULL, roots, leaf->not_after - 10 * DAY,
                                                 table[k].usage, NULL),
                                0);
                        assert_int_equal(cert_verify(leaf, NULL, roots, leaf->not_after + 1,
                                                 table[k].usage, NULL),
                                -EKEYREJECTED);
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_issued_by),
                cmocka_unit_test(test_verify),
                cmocka_unit_test(test_kubeadm_trees_verify),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

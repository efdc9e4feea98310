/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "pki/key.h"
#include "renew/issue/csr-signer.h"

#define SERVING "kubernetes.io/kubelet-serving"
#define CLIENT  "kubernetes.io/kube-apiserver-client-kubelet"
#define ANYBODY "kubernetes.io/kube-apiserver-client"
#define OTHER   "clusterissuers.cert-manager.io/site"

/* One key of each kind is enough. */
static Key *keys[2];
static const KeyKind kinds[] = {KEY_KIND_RSA_2048, KEY_KIND_ECDSA_P256};

static int make_keys(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (key_generate(kinds[i], &keys[i], NULL) < 0)
                        return -1;
        return 0;
}

static int drop_keys(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                key_free(keys[i]);
        return 0;
}

/* What is asked for; SANs and organizations with blanks between them. */
typedef struct Wish {
        const char *common_name, *organizations, *sans;
        unsigned usage;
} Wish;

static char **words(const char *text)
{
        autofree char *copy = xstrdup(text);
        char **strv = NULL, *save;

        for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
                strv_add(&strv, word);
        return strv;
}

static Csr *request(const Key *key, const Wish *wish)
{
        autostrv organizations = words(wish->organizations);
        autostrv sans = words(wish->sans);
        const LeafIdentity identity = {wish->common_name, organizations, sans, wish->usage};
        autofree char *pem = NULL;
        Csr *csr = NULL;
        Error error = {};

        if (csr_make(key, NULL, &identity, NULL, &pem, &error) < 0 ||
                csr_parse(pem, strlen(pem), &csr, &error) < 0)
                fail_msg("%s", error.text);
        return csr;
}

#define SERVER CERT_USAGE_SERVER
#define PEER   CERT_USAGE_CLIENT

static void test_rules_of_the_signers_of_kubernetes(void **state)
{
        static const struct {
                const char *signer;
                Wish wish;
                const char *text; /* NULL: it signs */
        } cases[] = {
                {SERVING, {"system:node:n", "system:nodes", "DNS:n IP:192.0.2.1", SERVER}, NULL},
                {SERVING, {"system:node:n", "system:nodes", "IP:2001:db8::1", SERVER}, NULL},
                {SERVING, {"system:node:n", "system:nodes", "", SERVER}, "wants a DNS name"},
                {SERVING, {"system:node:n", "system:nodes", "DNS:n", PEER}, "server auth"},
                {SERVING, {"system:node:n", "system:nodes", "DNS:n", SERVER | PEER},
                        "nothing else"},
                {SERVING, {"system:node:", "system:nodes", "DNS:n", SERVER}, "CN of system:node:"},
                {SERVING, {"n", "system:nodes", "DNS:n", SERVER}, "CN of system:node:"},
                {SERVING, {"system:node:n", "", "DNS:n", SERVER}, "O=system:nodes"},
                {SERVING, {"system:node:n", "system:nodes a", "DNS:n", SERVER}, "O=system:nodes"},
                {SERVING, {"system:node:n", "a", "DNS:n", SERVER}, "O=system:nodes"},
                {CLIENT, {"system:node:n", "system:nodes", "", PEER}, NULL},
                {CLIENT, {"system:node:n", "system:nodes", "DNS:n", PEER}, "no names beside"},
                {CLIENT, {"system:node:n", "system:nodes", "", SERVER}, "client auth"},
                {CLIENT, {"system:node:n", "system:masters", "", PEER}, "O=system:nodes"},
                {CLIENT, {"alice", "system:nodes", "", PEER}, "CN of system:node:"},
                {ANYBODY, {"alice", "site:people", "", PEER}, NULL},
                {ANYBODY, {"alice", "", "DNS:alice", PEER}, NULL},
                {ANYBODY, {"alice", "a system:masters", "", PEER}, "O=system:masters"},
                {ANYBODY, {"alice", "", "", SERVER}, "client auth"},
                {ANYBODY, {"alice", "", "", SERVER | PEER}, "nothing else"},
                {OTHER, {"anything", "system:masters", "DNS:x", SERVER | PEER}, NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autoptr(Csr) csr = request(keys[1], &cases[i].wish);
                Error error = {};
                int r = csr_signer_check(cases[i].signer, csr, &error);

                if (r != (cases[i].text ? -EINVAL : 0) ||
                        (cases[i].text && !strstr(error.text, cases[i].text)))
                        fail_msg("%zu: %s", i, error.text);
        }
}

/* A name that Go would drop from the certificate. */
static void test_names_of_other_kinds(void **state)
{
        const Wish wish = {"system:node:n", "system:nodes", "DNS:n", SERVER};
        autoptr(Csr) csr = request(keys[1], &wish);
        Error error = {};

        strv_add(&csr->wanted->sans, "email:a@b.example");
        assert_int_equal(csr_signer_check(SERVING, csr, &error), -EINVAL);
        assert_non_null(strstr(error.text, "not email:a@b.example"));
}

static void test_usages(void **state)
{
        static const struct {
                const char *signer;
                unsigned key, usage;
                const char *usages;
        } cases[] = {
                {SERVING, 0, SERVER, "digital signature, key encipherment, server auth"},
                {SERVING, 1, SERVER, "digital signature, key encipherment, server auth"},
                {CLIENT, 1, PEER, "digital signature, key encipherment, client auth"},
                {ANYBODY, 0, PEER, "digital signature, key encipherment, client auth"},
                {ANYBODY, 1, PEER, "digital signature, client auth"},
                {OTHER, 1, SERVER | PEER, "digital signature, server auth, client auth"},
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Wish wish = {"system:node:n", "system:nodes", "", cases[i].usage};
                autoptr(Csr) csr = request(keys[cases[i].key], &wish);
                autostrv usages = NULL;
                autofree char *text = NULL;

                strv_free(csr->key_usages);
                csr->key_usages = NULL;
                strv_add(&csr->key_usages, "digital signature");
                strv_add(&csr->key_usages, "key encipherment");
                usages = csr_signer_usages(cases[i].signer, csr);
                text = strv_join(usages, ", ");
                assert_string_equal(text, cases[i].usages);
        }
}

static void test_a_request_without_usages(void **state)
{
        const Wish wish = {"x", "", "DNS:n", SERVER};
        autoptr(Csr) csr = request(keys[1], &wish);
        Error error = {};

        strv_free(TAKE(csr->key_usages));
        strv_free(TAKE(csr->wanted->usages));
        assert_int_equal(csr_signer_check(OTHER, csr, &error), -EINVAL);
        assert_non_null(strstr(error.text, "no usage"));
}

static void test_usages_that_a_signer_does_not_sign(void **state)
{
        const Wish wish = {"alice", "", "", PEER};
        autoptr(Csr) csr = request(keys[1], &wish);
        Error error = {};

        strv_add(&csr->key_usages, "cert sign");
        assert_int_equal(csr_signer_check(ANYBODY, csr, &error), -EINVAL);
        assert_non_null(strstr(error.text, "signs for no cert sign"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rules_of_the_signers_of_kubernetes),
                cmocka_unit_test(test_names_of_other_kinds),
                cmocka_unit_test(test_usages),
                cmocka_unit_test(test_a_request_without_usages),
                cmocka_unit_test(test_usages_that_a_signer_does_not_sign),
        };

        return cmocka_run_group_tests(tests, make_keys, drop_keys);
}

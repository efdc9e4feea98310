/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/time-util.h"
#include "pki/csr.h"

#include <assert.h>

#define AT     ((int64_t)1780272000)   /* 2026-06-01 */
#define FAR_ON ((int64_t)253402300799) /* 9999-12-31: everything gains time */

static Key *a_key(void)
{
        Key *key = NULL;

        if (key_generate(KEY_KIND_ECDSA_P256, &key, NULL) < 0)
                abort();
        return key;
}

/* Made once. */
static Ca *a_ca(void)
{
        autoptr(Key) key = a_key();
        autoptr(Cert) cert = NULL;
        CertList bundle = {.certs = &cert, .n = 1};
        Ca *ca = NULL;

        if (ca_create("kubernetes", key, AT - DAY, FAR_ON, &cert, NULL) < 0 ||
                ca_new(&bundle, key, &ca, NULL) < 0)
                abort();
        TAKE(key);
        return ca;
}

static void assert_same(const char *a, const char *b)
{
        assert(!a == !b && (!a || streq(a, b)));
}

static void assert_same_all(char *const *a, char *const *b)
{
        assert(strv_length(a) == strv_length(b));
        for (; a && *a; a++, b++)
                assert(streq(*a, *b));
}

/* Told by what can be read of both, not by what the program compares. */
static void assert_same_identity(const Cert *old, const Cert *fresh)
{
        assert_same(old->subject, fresh->subject);
        assert_same(old->common_name, fresh->common_name);
        assert_same_all(old->organizations, fresh->organizations);
        assert_same_all(old->sans, fresh->sans);
        assert_same_all(old->usages, fresh->usages);
        assert(old->usage == fresh->usage && !fresh->is_ca);
        assert(!streq(old->serial, fresh->serial));
}

/* What can be renewed can be asked for elsewhere and, unless it has no name, sign itself, and then
 * says the same. */
static void check_other_issuers(const Cert *old, const Key *key)
{
        LeafTerms terms = leaf_terms(NULL, AT, DAY, NULL);
        autofree char *pem = NULL;
        autoptr(Cert) self = NULL;
        autoptr(Csr) csr = NULL;

        assert(csr_make(key, old, NULL, NULL, &pem, NULL) == 0);
        assert(csr_parse(pem, strlen(pem), &csr, NULL) == 0);
        assert(key_matches(key, csr->wanted) && cert_same_subject(csr->wanted, old));
        assert_same_all(old->sans, csr->wanted->sans);
        assert_same_all(old->usages, csr->wanted->usages);
        if (!*old->subject)
                return;
        assert(cert_self_sign(key, old, NULL, &terms, &self, NULL) == 0);
        assert_same_identity(old, self);
}

/* One certificate as DER, which is renewed: refused with a reason, or its successor says of its
 * holder what it said itself, verifies, and could be renewed again; with one name more where that
 * is configured. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static char *const extra[] = {(char *)"DNS:extra.example", NULL};
        static Ca *ca;
        static Key *key;
        autoptr(Cert) old = NULL;
        autoptr(Cert) fresh = NULL;
        autoptr(Cert) again = NULL;
        autoptr(Cert) more = NULL;
        Error error = {};

        ca = ca ? ca : a_ca();
        key = key ? key : a_key();
        if (cert_parse_der(data, size, &old, NULL) < 0)
                return 0;
        LeafTerms terms = leaf_terms(ca, AT, FAR_ON - AT, NULL);
        int r = ca_renew(ca, old, key, &terms, &fresh, &error);

        if (r < 0) {
                assert(!fresh && error.text[0]);
                return 0;
        }
        assert_same_identity(old, fresh);
        assert(cert_is_issued_by(fresh, ca_signer(ca)) && key_matches(key, fresh));
        assert(ca_renew(ca, fresh, key, &terms, &again, NULL) == -EKEYEXPIRED);
        terms = leaf_terms(ca, AT, FAR_ON - AT, extra);
        assert(ca_renew(ca, old, key, &terms, &more, NULL) == 0);
        assert(cert_has_san(more, extra[0]) && cert_compare_identity(old, more, NULL) == 0);
        check_other_issuers(old, key);
        return 0;
}

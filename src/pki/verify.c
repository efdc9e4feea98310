/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/cert-native.h"

#define CHAIN_MAX      8
#define TAG_BIT_STRING 0x03

static gnutls_datum_t datum_of(Der der)
{
        return (gnutls_datum_t){(unsigned char *)der.data, (unsigned)der.size};
}

/* What was signed, and the signature: whole octets (RFC 5280 4.1.1). */
static bool signed_parts(const Cert *cert, gnutls_datum_t *ret_part, gnutls_datum_t *ret_signature)
{
        Der rest = {cert->der, cert->der_size}, bits;
        DerElement whole, part, algorithm, signature;

        if (!der_next(&rest, &whole) || !der_next(&whole.content, &part) ||
                !der_next(&whole.content, &algorithm) || !der_next(&whole.content, &signature))
                return false;
        bits = signature.content;
        if (signature.tag != TAG_BIT_STRING || bits.size < 2 || bits.data[0] != 0)
                return false;
        *ret_part = datum_of(part.whole);
        *ret_signature = datum_of((Der){bits.data + 1, bits.size - 1});
        return true;
}

static bool issuer_name_is(const Cert *cert, const Cert *issuer)
{
        return der_equal(
                cert_field(cert, CERT_FIELD_ISSUER), cert_field(issuer, CERT_FIELD_SUBJECT));
}

/* Broken hashes are let pass: who signed is one question, whether that is good enough another
 * (cert_verify()). */
bool cert_is_issued_by(const Cert *cert, const Cert *issuer)
{
        gnutls_datum_t part, signature;

        return cert->signature_algorithm > 0 && issuer_name_is(cert, issuer) &&
               signed_parts(cert, &part, &signature) && cert_verifier(issuer) &&
               gnutls_pubkey_verify_data2(cert_verifier(issuer),
                       (gnutls_sign_algorithm_t)cert->signature_algorithm,
                       GNUTLS_VERIFY_ALLOW_BROKEN, &part, &signature) >= 0;
}

void cert_share(const Cert *issuer)
{
        (void)cert_verifier(issuer);
}

bool cert_is_self_signed(const Cert *cert)
{
        return cert->is_self_issued && cert_is_issued_by(cert, cert);
}

/* A root among the intermediates leads nowhere, and could hide a cross-signed CA of its name and
 * key. */
static const Cert *find_issuer(const Cert *cert, const CertList *intermediates)
{
        for (size_t i = 0; intermediates && i < intermediates->n; i++)
                if (cert_is_issued_by(cert, intermediates->certs[i]) &&
                        !cert_is_self_signed(intermediates->certs[i]))
                        return intermediates->certs[i];
        return NULL;
}

/* The leaf and those intermediates that lead on from it, in order, whatever the order in the file.
 */
static unsigned build_chain(
        const Cert *leaf, const CertList *intermediates, const Cert *chain[CHAIN_MAX])
{
        unsigned n = 0;

        for (const Cert *next = leaf; next && n < CHAIN_MAX;
                next = find_issuer(next, intermediates))
                chain[n++] = next;
        return n;
}

/* One root at a time: GnuTLS stops at the first of several CAs of one name, and a bundle in the
 * middle of a CA rotation holds just that. Returns the status bits of GnuTLS, 0 is good. */
static int verify_by_root(const Cert *const *chain, unsigned n, const Cert *root, bool dates,
        const char *purpose, unsigned *ret_status)
{
        gnutls_typed_vdata_st wanted = {
                .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose};
        gnutls_x509_crt_t crts[CHAIN_MAX], trusted;
        gnutls_x509_trust_list_t list;
        int g;

        for (unsigned i = 0; i < n; i++)
                crts[i] = cert_native(chain[i]);
        g = gnutls_x509_trust_list_init(&list, 1);
        if (g < 0)
                return g;
        trusted = cert_native(root);
        g = gnutls_x509_trust_list_add_cas(list, &trusted, 1, 0);
        if (g >= 0)
                g = gnutls_x509_trust_list_verify_crt2(list, crts, n, purpose ? &wanted : NULL,
                        purpose ? 1 : 0, dates ? 0 : GNUTLS_VERIFY_DISABLE_TIME_CHECKS, ret_status,
                        NULL);
        gnutls_x509_trust_list_deinit(list, 0);
        return g < 0 ? g : 0;
}

static const struct {
        unsigned status;
        const char *words;
} reasons[] = {
        {GNUTLS_CERT_SIGNER_NOT_FOUND, "none of the trusted CAs issued it"},
        {GNUTLS_CERT_SIGNATURE_FAILURE, "its signature is wrong"},
        {GNUTLS_CERT_SIGNER_NOT_CA, "its issuer is not a CA"},
        {GNUTLS_CERT_INSECURE_ALGORITHM, "it is signed with an insecure algorithm"},
        {GNUTLS_CERT_EXPIRED, "it or its CA has expired"},
        {GNUTLS_CERT_NOT_ACTIVATED, "it or its CA is not valid yet"},
        {GNUTLS_CERT_PURPOSE_MISMATCH, "it is not for this purpose"},
        {GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, "a constraint of its CA forbids it"},
        {GNUTLS_CERT_UNKNOWN_CRIT_EXTENSIONS, "it has an unknown critical extension"},
};

static int refuse(unsigned status, Error *reterr)
{
        for (size_t i = 0; i < ELEMENTSOF(reasons); i++)
                if (status & reasons[i].status)
                        return error_set(reterr, -EKEYREJECTED,
                                "the certificate does not verify: %s", reasons[i].words);
        return error_set(reterr, -EKEYREJECTED, "the certificate does not verify");
}

/* The reason that counts is that of the CA which did sign, if there is one. */
static int verify_by_roots(const Cert *const *chain, unsigned n, const CertList *roots, bool dates,
        const char *purpose, Error *reterr)
{
        unsigned worst = GNUTLS_CERT_INVALID | GNUTLS_CERT_SIGNER_NOT_FOUND;

        for (size_t i = 0; i < roots->n; i++) {
                unsigned status = 0;
                int g = verify_by_root(chain, n, roots->certs[i], dates, purpose, &status);

                if (g < 0)
                        return pki_error(reterr, -EKEYREJECTED, g, "cannot verify");
                if (status == 0)
                        return 0;
                if (worst & GNUTLS_CERT_SIGNER_NOT_FOUND)
                        worst = status;
        }
        return refuse(worst, reterr);
}

int cert_verify(const Cert *leaf, const CertList *intermediates, const CertList *roots, int64_t at,
        unsigned usage, Error *reterr)
{
        static const struct {
                unsigned usage;
                const char *oid;
        } purposes[] = {
                {CERT_USAGE_SERVER, GNUTLS_KP_TLS_WWW_SERVER},
                {CERT_USAGE_CLIENT, GNUTLS_KP_TLS_WWW_CLIENT},
        };
        const Cert *chain[CHAIN_MAX];
        unsigned n = build_chain(leaf, intermediates, chain);
        int r = 0;

        pki_set_verify_time(at);
        if (!(usage & (CERT_USAGE_SERVER | CERT_USAGE_CLIENT)))
                r = verify_by_roots(chain, n, roots, at != 0, NULL, reterr);
        for (size_t i = 0; i < ELEMENTSOF(purposes) && r == 0; i++)
                if (usage & purposes[i].usage)
                        r = verify_by_roots(chain, n, roots, at != 0, purposes[i].oid, reterr);
        pki_set_verify_time(0);
        return r;
}

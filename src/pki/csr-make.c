/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/csr-native.h"

#include "pki/ca-native.h"
#include "pki/pem.h"

/* The extensions that speak of the holder. */
static const char *const asked_for[] = {
        OID_KEY_USAGE,
        OID_EXT_KEY_USAGE,
        OID_BASIC_CONSTRAINTS,
        OID_SUBJECT_ALT_NAME,
};

/* A request as it is before it asks for anything: by hand, because GnuTLS would write the name
 * anew. Its signature is none, as long as nobody has signed. */
static int request_open(const Cert *said, const Key *key, gnutls_x509_crq_t *ret, Error *reterr)
{
        static const unsigned char version[] = {0x02, 0x01, 0x00};
        static const unsigned char attributes[] = {TAG_ATTRIBUTES, 0x00};
        static const unsigned char signature[] = {
                0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x01, 0x00};
        autofree unsigned char *info = NULL, *whole = NULL;
        const Der subject = cert_field(said, CERT_FIELD_SUBJECT);
        autodatum public_key = {};
        size_t info_size, size;
        int g;

        g = key_export_public(key, GNUTLS_X509_FMT_DER, &public_key);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot read the key");
        info = der_wrap_all(DER_SEQUENCE,
                (Der[]){{version, sizeof(version)}, subject, {public_key.data, public_key.size},
                        {attributes, sizeof(attributes)}},
                4, &info_size);
        whole = der_wrap_all(
                DER_SEQUENCE, (Der[]){{info, info_size}, {signature, sizeof(signature)}}, 2, &size);
        g = gnutls_x509_crq_init(ret);
        if (g >= 0)
                g = gnutls_x509_crq_import(
                        *ret, &(gnutls_datum_t){whole, (unsigned)size}, GNUTLS_X509_FMT_DER);
        return g < 0 ? pki_error(reterr, -EIO, g, "cannot begin the request") : 0;
}

static int ask_for(gnutls_x509_crq_t request, const Cert *said, const char *oid)
{
        autodatum value = {};
        unsigned critical = 0;
        int g;

        g = gnutls_x509_crt_get_extension_by_oid2(cert_native(said), oid, 0, &value, &critical);
        if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return 0;
        return g < 0 ? g
                     : gnutls_x509_crq_set_extension_by_oid(
                               request, oid, value.data, value.size, critical);
}

static int request_sign(gnutls_x509_crq_t request, const Cert *said, const Key *key,
        gnutls_datum_t *ret, Error *reterr)
{
        gnutls_digest_algorithm_t digest = GNUTLS_DIG_UNKNOWN;
        int g = 0;

        for (size_t i = 0; i < ELEMENTSOF(asked_for) && g >= 0; i++)
                g = ask_for(request, said, asked_for[i]);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot write an extension");
        g = key_digest(key, &digest);
        if (g >= 0)
                g = gnutls_x509_crq_privkey_sign(request, key_handle(key), digest, 0);
        if (g >= 0)
                g = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_DER, ret);
        return g < 0 ? pki_error(reterr, -EIO, g, "cannot sign the request") : 0;
}

static int check_request(const char *pem, const Cert *said, Error *reterr)
{
        autoptr(Csr) csr = NULL;
        int r;

        r = csr_parse(pem, strlen(pem), &csr, reterr);
        if (r >= 0)
                r = csr_compare(csr->wanted, said, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "the new request");
        if (!cert_same_subject(csr->wanted, said))
                return error_set(reterr, -EKEYREJECTED, "the new request has another subject");
        return 0;
}

int csr_make(const Key *key, const Cert *old, const LeafIdentity *identity, char *const *extra_sans,
        char **ret_pem, Error *reterr)
{
        LeafTerms terms = {.not_after = 1, .extra_sans = extra_sans};
        autoptr(Cert) said = NULL;
        autofree char *pem = NULL;
        autodatum der = {};
        autocrq request = NULL;
        int r;

        /* 1. What is to be said, as a certificate that nobody will see. */
        if (old && old->is_ca)
                return error_set(reterr, -EOPNOTSUPP, "'%s' is a CA, not a leaf", old->subject);
        r = draft_self_sign(key, old, identity, &terms, &said, reterr);
        if (r >= 0 && old)
                r = cert_compare_identity(old, said, reterr);

        /* 2. The same as a request. */
        if (r >= 0)
                r = request_open(said, key, &request, reterr);
        if (r >= 0)
                r = request_sign(request, said, key, &der, reterr);
        if (r < 0)
                return r;

        /* 3. Prove of the PEM that it says just that. */
        pem = pem_encode("CERTIFICATE REQUEST", der.data, der.size);
        r = check_request(pem, said, reterr);
        if (r < 0)
                return r;
        *ret_pem = TAKE(pem);
        return 0;
}

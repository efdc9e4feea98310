/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/cert-native.h"

#include "pki/key-native.h"
#include "pki/pem.h"
#include "pki/san.h"

#define CERT_DER_SIZE_MAX ((size_t)1 << 20)
#define CERT_LIST_MAX     1024
#define CERT_VALUES_MAX   64                /* organizations, purposes */
#define PUBLIC_KEY_MAX    ((size_t)4 << 10) /* RSA of 16384 bits takes half of it */

#define OID_COMMON_NAME  "2.5.4.3"
#define OID_ORGANIZATION "2.5.4.10"

Cert *cert_ref(const Cert *cert)
{
        Cert *owned = (Cert *)cert;

        owned->n_more_owners++;
        return owned;
}

void cert_free(Cert *cert)
{
        if (!cert)
                return;
        if (cert->n_more_owners > 0) {
                cert->n_more_owners--;
                return;
        }
        cert_close(cert);
        san_set_free(cert->san_set);
        free(cert->der);
        free(cert->subject);
        free(cert->issuer);
        free(cert->common_name);
        free(cert->issuer_common_name);
        strv_free(cert->organizations);
        free(cert->serial);
        strv_free(cert->sans);
        free(cert->key_algorithm);
        strv_free(cert->usages);
        free(cert);
}

void cert_list_free(CertList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++)
                cert_free(list->certs[i]);
        free(list->certs);
        free(list);
}

/* Subject and issuer are read by pairs of functions of one shape. */
typedef int (*DnReader)(gnutls_x509_crt_t crt, gnutls_datum_t *ret, unsigned flags);
typedef int (*AttributeReader)(gnutls_x509_crt_t crt, const char *oid, unsigned index, unsigned raw,
        void *buffer, size_t *size);

/* An empty name has no text but is allowed (RFC 5280 4.1.2.6). */
static int read_dn(gnutls_x509_crt_t crt, DnReader reader, char **ret, Error *reterr)
{
        autodatum text = {};
        int g = reader(crt, &text, 0);

        if (g < 0 && g != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return pki_error(reterr, -EBADMSG, g, "cannot read its names");
        *ret = text_of_bytes(text.data, text.size);
        return 0;
}

/* The strings of a name that are text as they stand; T.61 is read as what it is used for, Latin or
 * UTF-8 (X.520 DirectoryString). */
static bool is_plain_string(unsigned char tag)
{
        return tag == 0x0c /* UTF8String */ || tag == 0x13 /* PrintableString */ ||
               tag == 0x14 /* T61String */ || tag == 0x16 /* IA5String */;
}

/* The index-th attribute of that type, without the escapes of RFC 4514; NULL if there are not so
 * many. What is no plain string comes as "#" and its DER in hexadecimal. */
static char *read_attribute(
        gnutls_x509_crt_t crt, AttributeReader reader, const char *oid, unsigned index)
{
        autofree unsigned char *value = NULL;
        autofree char *hex = NULL;
        DerElement string;
        size_t size = 0;
        Der rest;

        if (reader(crt, oid, index, 1, NULL, &size) != GNUTLS_E_SHORT_MEMORY_BUFFER)
                return NULL;
        value = xmalloc(size);
        if (reader(crt, oid, index, 1, value, &size) < 0)
                return NULL;
        rest = (Der){value, size};
        if (der_next(&rest, &string) && is_plain_string(string.tag))
                return text_of_bytes(string.content.data, string.content.size);
        hex = hex_of_bytes(value, size);
        return xasprintf("#%s", hex);
}

static int read_names(Cert *cert, Error *reterr)
{
        gnutls_x509_crt_t crt = cert->native;
        autodatum subject = {}, issuer = {};
        char *organization;
        int r, g;

        r = read_dn(crt, gnutls_x509_crt_get_dn3, &cert->subject, reterr);
        if (r < 0)
                return r;
        r = read_dn(crt, gnutls_x509_crt_get_issuer_dn3, &cert->issuer, reterr);
        if (r < 0)
                return r;
        cert->common_name = read_attribute(crt, gnutls_x509_crt_get_dn_by_oid, OID_COMMON_NAME, 0);
        cert->issuer_common_name =
                read_attribute(crt, gnutls_x509_crt_get_issuer_dn_by_oid, OID_COMMON_NAME, 0);
        for (unsigned i = 0; i < CERT_VALUES_MAX; i++) {
                organization =
                        read_attribute(crt, gnutls_x509_crt_get_dn_by_oid, OID_ORGANIZATION, i);
                if (!organization)
                        break;
                strv_take(&cert->organizations, organization);
        }

        g = gnutls_x509_crt_get_raw_dn(crt, &subject);
        if (g >= 0)
                g = gnutls_x509_crt_get_raw_issuer_dn(crt, &issuer);
        if (g < 0)
                return pki_error(reterr, -EBADMSG, g, "cannot read its names");
        cert->is_self_issued =
                der_equal((Der){subject.data, subject.size}, (Der){issuer.data, issuer.size});
        return 0;
}

/* Leading zero octets only say that the number is positive. */
static int read_serial_and_dates(Cert *cert, Error *reterr)
{
        unsigned char serial[128];
        size_t size = sizeof(serial), skip = 0;
        int g;

        g = gnutls_x509_crt_get_serial(cert->native, serial, &size);
        if (g < 0)
                return pki_error(reterr, -EBADMSG, g, "cannot read its serial number");
        while (skip + 1 < size && serial[skip] == 0)
                skip++;
        cert->serial = hex_of_bytes(serial + skip, size - skip);

        cert->not_before = gnutls_x509_crt_get_activation_time(cert->native);
        cert->not_after = gnutls_x509_crt_get_expiration_time(cert->native);
        if (cert->not_before == -1 || cert->not_after == -1)
                return error_set(reterr, -EBADMSG, "cannot read its dates");
        return 0;
}

static int read_sans(Cert *cert, Error *reterr)
{
        int r;

        r = san_set_read(cert->native, &cert->san_set, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < cert->san_set->n; i++)
                strv_take(&cert->sans, san_text(&cert->san_set->names[i]));
        return 0;
}

static const struct {
        const char *oid, *name;
        CertUsage usage;
} purposes[] = {
        {GNUTLS_KP_TLS_WWW_SERVER, "server auth", CERT_USAGE_SERVER},
        {GNUTLS_KP_TLS_WWW_CLIENT, "client auth", CERT_USAGE_CLIENT},
};

static void add_purpose(Cert *cert, const char *oid)
{
        for (size_t i = 0; i < ELEMENTSOF(purposes); i++) {
                if (!streq(purposes[i].oid, oid))
                        continue;
                cert->usage |= purposes[i].usage;
                strv_add(&cert->usages, purposes[i].name);
                return;
        }
        cert->usage |= CERT_USAGE_OTHER;
        strv_add(&cert->usages, oid);
}

char **cert_usage_names(unsigned usage)
{
        char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(purposes); i++)
                if (usage & purposes[i].usage)
                        strv_add(&names, purposes[i].name);
        return names;
}

static int read_usages(Cert *cert, Error *reterr)
{
        char oid[256];
        size_t size;
        int g = 0;

        for (unsigned i = 0; g >= 0 && i <= CERT_VALUES_MAX; i++) {
                size = sizeof(oid);
                g = gnutls_x509_crt_get_key_purpose_oid(cert->native, i, oid, &size, NULL);
                if (g >= 0)
                        add_purpose(cert, oid);
        }
        if (g != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
                return pki_error(reterr, -EBADMSG, g, "cannot read its extended key usage");
        cert->is_ca = gnutls_x509_crt_get_ca_status(cert->native, NULL) > 0;
        return 0;
}

/* Of the SubjectPublicKeyInfo, the fifth SEQUENCE of a TBSCertificate (RFC 5280 4.1). */
static size_t public_key_size(Der certificate)
{
        DerElement signed_part, field;
        unsigned n = 0;

        if (!der_next(&certificate, &signed_part))
                return 0;
        while (n < 5 && der_next(&signed_part.content, &field))
                n += field.tag == DER_SEQUENCE;
        return n < 5 ? 0 : field.content.size;
}

/* What has a key of a million bits would take days to verify. */
static int import(Cert *cert, Error *reterr)
{
        Der rest = {cert->der, cert->der_size};
        DerElement whole;
        int g;

        if (cert->der_size > CERT_DER_SIZE_MAX || !der_next(&rest, &whole) || rest.size > 0 ||
                whole.tag != DER_SEQUENCE)
                return error_set(reterr, -EBADMSG, "not a certificate");
        if (public_key_size(whole.content) > PUBLIC_KEY_MAX)
                return error_set(reterr, -EBADMSG, "its public key is too large");
        g = gnutls_x509_crt_init(&cert->native);
        if (g >= 0)
                g = gnutls_x509_crt_import(cert->native,
                        &(gnutls_datum_t){cert->der, (unsigned)cert->der_size},
                        GNUTLS_X509_FMT_DER);
        if (g < 0)
                return pki_error(reterr, -EBADMSG, g, "not a certificate");
        return 0;
}

/* What is asked of many certificates, and so must be known without opening them again. */
static int read_key(Cert *cert, Error *reterr)
{
        size_t size = sizeof(cert->key_id.bytes);

        (void)reterr;
        cert->public_algorithm = gnutls_x509_crt_get_pk_algorithm(cert->native, &cert->public_bits);
        cert->signature_algorithm = gnutls_x509_crt_get_signature_algorithm(cert->native);
        cert->has_key_id = gnutls_x509_crt_get_key_id(cert->native, GNUTLS_KEYID_USE_SHA256,
                                   cert->key_id.bytes, &size) >= 0;
        cert->key_algorithm = key_algorithm_of_cert(cert);
        return 0;
}

int cert_parse_der(const void *der, size_t size, Cert **ret, Error *reterr)
{
        static int (*const readers[])(Cert *, Error *) = {
                import, read_names, read_serial_and_dates, read_sans, read_usages, read_key};
        autoptr(Cert) cert = xcalloc(1, sizeof(*cert));
        int r;

        pki_init();
        cert->der = xmemdup(der, size);
        cert->der_size = size;
        cert->sha256 = digest_of(der, size);
        for (size_t i = 0; i < ELEMENTSOF(readers); i++) {
                r = readers[i](cert, reterr);
                if (r < 0)
                        return r;
        }
        cert_close(cert);
        *ret = TAKE(cert);
        return 0;
}

static int parse_block(const PemBlock *block, Cert **ret, Error *reterr)
{
        autofree unsigned char *der = NULL;
        size_t size;

        if (!block->complete)
                return error_set(reterr, -EBADMSG, "cut off, it has no END line");
        if (pem_decode(block, &der, &size) < 0)
                return error_set(reterr, -EBADMSG, "not base64");
        return cert_parse_der(der, size, ret, reterr);
}

int cert_list_parse(const void *pem, size_t size, CertList **ret, Error *reterr)
{
        autoptr(CertList) list = xcalloc(1, sizeof(*list));
        PemText rest = {pem, size};
        PemBlock block;
        int r;

        while (pem_next(&rest, &block)) {
                autoptr(Cert) cert = NULL;

                if (!pem_is(&block, "CERTIFICATE"))
                        continue;
                if (list->n == CERT_LIST_MAX)
                        return error_set(
                                reterr, -E2BIG, "more than %d certificates", CERT_LIST_MAX);
                r = parse_block(&block, &cert, reterr);
                if (r < 0)
                        return error_prefix(reterr, r, "certificate %zu", list->n + 1);
                list->certs = xreallocarray(list->certs, list->n + 1, sizeof(Cert *));
                list->certs[list->n++] = TAKE(cert);
        }
        if (list->n == 0)
                return error_set(reterr, -ENODATA, "no PEM certificate in it: %s",
                        pem_describe_garbage(pem, size));
        *ret = TAKE(list);
        return 0;
}

char *cert_to_pem(const Cert *cert)
{
        return pem_encode("CERTIFICATE", cert->der, cert->der_size);
}

bool cert_equal(const Cert *a, const Cert *b)
{
        return der_equal((Der){a->der, a->der_size}, (Der){b->der, b->der_size});
}

bool cert_list_contains(const CertList *list, const Cert *cert)
{
        for (size_t i = 0; i < list->n; i++)
                if (cert_equal(list->certs[i], cert))
                        return true;
        return false;
}

bool cert_list_equal(const CertList *a, const CertList *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!cert_equal(a->certs[i], b->certs[i]))
                        return false;
        return true;
}

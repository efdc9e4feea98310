/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/ca-native.h"

#include "base/memory.h"
#include "pki/san.h"

#include <gnutls/crypto.h>

#define SERIAL_SIZE     16
#define KEY_ID_SIZE_MAX 64
#define TAG_OCTETS      0x04
#define TAG_KEY_ID      0x80 /* [0] of AuthorityKeyIdentifier, RFC 5280 4.2.1.1 */

#define TAG_UTC_TIME         0x17
#define TAG_GENERALIZED_TIME 0x18
#define YEAR_2050            ((int64_t)2524608000)

static Der between(const unsigned char *from, const unsigned char *to)
{
        return (Der){from, (size_t)(to - from)};
}

static const unsigned char *end_of(Der der)
{
        return der.data + der.size;
}

/* The certificate with something else in one field; NULL if it has none of that number. Its
 * signature is wrong then; nobody asks a draft. */
static unsigned char *with_field(Der cert, CertField field, Der value, size_t *ret_size)
{
        autofree unsigned char *part = NULL;
        DerElement signed_part, old;
        size_t size;

        if (!cert_find_field(cert, field, &signed_part, &old))
                return NULL;
        part = der_wrap_all(DER_SEQUENCE,
                (Der[]){between(signed_part.content.data, old.whole.data), value,
                        between(end_of(old.whole), end_of(signed_part.content))},
                3, &size);
        return der_wrap_all(DER_SEQUENCE,
                (Der[]){{part, size}, between(end_of(signed_part.whole), end_of(cert))}, 2,
                ret_size);
}

/* gnutls_x509_crt_set_key() cannot do that: it fails where the old key's algorithm has no
 * parameters and the new one's has some, so from Ed25519 to RSA. */
static unsigned char *with_public_key(Der cert, const Key *key, size_t *ret_size)
{
        autodatum public_key = {};

        if (key_export_public(key, GNUTLS_X509_FMT_DER, &public_key) < 0)
                return NULL;
        return with_field(
                cert, CERT_FIELD_PUBLIC_KEY, (Der){public_key.data, public_key.size}, ret_size);
}

/* Dates up to 2049 have two digits for the year, later ones four (RFC 5280 4.1.2.5). */
static unsigned char *write_time(int64_t t, size_t *ret_size)
{
        bool is_late = t >= YEAR_2050;
        time_t seconds = (time_t)t;
        char text[32] = "";
        const char *from = is_late ? text : text + 2;
        struct tm tm;

        if (gmtime_r(&seconds, &tm))
                strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
        return der_wrap(is_late ? TAG_GENERALIZED_TIME : TAG_UTC_TIME,
                (Der){(const unsigned char *)from, strlen(from)}, ret_size);
}

/* GnuTLS writes a date over one of the same kind only, so never from 2049 to 2050. */
static unsigned char *with_dates(Der cert, int64_t not_before, int64_t not_after, size_t *ret_size)
{
        autofree unsigned char *begin = NULL, *end = NULL, *validity = NULL;
        size_t begin_size, end_size, size;

        begin = write_time(not_before, &begin_size);
        end = write_time(not_after, &end_size);
        validity =
                der_wrap_all(DER_SEQUENCE, (Der[]){{begin, begin_size}, {end, end_size}}, 2, &size);
        return with_field(cert, CERT_FIELD_VALIDITY, (Der){validity, size}, ret_size);
}

int draft_open(const Cert *cert, const Key *key, int64_t not_before, int64_t not_after,
        gnutls_x509_crt_t *ret, Error *reterr)
{
        autofree unsigned char *dated = NULL, *changed = NULL;
        size_t size = 0, changed_size = 0;
        int g = GNUTLS_E_ASN1_DER_ERROR;

        pki_init();
        dated = with_dates((Der){cert->der, cert->der_size}, not_before, not_after, &size);
        if (dated && key)
                changed = with_public_key((Der){dated, size}, key, &changed_size);
        const gnutls_datum_t der = {key ? changed : dated, (unsigned)(key ? changed_size : size)};
        if (der.data)
                g = gnutls_x509_crt_init(ret);
        if (g >= 0)
                g = gnutls_x509_crt_import(*ret, &der, GNUTLS_X509_FMT_DER);
        return g < 0 ? pki_error(reterr, -EBADMSG, g, "cannot open the old certificate") : 0;
}

bool draft_has_extension(gnutls_x509_crt_t draft, const char *oid)
{
        size_t size = 0;

        return gnutls_x509_crt_get_extension_by_oid(draft, oid, 0, NULL, &size, NULL) !=
               GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

/* 126 random bits: positive and of the same length every time, so never 0 (RFC 5280 4.1.2.2). */
static int make_serial(unsigned char serial[SERIAL_SIZE])
{
        int g = gnutls_rnd(GNUTLS_RND_RANDOM, serial, SERIAL_SIZE);

        serial[0] = (serial[0] & 0x3f) | 0x40;
        return g;
}

int draft_set_serial_and_dates(
        gnutls_x509_crt_t draft, int64_t not_before, int64_t not_after, Error *reterr)
{
        unsigned char serial[SERIAL_SIZE];
        int g;

        g = make_serial(serial);
        if (g >= 0)
                g = gnutls_x509_crt_set_version(draft, 3);
        if (g >= 0)
                g = gnutls_x509_crt_set_serial(draft, serial, sizeof(serial));
        if (g >= 0)
                g = gnutls_x509_crt_set_activation_time(draft, (time_t)not_before);
        if (g >= 0)
                g = gnutls_x509_crt_set_expiration_time(draft, (time_t)not_after);
        return g < 0 ? pki_error(reterr, -EIO, g, "cannot write serial number and dates") : 0;
}

int draft_set_basics(gnutls_x509_crt_t draft, const Key *key, int64_t not_before, int64_t not_after,
        Error *reterr)
{
        int r, g;

        r = draft_set_serial_and_dates(draft, not_before, not_after, reterr);
        if (r < 0)
                return r;
        g = gnutls_x509_crt_set_key(draft, key_native(key));
        return g < 0 ? pki_error(reterr, -EIO, g, "cannot write the key") : 0;
}

static int set_extension(
        gnutls_x509_crt_t draft, const char *oid, Der value, bool critical, Error *reterr)
{
        int g = gnutls_x509_crt_set_extension_by_oid(
                draft, oid, value.data, value.size, critical ? 1 : 0);

        return g < 0 ? pki_error(reterr, -EIO, g, "cannot write an extension") : 0;
}

int draft_set_subject_key_id(gnutls_x509_crt_t draft, Error *reterr)
{
        unsigned char id[KEY_ID_SIZE_MAX];
        autofree unsigned char *value = NULL;
        size_t size = sizeof(id);
        int g;

        g = gnutls_x509_crt_get_key_id(draft, 0, id, &size);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot compute the key identifier");
        value = der_wrap(TAG_OCTETS, (Der){id, size}, &size);
        return set_extension(draft, OID_SUBJECT_KEY_ID, (Der){value, size}, false, reterr);
}

int draft_set_authority_key_id(gnutls_x509_crt_t draft, gnutls_x509_crt_t signer, Error *reterr)
{
        unsigned char id[KEY_ID_SIZE_MAX];
        autofree unsigned char *inner = NULL, *value = NULL;
        size_t size = sizeof(id);
        int g;

        g = gnutls_x509_crt_get_subject_key_id(signer, id, &size, NULL);
        if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
                size = sizeof(id);
                g = gnutls_x509_crt_get_key_id(signer, 0, id, &size);
        }
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot read the CA's key identifier");
        inner = der_wrap(TAG_KEY_ID, (Der){id, size}, &size);
        value = der_wrap(DER_SEQUENCE, (Der){inner, size}, &size);
        return set_extension(draft, OID_AUTHORITY_KEY_ID, (Der){value, size}, false, reterr);
}

int draft_add_sans(gnutls_x509_crt_t draft, char *const *sans, Error *reterr)
{
        autofree unsigned char *value = NULL;
        autoptr(SanSet) set = NULL;
        autostrv added = NULL;
        size_t size;
        int r;

        r = san_set_read(draft, &set, reterr);
        if (r < 0)
                return r;
        for (; sans && *sans; sans++) {
                autofree char *normal = NULL;

                r = san_normalize(*sans, &normal, reterr);
                if (r < 0)
                        return r;
                if (!san_set_has(set, normal) && !strv_contains(added, normal))
                        strv_take(&added, TAKE(normal));
        }
        if (!added)
                return 0;
        value = san_set_extend(set, added, &size);
        return set_extension(
                draft, OID_SUBJECT_ALT_NAME, (Der){value, size}, set->critical, reterr);
}

int draft_check_sans(const Cert *cert, char *const *sans, Error *reterr)
{
        for (; sans && *sans; sans++)
                if (!cert_has_san(cert, *sans))
                        return error_set(reterr, -EKEYREJECTED,
                                "the new certificate lacks the SAN '%s'", *sans);
        return 0;
}

static int sign(gnutls_x509_crt_t draft, gnutls_x509_crt_t issuer, const Key *signing_key)
{
        gnutls_digest_algorithm_t digest = GNUTLS_DIG_UNKNOWN;
        int g = key_digest(signing_key, &digest);

        if (g >= 0)
                g = gnutls_x509_crt_privkey_sign(draft, issuer, key_handle(signing_key), digest, 0);
        return g;
}

int draft_sign(gnutls_x509_crt_t draft, gnutls_x509_crt_t issuer, const Key *signing_key,
        Cert **ret, Error *reterr)
{
        autodatum der = {};
        int g;

        if (!signing_key)
                return error_set(reterr, -ENOKEY, "the key of the CA is not open");
        g = sign(draft, issuer, signing_key);
        memory_wipe_stack();
        if (g >= 0)
                g = gnutls_x509_crt_export2(draft, GNUTLS_X509_FMT_DER, &der);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot sign the certificate");
        return cert_parse_der(der.data, der.size, ret, reterr);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/csr-native.h"

#include "pki/key-native.h"
#include "pki/pem.h"
#include "pki/san.h"

#define CSR_TEXT_MAX   ((size_t)256 << 10)
#define CSR_DER_MAX    ((size_t)64 << 10)
#define PUBLIC_KEY_MAX ((size_t)4 << 10) /* as of a certificate: see cert.c */

#define TAG_EXTENSIONS 0xa3 /* [3] of TBSCertificate, RFC 5280 4.1 */

/* What a request says. */
typedef struct Said {
        Der subject, public_key; /* whole elements */
        Der extensions;          /* inside of their SEQUENCE; may be none */
} Said;

void csr_free(Csr *csr)
{
        if (!csr)
                return;
        free(csr->der);
        cert_free(csr->wanted);
        strv_free(csr->key_usages);
        free(csr);
}

static bool next_is(Der *rest, unsigned char tag, DerElement *ret)
{
        return der_next(rest, ret) && ret->tag == tag;
}

static bool is_last(Der rest)
{
        return rest.size == 0;
}

/* One attribute of a request; true also for those that nobody here asks about. */
static bool read_attribute(Der attribute, Der *ret_extensions)
{
        DerElement type, values, extensions;

        if (!der_next(&attribute, &type) || !next_is(&attribute, TAG_SET, &values))
                return false;
        if (!der_equal(type.whole, der_extension_request()))
                return true;
        if (ret_extensions->data || !next_is(&values.content, DER_SEQUENCE, &extensions) ||
                !is_last(values.content))
                return false;
        *ret_extensions = extensions.content;
        return true;
}

/* CertificationRequest of RFC 2986 4.2; `ret_info` is the part that is signed, `ret_signature` the
 * algorithm and what comes after it. */
static bool read_request(Der request, Said *ret, Der *ret_info, Der *ret_signature)
{
        DerElement whole, info, version, subject, public_key, attributes, attribute;
        Said said = {};

        if (!next_is(&request, DER_SEQUENCE, &whole) || !is_last(request) ||
                !next_is(&whole.content, DER_SEQUENCE, &info))
                return false;
        *ret_info = info.whole;
        *ret_signature = whole.content;
        if (!der_next(&info.content, &version) || !next_is(&info.content, DER_SEQUENCE, &subject) ||
                !next_is(&info.content, DER_SEQUENCE, &public_key) ||
                !next_is(&info.content, TAG_ATTRIBUTES, &attributes))
                return false;
        while (next_is(&attributes.content, DER_SEQUENCE, &attribute))
                if (!read_attribute(attribute.content, &said.extensions))
                        return false;
        said.subject = subject.whole;
        said.public_key = public_key.whole;
        *ret = said;
        return is_last(attributes.content) && public_key.whole.size <= PUBLIC_KEY_MAX;
}

/* A certificate that says what the request asks for, as nobody would sign it. */
static int as_cert(const Said *said, Der signature, Cert **ret, Error *reterr)
{
        static const unsigned char version[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
        static const unsigned char serial[] = {0x02, 0x01, 0x01};
        static const unsigned char dates[] = "\x30\x1e\x17\x0d"
                                             "700101000000Z\x17\x0d"
                                             "700101000000Z";
        autofree unsigned char *inner = NULL, *extensions = NULL, *part = NULL, *whole = NULL;
        size_t inner_size, extensions_size = 0, part_size, size;
        Der after = signature;
        DerElement algorithm;

        if (!der_next(&after, &algorithm))
                return error_set(reterr, -EBADMSG, "the request has no signature");
        if (said->extensions.size > 0) {
                inner = der_wrap(DER_SEQUENCE, said->extensions, &inner_size);
                extensions = der_wrap(TAG_EXTENSIONS, (Der){inner, inner_size}, &extensions_size);
        }
        part = der_wrap_all(DER_SEQUENCE,
                (Der[]){{version, sizeof(version)}, {serial, sizeof(serial)}, algorithm.whole,
                        said->subject, {dates, sizeof(dates) - 1}, said->subject, said->public_key,
                        {extensions, extensions_size}},
                8, &part_size);
        whole = der_wrap_all(DER_SEQUENCE, (Der[]){{part, part_size}, signature}, 2, &size);
        return cert_parse_der(whole, size, ret, reterr);
}

static const struct {
        unsigned bit;
        const char *name;
} key_usage_names[] = {
        {GNUTLS_KEY_DIGITAL_SIGNATURE, "digital signature"},
        {GNUTLS_KEY_NON_REPUDIATION, "content commitment"},
        {GNUTLS_KEY_KEY_ENCIPHERMENT, "key encipherment"},
        {GNUTLS_KEY_DATA_ENCIPHERMENT, "data encipherment"},
        {GNUTLS_KEY_KEY_AGREEMENT, "key agreement"},
        {GNUTLS_KEY_KEY_CERT_SIGN, "cert sign"},
        {GNUTLS_KEY_CRL_SIGN, "crl sign"},
        {GNUTLS_KEY_ENCIPHER_ONLY, "encipher only"},
        {GNUTLS_KEY_DECIPHER_ONLY, "decipher only"},
};

unsigned cert_key_usage(const Cert *cert)
{
        unsigned usage = 0;

        return gnutls_x509_crt_get_key_usage(cert_native(cert), &usage, NULL) < 0 ? 0 : usage;
}

static char **read_key_usages(const Cert *cert)
{
        unsigned usage = cert_key_usage(cert);
        char **names = NULL;

        for (size_t i = 0; i < ELEMENTSOF(key_usage_names); i++)
                if (usage & key_usage_names[i].bit)
                        strv_add(&names, key_usage_names[i].name);
        return names;
}

static int import(Der der, gnutls_x509_crq_t *ret, Error *reterr)
{
        int g;

        pki_init();
        g = gnutls_x509_crq_init(ret);
        if (g >= 0)
                g = gnutls_x509_crq_import(*ret,
                        &(gnutls_datum_t){(unsigned char *)der.data, (unsigned)der.size},
                        GNUTLS_X509_FMT_DER);
        return g < 0 ? pki_error(reterr, -EBADMSG, g, "not a certificate signing request") : 0;
}

/* 1. GnuTLS finds it well formed, and signed by its key. 2. We find what it says. */
static int parse_der(Csr *csr, Error *reterr)
{
        Der der = {csr->der, csr->der_size}, info, signature;
        autocrq native = NULL;
        Said said;
        int r, g;

        if (der.size > CSR_DER_MAX || !read_request(der, &said, &info, &signature))
                return error_set(reterr, -EBADMSG, "not a certificate signing request");
        r = import(der, &native, reterr);
        if (r < 0)
                return r;
        g = gnutls_x509_crq_verify(native, 0);
        if (g < 0)
                return pki_error(reterr, -EKEYREJECTED, g,
                        "the certificate signing request is not signed by its own key");

        r = as_cert(&said, signature, &csr->wanted, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "the certificate signing request");
        csr->key_usages = read_key_usages(csr->wanted);
        csr->public_key = digest_of(said.public_key.data, said.public_key.size);
        return 0;
}

static int find_block(PemText rest, PemBlock *ret, Error *reterr)
{
        PemText text = rest;
        PemBlock block;
        size_t n = 0;

        while (pem_next(&rest, &block)) {
                if (!pem_is(&block, "CERTIFICATE REQUEST") &&
                        !pem_is(&block, "NEW CERTIFICATE REQUEST"))
                        continue;
                *ret = block;
                n++;
        }
        if (n == 0)
                return error_set(reterr, -ENODATA, "no PEM certificate signing request in it: %s",
                        pem_describe_garbage(text.data, text.size));
        if (n > 1)
                return error_set(reterr, -ENOTUNIQ,
                        "%zu certificate signing requests where one is expected", n);
        return 0;
}

int csr_parse(const void *pem, size_t size, Csr **ret, Error *reterr)
{
        autoptr(Csr) csr = NULL;
        PemBlock block;
        int r;

        if (size > CSR_TEXT_MAX)
                return error_set(reterr, -EBADMSG, "too large for a certificate signing request");
        r = find_block((PemText){pem, size}, &block, reterr);
        if (r < 0)
                return r;
        if (!block.complete)
                return error_set(reterr, -EBADMSG,
                        "the certificate signing request is cut off, it has no END line");
        csr = xcalloc(1, sizeof(*csr));
        if (pem_decode(&block, &csr->der, &csr->der_size) < 0)
                return error_set(reterr, -EBADMSG, "the certificate signing request is not base64");
        r = parse_der(csr, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(csr);
        return 0;
}

static Der signed_part(const Csr *csr)
{
        Der info = {}, signature;
        Said said;

        (void)read_request((Der){csr->der, csr->der_size}, &said, &info, &signature);
        return info;
}

bool csr_equal(const Csr *a, const Csr *b)
{
        return der_equal(signed_part(a), signed_part(b));
}

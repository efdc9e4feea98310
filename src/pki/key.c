/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/key-native.h"

#include "base/memory.h"
#include "pki/der.h"
#include "pki/pem.h"

#include <strings.h>

#define KEY_TEXT_MAX ((size_t)4 << 20)
#define KEY_DER_MAX  ((size_t)16 << 10) /* RSA of 16384 bits; with more it takes minutes to sign */

/* GnuTLS knows one curve of each size, and counts its bits in whole bytes. */
static const struct KindInfo {
        const char *name;
        gnutls_pk_algorithm_t algorithm;
        unsigned bits;
} kinds[] = {
        [KEY_KIND_RSA_2048] = {"RSA-2048", GNUTLS_PK_RSA, 2048},
        [KEY_KIND_RSA_3072] = {"RSA-3072", GNUTLS_PK_RSA, 3072},
        [KEY_KIND_RSA_4096] = {"RSA-4096", GNUTLS_PK_RSA, 4096},
        [KEY_KIND_ECDSA_P256] = {"ECDSA-P256", GNUTLS_PK_ECDSA, 256},
        [KEY_KIND_ECDSA_P384] = {"ECDSA-P384", GNUTLS_PK_ECDSA, 384},
        [KEY_KIND_ECDSA_P521] = {"ECDSA-P521", GNUTLS_PK_ECDSA, 528},
        [KEY_KIND_ED25519] = {"Ed25519", GNUTLS_PK_EDDSA_ED25519, 256},
};

/* algorithm 0: every one. */
static const struct FormatInfo {
        const char *label;
        gnutls_pk_algorithm_t algorithm;
} formats[] = {
        [KEY_FORMAT_PKCS8] = {"PRIVATE KEY", 0},
        [KEY_FORMAT_PKCS1] = {"RSA PRIVATE KEY", GNUTLS_PK_RSA},
        [KEY_FORMAT_SEC1] = {"EC PRIVATE KEY", GNUTLS_PK_ECDSA},
};

static KeyKind kind_of(int algorithm, unsigned bits)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (kinds[i].name && (int)kinds[i].algorithm == algorithm && kinds[i].bits == bits)
                        return (KeyKind)i;
        return KEY_KIND_OTHER;
}

const char *key_kind_name(KeyKind kind)
{
        if ((size_t)kind < ELEMENTSOF(kinds) && kinds[kind].name)
                return kinds[kind].name;
        return kind == KEY_KIND_NONE ? "none" : "other";
}

KeyKind key_kind_parse(const char *name)
{
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (kinds[i].name && strcasecmp(kinds[i].name, name) == 0)
                        return (KeyKind)i;
        return KEY_KIND_NONE;
}

int key_kind_read(const char *name, KeyKind *ret, Error *reterr)
{
        KeyKind kind = key_kind_parse(name);

        if (kind == KEY_KIND_NONE || kind == KEY_KIND_OTHER)
                return error_set(reterr, -EINVAL,
                        "'%s' is no key algorithm; use RSA-2048, RSA-3072, RSA-4096, ECDSA-P256, "
                        "ECDSA-P384, ECDSA-P521 or Ed25519",
                        name);
        *ret = kind;
        return 0;
}

KeyKind key_kind_of_cert(const Cert *cert)
{
        return kind_of(cert->public_algorithm, cert->public_bits);
}

char *key_algorithm_of_cert(const Cert *cert)
{
        int algorithm = cert->public_algorithm;
        unsigned bits = cert->public_bits;
        KeyKind kind = kind_of(algorithm, bits);
        const char *name = NULL;

        if (kind != KEY_KIND_OTHER)
                return xstrdup(key_kind_name(kind));
        if (algorithm == GNUTLS_PK_ECDSA)
                return xasprintf("ECDSA-P%u", bits);
        if (algorithm > 0)
                name = gnutls_pk_get_name((gnutls_pk_algorithm_t)algorithm);
        return name ? xasprintf("%s-%u", name, bits) : xstrdup("unknown");
}

void key_close(const Key *key)
{
        Key *open = (Key *)key;

        if (open->handle)
                gnutls_privkey_deinit(TAKE(open->handle));
        if (open->native)
                gnutls_x509_privkey_deinit(TAKE(open->native));
}

void key_login_free(KeyLogin *login)
{
        if (!login)
                return;
        secret_free(login->pin);
        free(login->token);
        free(login);
}

void key_free(Key *key)
{
        if (!key)
                return;
        key_close(key);
        secret_free(key->der);
        key_login_free(key->login);
        free(key);
}

static int import_der(gnutls_x509_privkey_t native, const gnutls_datum_t *der, bool is_pkcs8)
{
        return is_pkcs8 ? gnutls_x509_privkey_import_pkcs8(
                                  native, der, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN)
                        : gnutls_x509_privkey_import(native, der, GNUTLS_X509_FMT_DER);
}

/* It was read before, so it can be read. */
gnutls_x509_privkey_t key_native(const Key *key)
{
        if (!key->native && key->der) {
                const gnutls_datum_t der = {key->der->data, (unsigned)key->der->size};

                if (gnutls_x509_privkey_init(&((Key *)key)->native) < 0 ||
                        import_der(key->native, &der, key->is_pkcs8) < 0)
                        xcheck(NULL);
        }
        return key->native;
}

gnutls_privkey_t key_handle(const Key *key)
{
        if (!key->handle &&
                (gnutls_privkey_init(&((Key *)key)->handle) < 0 ||
                        gnutls_privkey_import_x509(key->handle, key_native(key), 0) < 0))
                xcheck(NULL);
        return key->handle;
}

static int key_new(Key **ret, Error *reterr)
{
        autoptr(Key) key = xcalloc(1, sizeof(*key));
        int g;

        pki_init();
        g = gnutls_x509_privkey_init(&key->native);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot hold a key");
        *ret = TAKE(key);
        return 0;
}

static int key_algorithm(const Key *key, unsigned *ret_bits)
{
        return gnutls_x509_privkey_get_pk_algorithm2(key_native(key), ret_bits);
}

/* What is asked of many keys, and so must be known without opening them again. */
static void learn(Key *key)
{
        size_t size = sizeof(key->id.bytes);

        key->has_id = gnutls_x509_privkey_get_key_id(
                              key->native, GNUTLS_KEYID_USE_SHA256, key->id.bytes, &size) >= 0;
}

static bool is_odd_and_more_than_1(const gnutls_datum_t *number)
{
        const unsigned char *data = number->data;
        size_t size = number->size;

        for (; size > 0 && *data == 0; size--)
                data++;
        return size > 0 && (data[size - 1] & 1) && (size > 1 || *data > 1);
}

/* GnuTLS computes modulo these numbers as they are, and GMP ends a process that divides by 0. */
static int check_divisors(const Key *key)
{
        autodatum modulus = {}, p = {}, q = {};
        int g;

        g = gnutls_x509_privkey_export_rsa_raw2(
                key->native, &modulus, NULL, NULL, &p, &q, NULL, NULL, NULL);
        if (g >= 0 && !(is_odd_and_more_than_1(&modulus) && is_odd_and_more_than_1(&p) &&
                              is_odd_and_more_than_1(&q)))
                g = GNUTLS_E_PK_INVALID_PRIVKEY;
        return g;
}

/* A public half of another key would come to light only at the first handshake. What nobody here
 * issues need only be read. */
static int check_parts(const Key *key, int algorithm)
{
        bool is_rsa = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;
        int g = is_rsa ? check_divisors(key) : 0;

        if (g >= 0 &&
                (is_rsa || algorithm == GNUTLS_PK_ECDSA || algorithm == GNUTLS_PK_EDDSA_ED25519))
                g = gnutls_x509_privkey_verify_params(key->native);
        return g;
}

/* A version, and then the SEQUENCE that names the algorithm (RFC 5958): PKCS#1 has a number there
 * and SEC1 the key. */
static bool looks_like_pkcs8(const gnutls_datum_t *der)
{
        Der rest = {der->data, der->size};
        DerElement whole, version, next;

        return der_next(&rest, &whole) && der_next(&whole.content, &version) &&
               der_next(&whole.content, &next) && next.tag == DER_SEQUENCE;
}

/* 1. The DER must be what the label says, or PKCS#8, which Kubernetes takes under any label. 2. The
 * parts of the key must belong together. */
static int import(Key *key, const gnutls_datum_t *der, Error *reterr)
{
        unsigned bits = 0;
        int g, algorithm;

        if (der->size > KEY_DER_MAX)
                return error_set(reterr, -EBADMSG, "too large for a private key");
        key->is_pkcs8 = key->format == KEY_FORMAT_PKCS8 || looks_like_pkcs8(der);
        g = import_der(key->native, der, key->is_pkcs8);
        if (g < 0)
                return pki_error(reterr, -EBADMSG, g, "the private key does not parse");

        algorithm = key_algorithm(key, &bits);
        if (formats[key->format].algorithm && (int)formats[key->format].algorithm != algorithm)
                return error_set(reterr, -EBADMSG, "the block '%s' holds another kind of key",
                        formats[key->format].label);
        g = check_parts(key, algorithm);
        if (g < 0)
                return pki_error(reterr, -EBADMSG, g, "the private key is damaged");
        key->kind = kind_of(algorithm, bits);
        learn(key);
        return 0;
}

static int parse_block(const PemBlock *block, Key **ret, Error *reterr)
{
        static const char encrypted[] = "ENCRYPTED";
        autofree unsigned char *der = NULL;
        autoptr(Key) key = NULL;
        size_t size, format = 0;
        int r;

        if (!block->complete)
                return error_set(
                        reterr, -EBADMSG, "the private key is cut off, it has no END line");
        if (pem_is(block, "ENCRYPTED PRIVATE KEY") ||
                memmem(block->body.data, block->body.size, encrypted, strlen(encrypted)))
                return error_set(reterr, -EKEYREJECTED, "the private key is encrypted");
        while (format < ELEMENTSOF(formats) && !pem_is(block, formats[format].label))
                format++;
        if (format == ELEMENTSOF(formats))
                return error_set(reterr, -EBADMSG, "'%.*s' is no form of key that is known here",
                        (int)block->label.size, block->label.data);
        if (pem_decode(block, &der, &size) < 0)
                return error_set(reterr, -EBADMSG, "the private key is not base64");

        r = key_new(&key, reterr);
        if (r >= 0) {
                key->format = (KeyFormat)format;
                r = import(key, &(gnutls_datum_t){der, (unsigned)size}, reterr);
                key->der = secret_new(der, size);
                key_close(key);
        }
        explicit_bzero(der, size);
        if (r < 0)
                return r;
        *ret = TAKE(key);
        return 0;
}

int key_parse(const void *pem, size_t size, Key **ret, Error *reterr)
{
        PemText rest = {pem, size};
        PemBlock block, found;
        size_t n = 0;
        int r;

        if (size > KEY_TEXT_MAX)
                return error_set(reterr, -EBADMSG, "too large for a private key");
        while (pem_next(&rest, &block)) {
                if (!pem_is_private_key(&block))
                        continue;
                found = block;
                n++;
        }
        if (n == 0)
                return error_set(reterr, -ENODATA, "no PEM private key in it: %s",
                        pem_describe_garbage(pem, size));
        if (n > 1)
                return error_set(reterr, -ENOTUNIQ, "%zu private keys where one is expected", n);
        r = parse_block(&found, ret, reterr);
        memory_wipe_stack();
        return r;
}

int key_generate(KeyKind kind, Key **ret, Error *reterr)
{
        autoptr(Key) key = NULL;
        int r, g;

        if ((size_t)kind >= ELEMENTSOF(kinds) || !kinds[kind].name)
                return error_set(
                        reterr, -ENOTSUP, "no keys of kind '%s' are made", key_kind_name(kind));
        r = key_new(&key, reterr);
        if (r < 0)
                return r;
        g = gnutls_x509_privkey_generate(key->native, kinds[kind].algorithm, kinds[kind].bits, 0);
        if (g >= 0)
                learn(key);
        memory_wipe_stack();
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot generate a key");
        key->kind = kind;
        key->format = key_format_default(kind);
        *ret = TAKE(key);
        return 0;
}

KeyKind key_kind(const Key *key)
{
        return key->kind;
}

KeyFormat key_format(const Key *key)
{
        return key->format;
}

bool key_matches(const Key *key, const Cert *cert)
{
        return key->has_id && cert->has_key_id && digest_equal(&key->id, &cert->key_id);
}

bool cert_same_key(const Cert *a, const Cert *b)
{
        return a->has_key_id && b->has_key_id && digest_equal(&a->key_id, &b->key_id);
}

KeyFormat key_format_default(KeyKind kind)
{
        gnutls_pk_algorithm_t algorithm =
                (size_t)kind < ELEMENTSOF(kinds) ? kinds[kind].algorithm : GNUTLS_PK_UNKNOWN;

        if (algorithm == GNUTLS_PK_RSA)
                return KEY_FORMAT_PKCS1;
        return algorithm == GNUTLS_PK_ECDSA ? KEY_FORMAT_SEC1 : KEY_FORMAT_PKCS8;
}

/* The structure inside PKCS#8 leaves the curve to its wrapper, and GnuTLS would write it so: a SEC1
 * key that nobody can read. gnutls_x509_privkey_fix() makes it whole, in a copy. */
static int export_sec1_of_pkcs8(const Key *key, gnutls_datum_t *ret)
{
        gnutls_x509_privkey_t copy;
        int g;

        g = gnutls_x509_privkey_init(&copy);
        if (g < 0)
                return g;
        g = gnutls_x509_privkey_cpy(copy, key_native(key));
        if (g >= 0)
                g = gnutls_x509_privkey_fix(copy);
        if (g >= 0)
                g = gnutls_x509_privkey_export2(copy, GNUTLS_X509_FMT_DER, ret);
        gnutls_x509_privkey_deinit(copy);
        return g;
}

static int export_der(const Key *key, KeyFormat format, gnutls_datum_t *ret)
{
        if (format == KEY_FORMAT_PKCS8)
                return gnutls_x509_privkey_export2_pkcs8(
                        key_native(key), GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, ret);
        if (format == KEY_FORMAT_SEC1 && key->is_pkcs8)
                return export_sec1_of_pkcs8(key, ret);
        return gnutls_x509_privkey_export2(key_native(key), GNUTLS_X509_FMT_DER, ret);
}

int key_to_pem(const Key *key, KeyFormat format, Secret **ret, Error *reterr)
{
        int algorithm = key_algorithm(key, NULL), g;
        autofree char *pem = NULL;
        autodatum der = {};

        if (formats[format].algorithm && (int)formats[format].algorithm != algorithm)
                format = key_format_default(key->kind);
        g = export_der(key, format, &der);
        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot write the key");
        pem = pem_encode(formats[format].label, der.data, der.size);
        *ret = secret_new(pem, strlen(pem));
        explicit_bzero(pem, strlen(pem));
        return 0;
}

static int open_public(const Key *key, gnutls_pubkey_t *ret)
{
        int g = gnutls_pubkey_init(ret);

        return g < 0 ? g : gnutls_pubkey_import_privkey(*ret, key_handle(key), 0, 0);
}

int public_key_digest(gnutls_pubkey_t key, gnutls_digest_algorithm_t *ret)
{
        if (gnutls_pubkey_get_pk_algorithm(key, NULL) != GNUTLS_PK_RSA)
                return gnutls_pubkey_get_preferred_hash_algorithm(key, ret, NULL);
        *ret = GNUTLS_DIG_SHA256;
        return 0;
}

int key_digest(const Key *key, gnutls_digest_algorithm_t *ret)
{
        autopubkey public_half = NULL;
        int g;

        if (key->login) {
                *ret = key->digest;
                return 0;
        }
        g = open_public(key, &public_half);
        return g < 0 ? g : public_key_digest(public_half, ret);
}

int key_export_public(const Key *key, gnutls_x509_crt_fmt_t format, gnutls_datum_t *ret)
{
        autopubkey public_half = NULL;
        int g = open_public(key, &public_half);

        return g < 0 ? g : gnutls_pubkey_export2(public_half, format, ret);
}

int key_public_to_pem(const Key *key, char **ret, Error *reterr)
{
        autodatum pem = {};
        int g = key_export_public(key, GNUTLS_X509_FMT_PEM, &pem);

        if (g < 0)
                return pki_error(reterr, -EIO, g, "cannot write the public key");
        *ret = xstrndup((const char *)pem.data, pem.size);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Private keys: read, made, matched, written back in the PEM form they had.
 *
 *     r = key_parse(file->data, file->size, &key, reterr);
 *     if (!key_matches(key, cert)) ...
 *     r = key_generate(key_kind(key), &fresh, reterr);
 *     r = key_to_pem(fresh, key_format(key), &pem, reterr);
 *
 * key_generate() and key_parse() may run in several threads at once; nothing else here is meant to.
 * No key is ever printed or logged. */

#include "base/secret.h"
#include "pki/cert.h"

/* The kinds that Kubernetes components accept and this program issues. */
typedef enum KeyKind {
        KEY_KIND_NONE, /* also: "the same as before" in a configuration */
        KEY_KIND_RSA_2048,
        KEY_KIND_RSA_3072,
        KEY_KIND_RSA_4096,
        KEY_KIND_ECDSA_P256,
        KEY_KIND_ECDSA_P384,
        KEY_KIND_ECDSA_P521,
        KEY_KIND_ED25519,
        KEY_KIND_OTHER, /* can be read, is never issued */
} KeyKind;

/* "RSA-2048", "ECDSA-P256", "Ed25519" …: kubeadm's names of encryptionAlgorithm where it has them.
 */
const char *key_kind_name(KeyKind kind);

/* The reverse, without regard to case; KEY_KIND_NONE if unknown. */
KeyKind key_kind_parse(const char *name);

/* The same for what somebody typed. -EINVAL, with the names that there are, unless keys of this
 * kind are made. */
int key_kind_read(const char *name, KeyKind *ret, Error *reterr) MUST_USE;

/* The kind of a certificate's public key. */
KeyKind key_kind_of_cert(const Cert *cert);

typedef enum KeyFormat {
        KEY_FORMAT_PKCS8, /* PRIVATE KEY, RFC 5958 */
        KEY_FORMAT_PKCS1, /* RSA PRIVATE KEY, RFC 8017 */
        KEY_FORMAT_SEC1,  /* EC PRIVATE KEY, RFC 5915 */
} KeyFormat;

typedef struct Key Key;

void key_free(Key *key);
DEFINE_AUTOPTR(Key, key_free)

/* The one private key of a PEM text (certificates beside it are passed over; an EC PARAMETERS block
 * too). -ENODATA if there is none, -ENOTUNIQ if there are several, -EKEYREJECTED if it is
 * encrypted, -EBADMSG if it does not parse. */
int key_parse(const void *pem, size_t size, Key **ret, Error *reterr) MUST_USE;

/* A new key. Thread-safe. -ENOTSUP for KEY_KIND_NONE and KEY_KIND_OTHER. */
int key_generate(KeyKind kind, Key **ret, Error *reterr) MUST_USE;

KeyKind key_kind(const Key *key);
KeyFormat key_format(const Key *key);

/* True if this is the private half of the certificate's public key. */
bool key_matches(const Key *key, const Cert *cert);

/* PEM, one final newline. A form that the kind does not have (PKCS#1 of an EC key) falls back to
 * the kubeadm form: PKCS#1 for RSA, SEC1 for ECDSA, PKCS#8 for Ed25519. */
int key_to_pem(const Key *key, KeyFormat format, Secret **ret, Error *reterr) MUST_USE;

/* PEM of the public half (PUBLIC KEY, RFC 5280 SubjectPublicKeyInfo). The caller frees. */
int key_public_to_pem(const Key *key, char **ret, Error *reterr) MUST_USE;

/* The form kubeadm writes for this kind. */
KeyFormat key_format_default(KeyKind kind);

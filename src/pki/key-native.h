/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the other files of this room see of keys: the GnuTLS handle, and the words for a
 * certificate's public key. */

#include "pki/key.h"
#include "pki/native.h"

typedef struct KeyLogin KeyLogin;

struct Key {
        gnutls_x509_privkey_t native;     /* NULL: it is in a token */
        gnutls_privkey_t handle;          /* signs; refers to native, and to login */
        KeyLogin *login;                  /* of a token */
        gnutls_digest_algorithm_t digest; /* of a token's key: known since it was matched */
        KeyKind kind;
        KeyFormat format; /* by its label */
        bool is_pkcs8;    /* by what is inside */
};

/* "RSA-2048", "ECDSA-P256", …, also of kinds that are never issued. The caller frees. */
char *key_algorithm_of_cert(const Cert *cert);

void key_login_free(KeyLogin *login);

/* The hash to sign with: SHA-256 for RSA, as kubeadm signs; SHA-256, -384, -512 for the curves of
 * their size; Ed25519 has its own. A code of GnuTLS. */
int key_digest(const Key *key, gnutls_digest_algorithm_t *ret) MUST_USE;
int public_key_digest(gnutls_pubkey_t key, gnutls_digest_algorithm_t *ret) MUST_USE;

/* Does the key of a token sign for this certificate? Told by a signature, because a token need not
 * show the public half. 1 if so (the key knows its hash from then on), 0 if not, or why that cannot
 * be told. */
int key_try_token(Key *key, const Cert *cert, Error *reterr) MUST_USE;

/* The public half (SubjectPublicKeyInfo, RFC 5280 4.1.2.7) as PEM or DER; a code of GnuTLS. */
int key_export_public(const Key *key, gnutls_x509_crt_fmt_t format, gnutls_datum_t *ret) MUST_USE;

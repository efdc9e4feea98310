/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the other files of this room see of keys: the GnuTLS handle, and the words for a
 * certificate's public key. */

#include "pki/key.h"
#include "pki/native.h"

/* To the token that a key is in. */
typedef struct KeyLogin {
        Secret *pin;      /* NULL: there is none */
        char *token;      /* the URL of the one that has asked for it */
        bool is_given;    /* and it was given */
        bool was_refused; /* now, or before */
} KeyLogin;

struct Key {
        Secret *der;                      /* as it was read; NULL: it was generated */
        gnutls_x509_privkey_t native;     /* of key_native(); NULL: not open, or in a token */
        gnutls_privkey_t handle;          /* of key_handle(); refers to native, and to login */
        Digest id;                        /* SHA-256 of the public half */
        bool has_id;                      /* not in a token */
        KeyLogin *login;                  /* of a token */
        gnutls_digest_algorithm_t digest; /* of a token's key: known since it was matched */
        KeyKind kind;
        KeyFormat format; /* by its label */
        bool is_pkcs8;    /* by what is inside */
};

/* Handles take ten times the memory of the key, so none is kept behind key_parse(): who asks opens
 * it again, until key_close() or key_free(). The second one signs. */
gnutls_x509_privkey_t key_native(const Key *key);
gnutls_privkey_t key_handle(const Key *key);

/* Not of a key that was generated, which would be lost. */
void key_close(const Key *key);

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

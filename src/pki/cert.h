/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* X.509 certificates, read once into plain data.
 *
 *     r = cert_list_parse(file->data, file->size, &list, reterr);
 *     leaf = list->certs[0];
 *     if (!cert_is_issued_by(leaf, ca)) ...
 *
 * Reading judges nothing and needs no clock: states are renew/assess/assess.h. What is shown is
 * escaped (control characters as \xNN); what is copied and compared is DER, never text. */

#include "base/digest.h"
#include "base/error.h"

struct gnutls_x509_crt_int;
struct SanSet;

typedef enum CertUsage {
        CERT_USAGE_SERVER = 1 << 0, /* id-kp-serverAuth, RFC 5280 4.2.1.12 */
        CERT_USAGE_CLIENT = 1 << 1, /* id-kp-clientAuth */
        CERT_USAGE_OTHER = 1 << 2,
} CertUsage;

typedef struct Cert {
        unsigned char *der;
        size_t der_size;
        Digest sha256;          /* of the DER: the fingerprint */
        char *subject, *issuer; /* RFC 4514 text, escaped, for people */
        char *common_name;      /* the subject's first CN, NULL if none */
        char *issuer_common_name;
        char **organizations; /* every O of the subject */
        char *serial;         /* upper-case hexadecimal, no separators, no leading zero octets */
        int64_t not_before, not_after;
        char **sans; /* in the certificate's order: "DNS:cp-1", "IP:192.0.2.10", "email:…", "URI:…",
                      * other kinds as "#" and their DER in hexadecimal */
        char *key_algorithm; /* "RSA-2048", "ECDSA-P256", "Ed25519" */
        char **usages;       /* "server auth", "client auth", other purposes as OID */
        unsigned usage;      /* CertUsage bits */
        bool is_ca;          /* basicConstraints CA:TRUE */
        bool is_self_issued; /* subject = issuer */
        /* pki only; algorithms in the words of GnuTLS */
        unsigned n_more_owners;
        struct SanSet *san_set;
        Digest key_id; /* SHA-256 of the public key */
        bool has_key_id;
        int public_algorithm, signature_algorithm;
        unsigned public_bits;
        struct gnutls_x509_crt_int *native; /* pki/cert-native.h */
        struct gnutls_pubkey_st *verifier;
} Cert;

/* Where it has several owners, the last one's frees it. */
void cert_free(Cert *cert);
DEFINE_AUTOPTR(Cert, cert_free)

/* The same certificate for one more owner; not for two threads. */
Cert *cert_ref(const Cert *cert);

/* The certificates of a file, in its order. */
typedef struct CertList {
        Cert **certs;
        size_t n;
} CertList;

void cert_list_free(CertList *list);
DEFINE_AUTOPTR(CertList, cert_list_free)

/* One certificate from DER. -EBADMSG if it is none. */
int cert_parse_der(const void *der, size_t size, Cert **ret, Error *reterr) MUST_USE;

/* All CERTIFICATE blocks of a PEM text, in their order, duplicates included. Other blocks (keys,
 * and the old labels "X509 CERTIFICATE" and "TRUSTED CERTIFICATE") and text between blocks are
 * passed over, as Kubernetes does. -ENODATA if it holds none (empty, DER and binary files included;
 * the error says which), -EBADMSG if a block is cut off or does not parse (its number in the
 * error), -E2BIG over 1024 of them. */
int cert_list_parse(const void *pem, size_t size, CertList **ret, Error *reterr) MUST_USE;

/* PEM of one certificate, 64 columns, one final newline. The caller frees. */
char *cert_to_pem(const Cert *cert);

/* True if issuer's name and key signed this certificate. Dates and purposes are not looked at. */
bool cert_is_issued_by(const Cert *cert, const Cert *issuer);

/* From now on several threads may ask cert_is_issued_by() of this issuer. */
void cert_share(const Cert *issuer);

/* True if its own name and key signed it: a root, and not a CA that was cross-signed by one of the
 * same name. */
bool cert_is_self_signed(const Cert *cert);

/* 0 if leaf verifies against the roots at time `at` through the intermediates (RFC 5280), for all
 * of that usage (CertUsage bits, 0: any; a certificate without purposes is for every one). `at` 0:
 * dates are not looked at. Intermediates may be NULL, come in any order and contain the leaf; any
 * certificate among the roots is an anchor, self-signed or not. -EKEYREJECTED with the reason
 * otherwise. */
int cert_verify(const Cert *leaf, const CertList *intermediates, const CertList *roots, int64_t at,
        unsigned usage, Error *reterr) MUST_USE;

/* True if they are for one key; if they have one subject, byte for byte. */
bool cert_same_key(const Cert *a, const Cert *b);
bool cert_same_subject(const Cert *a, const Cert *b);

bool cert_equal(const Cert *a, const Cert *b);

/* The same certificates in the same order. */
bool cert_list_equal(const CertList *a, const CertList *b);

bool cert_list_contains(const CertList *list, const Cert *cert);

/* 0 if `fresh` says the same of its holder as `old`: subject DER, every SAN in any order and number
 * (fresh may have more), and every other extension byte for byte (key usage, purposes, basic
 * constraints, …) but the key identifiers. -EKEYREJECTED names the first difference. */
int cert_compare_identity(const Cert *old, const Cert *fresh, Error *reterr) MUST_USE;

/* Cert.usages of a certificate with these purposes (CertUsage bits, without OTHER); the caller
 * frees. */
char **cert_usage_names(unsigned usage);

/* True if the SAN ("DNS:x", "IP:y") is in the certificate: DNS names without regard to case,
 * addresses by value. */
bool cert_has_san(const Cert *cert, const char *san);

/* Is it a SAN that could be issued: "DNS:name", "IP:address" or bare (an address if it reads as
 * one)? Names are those of RFC 1123 or a wildcard of their first label ("*.example"). The normal
 * form is prefixed, lower case, addresses in their shortest form. -EINVAL if it is none. */
int san_normalize(const char *text, char **ret, Error *reterr) MUST_USE;

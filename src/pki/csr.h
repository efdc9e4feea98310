/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificate signing requests (PKCS#10, RFC 2986), for CAs that are elsewhere.
 *
 *     r = csr_make(key, old, NULL, extra_sans, &pem, reterr);
 *     ... somebody signs ...
 *     r = csr_parse(pem, strlen(pem), &csr, reterr);
 *     r = csr_check_answer(csr, answer, ca_bundle, now, reterr);
 *
 * An answer that says anything else than what was asked for is refused: whoever signs may choose
 * the serial number, the dates and what it adds about itself. That the new certificate lasts longer
 * than the old one is the caller's question. */

#include "pki/ca.h"

typedef struct Csr {
        unsigned char *der;
        size_t der_size;
        Cert *wanted; /* what it asks for, as a certificate would say it: subject, SANs, usages,
                       * is_ca, key algorithm; serial, dates, issuer, fingerprint mean nothing */
        char **key_usages; /* "digital signature", "key encipherment", …: the words of
                            * certificates.k8s.io/v1 KeyUsage; the purposes are wanted->usages */
        Digest public_key; /* SHA-256 of the SubjectPublicKeyInfo */
} Csr;

void csr_free(Csr *csr);
DEFINE_AUTOPTR(Csr, csr_free)

/* A request for `key`, signed by it, PEM with one final newline. It says what `old` or `identity`
 * (exactly one of them) says: subject, byte for byte that of `old`, all SANs of every kind and the
 * extra ones, key usage, purposes, basic constraints. No other extension is asked for: they speak
 * of the CA. The caller frees. -EINVAL for an extra SAN that is none and a name that a subject
 * cannot hold, -EOPNOTSUPP for a CA. */
int csr_make(const Key *key, const Cert *old, const LeafIdentity *identity, char *const *extra_sans,
        char **ret_pem, Error *reterr) MUST_USE;

/* The one request of a PEM text; other blocks are passed over. -ENODATA if there is none, -ENOTUNIQ
 * if there are several, -EBADMSG if it does not parse, -EKEYREJECTED if its own key did not sign
 * it. */
int csr_parse(const void *pem, size_t size, Csr **ret, Error *reterr) MUST_USE;

/* True if both ask for the same, for the same key: whether one on disk still says what is wanted.
 */
bool csr_equal(const Csr *a, const Csr *b);

/* 0 if the answer (the certificate first, then those that lead on to the trusted ones, if any) is
 * what was asked for: the same key; every attribute of the subject, in any order and kind of string
 * (Go writes names anew), every SAN and every purpose, and none besides; no CA, and no key that may
 * sign others; valid at `now`; verified against chain_to, unless that is NULL. -EKEYREJECTED says
 * what is wrong, -EKEYEXPIRED if it has expired. */
int csr_check_answer(const Csr *csr, const CertList *answer, const CertList *chain_to, int64_t now,
        Error *reterr) MUST_USE;

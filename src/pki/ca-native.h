/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A certificate on its way to being signed, for the files that make one: a new leaf or CA
 * (ca-issue.c), a successor (ca-renew.c), or one that its own key signs (self-sign.c).
 *
 *     r = draft_set_basics(draft, key, not_before, not_after, reterr);
 *     r = draft_add_sans(draft, sans, reterr);
 *     r = draft_sign(draft, cert_native(ca_signer(ca)), ca->key, &cert, reterr);
 *     r = ca_check_signed(ca, cert, key, terms, usage, reterr);
 *
 * A draft is a gnutls_x509_crt_t; GnuTLS can verify it only after it was exported and imported
 * again, which draft_sign() does. */

#include "base/time-util.h"
#include "pki/ca.h"
#include "pki/cert-native.h"
#include "pki/key-native.h"

struct Ca {
        Cert *signer;
        Key *key;  /* NULL: ca_open() has not been called, or has failed */
        int error; /* of ca_open() */
        Error problem;
};

int draft_new(gnutls_x509_crt_t *ret, Error *reterr) MUST_USE;

/* Everything that ca_issue() says of a leaf, for that issuer; NULL: nobody's, without an authority
 * key identifier. */
int draft_leaf(gnutls_x509_crt_t draft, gnutls_x509_crt_t issuer, const LeafIdentity *identity,
        const Key *key, const LeafTerms *terms, Error *reterr) MUST_USE;

/* A certificate, opened again to be written over: what is not touched stays as it is, byte for
 * byte. Its dates are these, its public key is that of `key`, or if that is NULL its own. */
int draft_open(const Cert *cert, const Key *key, int64_t not_before, int64_t not_after,
        gnutls_x509_crt_t *ret, Error *reterr) MUST_USE;

bool draft_has_extension(gnutls_x509_crt_t draft, const char *oid);

/* Version 3, a new random serial number, the dates; the key stays what it is. */
int draft_set_serial_and_dates(
        gnutls_x509_crt_t draft, int64_t not_before, int64_t not_after, Error *reterr) MUST_USE;

/* Version 3, a new random serial number, the dates, the public key. */
int draft_set_basics(gnutls_x509_crt_t draft, const Key *key, int64_t not_before, int64_t not_after,
        Error *reterr) MUST_USE;

/* The subject key identifier of the draft's key; replaces what is there. */
int draft_set_subject_key_id(gnutls_x509_crt_t draft, Error *reterr) MUST_USE;

/* The authority key identifier: the signer's subject key identifier, or the identifier of its key
 * if it carries none; replaces what is there. */
int draft_set_authority_key_id(
        gnutls_x509_crt_t draft, gnutls_x509_crt_t signer, Error *reterr) MUST_USE;

/* Adds the SANs that the draft lacks, in any writing that san_normalize() takes. The ones that are
 * there stay as they are, byte for byte. -EINVAL names what is no SAN. */
int draft_add_sans(gnutls_x509_crt_t draft, char *const *sans, Error *reterr) MUST_USE;

/* -EKEYREJECTED names one of these that the certificate lacks. */
int draft_check_sans(const Cert *cert, char *const *sans, Error *reterr) MUST_USE;

/* -EOPNOTSUPP names what a successor of this certificate would lose or say wrongly: an extension
 * that is not understood, no extensions at all, unique identifiers. */
int ca_check_understood(const Cert *old, Error *reterr) MUST_USE;

/* What an old certificate or an identity (exactly one of them) says, signed by the key that it is
 * for. Nothing is refused or proved: cert_self_sign() and csr_make() know what matters to them. */
int draft_self_sign(const Key *key, const Cert *old, const LeafIdentity *identity,
        const LeafTerms *terms, Cert **ret, Error *reterr) MUST_USE;

/* Signs with the hash that fits the key, and parses what was signed. -ENOKEY without a key. The
 * issuer of a self-signed certificate is the draft itself. */
int draft_sign(gnutls_x509_crt_t draft, gnutls_x509_crt_t issuer, const Key *signing_key,
        Cert **ret, Error *reterr) MUST_USE;

/* What was signed is what was meant: it is the key's, has these terms and verifies against the
 * signer for that usage. -EKEYREJECTED. */
int ca_check_signed(const Ca *ca, const Cert *cert, const Key *key, const LeafTerms *terms,
        unsigned usage, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A certificate authority on this host: signs leaves, never itself.
 *
 *     r = ca_new(bundle, key, &ca, reterr);
 *     r = ca_check(ca, now, reterr);
 *     terms = leaf_terms(ca, now, validity, extra_sans);
 *     r = ca_renew(ca, old, fresh_key, &terms, &cert, reterr);
 *
 * A renewed leaf says exactly what the old one said (subject, SANs, usages, extensions) with a new
 * serial, key and dates; what is not understood is refused, never dropped. What is returned has
 * been exported, parsed again and verified. Whether this CA may sign *now* is ca_check()'s
 * question: nothing else here knows the time. */

#include "pki/key-token.h"

typedef struct Ca Ca;

void ca_free(Ca *ca);
DEFINE_AUTOPTR(Ca, ca_free)

/* bundle: the certificates of the CA file, one of which gets a second owner. Takes the key over on
 * success. The signer is the certificate that matches the key; of several (a renewed CA beside its
 * old self) the CA that ends last. -ENOKEY if none matches. */
int ca_new(const CertList *bundle, Key *key, Ca **ret, Error *reterr) MUST_USE;

/* A CA whose key is in a token, where it is not looked for yet: what it would sign can be told, and
 * it signs as soon as ca_open() has found the key. Of several certificates the CA that ends last is
 * taken for the signer until then. -EINVAL for an empty bundle. */
int ca_new_unopened(const CertList *bundle, Ca **ret, Error *reterr) MUST_USE;

/* Opens the key of such a CA, once: what has failed is not tried again, and fails in the same
 * words. 0 if the key is there already. -ENOKEY if it belongs to none of the certificates; others
 * as key_open_token(). */
int ca_open(Ca *ca, const CertList *bundle, const char *url, const TokenAccess *access,
        Error *reterr) MUST_USE;

/* True: from now on several threads may let it sign at once. False where the key is in a token,
 * which does one thing after the other, or is not open. */
bool ca_share(const Ca *ca);

/* The certificate that signs; owned by ca. */
const Cert *ca_signer(const Ca *ca);

/* 0 if this CA may sign at `now`: CA:TRUE, keyCertSign (or no key usage at all), inside its
 * validity. -EKEYEXPIRED if it has expired, -EKEYREJECTED for everything else. */
int ca_check(const Ca *ca, int64_t now, Error *reterr) MUST_USE;

/* When a new leaf begins and ends, and what is added to it. */
typedef struct LeafTerms {
        int64_t not_before, not_after; /* the caller has bounded them by the CA: see leaf_terms() */
        char *const *extra_sans;       /* "DNS:…" or "IP:…", add-only; NULL: none */
        bool is_repair;                /* the old one is of no use, whenever it ends */
} LeafTerms;

/* notBefore = now - 5 min but not before the CA's, notAfter = now + validity but not after the
 * CA's. ca NULL: for a leaf that no CA bounds. */
LeafTerms leaf_terms(const Ca *ca, int64_t now, int64_t validity, char *const *extra_sans);

/* -EKEYREJECTED unless the terms are a span of time inside the CA's; -EKEYEXPIRED if the CA ends
 * before they begin. */
int ca_check_terms(const Ca *ca, const LeafTerms *terms, Error *reterr) MUST_USE;

/* Everything for which ca_renew() could refuse a successor of `old` before there is a key. Its
 * errors. */
int ca_check_renewal(const Ca *ca, const Cert *old, const LeafTerms *terms, Error *reterr) MUST_USE;

/* Signs a successor of `old` for `key`. Copied as DER: the subject, every SAN, and the extensions
 * key usage, extended key usage, basic constraints, policies, CRL distribution points, authority
 * information access, Netscape type and comment, with their criticality. Made anew: the subject key
 * identifier, if the old one had one, and the authority key identifier, always.
 *
 * -EKEYEXPIRED if it would not end later than the old one (unless that is not valid yet, of no use,
 * or another CA's), or the CA has ended: the CA is the limit, and only a new CA helps. -EOPNOTSUPP
 * for a CA, for a certificate without extensions (version 1), for unique identifiers, and for an
 * extension that is not understood (its OID in the error), -EINVAL for an extra SAN that is none,
 * -EKEYREJECTED if the terms are not within the CA's validity or the result does not verify or does
 * not say the same. */
int ca_renew(const Ca *ca, const Cert *old, const Key *key, const LeafTerms *terms, Cert **ret,
        Error *reterr) MUST_USE;

/* Who a certificate is for where there is no old one (`init`, RecreateMissing=). */
typedef struct LeafIdentity {
        const char *common_name;
        char *const *organizations; /* may be NULL */
        char *const *sans;          /* "DNS:…", "IP:…"; may be NULL */
        unsigned usage;             /* CertUsage bits */
} LeafIdentity;

/* Its subject as Cert.subject will have it; the caller frees. -EINVAL for a name that a subject
 * cannot hold. */
int leaf_subject(const LeafIdentity *identity, char **ret, Error *reterr) MUST_USE;

/* A leaf as kubeadm makes them (facts 1): key usage digitalSignature + keyEncipherment critical,
 * CA:FALSE critical, extended key usage, authority key identifier. Errors as ca_renew(), and
 * -EINVAL for a name that a subject cannot hold. */
int ca_issue(const Ca *ca, const LeafIdentity *identity, const Key *key, const LeafTerms *terms,
        Cert **ret, Error *reterr) MUST_USE;

/* A leaf that its own key signs, for those who are told by other ways whom to trust. It says what
 * `old` or `identity` (exactly one of them) says, as ca_renew() and ca_issue() do; where `old` has
 * an authority key identifier, the new one is its own. -EINVAL for dates in the wrong order, for a
 * name that a subject cannot hold and for an extra SAN that is none, -EOPNOTSUPP for a CA, for one
 * without a name and for whatever else ca_renew() does not understand, -EKEYREJECTED if the result
 * does not say the same. */
int cert_self_sign(const Key *key, const Cert *old, const LeafIdentity *identity,
        const LeafTerms *terms, Cert **ret, Error *reterr) MUST_USE;

/* A self-signed CA as kubeadm makes them (facts 1): key usage digitalSignature, keyEncipherment and
 * keyCertSign, CA:TRUE, both critical, subject key identifier, SAN DNS = CN where
 * the CN is a DNS name. For `init`. -EINVAL for dates in the wrong order. */
int ca_create(const char *common_name, const Key *key, int64_t not_before, int64_t not_after,
        Cert **ret, Error *reterr) MUST_USE;

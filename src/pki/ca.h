/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A certificate authority on this host: signs leaves, never itself.
 *
 *     r = ca_new(bundle, key, &ca, reterr);          the signer is the certificate that matches the
 * key r = ca_check(ca, now, reterr);                 an expired, future or non-CA signer signs
 * nothing r = ca_renew(ca, old, fresh_key, &terms, &cert, reterr);
 *
 * A renewed leaf says exactly what the old one said (subject, SANs, usages, extensions) with a new
 * serial, key and dates; what is not understood is refused, never dropped. What is returned has
 * been exported, parsed again and verified. */

#include "pki/key.h"

typedef struct Ca Ca;

void ca_free(Ca *ca);
DEFINE_AUTOPTR(Ca, ca_free)

/* bundle: the certificates of the CA file. Takes the key over on success. -ENOKEY if no certificate
 * of the bundle matches the key. */
int ca_new(const CertList *bundle, Key *key, Ca **ret, Error *reterr) MUST_USE;

/* The certificate that signs; owned by ca. */
const Cert *ca_signer(const Ca *ca);

/* 0 if this CA may sign at `now`: CA:TRUE, keyCertSign (or no key usage at all), inside its
 * validity. -EKEYEXPIRED, -EKEYREJECTED. */
int ca_check(const Ca *ca, int64_t now, Error *reterr) MUST_USE;

/* When a new leaf begins and ends, and what is added to it. */
typedef struct LeafTerms {
        int64_t not_before, not_after; /* the caller has bounded them by the CA: see leaf_terms() */
        char *const *extra_sans;       /* "DNS:…" or "IP:…", add-only; NULL: none */
} LeafTerms;

/* notBefore = now - 5 min but not before the CA's, notAfter = now + validity but not after the CA's
 * (behaviour.md "Issuing"). */
LeafTerms leaf_terms(const Ca *ca, int64_t now, int64_t validity, char *const *extra_sans);

/* Signs a successor of `old` for `key`. -EOPNOTSUPP for an extension that is not understood (its
 * OID in the error), -EKEYREJECTED if the result does not verify, does not say the same or does not
 * end later than the old one. */
int ca_renew(const Ca *ca, const Cert *old, const Key *key, const LeafTerms *terms, Cert **ret,
        Error *reterr) MUST_USE;

/* Who a certificate is for where there is no old one (`init`, RecreateMissing=). */
typedef struct LeafIdentity {
        const char *common_name;
        char *const *organizations; /* may be NULL */
        char *const *sans;          /* "DNS:…", "IP:…"; may be NULL */
        unsigned usage;             /* CertUsage bits */
} LeafIdentity;

/* A leaf as kubeadm makes them: key usage digitalSignature + keyEncipherment critical, CA:FALSE
 * critical, extended key usage, AKI. */
int ca_issue(const Ca *ca, const LeafIdentity *identity, const Key *key, const LeafTerms *terms,
        Cert **ret, Error *reterr) MUST_USE;

/* A self-signed CA as kubeadm makes them (facts: keyUsage digitalSignature, keyEncipherment,
 * keyCertSign; SAN DNS = CN). For `init`. */
int ca_create(const char *common_name, const Key *key, int64_t not_before, int64_t not_after,
        Cert **ret, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The certificates of a CA rotation: a new CA in the place of an old one, and each signed by the
 * other.
 *
 *     r = ca_succeed(old, fresh_key, not_before, not_after, &new, reterr);
 *     r = ca_cross_sign(old_ca, new, not_before, not_after, &new_by_old, reterr);
 *     r = ca_cross_sign(new_ca, old, not_before, not_after, &old_by_new, reterr);
 *
 * Old and new have one name and differ in their keys and key identifiers. A server that shows its
 * leaf and the cross certificate of the CA that signed it is trusted by those who know only the
 * other one; so is a client. What is returned has been exported, parsed again and verified. */

#include "pki/ca.h"

/* A self-signed CA that says what `old` says (subject, SANs, usages, path length and the other
 * extensions, byte for byte) for another key. It has a subject key identifier even where `old`, as
 * those that kubeadm made before Go 1.15, has none. -EINVAL for dates in the wrong order,
 * -EKEYREJECTED if `old` is no CA or the key is its own, -EOPNOTSUPP for an extension that is not
 * understood and for a certificate without extensions. */
int ca_succeed(const Cert *old, const Key *key, int64_t not_before, int64_t not_after, Cert **ret,
        Error *reterr) MUST_USE;

/* The cross certificate of `ca`: its name, key and extensions, signed by `signer`. It begins at
 * `not_before`, or where the later of the two CAs begins, and ends at `not_after`, or with the
 * earlier of them. -EKEYEXPIRED if that leaves no time. -EKEYREJECTED if `ca` is no
 * CA, the signer may not sign, or its path length of 0 forbids a CA below it: RFC 5280 6.1.4 would
 * not count one of the same name, but Go does (crypto/x509, isValid()). -EOPNOTSUPP as
 * ca_succeed(). */
int ca_cross_sign(const Ca *signer, const Cert *ca, int64_t not_before, int64_t not_after,
        Cert **ret, Error *reterr) MUST_USE;

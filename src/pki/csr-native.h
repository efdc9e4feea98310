/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files that make, read and compare certificate signing requests share: the words of
 * their DER, and the comparison. Callers outside this room see csr.h. */

#include "pki/cert-native.h"
#include "pki/csr.h"

#define TAG_SET        0x31
#define TAG_ATTRIBUTES 0xa0 /* [0] of CertificationRequestInfo, RFC 2986 4.1 */

/* 1.2.840.113549.1.9.14, extensionRequest of RFC 2985 5.4.2 */
static inline Der der_extension_request(void)
{
        static const unsigned char oid[] = {
                0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e};

        return (Der){oid, sizeof(oid)};
}

/* 0 if the certificate has the key, the subject, the SANs and the purposes that were asked for, and
 * none besides. -EKEYREJECTED names the first difference. */
int csr_compare(const Cert *wanted, const Cert *cert, Error *reterr) MUST_USE;

/* GNUTLS_KEY_… bits; 0 where it has no such extension. */
unsigned cert_key_usage(const Cert *cert);

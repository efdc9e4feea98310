/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates as the other files of this room see them: the handle of GnuTLS, and where the fields
 * stand in the DER.
 *
 *     g = gnutls_x509_crt_get_key_usage(cert_native(cert), &usage, NULL);
 *     cert_close(cert);
 *
 * A handle takes ten times the memory of what was read from it, so none is kept behind
 * cert_parse_der(): who asks opens it again, and who has asked of many certificates closes it. */

#include "pki/cert.h"
#include "pki/der.h"
#include "pki/native.h"

/* Open until cert_close() or cert_free(). */
gnutls_x509_crt_t cert_native(const Cert *cert);

/* The key that verifies what the certificate has signed, as long; NULL if GnuTLS cannot take it. */
gnutls_pubkey_t cert_verifier(const Cert *cert);

void cert_close(const Cert *cert);

/* Of TBSCertificate in version 3 (RFC 5280 4.1). */
typedef enum CertField {
        CERT_FIELD_ISSUER = 3,
        CERT_FIELD_VALIDITY = 4,
        CERT_FIELD_SUBJECT = 5,
        CERT_FIELD_PUBLIC_KEY = 6,
} CertField;

/* Where that field stands, and the part that is signed around it. */
bool cert_find_field(Der cert, CertField field, DerElement *ret_signed, DerElement *ret_field);

/* The field, tag and length included; nothing where there is none. */
Der cert_field(const Cert *cert, CertField field);

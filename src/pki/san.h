/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Subject alternative names as they stand in the extension: GeneralNames of RFC 5280 4.2.1.6, each
 * kept whole, so that kinds nobody here understands are shown, compared and copied all the same.
 *
 *     autoptr(SanSet) set = san_set_read(crt);
 *     for (size_t i = 0; i < set->n; i++) ... san_text(&set->names[i]) ...
 *
 * What callers outside this room use of SANs is in cert.h. */

#include "pki/der.h"
#include "pki/native.h"

typedef struct SanSet {
        gnutls_datum_t extension; /* the raw value; size 0: there is none */
        bool critical;
        Der content; /* what is inside the outer SEQUENCE */
        DerElement *names;
        size_t n;
} SanSet;

void san_set_free(SanSet *set);
DEFINE_AUTOPTR(SanSet, san_set_free)

/* The SANs of a certificate, none if it has none. -EBADMSG if the extension is damaged. */
int san_set_read(gnutls_x509_crt_t crt, SanSet **ret, Error *reterr) MUST_USE;

/* "DNS:cp-1", "IP:192.0.2.10", …; kinds without a text form as "#" and their DER in hexadecimal.
 * Escaped: a NUL in a name is seen. */
char *san_text(const DerElement *name);

/* Names of one kind and one meaning: DNS without regard to case, addresses by value, all others
 * byte for byte. */
bool san_equal(const DerElement *a, const DerElement *b);

bool san_set_contains(const SanSet *set, const DerElement *name);

/* The same question about "DNS:x" or "IP:y". */
bool san_set_has(const SanSet *set, const char *san);

/* The value of a SAN extension that says the old names as they were and then these, which are in
 * normal form (san_normalize()). The caller frees. */
unsigned char *san_set_extend(const SanSet *set, char *const *sans, size_t *ret_size);

/* Text of `size` bytes from a certificate with control characters, NULs among them, escaped. */
char *text_of_bytes(const void *data, size_t size);

/* Upper-case hexadecimal without separators. */
char *hex_of_bytes(const void *data, size_t size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* SHA-256 and base64, by nettle (which GnuTLS has mapped already).
 *
 *     Digest digest = digest_of(data, size);
 *     digest_format(&digest, hex);
 *
 * A Digest names the content of a file in a transaction record, a certificate in a report, and is
 * compared, never interpreted. */

#include "base/macro.h"

typedef struct Digest {
        unsigned char bytes[32];
} Digest;

#define DIGEST_HEX_SIZE 65

/* SHA-256 of size bytes (FIPS 180-4). */
Digest digest_of(const void *data, size_t size);

bool digest_equal(const Digest *a, const Digest *b);

/* 64 lower-case hexadecimal digits and a NUL. */
void digest_format(const Digest *digest, char hex[DIGEST_HEX_SIZE]);

/* The reverse of digest_format(); -EINVAL for anything but 64 hexadecimal digits. */
int digest_parse(const char *hex, Digest *ret) MUST_USE;

/* Standard base64 with padding, no line breaks (RFC 4648 section 4, as Kubernetes writes it). The
 * caller frees; wipe it where data was a key. */
char *base64_encode(const void *data, size_t size);

/* Accepts white space between the digits; -EINVAL for everything else that is not base64. The
 * result is NUL-terminated after *ret_size bytes. */
int base64_decode(const char *text, size_t length, unsigned char **ret, size_t *ret_size) MUST_USE;

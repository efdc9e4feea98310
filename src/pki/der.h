/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Just enough DER (X.690) to walk what GnuTLS hands out raw: one element after the other.
 *
 *     DerElement outer, tbs;
 *     if (!der_next(&rest, &outer) || !der_next(&outer.content, &tbs)) ...
 *
 * Reads only inside the bytes it was given, never allocates while reading, never judges types. */

#include "base/macro.h"

#define DER_SEQUENCE 0x30

/* A stretch of bytes that belongs to somebody else. */
typedef struct Der {
        const unsigned char *data;
        size_t size;
} Der;

typedef struct DerElement {
        unsigned char tag;
        Der content;
        Der whole; /* tag and length included */
} DerElement;

/* Takes the first element off *rest. False at the end and for anything that is not one well-formed
 * element; the two differ in rest->size. Tag numbers above 30 and lengths of 4 GiB are not well
 * formed here. */
bool der_next(Der *rest, DerElement *ret);

bool der_equal(Der a, Der b);

/* The element `tag` around content; the caller frees. */
unsigned char *der_wrap(unsigned char tag, Der content, size_t *ret_size);

/* The same around several stretches, one after the other. */
unsigned char *der_wrap_all(unsigned char tag, const Der *parts, size_t n, size_t *ret_size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The armour of RFC 7468: blocks between BEGIN and END lines, and everything between them.
 *
 *     PemText rest = {data, size};
 *     while (pem_next(&rest, &block))
 *             if (pem_is(&block, "CERTIFICATE")) ...
 *
 * As Go does it, because Go programs read the same files: a block begins at the start of a line and
 * the label decides. The text needs no final NUL and may hold anything. */

#include "base/macro.h"

typedef struct PemText {
        const char *data;
        size_t size;
} PemText;

typedef struct PemBlock {
        PemText label; /* "CERTIFICATE" */
        PemText body;  /* the lines between BEGIN and END */
        bool complete; /* false: no END line of that label before the next armour line */
} PemBlock;

/* Takes the next block off *rest; false if there is none. */
bool pem_next(PemText *rest, PemBlock *ret);

bool pem_is(const PemBlock *block, const char *label);

/* True for "PRIVATE KEY" and everything that ends in " PRIVATE KEY". */
bool pem_is_private_key(const PemBlock *block);

/* The bytes of a block; -EBADMSG if its body is not base64. The caller frees, and wipes a key. */
int pem_decode(const PemBlock *block, unsigned char **ret, size_t *ret_size) MUST_USE;

/* A block of 64-column lines and one final newline. The caller frees, and wipes a key; what was
 * needed in between is wiped here. */
char *pem_encode(const char *label, const void *data, size_t size);

/* What is this that holds no block? "is empty", "is DER, not PEM" …, to end a sentence with. */
const char *pem_describe_garbage(const void *data, size_t size);

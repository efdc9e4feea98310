/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Bytes that must not outlive their use: private keys in any encoding.
 *
 *     autoptr(Secret) pem = NULL;
 *     r = key_to_pem(key, KEY_FORMAT_PKCS8, &pem, reterr);
 *
 * Wiped when freed. There is deliberately no function that prints one. */

#include "base/macro.h"

typedef struct Secret {
        unsigned char *data;
        size_t size;
} Secret;

/* Copies size bytes. The caller wipes its own copy. */
static inline Secret *secret_new(const void *data, size_t size)
{
        Secret *secret = xcalloc(1, sizeof(*secret));

        secret->data = xmemdup(data, size);
        secret->size = size;
        return secret;
}

static inline void secret_free(Secret *secret)
{
        if (!secret)
                return;
        explicit_bzero(secret->data, secret->size);
        free(secret->data);
        free(secret);
}

DEFINE_AUTOPTR(Secret, secret_free)

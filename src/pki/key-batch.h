/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Many private keys at once, on all cores: key generation is nearly all of the work of a renewal.
 *
 *     KeyRequest requests[] = {{.kind = KEY_KIND_RSA_2048}, {.kind = KEY_KIND_ECDSA_P256}};
 *     key_generate_all(requests, 2);
 *
 * Each request has its own result; one failure touches no other. */

#include "pki/key.h"

typedef struct KeyRequest {
        KeyKind kind; /* KEY_KIND_NONE: nothing is made */
        Key *key;     /* the caller's, NULL on failure */
        int error;    /* 0 or a negative errno */
        Error text;
} KeyRequest;

void key_generate_all(KeyRequest *requests, size_t n);

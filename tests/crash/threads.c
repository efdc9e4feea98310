/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys in parallel, for the thread sanitizer: many small ones, and some that take their time. */
#include "pki/key-batch.h"

int main(void)
{
        KeyRequest requests[48] = {};
        int failed = 0;

        for (size_t i = 0; i < ELEMENTSOF(requests); i++)
                requests[i].kind = i % 16 == 0 ? KEY_KIND_RSA_2048 : KEY_KIND_ECDSA_P256;
        key_generate_all(requests, ELEMENTSOF(requests));
        for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
                failed += requests[i].error < 0;
                key_free(requests[i].key);
        }
        return failed > 0;
}

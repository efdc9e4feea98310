/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/digest.h"

#include <nettle/base16.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>

Digest digest_of(const void *data, size_t size)
{
        struct sha256_ctx sha256;
        Digest digest;

        sha256_init(&sha256);
        sha256_update(&sha256, size, data);
        sha256_digest(&sha256, sizeof(digest.bytes), digest.bytes);
        /* The context still holds the last block, which may be the end of a key. */
        explicit_bzero(&sha256, sizeof(sha256));
        return digest;
}

bool digest_equal(const Digest *a, const Digest *b)
{
        return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

void digest_format(const Digest *digest, char hex[DIGEST_HEX_SIZE])
{
        base16_encode_update(hex, sizeof(digest->bytes), digest->bytes);
        hex[DIGEST_HEX_SIZE - 1] = 0;
}

int digest_parse(const char *hex, Digest *ret)
{
        struct base16_decode_ctx base16;
        size_t length = DIGEST_HEX_SIZE - 1, size = sizeof(ret->bytes);

        /* nettle alone would skip white space. */
        if (strlen(hex) != length || strspn(hex, "0123456789abcdefABCDEF") != length)
                return -EINVAL;
        base16_decode_init(&base16);
        return base16_decode_update(&base16, &size, ret->bytes, length, hex) ? 0 : -EINVAL;
}

char *base64_encode(const void *data, size_t size)
{
        size_t length = BASE64_ENCODE_RAW_LENGTH(size);
        char *text = xmalloc(length + 1);

        base64_encode_raw(text, size, data);
        text[length] = 0;
        return text;
}

int base64_decode(const char *text, size_t length, unsigned char **ret, size_t *ret_size)
{
        size_t capacity = BASE64_DECODE_LENGTH(length) + 1, size = 0;
        struct base64_decode_ctx base64;
        unsigned char *data = xmalloc(capacity);
        bool ok;

        base64_decode_init(&base64);
        ok = base64_decode_update(&base64, &size, data, length, text) &&
             base64_decode_final(&base64);
        explicit_bzero(&base64, sizeof(base64));
        if (!ok) {
                explicit_bzero(data, capacity);
                free(data);
                return -EINVAL;
        }
        data[size] = 0;
        *ret = data;
        *ret_size = size;
        return 0;
}

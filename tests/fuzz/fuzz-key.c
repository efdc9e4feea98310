/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/digest.h"
#include "pki/key.h"

#include <assert.h>

/* The label of a block, by the first byte. */
static const char *const labels[] = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
        "EC PARAMETERS", "ENCRYPTED PRIVATE KEY"};

/* A key that is read can be written, is the same then, and has a public half. */
static void check(const Key *key)
{
        autofree char *public_half = NULL, *public_again = NULL;
        autoptr(Secret) pem = NULL;
        autoptr(Key) again = NULL;

        assert(key_kind(key) != KEY_KIND_NONE && key_kind_name(key_kind(key)));
        if (key_kind(key) == KEY_KIND_OTHER)
                return;
        if (key_to_pem(key, key_format(key), &pem, NULL) < 0 ||
                key_public_to_pem(key, &public_half, NULL) < 0)
                return;
        assert(key_parse(pem->data, pem->size, &again, NULL) == 0);
        assert(key_kind(again) == key_kind(key) && key_format(again) == key_format(key));
        assert(key_public_to_pem(again, &public_again, NULL) == 0);
        assert(streq(public_half, public_again));
}

/* The DER of a private key in armour made here, for who changes DER gets nowhere in base64. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autofree char *body = NULL, *text = NULL;
        autoptr(Key) key = NULL;
        const char *label;
        Error error = {};

        if (size == 0)
                return 0;
        label = labels[data[0] % ELEMENTSOF(labels)];
        body = base64_encode(data + 1, size - 1);
        text = xasprintf("-----BEGIN %s-----\n%s\n-----END %s-----\n", label, body, label);
        if (key_parse(text, strlen(text), &key, &error) < 0)
                assert(!key && error.text[0]);
        else
                check(key);
        return 0;
}

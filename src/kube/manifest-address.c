/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest-address.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

#define HOST_MAX 253

char *address_host(const char *text, size_t length)
{
        static const char *const all[] = {"", "0.0.0.0", "::"};
        autofree char *host = NULL;

        if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
                text++;
                length -= 2;
        }
        host = xstrndup(text, length);
        if (length > HOST_MAX || host[strspn(host, LETTERS DIGITS ".-_:")])
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                if (streq(host, all[i]))
                        return xstrdup("127.0.0.1");
        return TAKE(host);
}

uint16_t address_port(const char *text)
{
        size_t length = strspn(text, DIGITS);
        long port = length > 0 && length <= 5 ? strtol(text, NULL, 10) : 0;

        return text[length] || port > UINT16_MAX ? 0 : (uint16_t)port;
}

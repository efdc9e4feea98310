/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"

#include <arpa/inet.h>
#include <strings.h>

/* IPv4 as it is in IPv6. */
static bool read_address(const char *text, struct in6_addr *ret)
{
        struct in_addr v4;

        if (inet_pton(AF_INET6, text, ret) == 1)
                return true;
        if (inet_pton(AF_INET, text, &v4) != 1)
                return false;
        *ret = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(&ret->s6_addr[12], &v4, sizeof(v4));
        return true;
}

int address_compare(const char *a, const char *b)
{
        struct in6_addr of_a, of_b;
        bool is_a = read_address(a, &of_a), is_b = read_address(b, &of_b);

        if (is_a && is_b)
                return memcmp(&of_a, &of_b, sizeof(of_a));
        return is_a != is_b ? (is_a ? -1 : 1) : strcasecmp(a, b);
}

bool address_is_loopback(const char *text)
{
        struct in6_addr address;

        if (!read_address(text, &address))
                return strcasecmp(text, "localhost") == 0;
        return IN6_IS_ADDR_LOOPBACK(&address) ||
               (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

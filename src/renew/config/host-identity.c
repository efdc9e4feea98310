/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/config.h"

/* What a specifier stands for, and the key of [host] that sets it. */
static const struct Specifier {
        char letter;
        const char *what, *key;
        size_t offset;
} specifiers[] = {
        {'H', "node name", "NodeName", offsetof(HostIdentity, node_name)},
        {'A', "advertise address", "AdvertiseAddress", offsetof(HostIdentity, advertise_address)},
        {'S', "API service address", "ServiceAddress", offsetof(HostIdentity, service_address)},
        {'D', "DNS domain", "DNSDomain", offsetof(HostIdentity, dns_domain)},
};

static const struct Specifier *find_specifier(char letter)
{
        for (size_t i = 0; i < ELEMENTSOF(specifiers); i++)
                if (specifiers[i].letter == letter)
                        return &specifiers[i];
        return NULL;
}

/* What stands for '%' and letter, NULL with an error if that is nothing. */
static const char *lookup(
        const HostIdentity *host, const char *text, char letter, int *ret_error, Error *reterr)
{
        const struct Specifier *specifier = find_specifier(letter);
        const char *value;

        if (letter == '%')
                return "%";
        if (!specifier) {
                *ret_error = error_set(reterr, -EINVAL,
                        "'%s' has an unknown specifier; known are %%H, %%A, %%S, %%D, and %%%% for "
                        "a per cent sign",
                        text);
                return NULL;
        }
        value = *(char *const *)((const char *)host + specifier->offset);
        if (!value)
                *ret_error = error_set(reterr, -ENOKEY,
                        "'%s' needs the %s of this host, which is not known; set %s= in [host]",
                        text, specifier->what, specifier->key);
        return value;
}

int host_identity_expand(const HostIdentity *host, const char *text, char **ret, Error *reterr)
{
        autofree char *expanded = xstrdup("");
        bool is_url = starts_with(text, "https://");
        const char *p = text;

        while (*p) {
                size_t literal = strcspn(p, "%");
                autofree char *before = TAKE(expanded);
                const char *value = "", *open = "", *close = "";
                int r = 0;

                if (p[literal]) {
                        value = lookup(host, text, p[literal + 1], &r, reterr);
                        if (!value)
                                return r;
                }
                /* RFC 3986 section 3.2.2: an IPv6 address in a URL stands in brackets. */
                if (is_url && strchr(value, ':')) {
                        open = "[";
                        close = "]";
                }
                expanded = xasprintf("%s%.*s%s%s%s", before, (int)literal, p, open, value, close);
                p += literal + (p[literal] ? 2 : 0);
        }
        *ret = TAKE(expanded);
        return 0;
}

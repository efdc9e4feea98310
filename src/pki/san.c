/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/san.h"

#include "base/escape.h"
#include "pki/cert.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <strings.h>

#define TAG_DNS 0x82
#define TAG_IP  0x87

#define SAN_MAX       1024
#define DNS_NAME_MAX  253
#define DNS_LABEL_MAX 63

static const struct SanKind {
        unsigned char tag;
        const char *prefix;
        bool is_text; /* IA5String */
} san_kinds[] = {
        {0xa0, "othername:", false},
        {0x81, "email:", true},
        {TAG_DNS, "DNS:", true},
        {0xa4, "dirname:", false},
        {0x86, "URI:", true},
        {TAG_IP, "IP:", false},
        {0x88, "RID:", false},
};

char *hex_of_bytes(const void *data, size_t size)
{
        const unsigned char *p = data;
        char *text = xmalloc(2 * size + 1);

        for (size_t i = 0; i < size; i++)
                snprintf(text + 2 * i, 3, "%02X", p[i]);
        text[2 * size] = 0;
        return text;
}

char *text_of_bytes(const void *data, size_t size)
{
        autofree char *copy = xcalloc(size + 1, 1), *text = xmalloc(4 * size + 1);
        char *end = text, unit[ESCAPE_UNIT_SIZE];

        if (size > 0)
                memcpy(copy, data, size);
        for (size_t i = 0; i < size;) {
                if (copy[i]) {
                        i += escape_unit(copy + i, unit);
                        end = stpcpy(end, unit);
                } else {
                        i++;
                        end = stpcpy(end, "\\x00");
                }
        }
        *end = 0;
        return xstrdup(text); /* as in escape_text() */
}

void san_set_free(SanSet *set)
{
        if (!set)
                return;
        datum_done(&set->extension);
        free(set->names);
        free(set);
}

int san_set_read(gnutls_x509_crt_t crt, SanSet **ret, Error *reterr)
{
        autoptr(SanSet) set = xcalloc(1, sizeof(*set));
        DerElement sequence, name;
        unsigned critical = 0;
        Der rest;
        int g;

        g = gnutls_x509_crt_get_extension_by_oid2(
                crt, OID_SUBJECT_ALT_NAME, 0, &set->extension, &critical);
        if (g == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
                *ret = TAKE(set);
                return 0;
        }
        if (g < 0)
                return pki_error(reterr, -EBADMSG, g, "cannot read the SANs");
        set->critical = critical != 0;
        rest = (Der){set->extension.data, set->extension.size};
        if (!der_next(&rest, &sequence) || rest.size > 0 || sequence.tag != DER_SEQUENCE)
                return error_set(reterr, -EBADMSG, "the SAN extension is damaged");
        set->content = rest = sequence.content;
        while (der_next(&rest, &name)) {
                if (set->n == SAN_MAX)
                        return error_set(reterr, -EBADMSG, "it has more than %d SANs", SAN_MAX);
                set->names = xreallocarray(set->names, set->n + 1, sizeof(*set->names));
                set->names[set->n++] = name;
        }
        if (rest.size > 0)
                return error_set(reterr, -EBADMSG, "the SAN extension is damaged");
        *ret = TAKE(set);
        return 0;
}

static char *address_text(Der address)
{
        char text[INET6_ADDRSTRLEN];
        int family = address.size == 4 ? AF_INET : AF_INET6;

        if (address.size != 4 && address.size != 16)
                return NULL;
        return xstrdup(inet_ntop(family, address.data, text, sizeof(text)));
}

char *san_text(const DerElement *name)
{
        const struct SanKind *kind = NULL;
        autofree char *value = NULL;

        for (size_t i = 0; i < ELEMENTSOF(san_kinds); i++)
                if (san_kinds[i].tag == name->tag)
                        kind = &san_kinds[i];
        if (kind && kind->is_text)
                value = text_of_bytes(name->content.data, name->content.size);
        else if (kind && kind->tag == TAG_IP)
                value = address_text(name->content);
        if (!value) {
                autofree char *hex = hex_of_bytes(name->whole.data, name->whole.size);

                value = xasprintf("#%s", hex);
        }
        return xasprintf("%s%s", kind ? kind->prefix : "", value);
}

/* An IPv4 address that is written as IPv6 (RFC 4291 2.5.5.2) is the IPv4 address, as in Go. */
static Der plain_address(Der address)
{
        static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

        if (address.size == 16 && memcmp(address.data, mapped, sizeof(mapped)) == 0)
                return (Der){address.data + sizeof(mapped), 4};
        return address;
}

bool san_equal(const DerElement *a, const DerElement *b)
{
        if (a->tag != b->tag)
                return false;
        if (a->tag == TAG_IP)
                return der_equal(plain_address(a->content), plain_address(b->content));
        if (a->tag != TAG_DNS)
                return der_equal(a->content, b->content);
        if (a->content.size != b->content.size)
                return false;
        for (size_t i = 0; i < a->content.size; i++)
                if (tolower(a->content.data[i]) != tolower(b->content.data[i]))
                        return false;
        return true;
}

bool san_set_contains(const SanSet *set, const DerElement *name)
{
        for (size_t i = 0; i < set->n; i++)
                if (san_equal(&set->names[i], name))
                        return true;
        return false;
}

/* The address in network order: 4 bytes, 16, or 0 if text is none. */
static size_t parse_address(const char *text, unsigned char address[16])
{
        if (inet_pton(AF_INET, text, address) == 1)
                return 4;
        if (inet_pton(AF_INET6, text, address) != 1)
                return 0;
        Der plain = plain_address((Der){address, 16});
        memmove(address, plain.data, plain.size);
        return plain.size;
}

/* A label of RFC 1123 in lower case: letters, digits and inner hyphens. */
static bool is_label(const char *label, size_t n)
{
        if (n == 0 || n > DNS_LABEL_MAX || label[0] == '-' || label[n - 1] == '-')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", label[i]))
                        return false;
        return true;
}

/* A host name, or a wildcard of one whole first label. A last label of digits alone would be a
 * damaged address. Lower case. */
static bool is_dns_name(const char *name)
{
        const char *label = starts_with(name, "*.") ? name + 2 : name;
        size_t n;

        if (strlen(name) > DNS_NAME_MAX)
                return false;
        for (;; label += n + 1) {
                n = strcspn(label, ".");
                if (!is_label(label, n))
                        return false;
                if (!label[n])
                        return strspn(label, "0123456789") < n;
        }
}

static char *lower_case(const char *text)
{
        char *copy = xstrdup(text);

        for (char *p = copy; *p; p++)
                *p = (char)tolower((unsigned char)*p);
        return copy;
}

/* What follows the prefix, without regard to its case; NULL if text does not begin so. */
static const char *after_prefix(const char *text, const char *prefix)
{
        return strncasecmp(text, prefix, strlen(prefix)) == 0 ? text + strlen(prefix) : NULL;
}

/* The kind and the value of "DNS:...", "IP:..." or a bare word, which is an address if it reads as
 * one. Points into text or address. */
static bool san_parse(const char *text, unsigned char address[16], DerElement *ret)
{
        const char *dns = after_prefix(text, "DNS:"), *ip = after_prefix(text, "IP:");
        size_t size = dns ? 0 : parse_address(ip ? ip : text, address);

        if (size > 0) {
                *ret = (DerElement){.tag = TAG_IP, .content = {address, size}};
                return true;
        }
        if (ip)
                return false;
        dns = dns ? dns : text;
        *ret = (DerElement){.tag = TAG_DNS, .content = {(const unsigned char *)dns, strlen(dns)}};
        return true;
}

int san_normalize(const char *text, char **ret, Error *reterr)
{
        unsigned char address[16];
        autofree char *value = NULL;
        DerElement name;

        if (!san_parse(text, address, &name))
                return error_set(reterr, -EINVAL, "'%s' is not an IP address", text);
        if (name.tag == TAG_IP) {
                *ret = san_text(&name);
                return 0;
        }
        value = lower_case((const char *)name.content.data);
        if (!is_dns_name(value))
                return error_set(reterr, -EINVAL,
                        "'%s' is neither a DNS name nor an IP address; SANs are written "
                        "DNS:name or IP:address",
                        text);
        *ret = xasprintf("DNS:%s", value);
        return 0;
}

bool san_set_has(const SanSet *set, const char *san)
{
        unsigned char address[16];
        DerElement name;

        return san_parse(san, address, &name) && san_set_contains(set, &name);
}

unsigned char *san_set_extend(const SanSet *set, char *const *sans, size_t *ret_size)
{
        size_t used = set->content.size;
        autofree unsigned char *content = xmemdup(set->content.data, used);

        for (; *sans; sans++) {
                autofree unsigned char *whole = NULL;
                unsigned char address[16];
                DerElement name;
                size_t size;

                if (!san_parse(*sans, address, &name))
                        continue;
                whole = der_wrap(name.tag, name.content, &size);
                content = xreallocarray(content, used + size, 1);
                memcpy(content + used, whole, size);
                used += size;
        }
        return der_wrap(DER_SEQUENCE, (Der){content, used}, ret_size);
}

bool cert_has_san(const Cert *cert, const char *san)
{
        return san_set_has(cert->san_set, san);
}

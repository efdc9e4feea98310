/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/der.h"

/* The length octets at p (of at most `size`): how many there are, 0 if they are malformed. */
static size_t read_length(const unsigned char *p, size_t size, size_t *ret)
{
        size_t n, length = 0;

        if (size == 0)
                return 0;
        if (p[0] < 0x80) {
                *ret = p[0];
                return 1;
        }
        n = p[0] & 0x7f;
        if (n == 0 || n > 4 || n >= size)
                return 0;
        for (size_t i = 1; i <= n; i++)
                length = length << 8 | p[i];
        *ret = length;
        return n + 1;
}

bool der_next(Der *rest, DerElement *ret)
{
        size_t header, length;

        if (rest->size < 2 || (rest->data[0] & 0x1f) == 0x1f)
                return false;
        header = read_length(rest->data + 1, rest->size - 1, &length);
        if (header == 0)
                return false;
        header++;
        if (length > rest->size - header)
                return false;
        ret->tag = rest->data[0];
        ret->content = (Der){rest->data + header, length};
        ret->whole = (Der){rest->data, header + length};
        *rest = (Der){rest->data + header + length, rest->size - header - length};
        return true;
}

bool der_equal(Der a, Der b)
{
        return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Tag and length of so much content; how many octets they are. */
static size_t write_header(unsigned char tag, size_t content_size, unsigned char header[6])
{
        size_t n = 0, octets = 1;

        header[n++] = tag;
        if (content_size < 0x80) {
                header[n++] = (unsigned char)content_size;
                return n;
        }
        while (octets < 4 && content_size >> 8 * octets > 0)
                octets++;
        header[n++] = (unsigned char)(0x80 | octets);
        while (octets-- > 0)
                header[n++] = (unsigned char)(content_size >> 8 * octets);
        return n;
}

unsigned char *der_wrap_all(unsigned char tag, const Der *parts, size_t n, size_t *ret_size)
{
        unsigned char header[6], *whole, *end;
        size_t size = 0, header_size;

        for (size_t i = 0; i < n; i++)
                size += parts[i].size;
        header_size = write_header(tag, size, header);
        whole = xmalloc(header_size + size);
        end = mempcpy(whole, header, header_size);
        for (size_t i = 0; i < n; i++)
                if (parts[i].size > 0)
                        end = mempcpy(end, parts[i].data, parts[i].size);
        *ret_size = header_size + size;
        return whole;
}

unsigned char *der_wrap(unsigned char tag, Der content, size_t *ret_size)
{
        return der_wrap_all(tag, &content, 1, ret_size);
}

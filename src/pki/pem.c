/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pki/pem.h"

#include "base/digest.h"

#define DASHES  "-----"
#define COLUMNS 64

static PemText skip(PemText text, size_t n)
{
        return (PemText){text.data + n, text.size - n};
}

static bool begins_with(PemText text, const char *prefix)
{
        size_t n = strlen(prefix);

        return text.size >= n && memcmp(text.data, prefix, n) == 0;
}

/* From the first line that begins with five dashes; nothing if there is none. */
static PemText find_armour(PemText text)
{
        const char *p;

        if (text.size == 0)
                return text;
        if (begins_with(text, DASHES))
                return text;
        p = memmem(text.data, text.size, "\n" DASHES, 1 + strlen(DASHES));
        return p ? skip(text, (size_t)(p - text.data) + 1) : skip(text, text.size);
}

static PemText line_of(PemText text)
{
        const char *end = memchr(text.data, '\n', text.size);

        return (PemText){text.data, end ? (size_t)(end - text.data) : text.size};
}

/* The label of an armour line of that kind ("-----BEGIN "), without its dashes. */
static bool line_label(PemText line, const char *kind, PemText *ret)
{
        const char *end;

        if (!begins_with(line, kind))
                return false;
        line = skip(line, strlen(kind));
        end = memmem(line.data, line.size, DASHES, strlen(DASHES));
        if (!end)
                return false;
        *ret = (PemText){line.data, (size_t)(end - line.data)};
        return true;
}

bool pem_next(PemText *rest, PemBlock *ret)
{
        for (PemText at = find_armour(*rest); at.size > 0; at = find_armour(at)) {
                PemText line = line_of(at), label, body, end;

                at = skip(at, line.size);
                if (!line_label(line, "-----BEGIN ", &ret->label))
                        continue;
                body = at;
                at = find_armour(body);
                ret->body = (PemText){body.data, body.size - at.size};
                ret->complete = at.size > 0 && line_label(line_of(at), "-----END ", &label) &&
                                label.size == ret->label.size &&
                                memcmp(label.data, ret->label.data, label.size) == 0;
                end = ret->complete ? line_of(at) : (PemText){at.data, 0};
                *rest = skip(at, end.size);
                return true;
        }
        *rest = skip(*rest, rest->size);
        return false;
}

bool pem_is(const PemBlock *block, const char *label)
{
        return block->label.size == strlen(label) && begins_with(block->label, label);
}

bool pem_is_private_key(const PemBlock *block)
{
        static const char suffix[] = " PRIVATE KEY";
        size_t n = strlen(suffix);

        return pem_is(block, suffix + 1) ||
               (block->label.size > n &&
                       begins_with(skip(block->label, block->label.size - n), suffix));
}

int pem_decode(const PemBlock *block, unsigned char **ret, size_t *ret_size)
{
        return base64_decode(block->body.data, block->body.size, ret, ret_size) < 0 ? -EBADMSG : 0;
}

char *pem_encode(const char *label, const void *data, size_t size)
{
        autofree char *digits = base64_encode(data, size);
        size_t n = strlen(digits);
        size_t room = n + n / COLUMNS + 2 * strlen(label) + 64;
        char *text = xmalloc(room);
        size_t used = (size_t)snprintf(text, room, "-----BEGIN %s-----\n", label);

        for (size_t i = 0; i < n; i += COLUMNS)
                used += (size_t)snprintf(text + used, room - used, "%.*s\n", COLUMNS, digits + i);
        snprintf(text + used, room - used, "-----END %s-----\n", label);
        explicit_bzero(digits, n);
        return text;
}

const char *pem_describe_garbage(const void *data, size_t size)
{
        const unsigned char *p = data;

        if (size == 0)
                return "it is empty";
        if (size > 2 && p[0] == 0x30 && p[1] >= 0x80)
                return "it looks like DER; PEM is wanted";
        if (memchr(data, 0, size))
                return "it is binary";
        return "it holds other text";
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/escape.h"

#include "base/digest.h"

#define FILE_NAME_MAX 160 /* leaves room for prefix, digest and a temporary suffix in NAME_MAX */

/* Bytes of the UTF-8 character at p (RFC 3629: no overlong forms, no surrogates, nothing beyond
 * U+10FFFF), 0 if there is none. Never reads past the NUL, which is no continuation byte. */
static size_t utf8_length(const unsigned char *p)
{
        static const struct {
                unsigned char first_low, first_high, second_low, second_high;
                size_t length;
        } forms[] = {
                {0x01, 0x7f, 0x00, 0xff, 1},
                {0xc2, 0xdf, 0x80, 0xbf, 2},
                {0xe0, 0xe0, 0xa0, 0xbf, 3},
                {0xe1, 0xec, 0x80, 0xbf, 3},
                {0xed, 0xed, 0x80, 0x9f, 3},
                {0xee, 0xef, 0x80, 0xbf, 3},
                {0xf0, 0xf0, 0x90, 0xbf, 4},
                {0xf1, 0xf3, 0x80, 0xbf, 4},
                {0xf4, 0xf4, 0x80, 0x8f, 4},
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); i++) {
                if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
                        continue;
                if (forms[i].length == 1)
                        return 1;
                if (p[1] < forms[i].second_low || p[1] > forms[i].second_high)
                        return 0;
                for (size_t k = 2; k < forms[i].length; k++)
                        if ((p[k] & 0xc0) != 0x80)
                                return 0;
                return forms[i].length;
        }
        return 0;
}

static bool is_control(const unsigned char *p, size_t length)
{
        return (length == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
               (length == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

size_t escape_unit(const char *text, char unit[ESCAPE_UNIT_SIZE])
{
        const unsigned char *p = (const unsigned char *)text;
        size_t length = utf8_length(p), consumed = length > 0 ? length : 1;

        if (length > 0 && !is_control(p, length)) {
                memcpy(unit, text, length);
                unit[length] = 0;
                return length;
        }
        for (size_t i = 0; i < consumed; i++)
                snprintf(unit + 4 * i, ESCAPE_UNIT_SIZE - 4 * i, "\\x%02x", p[i]);
        return consumed;
}

char *escape_text(const char *text)
{
        autofree char *escaped = NULL;
        char unit[ESCAPE_UNIT_SIZE], *end;

        if (!text)
                return NULL;
        escaped = end = xmalloc(4 * strlen(text) + 1);
        while (*text) {
                text += escape_unit(text, unit);
                end = stpcpy(end, unit);
        }
        *end = 0;
        return xstrdup(escaped); /* nearly always a quarter of the room that it might have taken */
}

char *escape_file_name(const char *text)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789._-:=#";
        autofree char *escaped = escape_text(text);
        char name[FILE_NAME_MAX + 1] = "", hex[DIGEST_HEX_SIZE], *end = name;
        Digest digest;

        for (const char *p = escaped; *p; p++) {
                bool plainly = strchr(plain, *p) && !(*p == '.' && p == escaped);

                if (end + 3 > name + FILE_NAME_MAX) {
                        digest = digest_of(escaped, strlen(escaped));
                        digest_format(&digest, hex);
                        return xasprintf("%s~%.32s", name, hex);
                }
                end += snprintf(end, (size_t)(name + sizeof(name) - end), plainly ? "%c" : "%%%02X",
                        (unsigned char)*p);
        }
        return xstrdup(name);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

/* What does not fit is cut; a cut in the middle of an escape cannot happen because whole units are
 * appended or nothing. UTF-8 passes, control characters (C0, DEL) do not. */
static void store_escaped(Error *error, const char *text)
{
        size_t n = 0;

        for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
                char unit[5] = {(char)*p, 0};
                size_t length = 1;

                if (*p < 0x20 || *p == 0x7f)
                        length = (size_t)snprintf(unit, sizeof(unit), "\\x%02x", *p);
                if (n + length >= sizeof(error->text))
                        break;
                memcpy(error->text + n, unit, length);
                n += length;
        }
        error->text[n] = 0;
}

PRINTF_LIKE(2, 0) static char *vformat(const char *suffix, const char *format, va_list args)
{
        char *body = NULL, *whole;

        if (vasprintf(&body, format, args) < 0)
                body = NULL;
        xcheck(body);
        whole = xasprintf("%s%s", body, suffix);
        free(body);
        return whole;
}

int error_set(Error *reterr, int r, const char *format, ...)
{
        va_list args;

        if (!reterr)
                return r;
        va_start(args, format);
        autofree char *text = vformat("", format, args);
        va_end(args);
        store_escaped(reterr, text);
        return r;
}

int error_errno(Error *reterr, int r, const char *format, ...)
{
        va_list args;

        if (!reterr)
                return r;
        autofree char *suffix = xasprintf(": %s", strerror(-r));
        va_start(args, format);
        autofree char *text = vformat(suffix, format, args);
        va_end(args);
        store_escaped(reterr, text);
        return r;
}

int error_prefix(Error *reterr, int r, const char *format, ...)
{
        va_list args;

        if (!reterr)
                return r;
        autofree char *suffix = reterr->text[0] ? xasprintf(": %s", reterr->text) : xstrdup("");
        va_start(args, format);
        autofree char *text = vformat(suffix, format, args);
        va_end(args);
        store_escaped(reterr, text);
        return r;
}

bool error_is_transient(int r)
{
        return r == -EAGAIN || r == -EBUSY || r == -EINTR || r == -ETIMEDOUT || r == -ECONNREFUSED;
}

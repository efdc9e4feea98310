/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "base/escape.h"

/* What does not fit is cut, between two characters or escapes: a unit is appended whole or not at
 * all. */
static void store_escaped(Error *error, const char *text)
{
        char unit[ESCAPE_UNIT_SIZE];
        size_t n = 0;

        while (*text) {
                text += escape_unit(text, unit);
                if (n + strlen(unit) >= sizeof(error->text))
                        break;
                n = (size_t)(stpcpy(error->text + n, unit) - error->text);
        }
        error->text[n] = 0;
}

PRINTF_LIKE(2, 0) static char *vformat(const char *suffix, const char *format, va_list args)
{
        autofree char *body = xvasprintf(format, args);

        return xasprintf("%s%s", body, suffix);
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

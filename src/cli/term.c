/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/term.h"

#include "base/escape.h"

#include <langinfo.h>
#include <limits.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <wchar.h>
#include <wctype.h>

static bool is_no(const char *value)
{
        static const char *const words[] = {"0", "no", "n", "false", "f", "off"};

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(value, words[i]) == 0)
                        return true;
        return false;
}

bool term_colors(void)
{
        const char *asked = getenv("SYSTEMD_COLORS"), *no = getenv("NO_COLOR");
        const char *term = getenv("TERM");

        if (asked && asked[0])
                return !is_no(asked);
        if (no && no[0])
                return false;
        return isatty(STDOUT_FILENO) && term && !streq(term, "dumb");
}

const char *term_style(Style style)
{
        static const char *const sequences[] = {
                [STYLE_PLAIN] = "\033[0m",
                [STYLE_GOOD] = "\033[32m",
                [STYLE_WARNING] = "\033[33m",
                [STYLE_BAD] = "\033[31m",
                [STYLE_TITLE] = "\033[1m",
        };

        return term_colors() ? sequences[style] : "";
}

Style term_severity_style(int severity)
{
        return severity == 0 ? STYLE_GOOD : severity == 1 ? STYLE_WARNING : STYLE_BAD;
}

const char *term_arrow(void)
{
        return streq(nl_langinfo(CODESET), "UTF-8") ? "\xe2\x86\x92" : "->";
}

size_t term_width(void)
{
        const char *columns = getenv("COLUMNS");
        struct winsize size = {};
        unsigned long n;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        n = columns ? strtoul(columns, NULL, 10) : 0;
        return n > 0 && n < 10000 ? n : 80;
}

/* One character of the locale, nearly always of ASCII; a byte that begins none stands for itself.
 * False: not to be shown. */
static bool next_character(const char *text, wchar_t *ret, size_t *ret_length)
{
        bool is_ascii = *text >= ' ' && *text <= '~';
        mbstate_t state = {};
        size_t length, n;

        *ret = *text;
        *ret_length = 1;
        if (is_ascii)
                return true;
        length = strnlen(text, MB_LEN_MAX);
        n = mbrtowc(ret, text, length, &state);
        if (n == 0 || n > length)
                return false;
        *ret_length = n;
        return iswprint((wint_t)*ret);
}

size_t term_text_width(const char *text)
{
        size_t width = 0, n;

        for (; *text; text += n) {
                wchar_t c;
                int columns = next_character(text, &c, &n) ? wcwidth(c) : 1;

                width += columns > 0 ? (size_t)columns : 0;
        }
        return width;
}

/* Marks that turn the direction of the text around them (Unicode TR 9): a name must not look like
 * another one. */
static bool turns_direction(wchar_t c)
{
        return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
               (c >= 0x2066 && c <= 0x2069);
}

char *term_escape(const char *text)
{
        autofree char *escaped = escape_text(text ? text : "");
        autofree char *safe = xmalloc(strlen(escaped) * 4 + 1);
        char *out = safe;
        size_t n;

        for (const char *p = escaped; *p; p += n) {
                wchar_t c;

                if (next_character(p, &c, &n) && !turns_direction(c))
                        out = mempcpy(out, p, n);
                else
                        for (size_t i = 0; i < n; i++)
                                out += sprintf(out, "\\x%02x", (unsigned char)p[i]);
        }
        *out = 0;
        return xstrdup(safe); /* as in escape_text() */
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/term.h"

#include <strings.h>
#include <sys/ioctl.h>
#include <wchar.h>

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

size_t term_text_width(const char *text)
{
        mbstate_t state = {};
        size_t width = 0;

        while (*text) {
                wchar_t c;
                size_t n = mbrtowc(&c, text, strlen(text), &state);
                int columns = n == 0 || n > strlen(text) ? 1 : wcwidth(c);

                if (n == 0 || n > strlen(text)) {
                        n = 1;
                        state = (mbstate_t){};
                }
                width += columns > 0 ? (size_t)columns : 0;
                text += n;
        }
        return width;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/text.h"

#include "cli/term.h"

#include <time.h>

#define LABEL_WIDTH 14

const char *text_date(int64_t t, char text[DATE_TEXT_SIZE])
{
        time_t time = (time_t)t;
        struct tm tm;

        /* LC_TIME is never set, so the month is English everywhere. */
        if (t == 0 || !gmtime_r(&time, &tm) ||
                strftime(text, DATE_TEXT_SIZE, "%b %d, %Y %H:%M UTC", &tm) == 0)
                return "-";
        return text;
}

void text_line(const char *text)
{
        autofree char *safe = term_escape(text);

        printf("%s\n", safe);
}

void text_field(const char *label, const char *value)
{
        size_t column = LABEL_WIDTH, limit = term_width();
        char *rest, *word;

        if (!value || !value[0])
                return;
        autofree char *safe = term_escape(value);
        printf("  %-*s", LABEL_WIDTH - 2, label);
        rest = safe;
        while ((word = strsep(&rest, " "))) {
                size_t width = term_text_width(word);

                if (column > LABEL_WIDTH && column + 1 + width > limit) {
                        printf("\n%*s", LABEL_WIDTH, "");
                        column = LABEL_WIDTH;
                }
                column += width + (column > LABEL_WIDTH);
                printf("%s%s", column > LABEL_WIDTH + width ? " " : "", word);
        }
        printf("\n");
}

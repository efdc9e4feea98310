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

/* The words of a text from this column on; each further line begins at `indent`. */
static void print_words(const char *text, size_t column, size_t indent, size_t limit)
{
        size_t begin = column;
        autofree char *safe = term_escape(text);
        char *rest = safe, *word;

        while ((word = strsep(&rest, " "))) {
                size_t width = term_text_width(word);

                if (column > begin && column + 1 + width > limit) {
                        printf("\n%*s", (int)indent, "");
                        column = begin = indent;
                }
                printf("%s%s", column > begin ? " " : "", word);
                column += width + (column > begin);
        }
}

/* A line is broken where a person reads it, and whole where grep does. */
static size_t line_limit(void)
{
        return isatty(STDOUT_FILENO) ? term_width() : SIZE_MAX;
}

void text_line(const char *text)
{
        size_t indent = strspn(text, " ");

        printf("%*s", (int)indent, "");
        print_words(text + indent, indent, indent + 2, line_limit());
        printf("\n");
}

void text_title(const char *name, const char *text)
{
        autofree char *safe = term_escape(name);

        printf("%s%s%s%s", term_style(STYLE_TITLE), safe, term_style(STYLE_PLAIN),
                text ? ": " : "");
        print_words(text, term_text_width(safe) + strlen(": "), 2, line_limit());
        printf("\n");
}

void text_paragraph(size_t indent, const char *text)
{
        if (!text || !text[0])
                return;
        printf("%*s", (int)indent, "");
        print_words(text, indent, indent, term_width());
        printf("\n");
}

void text_field(const char *label, const char *value)
{
        if (!value || !value[0])
                return;
        printf("  %-*s", LABEL_WIDTH - 2, label);
        print_words(value, LABEL_WIDTH, LABEL_WIDTH, term_width());
        printf("\n");
}

void text_state(const char *label, const char *state, int severity)
{
        autofree char *safe = term_escape(state);

        printf("  %-*s%s%s%s\n", LABEL_WIDTH - 2, label, term_style(term_severity_style(severity)),
                safe, term_style(STYLE_PLAIN));
}

/* One side of a change: "  key       + RSA-2048". */
static void print_side(const char *label, char sign, Style style, const char *value)
{
        printf("  %-*s%s%c ", LABEL_WIDTH - 4, label, term_style(style), sign);
        print_words(value, LABEL_WIDTH, LABEL_WIDTH, term_width());
        printf("%s\n", term_style(STYLE_PLAIN));
}

void text_change(const char *label, const char *old, const char *new)
{
        autofree char *from = term_escape(old);
        autofree char *to = term_escape(new);
        size_t width = LABEL_WIDTH + term_text_width(from) + strlen(" -> ") + term_text_width(to);

        if (!old || !old[0])
                print_side(label, '+', STYLE_GOOD, new);
        else if (width <= term_width())
                printf("  %-*s%s%s%s %s %s%s%s\n", LABEL_WIDTH - 2, label, term_style(STYLE_BAD),
                        from, term_style(STYLE_PLAIN), term_arrow(), term_style(STYLE_GOOD), to,
                        term_style(STYLE_PLAIN));
        else {
                print_side(label, '-', STYLE_BAD, old);
                print_side("", '+', STYLE_GOOD, new);
        }
}

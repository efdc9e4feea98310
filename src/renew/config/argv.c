/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/argv.h"

#define BLANKS " \t"
/* Characters that need no quotes. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"

/* One word from *text on, which moves behind it; NULL if a quote or a backslash is left open. */
static char *read_word(const char **text)
{
        autofree char *word = xmalloc(strlen(*text) + 1);
        const char *p = *text;
        char *out = word;
        int quote = 0; /* the one that is open */

        for (; *p && (quote || !strchr(BLANKS, *p)); p++) {
                bool is_quote = quote ? *p == quote : *p == '"' || *p == '\'';

                if (is_quote) {
                        quote = quote ? 0 : *p;
                        continue;
                }
                if (*p == '\\' && quote != '\'' && !*++p)
                        return NULL;
                *out++ = *p;
        }
        *out = '\0';
        *text = p;
        return quote ? NULL : TAKE(word);
}

int argv_parse(const char *text, char ***ret)
{
        autostrv argv = NULL;

        for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
                char *word = read_word(&text);

                if (!word)
                        return -EINVAL;
                strv_take(&argv, word);
        }
        if (!argv || argv[0][0] != '/')
                return -EINVAL;
        *ret = TAKE(argv);
        return 0;
}

/* A '#' or ';' behind a blank would begin a comment, so both are kept by a backslash. */
static char *quote(const char *word)
{
        char *quoted, *out;

        if (*word && !word[strspn(word, PLAIN)])
                return xstrdup(word);
        quoted = out = xcalloc(2, strlen(word) + 2);
        *out++ = '"';
        for (; *word; word++) {
                if (strchr("\"\\#;", *word))
                        *out++ = '\\';
                *out++ = *word;
        }
        *out++ = '"';
        *out = '\0';
        return quoted;
}

char *argv_format(char *const *argv)
{
        autostrv words = NULL;

        for (; argv && *argv; argv++)
                strv_take(&words, quote(*argv));
        return strv_join(words, " ");
}

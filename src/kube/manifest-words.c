/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest-words.h"

#include "base/path.h"

#include <limits.h>

#define WORDS_MAX 4096

static int add_word(
        char ***words, const char *text, size_t length, const YamlNode *node, Error *reterr)
{
        if (strv_length(*words) >= WORDS_MAX)
                return yaml_fail(reterr, -E2BIG, node, "more than %d words", WORDS_MAX);
        strv_take(words, xstrndup(text, length));
        return 0;
}

static bool is_separator(char c)
{
        return strchr(" \t\r\n;|&()<>", c);
}

/* One word of a script at *p, without its quotes, to `word`; returns its length. */
static size_t take_script_word(const char **p, char *word)
{
        size_t n = 0;
        char quote = 0;

        for (; **p && (quote || !is_separator(**p)); (*p)++) {
                char c = **p;

                if (quote ? c == quote : c == '"' || c == '\'')
                        quote = quote ? 0 : c;
                else if (c == '\\' && quote != '\'' && (*p)[1]) {
                        (*p)++;
                        if (**p != '\n')
                                word[n++] = **p;
                } else
                        word[n++] = c;
        }
        return n;
}

static int add_script(char ***words, const YamlNode *node, Error *reterr)
{
        autofree char *word = xmalloc(node->length + 1);
        const char *p = node->text;
        int r;

        while (*p) {
                size_t n = take_script_word(&p, word);

                r = n > 0 ? add_word(words, word, n, node, reterr) : 0;
                if (r < 0)
                        return r;
                p += *p != 0;
        }
        return 0;
}

/* "-c", "-ec", "-xc": what follows is a script. */
static bool asks_for_script(char *const *words)
{
        size_t n = strv_length(words), length = n > 0 ? strlen(words[n - 1]) : 0;

        return length >= 2 && length <= 4 && words[n - 1][0] == '-' && words[n - 1][1] != '-' &&
               words[n - 1][length - 1] == 'c';
}

static int add_words(const YamlTree *tree, const YamlNode *container, const char *key,
        char ***words, Error *reterr)
{
        const YamlNode *list, *node;
        int r;

        r = yaml_get_kind(tree, container, key, YAML_KIND_SEQUENCE, &list, NULL, reterr);
        if (r < 0 || !list)
                return r;
        for (node = yaml_first(tree, list); node; node = yaml_next(tree, list, node)) {
                if (node->kind != YAML_KIND_SCALAR || strlen(node->text) != node->length)
                        return yaml_fail(reterr, -EBADMSG, node, "a word of '%s' is no text", key);
                r = asks_for_script(*words)
                            ? add_script(words, node, reterr)
                            : add_word(words, node->text, node->length, node, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int container_words(const YamlTree *tree, const YamlNode *container, char ***ret, Error *reterr)
{
        autostrv words = NULL;
        int r;

        r = add_words(tree, container, "command", &words, reterr);
        if (r >= 0)
                r = add_words(tree, container, "args", &words, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(words);
        return 0;
}

static bool is_usable_path(const char *path)
{
        return path && path[0] == '/' && strlen(path) < PATH_MAX;
}

bool next_path_flag(char *const *words, size_t *at, char **ret_flag, char **ret_path)
{
        for (; words && words[*at]; (*at)++) {
                const char *word = words[*at], *name = word + strspn(word, "-");
                const char *value = strchr(name, '=');
                size_t length = value ? (size_t)(value - name) : strlen(name);

                if (name == word || length == 0)
                        continue;
                value = value ? value + 1 : words[*at + 1];
                if (!is_usable_path(value))
                        continue;
                *ret_flag = xasprintf("--%.*s", (int)length, name);
                *ret_path = path_normalize(value);
                (*at)++;
                return true;
        }
        return false;
}

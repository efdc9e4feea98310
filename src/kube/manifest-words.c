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

bool is_script_option(const char *word)
{
        size_t length = strlen(word);

        return length >= 2 && length <= 4 && word[0] == '-' && word[1] != '-' &&
               word[length - 1] == 'c';
}

static bool asks_for_script(char *const *words)
{
        size_t n = strv_length(words);

        return n > 0 && is_script_option(words[n - 1]);
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

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool is_shell(const char *program)
{
        static const char *const shells[] = {"sh", "ash", "bash", "dash"};

        for (size_t i = 0; i < ELEMENTSOF(shells); i++)
                if (streq(program, shells[i]))
                        return true;
        return false;
}

/* What a script runs in the end: what the shell is replaced by, or else what has the first long
 * flag, or else its first word. */
static const char *script_program(char *const *script)
{
        const char *replaced = NULL, *flagged = NULL;

        for (char *const *word = script; *word && word[1]; word++) {
                if (streq(*word, "exec"))
                        replaced = word[1];
                if (!flagged && starts_with(word[1], "--"))
                        flagged = *word;
        }
        return replaced ? replaced : flagged ? flagged : *script;
}

/* What the shell of "sh -c" runs; the shell itself where it reads a file. */
static const char *find_script_program(const char *shell, char *const *words)
{
        for (; *words; words++)
                if (is_script_option(*words))
                        return words[1] ? base_name(script_program(words + 1)) : "";
        return shell;
}

/* NULL where only the image knows. */
static char *find_program(char *const *words, bool has_command)
{
        const char *program = has_command ? base_name(words[0]) : "";

        if (is_shell(program))
                program = find_script_program(program, words + 1);
        return *program ? xstrdup(program) : NULL;
}

int container_words(const YamlTree *tree, const YamlNode *container, char ***ret,
        char **ret_program, Error *reterr)
{
        autostrv words = NULL;
        bool has_command;
        int r;

        r = add_words(tree, container, "command", &words, reterr);
        has_command = words;
        if (r >= 0)
                r = add_words(tree, container, "args", &words, reterr);
        if (r < 0)
                return r;
        *ret_program = find_program(words, has_command);
        *ret = TAKE(words);
        return 0;
}

/* The name of the flag that a word is, without its dashes and what follows a '='; NULL if it is
 * none. */
static const char *flag_name(const char *word, size_t *ret_length)
{
        const char *name = word + strspn(word, "-");

        *ret_length = strcspn(name, "=");
        return name != word && *ret_length > 0 ? name : NULL;
}

bool word_is_flag(const char *word, const char *flag, const char **ret_value)
{
        size_t length;
        const char *name = flag_name(word, &length);

        if (!name || strlen(flag) != length + 2 || strncmp(flag + 2, name, length) != 0)
                return false;
        *ret_value = name[length] ? name + length + 1 : NULL;
        return true;
}

const char *words_flag(char *const *words, const char *flag)
{
        const char *found = NULL, *value;

        for (; words && *words; words++)
                if (word_is_flag(*words, flag, &value))
                        found = value ? value : words[1] && words[1][0] != '-' ? words[1] : "";
        return found;
}

static bool is_usable_path(const char *path)
{
        return path && path[0] == '/' && strlen(path) < PATH_MAX;
}

bool next_path_flag(char *const *words, size_t *at, char **ret_flag, char **ret_path)
{
        for (; words && words[*at]; (*at)++) {
                size_t length;
                const char *name = flag_name(words[*at], &length), *value;

                if (!name)
                        continue;
                value = name[length] ? name + length + 1 : words[*at + 1];
                if (!is_usable_path(value))
                        continue;
                *ret_flag = xasprintf("--%.*s", (int)length, name);
                *ret_path = path_normalize(value);
                (*at)++;
                return true;
        }
        return false;
}

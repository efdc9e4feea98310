/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/yaml-tree.h"

#define KEYS_MAX 1024 /* of one mapping on the way to something */

int yaml_fail(Error *reterr, int r, const YamlNode *node, const char *format, ...)
{
        va_list args;

        if (!reterr)
                return r;
        va_start(args, format);
        autofree char *text = xvasprintf(format, args);
        va_end(args);
        return error_set(reterr, r, "line %zu, column %zu: %s", node->line, node->column, text);
}

const char *yaml_oddity(const YamlNode *node)
{
        return node->anchor ? "an anchor" : node->tag ? "a tag" : NULL;
}

const YamlNode *yaml_root(const YamlTree *tree)
{
        return &tree->nodes[0];
}

const YamlNode *yaml_first(const YamlTree *tree, const YamlNode *parent)
{
        const YamlNode *first = parent + 1;

        return first < tree->nodes + parent->after ? first : NULL;
}

const YamlNode *yaml_next(const YamlTree *tree, const YamlNode *parent, const YamlNode *child)
{
        return child->after < parent->after ? &tree->nodes[child->after] : NULL;
}

static bool is_text(const YamlNode *node, const char *text)
{
        return node->kind == YAML_KIND_SCALAR && node->length == strlen(text) &&
               memcmp(node->text, text, node->length) == 0;
}

/* YAML 1.1 core schema, as sigs.k8s.io/yaml resolves it. */
static bool is_null(const YamlNode *node)
{
        static const char *const words[] = {"", "~", "null", "Null", "NULL"};

        if (node->kind != YAML_KIND_SCALAR || node->style != YAML_PLAIN_SCALAR_STYLE)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (is_text(node, words[i]))
                        return true;
        return false;
}

/* Can this key be told apart from the one that is looked for? */
static int check_key(const YamlNode *key, Error *reterr)
{
        if (is_text(key, "<<"))
                return yaml_fail(reterr, -EOPNOTSUPP, key, "a merge key is not supported here");
        if (key->kind == YAML_KIND_ALIAS)
                return yaml_fail(
                        reterr, -EOPNOTSUPP, key, "an alias for a key is not supported here");
        if (key->tag)
                return yaml_fail(
                        reterr, -EOPNOTSUPP, key, "a key with a tag is not supported here");
        return 0;
}

static void note_odd(const YamlNode *node, const YamlNode **odd)
{
        if (odd && !*odd && yaml_oddity(node))
                *odd = node;
}

static int find_pair(const YamlTree *tree, const YamlNode *mapping, const char *text,
        const YamlNode **ret_key, Error *reterr)
{
        const YamlNode *found = NULL, *key, *value;
        size_t n = 0;
        int r;

        for (key = yaml_first(tree, mapping); key; key = yaml_next(tree, mapping, value)) {
                value = yaml_next(tree, mapping, key);
                if (++n > KEYS_MAX)
                        return yaml_fail(reterr, -E2BIG, key, "more than %d keys", KEYS_MAX);
                r = check_key(key, reterr);
                if (r < 0)
                        return r;
                if (!is_text(key, text))
                        continue;
                if (found)
                        return yaml_fail(reterr, -ENOTUNIQ, key,
                                "'%s' is there twice, first in line %zu", text, found->line);
                found = key;
        }
        *ret_key = found;
        return 0;
}

int yaml_get(const YamlTree *tree, const YamlNode *mapping, const char *key, const YamlNode **ret,
        const YamlNode **odd, Error *reterr)
{
        const YamlNode *pair = NULL, *value;
        int r;

        if (mapping->kind != YAML_KIND_MAPPING)
                return yaml_fail(reterr, -EBADMSG, mapping, "a mapping with '%s' is missing", key);
        note_odd(mapping, odd);
        r = find_pair(tree, mapping, key, &pair, reterr);
        if (r < 0)
                return r;
        *ret = NULL;
        if (!pair)
                return 0;
        value = yaml_next(tree, mapping, pair);
        if (value->kind == YAML_KIND_ALIAS)
                return yaml_fail(reterr, -EOPNOTSUPP, value,
                        "'%s' is an alias, which is not supported", key);
        note_odd(pair, odd);
        note_odd(value, odd);
        if (!is_null(value))
                *ret = value;
        return 0;
}

int yaml_get_kind(const YamlTree *tree, const YamlNode *mapping, const char *key, YamlKind kind,
        const YamlNode **ret, const YamlNode **odd, Error *reterr)
{
        static const char *const names[] = {"scalar", "list", "mapping", "alias"};
        const YamlNode *value = NULL;
        int r;

        r = yaml_get(tree, mapping, key, &value, odd, reterr);
        if (r < 0)
                return r;
        if (value && value->kind != kind)
                return yaml_fail(reterr, -EBADMSG, value, "'%s' is no %s", key, names[kind]);
        *ret = value;
        return 0;
}

int yaml_get_text(const YamlTree *tree, const YamlNode *mapping, const char *key, const char **ret,
        const YamlNode **odd, Error *reterr)
{
        const YamlNode *value = NULL;
        int r;

        r = yaml_get_kind(tree, mapping, key, YAML_KIND_SCALAR, &value, odd, reterr);
        if (r < 0)
                return r;
        if (value && strlen(value->text) != value->length)
                return yaml_fail(reterr, -EBADMSG, value, "'%s' has a NUL in it", key);
        *ret = value ? value->text : NULL;
        return 0;
}

int yaml_get_text_or_empty(const YamlTree *tree, const YamlNode *mapping, const char *key,
        const char **ret, Error *reterr)
{
        const char *text;
        int r;

        r = yaml_get_text(tree, mapping, key, &text, NULL, reterr);
        if (r >= 0)
                *ret = text ? text : "";
        return r;
}

int yaml_get_number(const YamlTree *tree, const YamlNode *mapping, const char *key,
        unsigned fallback, unsigned *ret, Error *reterr)
{
        const YamlNode *value = NULL;
        unsigned number = 0;
        int r;

        r = yaml_get_kind(tree, mapping, key, YAML_KIND_SCALAR, &value, NULL, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; value && (i == 0 || i < value->length); i++) {
                unsigned digit = (unsigned)value->text[i] - '0';

                if (digit > 9 || number > (INT32_MAX - digit) / 10)
                        return yaml_fail(reterr, -EBADMSG, value, "'%s' is no number", key);
                number = number * 10 + digit;
        }
        *ret = value ? number : fallback;
        return 0;
}

int yaml_get_list(const YamlTree *tree, const YamlNode *mapping, const char *key, size_t max,
        const YamlNode **ret, size_t *ret_n, Error *reterr)
{
        const YamlNode *list, *item;
        size_t n = 0;
        int r;

        r = yaml_get_kind(tree, mapping, key, YAML_KIND_SEQUENCE, &list, NULL, reterr);
        if (r < 0)
                return r;
        for (item = list ? yaml_first(tree, list) : NULL; item; item = yaml_next(tree, list, item))
                if (++n > max)
                        return yaml_fail(reterr, -E2BIG, item, "more than %zu %s", max, key);
        *ret = list;
        *ret_n = n;
        return 0;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Are the bytes the scalar's value, white space aside? */
static bool holds_value(const char *bytes, size_t size, const YamlNode *scalar)
{
        size_t k = 0;

        for (size_t i = 0; i < size; i++) {
                if (is_blank(bytes[i]))
                        continue;
                while (k < scalar->length && is_blank(scalar->text[k]))
                        k++;
                if (k >= scalar->length || scalar->text[k++] != bytes[i])
                        return false;
        }
        while (k < scalar->length && is_blank(scalar->text[k]))
                k++;
        return k == scalar->length;
}

/* Narrows the range to what is between the quotes, or between the header of a block scalar with its
 * indentation and its last line breaks. */
static bool strip_quotes(const char *data, char quote, size_t *start, size_t *end)
{
        if (*end - *start < 2 || data[*start] != quote || data[*end - 1] != quote)
                return false;
        (*start)++;
        (*end)--;
        return true;
}

static bool strip_block(const char *data, size_t *start, size_t *end)
{
        while (*start < *end && data[*start] != '\n')
                (*start)++;
        while (*start < *end && is_blank(data[*start]))
                (*start)++;
        while (*start < *end && is_blank(data[*end - 1]))
                (*end)--;
        return *start < *end;
}

static bool strip(const char *data, const YamlNode *scalar, size_t *start, size_t *end)
{
        switch (scalar->style) {
        case YAML_PLAIN_SCALAR_STYLE:
                return true;
        case YAML_SINGLE_QUOTED_SCALAR_STYLE:
                return strip_quotes(data, '\'', start, end);
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
                return strip_quotes(data, '"', start, end);
        default:
                return strip_block(data, start, end);
        }
}

int yaml_value_range(const YamlTree *tree, const YamlNode *scalar, size_t *ret_start,
        size_t *ret_end, Error *reterr)
{
        size_t start = scalar->start, end = scalar->end;

        if (!strip(tree->data, scalar, &start, &end) ||
                !holds_value(tree->data + start, end - start, scalar))
                return yaml_fail(reterr, -EOPNOTSUPP, scalar,
                        "the way this value is written is not supported");
        *ret_start = start;
        *ret_end = end;
        return 0;
}

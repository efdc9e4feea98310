/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest-edit.h"

#include "kube/manifest-words.h"
#include "kube/manifest.h"
#include "kube/yaml-splice.h"

#define WORDS_MAX 4096

/* The command line while it is searched, word by word. */
typedef struct Search {
        const YamlTree *tree;
        const char *flag;
        const YamlNode *odd;    /* first node with an anchor or a tag on the way to the list */
        const YamlNode *before; /* the last word */
        size_t n;

        /* What was found. */
        const YamlNode *word; /* that is the flag, NULL: none yet */
        const YamlNode *node; /* that holds the value: the same, or the next; NULL: none yet */
        const YamlNode *node_odd;
        const char *value; /* in node->text */
} Search;

static void note_odd(const YamlNode *node, const YamlNode **odd)
{
        if (!*odd && yaml_oddity(node))
                *odd = node;
}

static int check_word(const Search *search, const YamlNode *node, Error *reterr)
{
        if (node->kind == YAML_KIND_ALIAS)
                return yaml_fail(reterr, -EOPNOTSUPP, node,
                        "a word of the command line is an alias, which is not supported");
        if (node->kind != YAML_KIND_SCALAR || strlen(node->text) != node->length)
                return yaml_fail(reterr, -EBADMSG, node, "a word of the command line is no text");
        if (search->n >= WORDS_MAX)
                return yaml_fail(reterr, -E2BIG, node, "more than %d words", WORDS_MAX);
        return 0;
}

static void take_value(Search *search, const YamlNode *node, const char *value)
{
        search->node = node;
        search->value = value;
        search->node_odd = search->odd;
        note_odd(search->word, &search->node_odd);
        note_odd(node, &search->node_odd);
}

static int take_word(Search *search, const YamlNode *node, Error *reterr)
{
        const char *value = NULL;
        int r;

        r = check_word(search, node, reterr);
        if (r < 0)
                return r;
        if (search->word && search->before == search->word && !search->node && node->text[0] != '-')
                take_value(search, node, node->text);
        if (search->before && is_script_option(search->before->text) &&
                strstr(node->text, search->flag + 1))
                return yaml_fail(reterr, -EOPNOTSUPP, node,
                        "'%s' stands in a script, which is not supported", search->flag);
        search->before = node;
        search->n++;
        if (!word_is_flag(node->text, search->flag, &value))
                return 0;
        if (search->word)
                return yaml_fail(reterr, -ENOTUNIQ, node, "'%s' is there twice, also in line %zu",
                        search->flag, search->word->line);
        search->word = node;
        if (value)
                take_value(search, node, value);
        return 0;
}

/* The words of `command`, then those of `args`. */
static int search_list(Search *search, const YamlNode *container, const YamlNode *way_odd,
        const char *key, Error *reterr)
{
        const YamlNode *list = NULL, *node;
        int r;

        search->odd = way_odd;
        r = yaml_get_kind(
                search->tree, container, key, YAML_KIND_SEQUENCE, &list, &search->odd, reterr);
        if (r < 0 || !list)
                return r;
        for (node = yaml_first(search->tree, list); node && r >= 0;
                node = yaml_next(search->tree, list, node))
                r = take_word(search, node, reterr);
        return r;
}

/* The container of that name. */
static int find_container(const YamlTree *tree, const char *name, const YamlNode **ret,
        const YamlNode **odd, Error *reterr)
{
        const YamlNode *spec = NULL, *list = NULL, *node, *found = NULL;
        int r;

        r = yaml_get_kind(tree, yaml_root(tree), "spec", YAML_KIND_MAPPING, &spec, odd, reterr);
        if (r >= 0 && spec)
                r = yaml_get_kind(tree, spec, "containers", YAML_KIND_SEQUENCE, &list, odd, reterr);
        if (r < 0)
                return r;
        for (node = list ? yaml_first(tree, list) : NULL; node;
                node = yaml_next(tree, list, node)) {
                const char *text;

                r = yaml_get_text_or_empty(tree, node, "name", &text, reterr);
                if (r < 0)
                        return r;
                if (!streq(text, name))
                        continue;
                if (found)
                        return yaml_fail(reterr, -ENOTUNIQ, node,
                                "the container '%s' is there twice, also in line %zu", name,
                                found->line);
                found = node;
        }
        if (!found)
                return error_set(reterr, -ENOENT, "there is no container '%s'", name);
        note_odd(found, odd);
        *ret = found;
        return 0;
}

static int find_value(
        const YamlTree *tree, const char *container, const char *flag, Search *ret, Error *reterr)
{
        const YamlNode *node = NULL, *odd = NULL;
        Search search = {.tree = tree, .flag = flag};
        int r;

        r = find_container(tree, container, &node, &odd, reterr);
        if (r >= 0)
                r = search_list(&search, node, odd, "command", reterr);
        if (r >= 0)
                r = search_list(&search, node, odd, "args", reterr);
        if (r < 0)
                return r;
        if (!search.node)
                return yaml_fail(reterr, -ENOENT, search.word ? search.word : node,
                        "the container '%s' has no %s '%s'", container,
                        search.word ? "value behind" : "flag", flag);
        *ret = search;
        return 0;
}

/* The bytes of the whole word, which must be its text as it is: then those of the value are its
 * last ones. */
static int place_value(const YamlTree *tree, const Search *found, size_t *ret_start,
        size_t *ret_end, Error *reterr)
{
        size_t start = 0, end = 0;
        int r;

        r = yaml_splice_place(tree, found->node, found->node_odd, &start, &end, reterr);
        if (r < 0)
                return r;
        if (end - start != found->node->length ||
                memcmp(tree->data + start, found->node->text, found->node->length) != 0)
                return yaml_fail(reterr, -EOPNOTSUPP, found->node,
                        "the way this value is written is not supported");
        *ret_start = start;
        *ret_end = end;
        return 0;
}

int manifest_replace_argument(const void *data, size_t size, const char *container,
        const char *flag, const char *old_value, const char *new_value, char **ret,
        size_t *ret_size, Error *reterr)
{
        autoptr(YamlSplices) list = xcalloc(1, sizeof(*list));
        autoptr(YamlTree) tree = NULL;
        autoptr(Secret) fresh = NULL;
        Search found = {};
        size_t start = 0, end = 0;
        int r;

        /* 1. Find the word, and see that it says what the caller thinks. */
        if (!*new_value)
                return error_set(reterr, -EINVAL, "no new value for '%s'", flag);
        r = yaml_tree_parse(data, size, &tree, reterr);
        if (r >= 0)
                r = find_value(tree, container, flag, &found, reterr);
        if (r < 0)
                return r;
        if (!streq(found.value, old_value))
                return yaml_fail(reterr, -ESTALE, found.node, "'%s' is '%s', not '%s'", flag,
                        found.value, old_value);

        /* 2. Put the new one there. */
        r = place_value(tree, &found, &start, &end, reterr);
        if (r < 0)
                return r;
        yaml_splices_add(list, found.node, start, end,
                xasprintf("%.*s%s", (int)(found.value - found.node->text), found.node->text,
                        new_value));
        r = yaml_splice(tree, size, list, &fresh, reterr);
        if (r < 0)
                return r;
        *ret = xmemdup(fresh->data, fresh->size + 1);
        *ret_size = fresh->size;
        return 0;
}

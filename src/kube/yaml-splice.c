/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/yaml-splice.h"

void yaml_splices_free(YamlSplices *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++) {
                explicit_bzero(list->items[i].text, list->items[i].length);
                free(list->items[i].text);
        }
        free(list->items);
        free(list);
}

int yaml_splice_place(const YamlTree *tree, const YamlNode *scalar, const YamlNode *odd,
        size_t *ret_start, size_t *ret_end, Error *reterr)
{
        if (tree->second_line > 0)
                return error_set(reterr, -EOPNOTSUPP,
                        "line %zu, column 1: a second document, which is not supported",
                        tree->second_line);
        if (odd)
                return yaml_fail(reterr, -EOPNOTSUPP, odd,
                        "%s on the way to the data, which is not supported", yaml_oddity(odd));
        return yaml_value_range(tree, scalar, ret_start, ret_end, reterr);
}

void yaml_splices_add(
        YamlSplices *list, const YamlNode *scalar, size_t start, size_t end, char *text)
{
        list->items = xreallocarray(list->items, list->n + 1, sizeof(*list->items));
        list->items[list->n] = (YamlSplice){scalar, start, end, text, strlen(text)};
        list->growth += list->items[list->n++].length;
}

static int compare_splices(const void *a, const void *b)
{
        const YamlSplice *left = a, *right = b;

        return left->start < right->start ? -1 : left->start > right->start;
}

/* In the order of the text. */
static int sort(YamlSplices *list, Error *reterr)
{
        if (list->n > 1)
                qsort(list->items, list->n, sizeof(*list->items), compare_splices);
        for (size_t i = 1; i < list->n; i++)
                if (list->items[i].scalar == list->items[i - 1].scalar)
                        return yaml_fail(
                                reterr, -EINVAL, list->items[i].scalar, "two changes of one value");
        return 0;
}

/* The bytes between the splices, copied, and the new texts. */
static Secret *apply(const char *data, size_t size, const YamlSplices *list)
{
        autoptr(Secret) fresh = xcalloc(1, sizeof(*fresh));
        unsigned char *p = fresh->data = xmalloc(size + list->growth + 1);
        size_t from = 0;

        for (size_t i = 0; i < list->n; i++) {
                const YamlSplice *splice = &list->items[i];

                p = mempcpy(p, data + from, splice->start - from);
                p = mempcpy(p, splice->text, splice->length);
                from = splice->end;
        }
        p = mempcpy(p, data + from, size - from);
        *p = 0;
        fresh->size = (size_t)(p - fresh->data);
        return TAKE(fresh);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\n';
}

/* Around the text in a block scalar are the line breaks that were there before. */
static bool is_replaced(const YamlNode *node, const YamlSplice *splice)
{
        const char *start = node->text, *end = node->text + node->length;

        if (node->style == YAML_LITERAL_SCALAR_STYLE || node->style == YAML_FOLDED_SCALAR_STYLE) {
                while (start < end && is_blank(*start))
                        start++;
                while (start < end && is_blank(end[-1]))
                        end--;
        }
        return (size_t)(end - start) == splice->length &&
               memcmp(start, splice->text, splice->length) == 0;
}

static bool same_string(const char *a, const char *b)
{
        return a == b || (a && b && streq(a, b));
}

static bool same_node(const YamlNode *a, const YamlNode *b)
{
        return same_string(a->anchor, b->anchor) && same_string(a->tag, b->tag) &&
               a->length == b->length &&
               (a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
}

/* Walks both documents event by event: equal but for the scalars that were to change. */
static bool is_as_planned(const YamlTree *old, const YamlTree *new, const YamlSplices *list)
{
        size_t next = 0;

        if (old->n_nodes != new->n_nodes || new->second_line > 0)
                return false;
        for (size_t i = 0; i < old->n_nodes; i++) {
                const YamlNode *a = &old->nodes[i], *b = &new->nodes[i];
                bool due = next < list->n && list->items[next].scalar == a;

                if (a->kind != b->kind || a->style != b->style || a->after != b->after)
                        return false;
                if (due ? !is_replaced(b, &list->items[next++]) : !same_node(a, b))
                        return false;
        }
        return next == list->n;
}

int yaml_splice(const YamlTree *tree, size_t size, YamlSplices *list, Secret **ret, Error *reterr)
{
        autoptr(YamlTree) check = NULL;
        autoptr(Secret) fresh = NULL;
        int r;

        /* 1. Put the new values in their places; all other bytes are copied. */
        r = sort(list, reterr);
        if (r < 0)
                return r;
        fresh = apply(tree->data, size, list);

        /* 2. Read the result as everybody else will, and see that it says what was meant. */
        r = yaml_tree_parse(fresh->data, fresh->size, &check, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "the changed text cannot be read");
        if (!is_as_planned(tree, check, list))
                return error_set(reterr, -EBADMSG,
                        "the changed text would say something else than was meant");
        *ret = TAKE(fresh);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/kubeconfig.h"

#include "base/digest.h"
#include "base/fs.h"
#include "kube/kubeconfig-tree.h"

static const struct {
        KubeconfigSection section;
        const char *owner, *key;
} fields[] = {
        [KUBECONFIG_CLIENT_CERTIFICATE] = {KUBECONFIG_USERS, "user", "client-certificate-data"},
        [KUBECONFIG_CLIENT_KEY] = {KUBECONFIG_USERS, "user", "client-key-data"},
        [KUBECONFIG_CERTIFICATE_AUTHORITY] = {KUBECONFIG_CLUSTERS, "cluster",
                "certificate-authority-data"},
};

/* One scalar and the text that takes the place of its bytes. */
typedef struct Splice {
        const YamlNode *scalar;
        size_t start, end; /* of the value alone, in bytes */
        char *text;        /* base64 */
        size_t length;
} Splice;

typedef struct SpliceList {
        Splice *items;
        size_t n;
        size_t growth; /* of the file, at most */
} SpliceList;

static void splice_list_free(SpliceList *list)
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

DEFINE_AUTOPTR(SpliceList, splice_list_free)

/* The scalar that an edit means; only what lies on the way to it can be wrong. */
static int find_scalar(
        const YamlTree *tree, const KubeconfigEdit *edit, KubeconfigPlace *ret, Error *reterr)
{
        autoptr(KubeconfigEntries) entries = NULL;
        KubeconfigPlace body, scalar = {};
        size_t i = 0;
        int r;

        r = kubeconfig_entries(tree, fields[edit->field].section, &entries, reterr);
        if (r < 0)
                return r;
        while (i < entries->n && !(entries->names[i] && streq(entries->names[i], edit->name)))
                i++;
        if (i == entries->n)
                return error_set(reterr, -ENOENT, "there is no %s '%s'", fields[edit->field].owner,
                        edit->name);
        r = kubeconfig_body(tree, entries, i, &body, reterr);
        if (r >= 0 && body.node)
                r = kubeconfig_data(tree, &body, fields[edit->field].key, &scalar, reterr);
        if (r < 0)
                return r;
        if (!scalar.node)
                return yaml_fail(reterr, -ENOENT, entries->nodes[i], "'%s' has no '%s'", edit->name,
                        fields[edit->field].key);
        *ret = scalar;
        return 0;
}

static int make_splice(
        const YamlTree *tree, const KubeconfigEdit *edit, Splice *splice, Error *reterr)
{
        KubeconfigPlace place;
        int r;

        if (edit->size == 0 || edit->size > FS_SIZE_MAX)
                return error_set(
                        reterr, -EINVAL, "nothing, or too much, to put in for '%s'", edit->name);
        r = find_scalar(tree, edit, &place, reterr);
        if (r >= 0)
                r = kubeconfig_data_range(tree, &place, &splice->start, &splice->end, reterr);
        if (r < 0)
                return r;
        splice->scalar = place.node;
        splice->text = base64_encode(edit->data, edit->size);
        splice->length = strlen(splice->text);
        return 0;
}

static int compare_splices(const void *a, const void *b)
{
        const Splice *left = a, *right = b;

        return left->start < right->start ? -1 : left->start > right->start;
}

static int make_splices(const YamlTree *tree, const KubeconfigEdit *edits, size_t n_edits,
        SpliceList *list, Error *reterr)
{
        list->items = xcalloc(n_edits, sizeof(*list->items));
        for (size_t i = 0; i < n_edits; i++) {
                int r;

                r = make_splice(tree, &edits[i], &list->items[i], reterr);
                if (r < 0)
                        return r;
                list->growth += list->items[i].length;
                list->n++;
        }
        qsort(list->items, list->n, sizeof(*list->items), compare_splices);
        for (size_t i = 1; i < list->n; i++)
                if (list->items[i].scalar == list->items[i - 1].scalar)
                        return yaml_fail(
                                reterr, -EINVAL, list->items[i].scalar, "two changes of one value");
        return 0;
}

/* The bytes between the splices, copied, and the new texts. */
static Secret *apply(const char *data, size_t size, const SpliceList *list)
{
        autoptr(Secret) fresh = xcalloc(1, sizeof(*fresh));
        unsigned char *p = fresh->data = xmalloc(size + list->growth);
        size_t from = 0;

        for (size_t i = 0; i < list->n; i++) {
                const Splice *splice = &list->items[i];

                p = mempcpy(p, data + from, splice->start - from);
                p = mempcpy(p, splice->text, splice->length);
                from = splice->end;
        }
        p = mempcpy(p, data + from, size - from);
        fresh->size = (size_t)(p - fresh->data);
        return TAKE(fresh);
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\n';
}

/* Around the text in a block scalar are the line breaks that were there before. */
static bool is_replaced(const YamlNode *node, const Splice *splice)
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
static bool is_as_planned(const YamlTree *old, const YamlTree *new, const SpliceList *list)
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

int kubeconfig_replace(const void *data, size_t size, const KubeconfigEdit *edits, size_t n_edits,
        Secret **ret, Error *reterr)
{
        autoptr(YamlTree) tree = NULL;
        autoptr(YamlTree) check = NULL;
        autoptr(SpliceList) list = xcalloc(1, sizeof(*list));
        autoptr(Secret) fresh = NULL;
        int r;

        /* 1. Find every scalar that is to change, and the bytes of its value. */
        r = yaml_tree_parse(data, size, &tree, reterr);
        if (r >= 0)
                r = make_splices(tree, edits, n_edits, list, reterr);
        if (r < 0)
                return r;

        /* 2. Put the new values in their places; all other bytes are copied. */
        fresh = apply(data, size, list);

        /* 3. Read the result as everybody else will, and see that it says what was meant. */
        r = yaml_tree_parse(fresh->data, fresh->size, &check, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "the changed kubeconfig cannot be read");
        if (!is_as_planned(tree, check, list))
                return error_set(reterr, -EBADMSG,
                        "the changed kubeconfig would say something else than was meant");
        *ret = TAKE(fresh);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/kubeconfig-tree.h"

static const struct {
        const char *list, *body;
} sections[] = {
        [KUBECONFIG_USERS] = {"users", "user"},
        [KUBECONFIG_CLUSTERS] = {"clusters", "cluster"},
        [KUBECONFIG_CONTEXTS] = {"contexts", "context"},
};

void kubeconfig_entries_free(KubeconfigEntries *entries)
{
        if (!entries)
                return;
        free(entries->nodes);
        free(entries->names);
        free(entries);
}

static int read_name(
        const YamlTree *tree, const YamlNode *entry, const char **ret_name, Error *reterr)
{
        const char *name;
        int r;

        r = yaml_get_text(tree, entry, "name", &name, NULL, reterr);
        if (r >= 0)
                *ret_name = name ? name : "";
        return r;
}

static int take_entries(
        const YamlTree *tree, const YamlNode *list, KubeconfigEntries *entries, Error *reterr)
{
        const YamlNode *node;

        for (node = yaml_first(tree, list); node; node = yaml_next(tree, list, node)) {
                if (entries->n >= KUBECONFIG_ENTRIES_MAX)
                        return yaml_fail(reterr, -E2BIG, node, "more than %d %s",
                                KUBECONFIG_ENTRIES_MAX, sections[entries->section].list);
                if (read_name(tree, node, &entries->names[entries->n], NULL) < 0)
                        entries->names[entries->n] = NULL;
                entries->nodes[entries->n++] = node;
        }
        return 0;
}

int kubeconfig_entries(
        const YamlTree *tree, KubeconfigSection section, KubeconfigEntries **ret, Error *reterr)
{
        autoptr(KubeconfigEntries) entries = xcalloc(1, sizeof(*entries));
        const YamlNode *list;
        int r;

        entries->section = section;
        entries->nodes = xcalloc(KUBECONFIG_ENTRIES_MAX, sizeof(*entries->nodes));
        entries->names = xcalloc(KUBECONFIG_ENTRIES_MAX, sizeof(*entries->names));
        r = yaml_get_kind(tree, yaml_root(tree), sections[section].list, YAML_KIND_SEQUENCE, &list,
                &entries->odd, reterr);
        if (r >= 0 && list)
                r = take_entries(tree, list, entries, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(entries);
        return 0;
}

/* client-go refuses to load a file with a name that is there twice; we refuse to choose. */
static int check_unique(const KubeconfigEntries *entries, size_t i, Error *reterr)
{
        for (size_t k = 0; k < entries->n; k++)
                if (k != i && entries->names[k] && streq(entries->names[k], entries->names[i]))
                        return yaml_fail(reterr, -ENOTUNIQ, entries->nodes[i],
                                "the %s '%s' is there twice, also in line %zu",
                                sections[entries->section].body, entries->names[i],
                                entries->nodes[k]->line);
        return 0;
}

int kubeconfig_body(const YamlTree *tree, const KubeconfigEntries *entries, size_t i,
        KubeconfigPlace *ret, Error *reterr)
{
        KubeconfigPlace body = {.odd = entries->odd};
        const char *name;
        int r;

        r = read_name(tree, entries->nodes[i], &name, reterr);
        if (r >= 0)
                r = check_unique(entries, i, reterr);
        if (r >= 0)
                r = yaml_get_kind(tree, entries->nodes[i], sections[entries->section].body,
                        YAML_KIND_MAPPING, &body.node, &body.odd, reterr);
        if (r >= 0)
                *ret = body;
        return r;
}

int kubeconfig_data(const YamlTree *tree, const KubeconfigPlace *body, const char *key,
        KubeconfigPlace *ret, Error *reterr)
{
        KubeconfigPlace data = {.odd = body->odd};
        int r;

        r = yaml_get_kind(tree, body->node, key, YAML_KIND_SCALAR, &data.node, &data.odd, reterr);
        if (r < 0)
                return r;
        if (data.node && data.node->length == 0)
                data.node = NULL;
        *ret = data;
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/kubeconfig.h"

#include "base/digest.h"
#include "base/fs.h"
#include "kube/kubeconfig-tree.h"
#include "kube/yaml-splice.h"

static const struct {
        KubeconfigSection section;
        const char *owner, *key;
} fields[] = {
        [KUBECONFIG_CLIENT_CERTIFICATE] = {KUBECONFIG_USERS, "user", "client-certificate-data"},
        [KUBECONFIG_CLIENT_KEY] = {KUBECONFIG_USERS, "user", "client-key-data"},
        [KUBECONFIG_CERTIFICATE_AUTHORITY] = {KUBECONFIG_CLUSTERS, "cluster",
                "certificate-authority-data"},
};

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

static int add_splice(
        const YamlTree *tree, const KubeconfigEdit *edit, YamlSplices *list, Error *reterr)
{
        KubeconfigPlace place = {};
        size_t start, end;
        int r;

        if (edit->size == 0 || edit->size > FS_SIZE_MAX)
                return error_set(
                        reterr, -EINVAL, "nothing, or too much, to put in for '%s'", edit->name);
        r = find_scalar(tree, edit, &place, reterr);
        if (r >= 0)
                r = yaml_splice_place(tree, place.node, place.odd, &start, &end, reterr);
        if (r >= 0)
                yaml_splices_add(
                        list, place.node, start, end, base64_encode(edit->data, edit->size));
        return r;
}

int kubeconfig_replace(const void *data, size_t size, const KubeconfigEdit *edits, size_t n_edits,
        Secret **ret, Error *reterr)
{
        autoptr(YamlSplices) list = xcalloc(1, sizeof(*list));
        autoptr(YamlTree) tree = NULL;
        int r;

        r = yaml_tree_parse(data, size, &tree, reterr);
        for (size_t i = 0; i < n_edits && r >= 0; i++)
                r = add_splice(tree, &edits[i], list, reterr);
        return r < 0 ? r : yaml_splice(tree, size, list, ret, reterr);
}

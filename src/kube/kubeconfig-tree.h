/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The way to the data of a kubeconfig's users and clusters, the same for those who read it and
 * those who change it; for this room only.
 *
 *     r = kubeconfig_entries(tree, KUBECONFIG_USERS, &entries, reterr);
 *     r = kubeconfig_body(tree, entries, i, &body, reterr);
 *     r = kubeconfig_data(tree, &body, "client-key-data", &data, reterr);
 *     r = yaml_splice_place(tree, data.node, data.odd, &start, &end, reterr);
 */

#include "kube/yaml-tree.h"

#define KUBECONFIG_ENTRIES_MAX 4096

/* The lists "users: [{name, user: {…}}]" and their like. */
typedef enum KubeconfigSection {
        KUBECONFIG_USERS,
        KUBECONFIG_CLUSTERS,
        KUBECONFIG_CONTEXTS,
} KubeconfigSection;

typedef struct KubeconfigEntries {
        KubeconfigSection section;
        const YamlNode **nodes;
        const char **names; /* "" if it has none, NULL if it cannot be read */
        size_t n;
        const YamlNode *odd; /* first node with an anchor or a tag above the entries */
} KubeconfigEntries;

void kubeconfig_entries_free(KubeconfigEntries *entries);
DEFINE_AUTOPTR(KubeconfigEntries, kubeconfig_entries_free)

/* A place below an entry, and what is in the way of changing it. */
typedef struct KubeconfigPlace {
        const YamlNode *node; /* NULL if nothing is there */
        const YamlNode *odd;  /* first node with an anchor or a tag down to here */
} KubeconfigPlace;

/* -EBADMSG if this is no kubeconfig, -E2BIG for too many entries, otherwise as yaml_get(). */
int kubeconfig_entries(const YamlTree *tree, KubeconfigSection section, KubeconfigEntries **ret,
        Error *reterr) MUST_USE;

/* What the entry number i holds beside its name. -ENOTUNIQ if another one has its name, otherwise
 * as yaml_get(). */
int kubeconfig_body(const YamlTree *tree, const KubeconfigEntries *entries, size_t i,
        KubeconfigPlace *ret, Error *reterr) MUST_USE;

/* A scalar of base64, NULL if it is missing, null or empty (which is the same to client-go). */
int kubeconfig_data(const YamlTree *tree, const KubeconfigPlace *body, const char *key,
        KubeconfigPlace *ret, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* New values for a few scalars of a YAML document; every other byte stays. For this room only.
 *
 *     r = yaml_splice_place(tree, scalar, odd, &start, &end, reterr);
 *     yaml_splices_add(list, scalar, start, end, text);
 *     r = yaml_splice(tree, size, list, &fresh, reterr);
 *
 * The result has been parsed again and compared with the old document, node by node: it differs in
 * those scalars and in nothing else, or there is no result. */

#include "base/secret.h"
#include "kube/yaml-tree.h"

/* One scalar and the text that takes the place of its bytes. */
typedef struct YamlSplice {
        const YamlNode *scalar;
        size_t start, end; /* of the value alone, in bytes */
        char *text;
        size_t length;
} YamlSplice;

typedef struct YamlSplices {
        YamlSplice *items;
        size_t n;
        size_t growth; /* of the file, at most */
} YamlSplices;

/* Wipes the texts, for they may be keys. */
void yaml_splices_free(YamlSplices *list);
DEFINE_AUTOPTR(YamlSplices, yaml_splices_free)

/* The bytes that may be changed to change a scalar. odd: the first node with an anchor or a tag on
 * the way to it, as yaml_get() notes it: what has an anchor may be used elsewhere too, a tag may
 * give it another meaning. -EOPNOTSUPP with line and column for these, for a file of several
 * documents, and as yaml_value_range(). */
int yaml_splice_place(const YamlTree *tree, const YamlNode *scalar, const YamlNode *odd,
        size_t *ret_start, size_t *ret_end, Error *reterr) MUST_USE;

/* Takes the text over. */
void yaml_splices_add(
        YamlSplices *list, const YamlNode *scalar, size_t start, size_t end, char *text);

/* The whole document with those scalars replaced, and a NUL behind it. size: of the tree's data.
 * -EINVAL for two changes of one scalar, -EBADMSG if the result would say something else than was
 * meant: the text needs quotes that the scalar does not have. */
int yaml_splice(
        const YamlTree *tree, size_t size, YamlSplices *list, Secret **ret, Error *reterr) MUST_USE;

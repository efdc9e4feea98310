/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A YAML document as nodes that know where their bytes are; for this room only.
 *
 *     r = yaml_tree_parse(data, size, &tree, reterr);
 *     r = yaml_get(tree, yaml_root(tree), "users", &users, &odd, reterr);
 *     for (n = yaml_first(tree, users); n; n = yaml_next(tree, users, n)) ...
 *
 * Nodes lie in one array in the order of the events, so that two documents are compared by walking
 * both arrays. Nothing is resolved: an alias, a merge key or a doubled key is an error for whoever
 * has to pass through it, and for nobody else. Input, depth and number of nodes are bounded; texts
 * are wiped when freed, for they may be keys. */

#include "base/error.h"

#include <yaml.h>

#define YAML_DEPTH_MAX 64
#define YAML_NODES_MAX ((size_t)1 << 18)

typedef enum YamlKind {
        YAML_KIND_SCALAR,
        YAML_KIND_SEQUENCE,
        YAML_KIND_MAPPING,
        YAML_KIND_ALIAS,
} YamlKind;

typedef struct YamlNode {
        YamlKind kind;
        yaml_scalar_style_t style; /* of a scalar */
        size_t line, column;       /* counted from 1, in characters */
        size_t start, end;         /* a scalar's bytes, with its quotes or its block header */
        char *text;                /* a scalar's value or an alias's name; length bytes and a NUL */
        size_t length;
        char *anchor, *tag; /* NULL if there is none */
        size_t after;       /* index of the node behind this one and all below it */
} YamlNode;

typedef struct YamlTree {
        const char *data; /* the caller's bytes */
        YamlNode *nodes;  /* of the first document */
        size_t n_nodes;
        size_t second_line; /* where a second document starts, which is not read; 0: there is none
                             */
} YamlTree;

void yaml_tree_free(YamlTree *tree);
DEFINE_AUTOPTR(YamlTree, yaml_tree_free)

/* The bytes must stay where they are as long as the tree is used. -EBADMSG with line and column if
 * it is no YAML or empty, -EOPNOTSUPP for UTF-16, -EFBIG over FS_SIZE_MAX,
 * -E2BIG if it is too deep or has too many nodes. */
int yaml_tree_parse(const void *data, size_t size, YamlTree **ret, Error *reterr) MUST_USE;

const YamlNode *yaml_root(const YamlTree *tree);

/* The first child, and the one behind `child`; NULL if there is none. A mapping's are key, value,
 * key, value. */
const YamlNode *yaml_first(const YamlTree *tree, const YamlNode *parent);
const YamlNode *yaml_next(const YamlTree *tree, const YamlNode *parent, const YamlNode *child);

/* The value of a key; *ret is NULL if the mapping has no such key or the value is null. -EBADMSG if
 * it is no mapping, -ENOTUNIQ if the key is there twice, -EOPNOTSUPP for an alias or a merge key
 * that hides what the value is. The first node passed that has an anchor or a tag goes to *odd, if
 * odd is given and nothing is there yet. */
int yaml_get(const YamlTree *tree, const YamlNode *mapping, const char *key, const YamlNode **ret,
        const YamlNode **odd, Error *reterr) MUST_USE;

/* As yaml_get(), with the value's kind checked: -EBADMSG if it is another one. */
int yaml_get_kind(const YamlTree *tree, const YamlNode *mapping, const char *key, YamlKind kind,
        const YamlNode **ret, const YamlNode **odd, Error *reterr) MUST_USE;

/* As yaml_get(), for a scalar without a NUL in it; *ret belongs to the tree. */
int yaml_get_text(const YamlTree *tree, const YamlNode *mapping, const char *key, const char **ret,
        const YamlNode **odd, Error *reterr) MUST_USE;

/* As yaml_get_text(), but "" where yaml_get_text() gives NULL. */
int yaml_get_text_or_empty(const YamlTree *tree, const YamlNode *mapping, const char *key,
        const char **ret, Error *reterr) MUST_USE;

/* A decimal number up to INT32_MAX, or the fallback if the mapping has no such key. -EBADMSG if it
 * is no number; otherwise as yaml_get(). */
int yaml_get_number(const YamlTree *tree, const YamlNode *mapping, const char *key,
        unsigned fallback, unsigned *ret, Error *reterr) MUST_USE;

/* A list and the number of its items; NULL and 0 if the mapping has no such key. -E2BIG for more
 * than max; otherwise as yaml_get_kind(). */
int yaml_get_list(const YamlTree *tree, const YamlNode *mapping, const char *key, size_t max,
        const YamlNode **ret, size_t *ret_n, Error *reterr) MUST_USE;

/* Where the value of a scalar stands in the data: without its quotes, its block header and its last
 * line breaks. Other bytes may be put there. -EOPNOTSUPP with line and column if they do not hold
 * the value as it is (white space aside), but escaped. */
int yaml_value_range(const YamlTree *tree, const YamlNode *scalar, size_t *ret_start,
        size_t *ret_end, Error *reterr) MUST_USE;

/* "an anchor", "a tag", or NULL for a node that has neither. */
const char *yaml_oddity(const YamlNode *node);

/* Sets "line L, column C: text"; returns r. */
int yaml_fail(Error *reterr, int r, const YamlNode *node, const char *format, ...)
        PRINTF_LIKE(4, 5);

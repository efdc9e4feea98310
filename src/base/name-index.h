/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a name stands in an array: for lists that are searched once for each of their own entries,
 * of which a host may have ten thousand.
 *
 *     name_index_add(&index, array[n].name, n);
 *     if (name_index_find(&index, "apiserver", &i)) ... array[i]
 *     name_index_clear(&index);
 *
 * Zeroed is empty. Names are the array's own: they must not change, nor go before the index does. A
 * balanced tree, by tsearch(3). */

#include "base/macro.h"

typedef struct NameIndex {
        void *root;
} NameIndex;

/* The first one of a name stays. */
void name_index_add(NameIndex *index, const char *name, size_t position);

/* *ret is untouched where there is no such name. */
bool name_index_find(const NameIndex *index, const char *name, size_t *ret);

void name_index_clear(NameIndex *index);

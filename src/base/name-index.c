/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/name-index.h"

#include <search.h>

typedef struct Place {
        const char *name;
        size_t position;
} Place;

static int compare_places(const void *a, const void *b)
{
        const Place *x = a, *y = b;

        return strcmp(x->name, y->name);
}

void name_index_add(NameIndex *index, const char *name, size_t position)
{
        Place *place = xcalloc(1, sizeof(*place));
        Place *const *found;

        *place = (Place){name, position};
        found = xcheck(tsearch(place, &index->root, compare_places));
        if (*found != place)
                free(place);
}

bool name_index_find(const NameIndex *index, const char *name, size_t *ret)
{
        const Place wanted = {.name = name};
        Place *const *found = tfind(&wanted, &index->root, compare_places);

        if (!found)
                return false;
        *ret = (*found)->position;
        return true;
}

void name_index_clear(NameIndex *index)
{
        tdestroy(TAKE(index->root), free);
}

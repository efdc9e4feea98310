/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/rotation.h"

#define CURRENT "-current.pem"

static bool ends_with(const char *s, const char *suffix)
{
        size_t length = strlen(s), n = strlen(suffix);

        return length > n && streq(s + length - n, suffix);
}

bool rotation_is_kept(const Item *item)
{
        return item->kind == ITEM_KUBECONFIG && item->entry->watch && !item->embedded &&
               item->path && item->key_path && streq(item->path, item->key_path) &&
               ends_with(item->path, CURRENT);
}

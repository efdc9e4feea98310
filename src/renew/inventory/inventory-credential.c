/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/inventory-internal.h"

static void add_chain(InventoryReader *reader, const Item *leaf)
{
        const Item base = *leaf; /* the array moves */

        for (size_t i = 1; base.chain && i < base.chain->n; i++) {
                Item item = {
                        .kind = ITEM_CHAIN,
                        .name = xasprintf("%s#%zu", base.name, i + 1),
                        .entry = base.entry,
                        .expected_ca = base.expected_ca,
                        .path = xstrdup(base.path),
                        .file = base.file,
                        .kubeconfig = base.kubeconfig,
                        .user = base.user,
                        .embedded = base.embedded,
                        .cert = base.chain->certs[i],
                        .chain = base.chain,
                };

                inventory_add_item(reader->inventory, &item);
        }
}

void inventory_add_credential(
        InventoryReader *reader, const Item *base, InventoryFile *certificate, InventoryFile *key)
{
        Item *item = inventory_add_item(reader->inventory, base);
        Error error = {};

        /* 1. The key first: of two problems, the certificate's is the one to tell. */
        item->key_error = key ? inventory_file_key(key, &item->key, &error) : 0;
        item->error = inventory_file_certs(certificate, &item->chain, &error);
        if (item->error < 0 || item->key_error < 0)
                item->problem = xstrdup(error.text);
        if (item->error < 0)
                return;

        /* 2. What the two are to each other. */
        item->cert = item->chain->certs[0];
        item->key_matches = !key || (item->key && key_matches(item->key, item->cert));

        /* 3. Whatever else is in the file. */
        add_chain(reader, item);
}

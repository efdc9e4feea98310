/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/inventory-internal.h"

void inventory_ca_done(InventoryCa *ca)
{
        ca_free(ca->ca);
        free(ca->problem);
        free(ca->key_problem);
}

const InventoryCa *inventory_find_ca(const Inventory *inventory, const char *id)
{
        for (size_t i = 0; id && i < inventory->n_cas; i++)
                if (streq(inventory->cas[i].entry->id, id))
                        return &inventory->cas[i];
        return NULL;
}

static int refuse_bundle(const InventoryCa *ca, Error *reterr)
{
        return error_set(reterr, ca->error == -ENOENT ? -ENODATA : ca->error, "%s", ca->problem);
}

/* The key is parsed here and not in the cache, because the CA keeps it. One in a token is left to
 * who needs it. */
static int read_signer(InventoryReader *reader, InventoryCa *ca, Error *reterr)
{
        const char *path = ca->entry->key;
        autoptr(Key) key = NULL;
        InventoryFile *file;
        int r;

        if (!path)
                return error_set(reterr, -ENOENT, "CA '%s' has no Key=", ca->entry->name);
        if (ca_has_token(ca->entry))
                return ca->bundle ? ca_new_unopened(ca->bundle, &ca->ca, reterr)
                                  : refuse_bundle(ca, reterr);
        file = inventory_file(reader, path);
        if (file->read.error < 0)
                return error_set(reterr, file->read.error, "%s", file->read.problem);
        r = key_parse(file->image->data, file->image->size, &key, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "'%s'", path);
        if (!ca->bundle)
                return refuse_bundle(ca, reterr);
        r = ca_new(ca->bundle, key, &ca->ca, reterr);
        if (r < 0)
                return error_set(reterr, r, "the key in '%s' belongs to no certificate in '%s'",
                        path, ca->entry->certificate);
        (void)TAKE(key);
        return 0;
}

/* The certificate that signs, as the bundle has it; the first one where there is no key. */
static const Cert *find_signer(const InventoryCa *ca)
{
        for (size_t i = 0; ca->ca && i < ca->bundle->n; i++)
                if (cert_equal(ca->bundle->certs[i], ca_signer(ca->ca)))
                        return ca->bundle->certs[i];
        return ca->bundle ? ca->bundle->certs[0] : NULL;
}

static void read_ca(InventoryReader *reader, const CaEntry *entry, InventoryCa *ca)
{
        InventoryFile *file = inventory_file(reader, entry->certificate);
        Error error = {};

        ca->entry = entry;
        ca->file = file->image;
        ca->error = inventory_file_certs(file, &ca->bundle, &error);
        if (ca->error < 0)
                ca->problem = xstrdup(error.text);
        ca->key_error = read_signer(reader, ca, &error);
        if (ca->key_error < 0)
                ca->key_problem = xstrdup(error.text);
        ca->signer = find_signer(ca);
        ca->expected = ca->error != -ENOENT || ca->key_error != -ENOENT ||
                       inventory_expects(reader->inventory, entry->optional, entry->required_by,
                               entry->certificate);
}

void inventory_read_cas(InventoryReader *reader)
{
        const Layout *layout = &reader->config->layout;
        Inventory *inventory = reader->inventory;

        inventory->cas = xcalloc(layout->n_cas, sizeof(InventoryCa));
        for (size_t i = 0; i < layout->n_cas; i++)
                read_ca(reader, &layout->cas[i], &inventory->cas[inventory->n_cas++]);
}

void inventory_add_ca_items(InventoryReader *reader)
{
        Inventory *inventory = reader->inventory;

        for (size_t i = 0; i < inventory->n_cas; i++) {
                const InventoryCa *ca = &inventory->cas[i];
                size_t n = ca->bundle ? ca->bundle->n : ca->expected;

                for (size_t k = 0; k < n; k++)
                        inventory_add_item(
                                inventory, &(Item){
                                                   .kind = ITEM_CA,
                                                   .name = k == 0 ? xstrdup(ca->entry->name)
                                                                  : xasprintf("%s#%zu",
                                                                            ca->entry->name, k + 1),
                                                   .ca_file = ca,
                                                   .path = xstrdup(ca->entry->certificate),
                                                   .key_path = xstrdup(ca_key_path(ca->entry)),
                                                   .file = ca->file,
                                                   .cert = ca->bundle ? ca->bundle->certs[k] : NULL,
                                                   .chain = ca->bundle,
                                                   .error = ca->error,
                                                   .problem = xstrdup(ca->problem),
                                           });
        }
}

bool inventory_is_cross(const InventoryCa *ca, const Cert *cert)
{
        const CertList *roots = ca ? ca->bundle : NULL;

        for (size_t i = 0; roots && cert->is_ca && i < roots->n; i++)
                if (!cert_equal(roots->certs[i], cert) && cert_is_self_signed(roots->certs[i]) &&
                        cert_is_issued_by(roots->certs[i], cert))
                        return true;
        return false;
}

/* A certificate that is no CA signs nothing, whatever its key did. */
static const Cert *find_issuer(const CertList *list, const Cert *cert)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (list->certs[i] != cert && list->certs[i]->is_ca &&
                        cert_is_issued_by(cert, list->certs[i]))
                        return list->certs[i];
        return NULL;
}

/* Of a CA that somebody trusts, nobody asks who has signed it. */
static bool wants_signer(const Item *item)
{
        return item->cert && item->kind != ITEM_EMBEDDED_CA;
}

/* Nearly always the one that the layout names: one signature. */
static void find_signer_of(void *userdata, size_t number)
{
        const Inventory *inventory = userdata;
        Item *item = &inventory->items[number];
        const InventoryCa *expected = item->expected_ca;

        if (!wants_signer(item))
                return;
        if (expected && find_issuer(expected->bundle, item->cert))
                item->ca = expected;
        for (size_t i = 0; !item->ca && i < inventory->n_cas; i++)
                if (&inventory->cas[i] != expected &&
                        find_issuer(inventory->cas[i].bundle, item->cert))
                        item->ca = &inventory->cas[i];
}

/* Is that what its users verify against? */
static void judge_signer(Item *item)
{
        const InventoryCa *expected = item->expected_ca;

        if (!wants_signer(item) || !expected || !expected->bundle)
                return;
        item->trusted = item->ca == expected ||
                        cert_verify(item->cert, item->chain, expected->bundle, 0, 0, NULL) >= 0;
        if (!item->trusted && item->ca)
                item->trust_problem = xasprintf("it was signed by CA '%s' and not by '%s'",
                        item->ca->entry->name, expected->entry->name);
        else if (!item->trusted)
                item->trust_problem = xasprintf(
                        "it was signed by no certificate in '%s'", expected->entry->certificate);
}

void inventory_find_signers(Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_cas; i++) {
                const CertList *bundle = inventory->cas[i].bundle;

                for (size_t k = 0; bundle && k < bundle->n; k++)
                        cert_share(bundle->certs[k]);
        }
        inventory_run(inventory->n_items, find_signer_of, inventory);
        for (size_t i = 0; i < inventory->n_items; i++)
                judge_signer(&inventory->items[i]);
}

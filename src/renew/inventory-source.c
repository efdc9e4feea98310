/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"
#include "renew/inventory-internal.h"
#include "renew/last-good.h"

/* What it is, whoever says so; dates are judged later. */
static int check(const Item *item, const PairSource *source, const Key *key, Error *reterr)
{
        const InventoryCa *expected = item->expected_ca;
        const Cert *leaf = source->chain->certs[0];

        if (leaf->is_ca)
                return error_set(reterr, -EKEYREJECTED, "'%s' is a CA", source->place);
        if (!key_matches(key, leaf))
                return error_set(reterr, -EKEYREJECTED,
                        "the key does not belong to the certificate in '%s'", source->place);
        if (!expected)
                return 0;
        if (!expected->bundle)
                return error_set(reterr, -ENOKEY,
                        "nobody knows whether CA '%s' has signed '%s': %s", expected->entry->name,
                        source->place, expected->problem);
        if (cert_verify(leaf, source->chain, expected->bundle, 0, 0, NULL) < 0)
                return error_set(reterr, -EKEYREJECTED, "'%s' does not lead to CA '%s' ('%s')",
                        source->place, expected->entry->name, expected->entry->certificate);
        return 0;
}

static bool is_same(const FileImage *file, const Secret *bytes)
{
        return file && bytes && file->size == bytes->size &&
               memcmp(file->data, bytes->data, bytes->size) == 0;
}

static void read_pair(
        Item *item, PairSource *source, InventoryFile *certificate, InventoryFile *key)
{
        const Key *parsed = NULL;
        Error error = {};
        int r;

        r = inventory_file_certs(certificate, &source->chain, &error);
        if (r >= 0)
                r = inventory_file_key(key, &parsed, &error);
        if (r >= 0)
                r = check(item, source, parsed, &error);
        if (r < 0)
                source->problem = xstrdup(error.text);
        source->is_in_place =
                is_same(item->file, source->certificate) && is_same(item->key_file, source->key);
        item->source = source;
}

static Secret *bytes_of(const FileImage *file)
{
        return file ? secret_new(file->data, file->size) : NULL;
}

static void read_files(InventoryReader *reader, Item *item)
{
        const IssuerEntry *issuer = &item->entry->issuer;
        InventoryFile *certificate = inventory_file(reader, issuer->source_certificate);
        InventoryFile *key = inventory_file(reader, issuer->source_key);
        PairSource *source = xcalloc(1, sizeof(*source));

        source->place = xstrdup(issuer->source_certificate);
        source->certificate = bytes_of(certificate->image);
        source->key = bytes_of(key->image);
        read_pair(item, source, certificate, key);
}

static void read_last_good(InventoryReader *reader, Item *item)
{
        const char *state_directory = reader->config->state_directory;
        LastGood pair;
        PairSource *source;
        InventoryFile *scalars;
        Error error = {};
        int r = last_good_read(reader->root_fd, state_directory, item->name, &pair, &error);

        if (r < 0) {
                log_debug("no last good pair: %s", error.text);
                return;
        }
        source = xcalloc(1, sizeof(*source));
        source->is_last_good = true;
        source->place = last_good_path(state_directory, item->name);
        source->certificate = pair.certificate;
        source->key = pair.key;
        scalars = inventory_scalars(reader, source->place, pair.certificate->data,
                pair.certificate->size, pair.key, NULL);
        read_pair(item, source, scalars, scalars);
}

void inventory_read_sources(InventoryReader *reader)
{
        for (size_t i = 0; i < reader->inventory->n_items; i++) {
                Item *item = &reader->inventory->items[i];

                if (item->kind != ITEM_CERTIFICATE || item->entry->issuer.kind != ISSUER_KIND_FILES)
                        continue;
                if (item->entry->issuer.source_certificate)
                        read_files(reader, item);
                else
                        read_last_good(reader, item);
        }
}

bool inventory_has_source(InventoryReader *reader, const CredentialEntry *entry)
{
        return entry->issuer.kind == ISSUER_KIND_FILES && entry->issuer.source_certificate &&
               inventory_file(reader, entry->issuer.source_certificate)->read.error != -ENOENT;
}

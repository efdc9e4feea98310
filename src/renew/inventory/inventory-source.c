/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"
#include "renew/inventory/inventory-internal.h"
#include "renew/state/last-good.h"

#define ANY_USAGE "2.5.29.37.0" /* RFC 5280 4.2.1.12 */

/* What it is good for: what is configured, else as the one that is in place. */
static int check_usages(const Item *item, const PairSource *source, Error *reterr)
{
        unsigned usage = item->entry->identity.usage;
        autostrv configured = usage ? cert_usage_names(usage) : NULL;
        const Cert *leaf = source->chain->certs[0];
        char *const *needed = configured;

        if (!needed && item->cert)
                needed = item->cert->usages;
        if (!leaf->usages || strv_contains(leaf->usages, ANY_USAGE))
                return 0;
        for (; needed && *needed; needed++)
                if (!strv_contains(leaf->usages, *needed))
                        return error_set(reterr, -EKEYREJECTED, "'%s' is not for %s", source->place,
                                *needed);
        return 0;
}

/* Somebody else's, however sound it is. */
static int check_identity(const Item *item, const PairSource *source, Error *reterr)
{
        int r = check_usages(item, source, reterr);

        if (r < 0 || source->is_last_good || !item->cert || source_shares_name(source, item->cert))
                return r;
        return error_set(
                reterr, -EKEYREJECTED, "'%s' shares no name with what is in place", source->place);
}

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
                return check_identity(item, source, reterr);
        if (!expected->bundle)
                return error_set(reterr, -ENOKEY,
                        "nobody knows whether CA '%s' has signed '%s': %s", expected->entry->name,
                        source->place, expected->problem);
        if (cert_verify(leaf, source->chain, expected->bundle, 0, 0, NULL) < 0)
                return error_set(reterr, -EKEYREJECTED, "'%s' does not lead to CA '%s' ('%s')",
                        source->place, expected->entry->name, expected->entry->certificate);
        return check_identity(item, source, reterr);
}

static bool is_same(const FileImage *file, const Secret *bytes)
{
        return file && bytes && file->size == bytes->size &&
               memcmp(file->data, bytes->data, bytes->size) == 0;
}

/* Where others could lead root to a file of his. */
static int check_links(const InventoryReader *reader, const InventoryFile *certificate,
        const InventoryFile *key, Error *reterr)
{
        int r = certificate->image ? fs_check_link(reader->root_fd, certificate->image, reterr) : 0;

        return r >= 0 && key->image ? fs_check_link(reader->root_fd, key->image, reterr) : r;
}

/* What is taken over is copied byte for byte: a key would come with it, for everybody to read. */
static int check_no_key(const PairSource *source, InventoryFile *certificate, Error *reterr)
{
        const Key *key;
        int r = source->is_last_good ? -ENODATA : inventory_file_key(certificate, &key, NULL);

        return r == -ENODATA
                       ? 0
                       : error_set(reterr, -EKEYREJECTED,
                                 "'%s' holds a private key beside the certificate", source->place);
}

static void read_pair(InventoryReader *reader, Item *item, PairSource *source,
        InventoryFile *certificate, InventoryFile *key)
{
        const Key *parsed = NULL;
        Error error = {};
        int r;

        r = check_links(reader, certificate, key, &error);
        if (r >= 0)
                r = inventory_file_certs(certificate, &source->chain, &error);
        if (r >= 0)
                r = check_no_key(source, certificate, &error);
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
        read_pair(reader, item, source, certificate, key);
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
        read_pair(reader, item, source, scalars, scalars);
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/identity.h"
#include "renew/inventory/inventory-internal.h"

/* One certificate, and what a Secret has for it. */
typedef struct Taking {
        InventoryReader *reader;
        const FetchedSecret *secret;
        const Item *item;
        PairSource *source;
} Taking;

static const char *key_of(const Taking *taking, bool is_key)
{
        const SecretEntry *entry = taking->secret->entry;

        for (size_t i = 0; i < entry->n_parts; i++)
                if (entry->parts[i].credential == taking->item->entry &&
                        entry->parts[i].is_key == is_key)
                        return entry->parts[i].key;
        return NULL; /* not of a configuration that was checked */
}

static int read_value(const Taking *taking, bool is_key, Secret **ret, Error *reterr)
{
        return secret_object_value(taking->secret->object, key_of(taking, is_key), ret, reterr);
}

/* The pair of whoever is current in it, as it will be in ours. */
static int read_kubeconfig(const Taking *taking, Error *reterr)
{
        const char *key = key_of(taking, false);
        autoptr(Kubeconfig) kubeconfig = NULL;
        autoptr(Secret) bytes = NULL;
        const KubeconfigUser *user = NULL;
        int r;

        r = read_value(taking, false, &bytes, reterr);
        if (r >= 0)
                r = kubeconfig_parse(bytes->data, bytes->size, &kubeconfig, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; kubeconfig->current_user && i < kubeconfig->n_users; i++)
                if (streq(kubeconfig->users[i].name, kubeconfig->current_user))
                        user = &kubeconfig->users[i];
        if (!user || !user->certificate || !user->key)
                return error_set(reterr, -ENODATA,
                        "the current user of its '%s' has no certificate and key in it", key);
        taking->source->certificate = secret_new(user->certificate, user->certificate_size);
        taking->source->key = secret_new(user->key->data, user->key->size);
        return 0;
}

static int read_pair(const Taking *taking, Error *reterr)
{
        int r;

        if (taking->item->entry->is_kubeconfig)
                return read_kubeconfig(taking, reterr);
        r = read_value(taking, false, &taking->source->certificate, reterr);
        return r < 0 ? r : read_value(taking, true, &taking->source->key, reterr);
}

/* What is taken over is written as it is: a key would come with it, for everybody to read. */
static int parse_pair(const Taking *taking, const Key **ret_key, Error *reterr)
{
        PairSource *source = taking->source;
        autoptr(Key) stray = NULL;
        InventoryFile *file;
        int r;

        if (key_parse(source->certificate->data, source->certificate->size, &stray, NULL) !=
                -ENODATA)
                return error_set(
                        reterr, -EKEYREJECTED, "it holds a private key beside the certificate");
        file = inventory_scalars(taking->reader, key_of(taking, false), source->certificate->data,
                source->certificate->size, source->key, NULL);
        r = inventory_file_certs(file, &source->chain, reterr);
        return r < 0 ? r : inventory_file_key(file, ret_key, reterr);
}

static int check_trust(const Taking *taking, const Key *key, Error *reterr)
{
        const InventoryCa *expected = taking->item->expected_ca;
        const Cert *leaf = taking->source->chain->certs[0];

        if (leaf->is_ca)
                return error_set(reterr, -EKEYREJECTED, "it is a CA");
        if (!key_matches(key, leaf))
                return error_set(
                        reterr, -EKEYREJECTED, "the key does not belong to the certificate");
        if (!expected || !expected->bundle)
                return error_set(
                        reterr, -ENOKEY, "nobody knows whether a CA of ours has signed it");
        if (cert_verify(leaf, taking->source->chain, expected->bundle, 0, 0, NULL) < 0)
                return error_set(reterr, -EKEYREJECTED, "it does not lead to our CA '%s' ('%s')",
                        expected->entry->name, expected->entry->certificate);
        return 0;
}

static int check_holder(const Cert *leaf, char *const *sans, char *const *usages, Error *reterr)
{
        for (; sans && *sans; sans++)
                if (!cert_has_san(leaf, *sans) && !strv_contains(leaf->sans, *sans))
                        return error_set(
                                reterr, -EKEYREJECTED, "it lacks %s, which ours has", *sans);
        for (; usages && *usages; usages++)
                if (leaf->usages && !strv_contains(leaf->usages, *usages))
                        return error_set(
                                reterr, -EKEYREJECTED, "it is not for %s, which ours is", *usages);
        return 0;
}

/* As the one in place says, or the layout where there is none. */
static int check_identity(const Taking *taking, Error *reterr)
{
        const CredentialEntry *entry = taking->item->entry;
        const Cert *leaf = taking->source->chain->certs[0], *ours = taking->item->cert;
        autoptr(Identity) identity = NULL;
        int r;

        if (ours && !cert_same_subject(ours, leaf))
                return error_set(reterr, -EKEYREJECTED, "it is for %s, and ours is for %s",
                        leaf->subject, ours->subject);
        if (ours)
                return check_holder(leaf, ours->sans, ours->usages, reterr);
        r = identity_expand(&taking->reader->config->host, &entry->identity, &identity, reterr);
        if (r < 0)
                return r;
        autostrv usages = cert_usage_names(identity->usage);

        if (!leaf->common_name || !streq(leaf->common_name, identity->common_name))
                return error_set(reterr, -EKEYREJECTED, "it is for %s, and ours would be for CN=%s",
                        leaf->subject, identity->common_name);
        return check_holder(leaf, identity->sans, usages, reterr);
}

static PairSource *take(const Taking *taking)
{
        const Key *key = NULL;
        Error error = {};
        int r;

        r = read_pair(taking, &error);
        if (r >= 0)
                r = parse_pair(taking, &key, &error);
        if (r >= 0)
                r = check_trust(taking, key, &error);
        if (r >= 0)
                r = check_identity(taking, &error);
        if (r < 0)
                taking->source->problem = xstrdup(error.text);
        return taking->source;
}

void inventory_add_fetched(Inventory *inventory, const Config *config, const FetchedList *fetched)
{
        InventoryReader reader = {.root_fd = -1, .config = config, .inventory = inventory};

        inventory->fetched = fetched;
        for (size_t i = 0; i < fetched->n; i++)
                for (size_t k = 0; fetched->secrets[i].object && k < inventory->n_items; k++) {
                        Item *item = &inventory->items[k];
                        Taking taking = {&reader, &fetched->secrets[i], item, NULL};

                        if (!item_is_fetched(item, &config->layout) ||
                                layout_fetch_of(&config->layout, item->entry) !=
                                        fetched->secrets[i].entry)
                                continue;
                        taking.source = xcalloc(1, sizeof(*taking.source));
                        taking.source->fetch = fetched->secrets[i].entry;
                        taking.source->place = secret_place_text(fetched->secrets[i].entry);
                        item->source = take(&taking);
                }
}

bool item_is_fetched(const Item *item, const Layout *layout)
{
        bool is_leaf = item_is_leaf(item);

        return is_leaf && item->entry && streq(item->name, item->entry->name) &&
               layout_fetch_of(layout, item->entry);
}

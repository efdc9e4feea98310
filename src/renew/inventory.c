/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory-internal.h"

#include "base/log.h"

#include <fcntl.h>

static void item_done(Item *item)
{
        free(item->name);
        free(item->path);
        free(item->key_path);
        free(item->problem);
        free(item->trust_problem);
        free(item->others);
        free(item->ca_data_path);
        source_free(item->source);
}

void inventory_free(Inventory *inventory)
{
        if (!inventory)
                return;
        for (size_t i = 0; i < inventory->n_items; i++)
                item_done(&inventory->items[i]);
        for (size_t i = 0; i < inventory->n_cas; i++)
                inventory_ca_done(&inventory->cas[i]);
        for (size_t i = 0; i < inventory->n_components; i++)
                inventory_component_done(&inventory->components[i]);
        for (size_t i = 0; i < inventory->n_files; i++)
                inventory_file_free(inventory->files[i]);
        free(inventory->items);
        free(inventory->cas);
        free(inventory->components);
        free(inventory->copies);
        pending_list_free(inventory->pendings);
        free(inventory->files);
        free(inventory);
}

Item *inventory_add_item(Inventory *inventory, const Item *item)
{
        inventory->items = xreallocarray(inventory->items, inventory->n_items + 1, sizeof(Item));
        inventory->items[inventory->n_items] = *item;
        return &inventory->items[inventory->n_items++];
}

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

                item_find_signer(reader->inventory, &item);
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

        /* 2. What the two are to each other, and to our CAs. */
        item->cert = item->chain->certs[0];
        item->key_matches = !key || (item->key && key_matches(item->key, item->cert));
        item_find_signer(reader->inventory, item);

        /* 3. Whatever else is in the file. */
        add_chain(reader, item);
}

/* Nobody uses it where the other one is. */
static bool is_superseded(InventoryReader *reader, const CredentialEntry *entry)
{
        const Layout *layout = &reader->config->layout;
        const CredentialEntry *other =
                entry->superseded_by ? layout_find_credential(layout, entry->superseded_by) : NULL;

        return other && inventory_file(reader, other->path)->read.error != -ENOENT;
}

static void add_certificate(InventoryReader *reader, const CredentialEntry *entry)
{
        InventoryFile *certificate = inventory_file(reader, entry->path);
        InventoryFile *key = entry->key ? inventory_file(reader, entry->key) : NULL;
        bool absent = certificate->read.error == -ENOENT && (!key || key->read.error == -ENOENT);

        if (absent && !inventory_has_source(reader, entry) &&
                !inventory_expects(
                        reader->inventory, entry->optional, entry->required_by, entry->path))
                return;
        if (is_superseded(reader, entry))
                return;
        inventory_add_credential(reader,
                &(Item){
                        .kind = ITEM_CERTIFICATE,
                        .name = xstrdup(entry->name),
                        .entry = entry,
                        .expected_ca = entry->issuer.kind == ISSUER_KIND_SELF_SIGNED
                                               ? NULL
                                               : inventory_find_ca(reader->inventory, entry->ca),
                        .path = xstrdup(entry->path),
                        .key_path = xstrdup(entry->key),
                        .is_link = inventory_is_link(reader, entry->path),
                        .file = certificate->image,
                        .key_file = key ? key->image : NULL,
                },
                certificate, key);
}

static bool is_same_file(const Item *a, const Item *b)
{
        if (a->file && b->file)
                return a->file->st.st_dev == b->file->st.st_dev &&
                       a->file->st.st_ino == b->file->st.st_ino;
        return streq(a->path, b->path);
}

static bool is_leaf_file(const Item *item)
{
        return (item->kind == ITEM_CERTIFICATE || item->kind == ITEM_KUBECONFIG) && item->path;
}

/* Of users embedded in one kubeconfig each is a credential of its own. */
static bool is_same_credential(const Item *a, const Item *b)
{
        return is_same_file(a, b) && a->embedded == b->embedded &&
               (!a->embedded || streq(a->user->name, b->user->name));
}

bool item_is_proven(const Item *item)
{
        return (item->ca || item->trusted) && item->key_matches;
}

/* A kubeconfig may name the files of another entry, or be a link to it (~/.kube/config): one
 * credential, renewed once. */
static void find_shared_files(Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_items; i++) {
                Item *item = &inventory->items[i];

                for (size_t k = 0; is_leaf_file(item) && k < i && !item->renewed_as; k++)
                        if (is_leaf_file(&inventory->items[k]) &&
                                is_same_credential(&inventory->items[k], item))
                                item->renewed_as = inventory->items[k].name;
        }
}

/* Whoever has the key to what our CA has signed has shown who he is. For everything else only the
 * place where it lies can vouch. */
static void find_others(int root_fd, Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_items; i++) {
                Item *item = &inventory->items[i];
                const FileImage *kubeconfig = item->kubeconfig_file;
                const char *const places[] = {
                        item->path, item->key_path, kubeconfig ? kubeconfig->path : NULL};

                if (!item->cert || !is_leaf_file(item) || item_is_proven(item))
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(places) && !item->others; k++) {
                        Error error = {};

                        if (places[k] &&
                                fs_check_place(root_fd, places[k], FS_OUR_HANDS, &error) < 0)
                                item->others = xstrdup(error.text);
                }
        }
}

/* Who may not read them looks, and does not act. */
static void read_pendings(InventoryReader *reader)
{
        Inventory *inventory = reader->inventory;
        Error error = {};

        if (pending_list(reader->root_fd, reader->config->state_directory, &inventory->pendings,
                    &error) < 0)
                log_debug("pending requests are not known: %s", error.text);
        for (size_t i = 0; i < inventory->n_items; i++) {
                Item *item = &inventory->items[i];
                const Pending *pending =
                        is_leaf_file(item) ? pending_find(inventory->pendings, item->name) : NULL;

                if (pending && pending_is_open(pending, item->cert ? &item->cert->sha256 : NULL))
                        item->pending = pending;
        }
}

int inventory_read(int root_fd, const Config *config, Inventory **ret, Error *reterr)
{
        return inventory_read_overlaid(root_fd, config, NULL, 0, ret, reterr);
}

int inventory_read_overlaid(int root_fd, const Config *config, const InventoryOverlay *overlay,
        size_t n_overlay, Inventory **ret, Error *reterr)
{
        const Layout *layout = &config->layout;
        autoptr(Inventory) inventory = xcalloc(1, sizeof(*inventory));
        InventoryReader reader = {.root_fd = root_fd,
                .config = config,
                .inventory = inventory,
                .overlay = overlay,
                .n_overlay = n_overlay};

        /* 1. A root that cannot be searched has no missing files. */
        autofd int fd = fs_open(root_fd, "/", O_RDONLY | O_DIRECTORY, 0, reterr);
        if (fd < 0)
                return fd;

        /* 2. Components say which files are expected, CAs who signed what. */
        inventory_read_components(&reader);
        inventory_read_cas(&reader);

        /* 3. One item per certificate, in the order of the layout; CAs last, as kubeadm lists. */
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (layout->credentials[i].is_kubeconfig)
                        inventory_add_kubeconfig(&reader, &layout->credentials[i]);
                else
                        add_certificate(&reader, &layout->credentials[i]);
        inventory_add_ca_items(&reader);
        find_shared_files(inventory);
        find_others(root_fd, inventory);

        /* 4. What is copied from them, and what will take their place. */
        inventory_read_copies(&reader);
        inventory_read_sources(&reader);
        read_pendings(&reader);
        *ret = TAKE(inventory);
        return 0;
}

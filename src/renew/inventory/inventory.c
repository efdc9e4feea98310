/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/inventory-internal.h"

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
        name_index_clear(&inventory->file_index);
        free(inventory->items);
        free(inventory->cas);
        free(inventory->components);
        free(inventory->copies);
        pending_list_free(inventory->pendings);
        free(inventory->files);
        free(inventory);
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
        InventoryFile *secret = NULL;
        bool absent = certificate->read.error == -ENOENT && (!key || key->read.error == -ENOENT);

        if (absent && !inventory_has_source(reader, entry) &&
                !inventory_expects(
                        reader->inventory, entry->optional, entry->required_by, entry->path))
                return;
        if (is_superseded(reader, entry))
                return;
        /* Nobody would write one as it was. */
        if (credential_is_only_read(entry))
                secret = inventory_secret(reader, certificate);
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
                secret ? secret : certificate, secret && key ? secret : key);
}

static bool is_leaf_file(const Item *item)
{
        return item_is_leaf(item) && item->path;
}

/* The file that it is in, by whatever path; and the user, for of those that are embedded in one
 * kubeconfig each is a credential of its own. */
static char *credential_id(const Item *item)
{
        const char *user = item->embedded ? item->user->name : "";

        if (!item->file)
                return xasprintf("%d:%s:%s", item->embedded, item->path, user);
        return xasprintf("%d:%ju:%ju:%s", item->embedded, (uintmax_t)item->file->st.st_dev,
                (uintmax_t)item->file->st.st_ino, user);
}

bool item_is_proven(const Item *item)
{
        return (item->ca || item->trusted) && item->key_matches;
}

/* A kubeconfig may name the files of another entry, or be a link to it (~/.kube/config): one
 * credential, renewed once. */
static void find_shared_files(Inventory *inventory)
{
        autostrv ids = xcalloc(inventory->n_items + 1, sizeof(char *));
        NameIndex seen = {};
        size_t n = 0, first;

        for (size_t i = 0; i < inventory->n_items; i++) {
                Item *item = &inventory->items[i];

                if (!is_leaf_file(item))
                        continue;
                ids[n] = credential_id(item);
                if (name_index_find(&seen, ids[n], &first))
                        item->renewed_as = inventory->items[first].name;
                else
                        name_index_add(&seen, ids[n], i);
                n++;
        }
        name_index_clear(&seen);
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

/* The same; what is wrong with one the pass tells, which would answer it. */
static void read_requests(InventoryReader *reader)
{
        const char *state_directory = reader->config->state_directory;
        autofree char *directory = renew_request_directory(state_directory);
        Inventory *inventory = reader->inventory;

        if (!fs_exists(reader->root_fd, directory))
                return;
        for (size_t i = 0; i < inventory->n_items; i++) {
                Item *item = &inventory->items[i];
                autofree char *file_name = renew_request_file_name(item->name);
                Error error = {};

                if (is_leaf_file(item) &&
                        renew_request_look(reader->root_fd, state_directory, file_name,
                                item->cert ? &item->cert->sha256 : NULL, &item->request,
                                &error) < 0)
                        log_debug("not asked for: %s", error.text);
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

        inventory_read_ahead(&reader);

        /* 3. One item per certificate, in the order of the layout; CAs last, as kubeadm lists. */
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (layout->credentials[i].is_kubeconfig)
                        inventory_add_kubeconfig(&reader, &layout->credentials[i]);
                else
                        add_certificate(&reader, &layout->credentials[i]);
        inventory_find_signers(inventory);
        inventory_add_ca_items(&reader);
        find_shared_files(inventory);
        find_others(root_fd, inventory);

        /* 4. What is copied from them, and what will take their place. */
        inventory_read_copies(&reader);
        inventory_read_sources(&reader);
        read_pendings(&reader);
        read_requests(&reader);
        *ret = TAKE(inventory);
        return 0;
}

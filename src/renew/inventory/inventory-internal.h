/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of the inventory share; nobody else includes this.
 *
 *     inventory-file.c        files, each read and parsed at most once
 *     inventory-ahead.c       many of them at once, on all cores
 *     inventory-component.c   manifests, and who uses which file
 *     inventory-ca.c          CA files, and who signed what
 *     inventory-credential.c  a certificate with its key, and what stands behind it
 *     inventory-kubeconfig.c  the users and the CA data of a kubeconfig
 *     inventory-secret.c      Secrets of Kubernetes that are kept in a file
 *     inventory-copy.c        copies of files that were read before
 *     inventory-fetch.c       the same in Secrets
 *     inventory-source.c      pairs that could take the place of the ones that are there
 *     inventory.c             the order of it all */

#include "base/path.h"
#include "renew/inventory/inventory.h"

/* One way of reading a file, tried when first asked for. */
typedef struct Attempt {
        bool done;
        int error;
        char *problem;
} Attempt;

/* A file, or the scalars of one kubeconfig user or cluster, and what they were found to hold. */
struct InventoryFile {
        char *path;       /* in normal form; NULL for scalars, which are parsed at once */
        FileImage *image; /* NULL if it could not be read, and for scalars */
        CertList *certs;
        Key *key;
        Kubeconfig *kubeconfig;
        struct InventoryFile **users; /* of the kubeconfig: inventory_file_user() */
        Attempt read, certs_parsed, key_parsed, kubeconfig_parsed;
};

typedef struct InventoryReader {
        int root_fd;
        const Config *config;
        Inventory *inventory;
        const InventoryOverlay *overlay;
        size_t n_overlay;
} InventoryReader;

/* The file as it was when first asked for; it is there even if it could not be read. */
InventoryFile *inventory_file(InventoryReader *reader, const char *path);

/* The same in two steps: its place in the list, and its content, unless that is there. */
InventoryFile *inventory_file_unread(InventoryReader *reader, const char *path);
void inventory_file_read(const InventoryReader *reader, InventoryFile *file);

/* The same work for each of so many: by parallel_run() where it is worth more than one thread. */
void inventory_run(size_t n, void (*work)(void *userdata, size_t i), void *userdata);

/* Reads and parses what the layout names as certificate, key or kubeconfig, where that is worth
 * more than one thread. Changes nothing but the time that the rest takes. */
void inventory_read_ahead(InventoryReader *reader);

/* Does the path itself say where the file is? */
bool inventory_is_link(const InventoryReader *reader, const char *path);

/* Certificates and key that are scalars. `what` names them in errors; key may be NULL,
 * with the reason in problem if there is one. */
InventoryFile *inventory_scalars(InventoryReader *reader, const char *what, const void *certs,
        size_t certs_size, const Secret *key, const char *problem);

/* What is embedded for a user of the kubeconfig that was parsed, by his number. */
InventoryFile *inventory_file_user(InventoryFile *file, size_t i);

/* The pair in a file that holds a Secret of the type kubernetes.io/tls, as JSON; NULL if it is
 * none. */
InventoryFile *inventory_secret(InventoryReader *reader, const InventoryFile *file);

/* -ENOENT if there is no file; otherwise as fs_read_file() and the parser. The result is the
 * inventory's. */
int inventory_file_certs(InventoryFile *file, const CertList **ret, Error *reterr) MUST_USE;
int inventory_file_key(InventoryFile *file, const Key **ret, Error *reterr) MUST_USE;
int inventory_file_kubeconfig(InventoryFile *file, const Kubeconfig **ret, Error *reterr) MUST_USE;

void inventory_file_free(InventoryFile *file);

/* All components that are on this host. */
void inventory_read_components(InventoryReader *reader);

/* Who reads the kubeconfig reads the file that it names. */
void inventory_add_kubeconfig_use(
        InventoryReader *reader, const char *kubeconfig, const char *path);
void inventory_component_done(InventoryComponent *component);

/* Is a file expected that its section declares so? A file that a component reads always is. */
bool inventory_expects(
        const Inventory *inventory, bool optional, const char *required_by, const char *path);

/* All CA files, then (as the listing has them last) their items. */
void inventory_read_cas(InventoryReader *reader);
void inventory_add_ca_items(InventoryReader *reader);
void inventory_ca_done(InventoryCa *ca);

/* Fills in ca, trusted and trust_problem of all leaves and chain certificates that are there by
 * now: one signature each, on all cores where that is worth it. */
void inventory_find_signers(Inventory *inventory);

/* A new last item with these members; it takes over every string, and name. */
static inline Item *inventory_add_item(Inventory *inventory, const Item *item)
{
        inventory->items = xreallocarray(inventory->items, inventory->n_items + 1, sizeof(Item));
        inventory->items[inventory->n_items] = *item;
        return &inventory->items[inventory->n_items++];
}

/* The leaf in `certificate` with its key, then the other certificates of its file. `base` gives
 * what is known without reading; its strings are taken over. */
void inventory_add_credential(
        InventoryReader *reader, const Item *base, InventoryFile *certificate, InventoryFile *key);

/* The items of one kubeconfig. */
void inventory_add_kubeconfig(InventoryReader *reader, const CredentialEntry *entry);

/* Fills in source, of all items. */
void inventory_read_sources(InventoryReader *reader);

/* Is there a pair that will be taken over? Then it is expected. */
bool inventory_has_source(InventoryReader *reader, const CredentialEntry *entry);

/* All copies, after everything else. */
void inventory_read_copies(InventoryReader *reader);

const InventoryCa *inventory_find_ca(const Inventory *inventory, const char *id);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/inventory-internal.h"

/* One kubeconfig while its items are made. */
typedef struct Source {
        InventoryReader *reader;
        const CredentialEntry *entry;
        const InventoryCa *expected_ca;
        InventoryFile *file;
        const Kubeconfig *kubeconfig;
        char *directory; /* relative paths in it start here */
} Source;

static Item base_item(const Source *source, ItemKind kind, char *name)
{
        return (Item){
                .kind = kind,
                .name = name,
                .entry = source->entry,
                .expected_ca = source->expected_ca,
                .path = xstrdup(source->entry->path),
                .file = source->file->image,
                .kubeconfig = source->kubeconfig,
                .kubeconfig_file = source->file->image,
        };
}

static void add_invalid(const Source *source, ItemKind kind, char *name, int error, char *problem)
{
        Item item = base_item(source, kind, name);

        item.error = error;
        item.problem = problem;
        inventory_add_item(source->reader->inventory, &item);
}

/* The user of the current context, or the first one where no context says. */
static bool is_current(const Source *source, const KubeconfigUser *user)
{
        const char *current = source->kubeconfig->current_user;

        return current ? streq(user->name, current) : user == source->kubeconfig->users;
}

static void add_embedded(const Source *source, const KubeconfigUser *user, char *name)
{
        InventoryFile *scalars =
                inventory_file_user(source->file, (size_t)(user - source->kubeconfig->users));
        Item item = base_item(source, ITEM_KUBECONFIG, name);

        item.user = user;
        item.embedded = true;
        item.key_path = xstrdup(source->entry->path);
        item.key_file = item.file;
        inventory_add_credential(source->reader, &item, scalars, scalars);
}

static void add_by_files(const Source *source, const KubeconfigUser *user, char *name)
{
        Item item = base_item(source, ITEM_KUBECONFIG, name);
        InventoryFile *certificate, *key;

        free(item.path);
        item.user = user;
        item.path = path_join(source->directory, user->certificate_file);
        item.is_link = inventory_is_link(source->reader, item.path);
        certificate = inventory_file(source->reader, item.path);
        item.file = certificate->image;
        item.key_path = path_join(source->directory, user->key_file);
        key = inventory_file(source->reader, item.key_path);
        item.key_file = key->image;
        inventory_add_kubeconfig_use(source->reader, source->entry->path, item.path);
        inventory_add_kubeconfig_use(source->reader, source->entry->path, item.key_path);
        inventory_add_credential(source->reader, &item, certificate, key);
}

/* Data wins over a file name, as in client-go. Tokens and plugins are left alone. */
static void add_user(const Source *source, const KubeconfigUser *user)
{
        bool current = is_current(source, user);
        autofree char *name = current ? xstrdup(source->entry->name)
                                      : xasprintf("%s/%s", source->entry->name, user->name);
        bool has_certificate = user->certificate || user->certificate_file;

        if (user->certificate && (user->key || !user->key_file))
                add_embedded(source, user, TAKE(name));
        else if (!user->certificate && user->certificate_file && user->key_file && !user->key)
                add_by_files(source, user, TAKE(name));
        else if (user->problem)
                add_invalid(source, ITEM_KUBECONFIG, TAKE(name), -EBADMSG,
                        xasprintf("'%s': %s", source->entry->path, user->problem));
        else if (has_certificate && !user->key && !user->key_file)
                add_invalid(source, ITEM_KUBECONFIG, TAKE(name), -ENODATA,
                        xasprintf("user '%s' of '%s' has a certificate and no key", user->name,
                                source->entry->path));
        else if (has_certificate)
                add_invalid(source, ITEM_KUBECONFIG, TAKE(name), -EOPNOTSUPP,
                        xasprintf("user '%s' of '%s' has its certificate and its key in different "
                                  "forms: embedded and a file",
                                user->name, source->entry->path));
        else if (current && !user->other)
                add_invalid(source, ITEM_KUBECONFIG, TAKE(name), -ENODATA,
                        xasprintf("user '%s' of '%s' has no client certificate", user->name,
                                source->entry->path));
}

static bool list_has(const CertList *list, const Cert *cert)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (cert_equal(list->certs[i], cert))
                        return true;
        return false;
}

static bool lacks_root(const CertList *trusted, const CertList *roots)
{
        for (size_t i = 0; roots && i < roots->n; i++)
                if (!list_has(trusted, roots->certs[i]))
                        return true;
        return false;
}

/* Who makes kubeconfigs by itself may have one CA for its servers and one for their clients: CA= is
 * the latter. */
static const InventoryCa *other_ca(const Source *source, size_t i)
{
        const Inventory *inventory = source->reader->inventory;

        return issuer_restarts(source->entry) && i < inventory->n_cas ? &inventory->cas[i] : NULL;
}

static bool is_known(const Source *source, const Cert *cert)
{
        const InventoryCa *ca;

        if (source->expected_ca && list_has(source->expected_ca->bundle, cert))
                return true;
        for (size_t i = 0; (ca = other_ca(source, i)); i++)
                if (list_has(ca->bundle, cert))
                        return true;
        return false;
}

/* Does it lack a root of the CA file, and of each that could be meant instead? */
static bool is_stale(const Source *source, const CertList *trusted)
{
        const InventoryCa *ca;

        if (!source->expected_ca || !lacks_root(trusted, source->expected_ca->bundle))
                return false;
        for (size_t i = 0; (ca = other_ca(source, i)); i++)
                if (ca->bundle && !lacks_root(trusted, ca->bundle))
                        return false;
        return true;
}

/* A row for each certificate that the cluster trusts and that is not in the CA file. */
static void add_foreign_roots(const Source *source, const KubeconfigCluster *cluster,
        const char *name, const char *path, const FileImage *image, const CertList *trusted)
{
        size_t n = 0;

        for (size_t i = 0; i < trusted->n; i++) {
                if (is_known(source, trusted->certs[i]))
                        continue;
                char *row = ++n == 1 ? xstrdup(name) : xasprintf("%s#%zu", name, n);
                Item item = base_item(source, ITEM_EMBEDDED_CA, row);

                free(item.path);
                item.path = xstrdup(path);
                item.file = image;
                item.cluster = cluster->ca ? cluster : NULL;
                item.cert = trusted->certs[i];
                item.chain = trusted;
                inventory_add_item(source->reader->inventory, &item);
        }
}

/* Nearly always a copy of the CA file, byte for byte: then there is nothing to parse. */
static bool is_copy(const Source *source, const KubeconfigCluster *cluster)
{
        const FileImage *file = source->expected_ca ? source->expected_ca->file : NULL;

        return file && cluster->ca && cluster->ca_size == file->size &&
               memcmp(cluster->ca, file->data, file->size) == 0;
}

/* Lists what the cluster trusts beyond the CA file; true if it lacks a root of it. */
static bool add_cluster(
        const Source *source, const KubeconfigCluster *cluster, const char *name, const char *path)
{
        InventoryFile *file;
        const CertList *trusted = NULL;
        Error error = {};
        int r;

        /* 1. Find and parse it. */
        if (cluster->problem) {
                add_invalid(source, ITEM_EMBEDDED_CA, xstrdup(name), -EBADMSG,
                        xasprintf("'%s': %s", source->entry->path, cluster->problem));
                return false;
        }
        if ((!cluster->ca && !path) || is_copy(source, cluster))
                return false;
        autofree char *what = xasprintf("cluster '%s' of '%s'", cluster->name, source->entry->path);
        file = path ? inventory_file(source->reader, path)
                    : inventory_scalars(
                              source->reader, what, cluster->ca, cluster->ca_size, NULL, NULL);
        r = inventory_file_certs(file, &trusted, &error);
        if (r < 0) {
                /* Absent here means that a kubeconfig names a file that is not there. */
                add_invalid(source, ITEM_EMBEDDED_CA, xstrdup(name), r, xstrdup(error.text));
                return false;
        }

        /* 2. Compare it with the CA file, if that can be read. */
        add_foreign_roots(source, cluster, name, path ? path : source->entry->path,
                path ? file->image : source->file->image, trusted);
        return is_stale(source, trusted);
}

/* Only the current cluster is known to be ours: a root of ours must never be added to another. */
static void add_clusters(const Source *source, size_t first_item)
{
        const Kubeconfig *kubeconfig = source->kubeconfig;
        Inventory *inventory = source->reader->inventory;
        const KubeconfigCluster *current = kubeconfig_current_cluster(kubeconfig);
        size_t n_users = inventory->n_items - first_item;

        for (size_t i = 0; i < kubeconfig->n_clusters; i++) {
                const KubeconfigCluster *cluster = &kubeconfig->clusters[i];
                autofree char *name =
                        cluster == current
                                ? xasprintf("%s/ca", source->entry->name)
                                : xasprintf("%s/%s/ca", source->entry->name, cluster->name);
                autofree char *path = !cluster->ca && cluster->ca_file
                                              ? path_join(source->directory, cluster->ca_file)
                                              : NULL;
                bool stale = add_cluster(source, cluster, name, path);

                if (!stale || cluster != current || n_users == 0)
                        continue;
                inventory->items[first_item].ca_data_stale = true;
                inventory->items[first_item].ca_data_path = TAKE(path);
        }
}

/* The item that speaks for the whole file comes first. */
static void add_users(const Source *source)
{
        const Kubeconfig *kubeconfig = source->kubeconfig;

        for (size_t i = 0; i < kubeconfig->n_users; i++)
                if (is_current(source, &kubeconfig->users[i]))
                        add_user(source, &kubeconfig->users[i]);
        for (size_t i = 0; i < kubeconfig->n_users; i++)
                if (!is_current(source, &kubeconfig->users[i]))
                        add_user(source, &kubeconfig->users[i]);
        if (kubeconfig->n_users == 0)
                add_invalid(source, ITEM_KUBECONFIG, xstrdup(source->entry->name), -ENODATA,
                        xasprintf("'%s' has no user", source->entry->path));
}

void inventory_add_kubeconfig(InventoryReader *reader, const CredentialEntry *entry)
{
        const char *slash = strrchr(entry->path, '/');
        autofree char *directory = xstrndup(entry->path, (size_t)(slash - entry->path));
        size_t first_item = reader->inventory->n_items;
        Source source = {
                .reader = reader,
                .entry = entry,
                .expected_ca = inventory_find_ca(reader->inventory, entry->ca),
                .file = inventory_file(reader, entry->path),
                .directory = directory,
        };
        Error error = {};
        int r;

        /* 1. One that is not here, or is none, is one row. */
        r = inventory_file_kubeconfig(source.file, &source.kubeconfig, &error);
        if (r == -ENOENT && !inventory_expects(reader->inventory, entry->optional,
                                    entry->required_by, entry->path))
                return;
        if (r < 0) {
                add_invalid(&source, ITEM_KUBECONFIG, xstrdup(entry->name), r, xstrdup(error.text));
                return;
        }

        /* 2. Its users, then whom it trusts. */
        add_users(&source);
        add_clusters(&source, first_item);
}

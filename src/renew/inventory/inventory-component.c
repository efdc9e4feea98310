/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/inventory-internal.h"

#include <fcntl.h>

/* A file that a component reads. The same file may have another path in the layout than in the
 * manifest (kubespray's pki directory is a link), so what is there is also known by its inode. */
struct ComponentFile {
        char *path;
        const char *how;
        const char *container; /* NULL for Uses= */
        bool mounted_singly;
        bool exists;
        dev_t device;
        ino_t inode;
};

void inventory_component_done(InventoryComponent *component)
{
        for (size_t i = 0; i < component->n_files; i++)
                free(component->files[i].path);
        free(component->files);
        manifest_free(component->manifest);
        free(component->problem);
}

static void add_file(
        InventoryReader *reader, InventoryComponent *component, const char *path, ComponentUse use)
{
        struct ComponentFile file = {.path = path_normalize(path),
                .how = use.how,
                .container = use.container,
                .mounted_singly = use.mounted_singly};
        autofd int fd = fs_open(reader->root_fd, file.path, O_PATH, 0, NULL);
        struct stat st;

        if (fd >= 0 && fstat(fd, &st) >= 0 && S_ISREG(st.st_mode)) {
                file.exists = true;
                file.device = st.st_dev;
                file.inode = st.st_ino;
        }
        component->files = xreallocarray(component->files, component->n_files + 1, sizeof(file));
        component->files[component->n_files++] = file;
}

static bool is_same_file(const struct ComponentFile *a, const struct ComponentFile *b)
{
        return streq(a->path, b->path) ||
               (a->exists && b->exists && a->device == b->device && a->inode == b->inode);
}

/* Uses= and RenewedBy= tell what no manifest does: they add nothing to a file that is known by
 * then. */
static void add_declared_file(
        InventoryReader *reader, InventoryComponent *component, const char *path, const char *how)
{
        struct ComponentFile *last;

        add_file(reader, component, path, (ComponentUse){.how = how});
        last = &component->files[component->n_files - 1];
        for (const struct ComponentFile *file = component->files; file < last; file++) {
                if (!is_same_file(file, last))
                        continue;
                free(last->path);
                component->n_files--;
                return;
        }
}

static void read_manifest(
        InventoryReader *reader, const FileImage *image, InventoryComponent *component)
{
        Error error = {};

        component->error = manifest_parse(image->data, image->size, &component->manifest, &error);
        if (component->error < 0) {
                error_prefix(&error, component->error, "'%s'", image->path);
                component->problem = xstrdup(error.text);
                return;
        }
        for (size_t i = 0; i < component->manifest->n_files; i++) {
                const ManifestFile *file = &component->manifest->files[i];

                add_file(reader, component, file->path,
                        (ComponentUse){.how = file->flag ? file->flag : "mount",
                                .container = file->container,
                                .mounted_singly = file->mounted_singly});
        }
}

static bool is_renewed_by(const CredentialEntry *entry, const InventoryComponent *component)
{
        return issuer_restarts(entry) && streq(entry->issuer.renewed_by, component->entry->name);
}

/* What a component makes it uses, too. */
static void add_renewed_files(InventoryReader *reader, InventoryComponent *component)
{
        const Layout *layout = &reader->config->layout;

        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                if (!is_renewed_by(entry, component))
                        continue;
                add_declared_file(reader, component, entry->path, USE_BY_RENEWAL);
                if (entry->key)
                        add_declared_file(reader, component, entry->key, USE_BY_RENEWAL);
        }
}

static void read_component(InventoryReader *reader, const ComponentEntry *entry)
{
        Inventory *inventory = reader->inventory;
        InventoryComponent component = {.entry = entry, .inventory = inventory};
        autoptr(FileImage) image = NULL;
        Error error = {};

        if (entry->manifest) {
                component.error =
                        fs_read_file(reader->root_fd, entry->manifest, FS_SIZE_MAX, &image, &error);
                if (component.error == -ENOENT)
                        return;
                if (component.error < 0)
                        component.problem = xstrdup(error.text);
                else
                        read_manifest(reader, image, &component);
        }
        add_renewed_files(reader, &component);
        for (char **path = entry->uses; path && *path; path++)
                add_declared_file(reader, &component, *path, "Uses=");
        inventory->components[inventory->n_components++] = component;
}

void inventory_read_components(InventoryReader *reader)
{
        const Layout *layout = &reader->config->layout;

        reader->inventory->components = xcalloc(layout->n_components, sizeof(InventoryComponent));
        for (size_t i = 0; i < layout->n_components; i++)
                read_component(reader, &layout->components[i]);
}

void inventory_add_kubeconfig_use(InventoryReader *reader, const char *kubeconfig, const char *path)
{
        for (size_t i = 0; i < reader->inventory->n_components; i++) {
                InventoryComponent *component = &reader->inventory->components[i];
                ComponentUse use;
                size_t at = 0;

                if (!component_next_use(component, kubeconfig, &at, &use))
                        continue;
                if (streq(use.how, USE_BY_RENEWAL)) {
                        add_declared_file(reader, component, path, USE_BY_RENEWAL);
                        continue;
                }
                use.how = USE_BY_KUBECONFIG;
                use.mounted_singly = false;
                add_file(reader, component, path, use);
        }
}

static const FileImage *find_image(const Inventory *inventory, const char *path)
{
        size_t i;

        return name_index_find(&inventory->file_index, path, &i) ? inventory->files[i]->image
                                                                 : NULL;
}

bool component_next_use(
        const InventoryComponent *component, const char *path, size_t *at, ComponentUse *ret)
{
        autofree char *normal = path_normalize(path);
        const FileImage *image = find_image(component->inventory, normal);

        while (*at < component->n_files) {
                const struct ComponentFile *file = &component->files[(*at)++];
                bool same = image && file->exists && file->device == image->st.st_dev &&
                            file->inode == image->st.st_ino;

                if (!same && !streq(file->path, normal))
                        continue;
                *ret = (ComponentUse){file->how, file->container, file->mounted_singly};
                return true;
        }
        return false;
}

const char *component_file(const InventoryComponent *component, size_t i)
{
        return i < component->n_files ? component->files[i].path : NULL;
}

bool component_uses(const InventoryComponent *component, const char *path, const char **ret_how)
{
        ComponentUse use;
        size_t at = 0;

        if (!component_next_use(component, path, &at, &use))
                return false;
        if (ret_how)
                *ret_how = use.how;
        return true;
}

bool component_renews(const InventoryComponent *component, const Item *item)
{
        return item->entry && is_renewed_by(item->entry, component);
}

bool component_mounts_singly(const InventoryComponent *component, const char *path)
{
        ComponentUse use;

        for (size_t at = 0; component_next_use(component, path, &at, &use);)
                if (use.mounted_singly)
                        return true;
        return false;
}

const InventoryComponent *inventory_component(const Inventory *inventory, const char *name)
{
        for (size_t i = 0; i < inventory->n_components; i++)
                if (streq(inventory->components[i].entry->name, name))
                        return &inventory->components[i];
        return NULL;
}

/* A flag or mount of its manifest names it, and a process without it would not start. Uses= says
 * what is read where it is there. */
static bool names_in_manifest(const InventoryComponent *component, const char *path)
{
        ComponentUse use;

        for (size_t at = 0; component_next_use(component, path, &at, &use);)
                if (use.container)
                        return true;
        return false;
}

bool inventory_expects(
        const Inventory *inventory, bool optional, const char *required_by, const char *path)
{
        if (!optional && (!required_by || inventory_component(inventory, required_by)))
                return true;
        for (size_t i = 0; i < inventory->n_components; i++)
                if (names_in_manifest(&inventory->components[i], path))
                        return true;
        return false;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/inventory-internal.h"

#include <fcntl.h>

void inventory_file_free(InventoryFile *file)
{
        if (!file)
                return;
        free(file->path);
        file_image_free(file->image);
        cert_list_free(file->certs);
        key_free(file->key);
        for (size_t i = 0; file->users && i < file->kubeconfig->n_users; i++)
                inventory_file_free(file->users[i]);
        free(file->users);
        kubeconfig_free(file->kubeconfig);
        free(file->read.problem);
        free(file->certs_parsed.problem);
        free(file->key_parsed.problem);
        free(file->kubeconfig_parsed.problem);
        free(file);
}

static int attempt_store(Attempt *attempt, int r, const char *what, Error *error)
{
        attempt->done = true;
        attempt->error = r < 0 ? r : 0;
        if (r < 0 && what)
                error_prefix(error, r, "%s", what);
        if (r < 0)
                attempt->problem = xstrdup(error->text);
        return attempt->error;
}

static int attempt_result(const Attempt *attempt, Error *reterr)
{
        return attempt->error < 0 ? error_set(reterr, attempt->error, "%s", attempt->problem) : 0;
}

static InventoryFile *add_file(Inventory *inventory)
{
        InventoryFile *file = xcalloc(1, sizeof(*file));

        inventory->files =
                xreallocarray(inventory->files, inventory->n_files + 1, sizeof(InventoryFile *));
        inventory->files[inventory->n_files++] = file;
        return file;
}

static const InventoryOverlay *find_overlay(
        const InventoryReader *reader, const char *path, const FileImage *image)
{
        for (size_t i = 0; i < reader->n_overlay; i++) {
                const InventoryOverlay *overlay = &reader->overlay[i];

                if (streq(overlay->path, path) ||
                        (image && overlay->image && image->st.st_dev == overlay->image->st.st_dev &&
                                image->st.st_ino == overlay->image->st.st_ino))
                        return overlay;
        }
        return NULL;
}

/* The content as it will be, in what else is known of the file. */
static int read_image(
        const InventoryReader *reader, const char *path, FileImage **ret, Error *reterr)
{
        autoptr(FileImage) image = NULL;
        int r = fs_read_file(reader->root_fd, path, FS_SIZE_MAX, &image, reterr);
        const InventoryOverlay *overlay = find_overlay(reader, path, image);
        FileImage *result;

        if (!overlay) {
                *ret = TAKE(image);
                return r;
        }
        *ret = result = xcalloc(1, sizeof(*result));
        if (image)
                result->st = image->st;
        result->path = xstrdup(path);
        result->data = xmalloc(overlay->size + 1);
        memcpy(result->data, overlay->data, overlay->size);
        result->data[overlay->size] = 0;
        result->size = overlay->size;
        result->digest = digest_of(overlay->data, overlay->size);
        return 0;
}

InventoryFile *inventory_file_unread(InventoryReader *reader, const char *path)
{
        Inventory *inventory = reader->inventory;
        autofree char *normal = path_normalize(path);
        InventoryFile *file;
        size_t i;

        if (name_index_find(&inventory->file_index, normal, &i))
                return inventory->files[i];
        file = add_file(inventory);
        file->path = TAKE(normal);
        name_index_add(&inventory->file_index, file->path, inventory->n_files - 1);
        return file;
}

void inventory_file_read(const InventoryReader *reader, InventoryFile *file)
{
        Error error = {};
        int r;

        if (file->read.done)
                return;
        r = read_image(reader, file->path, &file->image, &error);
        if (r == -ENOENT)
                error_set(&error, r, "'%s' is missing", file->path);
        attempt_store(&file->read, r, NULL, &error);
}

InventoryFile *inventory_file(InventoryReader *reader, const char *path)
{
        InventoryFile *file = inventory_file_unread(reader, path);

        inventory_file_read(reader, file);
        return file;
}

static void parse_scalars(InventoryFile *file, const char *what, const void *certs,
        size_t certs_size, const Secret *key, const char *problem)
{
        Error error = {};
        int r;

        r = cert_list_parse(certs, certs_size, &file->certs, &error);
        attempt_store(&file->certs_parsed, r, what, &error);
        if (key)
                r = key_parse(key->data, key->size, &file->key, &error);
        else if (problem)
                r = error_set(&error, -EBADMSG, "%s", problem);
        else
                r = error_set(&error, -ENOENT, "there is no key");
        attempt_store(&file->key_parsed, r, what, &error);
}

InventoryFile *inventory_scalars(InventoryReader *reader, const char *what, const void *certs,
        size_t certs_size, const Secret *key, const char *problem)
{
        InventoryFile *file = add_file(reader->inventory);

        parse_scalars(file, what, certs, certs_size, key, problem);
        return file;
}

InventoryFile *inventory_file_user(InventoryFile *file, size_t i)
{
        const KubeconfigUser *user = &file->kubeconfig->users[i];
        autofree char *what = NULL;

        if (!file->users)
                file->users = xcalloc(file->kubeconfig->n_users, sizeof(*file->users));
        if (file->users[i])
                return file->users[i];
        what = xasprintf("user '%s' of '%s'", user->name, file->path);
        file->users[i] = xcalloc(1, sizeof(InventoryFile));
        parse_scalars(file->users[i], what, user->certificate, user->certificate_size, user->key,
                user->problem);
        return file->users[i];
}

/* True if the content is there and was not parsed this way before; otherwise the attempt has the
 * result. */
static bool must_parse(const InventoryFile *file, Attempt *attempt)
{
        if (attempt->done)
                return false;
        if (file->read.error < 0)
                *attempt = (Attempt){true, file->read.error, xstrdup(file->read.problem)};
        return !attempt->done;
}

static void parsed(const InventoryFile *file, Attempt *attempt, int r, Error *error)
{
        autofree char *what = xasprintf("'%s'", file->path);

        attempt_store(attempt, r, what, error);
}

int inventory_file_certs(InventoryFile *file, const CertList **ret, Error *reterr)
{
        Error error = {};

        if (must_parse(file, &file->certs_parsed))
                parsed(file, &file->certs_parsed,
                        cert_list_parse(file->image->data, file->image->size, &file->certs, &error),
                        &error);
        *ret = file->certs;
        return attempt_result(&file->certs_parsed, reterr);
}

int inventory_file_key(InventoryFile *file, const Key **ret, Error *reterr)
{
        Error error = {};

        if (must_parse(file, &file->key_parsed))
                parsed(file, &file->key_parsed,
                        key_parse(file->image->data, file->image->size, &file->key, &error),
                        &error);
        *ret = file->key;
        return attempt_result(&file->key_parsed, reterr);
}

int inventory_file_kubeconfig(InventoryFile *file, const Kubeconfig **ret, Error *reterr)
{
        Error error = {};

        if (must_parse(file, &file->kubeconfig_parsed))
                parsed(file, &file->kubeconfig_parsed,
                        kubeconfig_parse(
                                file->image->data, file->image->size, &file->kubeconfig, &error),
                        &error);
        *ret = file->kubeconfig;
        return attempt_result(&file->kubeconfig_parsed, reterr);
}

bool inventory_is_link(const InventoryReader *reader, const char *path)
{
        autofd int fd = fs_open(reader->root_fd, path, O_PATH | O_NOFOLLOW, 0, NULL);
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode);
}

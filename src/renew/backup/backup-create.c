/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/backup/backup.h"

#include "renew/state/ca-rotation-record.h"

#include <fcntl.h>

/* Where a file leads to a place that another one leads to, it is saved once. */
static void add_path(int root_fd, const char *path, char ***paths)
{
        if (!path || !fs_exists(root_fd, path))
                return;
        for (char **known = *paths; known && *known; known++)
                if (streq(*known, path) || fs_same_place(root_fd, *known, path))
                        return;
        strv_add(paths, path);
}

static void add_records(int root_fd, const char *state_directory, char ***paths)
{
        autofree char *directory = ca_record_directory(state_directory);
        autostrv names = NULL;

        (void)!fs_list(root_fd, directory, &names, NULL);
        for (char **name = names; name && *name; name++) {
                autofree char *path = xasprintf("%s/%s", directory, *name);

                if (**name != '.')
                        add_path(root_fd, path, paths);
        }
}

/* All that a pass or a CA rotation may replace. What somebody else renews follows his own calendar;
 * the keys of service accounts are never touched. */
static char **collect_paths(int root_fd, const Config *config)
{
        const Layout *layout = &config->layout;
        char **paths = NULL;

        for (size_t i = 0; i < layout->n_cas; i++) {
                add_path(root_fd, layout->cas[i].certificate, &paths);
                add_path(root_fd, ca_key_path(&layout->cas[i]), &paths);
        }
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];

                if (entry->watch && !entry->is_kubeconfig)
                        continue;
                add_path(root_fd, entry->path, &paths);
                add_path(root_fd, entry->key, &paths);
        }
        for (size_t i = 0; i < layout->n_copy_targets; i++)
                add_path(root_fd, layout->copy_targets[i].path, &paths);
        for (size_t i = 0; i < layout->n_components; i++)
                add_path(root_fd, layout->components[i].manifest, &paths);
        add_records(root_fd, config->state_directory, &paths);
        return paths;
}

static int add_files(Txn *txn, int root_fd, char *const *paths, Error *reterr)
{
        int r = 0;

        for (; r >= 0 && paths && *paths; paths++) {
                autoptr(FileImage) file = NULL;

                r = fs_read_file(root_fd, *paths, FS_SIZE_MAX, &file, reterr);
                if (r >= 0)
                        r = txn_add(txn,
                                &(TxnChange){.path = *paths,
                                        .data = file->data,
                                        .size = file->size,
                                        .old = file},
                                reterr);
        }
        return r;
}

/* It gets its name when it is whole. */
static int publish(int root_fd, const char *unfinished, const char *backup, Error *reterr)
{
        autofree char *name = NULL, *old_name = NULL;

        autofd int fd = fs_open_parent(root_fd, backup, &name, reterr);
        if (fd < 0)
                return fd;
        autofd int same_fd = fs_open_parent(root_fd, unfinished, &old_name, reterr);
        if (same_fd < 0)
                return same_fd;
        if (renameat2(same_fd, old_name, fd, name, RENAME_NOREPLACE) < 0 || fsync(fd) < 0)
                return error_errno(reterr, -errno, "cannot complete the backup '%s'", backup);
        return 0;
}

int backup_create(const BackupRequest *request, char **ret_id, Error *reterr)
{
        const Config *config = request->config;
        autofree char *backup =
                backup_path(config->state_directory, request->now, request->pass_id);
        autofree char *unfinished = xasprintf(
                "%s/backups/.%s" BACKUP_REMOVED, config->state_directory, strrchr(backup, '/') + 1);
        autostrv paths = collect_paths(request->root_fd, config);
        int r;

        if (!paths)
                return error_set(reterr, -ENODATA, "there is nothing to back up");
        r = txn_begin(
                request->txn, request->pass_id, unfinished, "backup create", request->now, reterr);
        if (r >= 0)
                r = add_files(request->txn, request->root_fd, paths, reterr);
        if (r >= 0)
                r = txn_save(request->txn, reterr);
        if (r >= 0)
                r = publish(request->root_fd, unfinished, backup, reterr);
        if (r < 0)
                return r;
        *ret_id = xstrdup(strrchr(backup, '/') + 1);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/backup.h"

#include "base/json.h"
#include "base/time-util.h"
#include "renew/backup-manifest.h"

#include <time.h>

void backup_list_free(BackupList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++) {
                Backup *backup = &list->backups[i];

                free(backup->id);
                free(backup->reason);
                free(backup->version);
                strv_free(backup->paths);
                free(backup->problem);
        }
        free(list->backups);
        free(list);
}

static char *backups_directory(const char *state_directory)
{
        return xasprintf("%s/backups", state_directory);
}

char *backup_path(const char *state_directory, int64_t now, const char *pass_id)
{
        time_t t = (time_t)now;
        struct tm tm = {};
        char stamp[32];

        gmtime_r(&t, &tm);
        strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
        return xasprintf("%s/backups/%s-%s", state_directory, stamp, pass_id);
}

/* Reads one backup; what is wrong with it goes into `problem`, never up. */
static Backup describe(int root_fd, const char *directory, char *id)
{
        Backup backup = {.id = id};
        autoptr(BackupManifest) manifest = NULL;
        autofree char *path = xasprintf("%s/%s", directory, id);
        Error error = {};

        if (backup_manifest_read(root_fd, path, &manifest, &error) < 0) {
                backup.problem = xstrdup(error.text);
                return backup;
        }
        backup.time = manifest->time;
        backup.reason = TAKE(manifest->reason);
        backup.version = TAKE(manifest->version);
        for (size_t i = 0; i < manifest->n_files; i++)
                strv_add(&backup.paths, manifest->files[i].path);
        return backup;
}

int backup_list(int root_fd, const char *state_directory, BackupList **ret, Error *reterr)
{
        autofree char *directory = backups_directory(state_directory);
        autoptr(BackupList) list = xcalloc(1, sizeof(*list));
        autostrv names = NULL;
        int r;

        r = fs_list(root_fd, directory, &names, reterr);
        if (r < 0 && r != -ENOENT)
                return r;
        list->n = strv_length(names);
        list->backups = xcalloc(list->n, sizeof(Backup));

        /* The names begin with the time: sorted they are oldest first. */
        for (size_t i = 0; i < list->n; i++)
                list->backups[i] = describe(root_fd, directory, xstrdup(names[list->n - 1 - i]));
        *ret = TAKE(list);
        return 0;
}

int backup_verify(int root_fd, const char *state_directory, const char *id, Error *reterr)
{
        autofree char *directory = backups_directory(state_directory);
        autofree char *path = xasprintf("%s/%s", directory, id);
        autoptr(BackupManifest) manifest = NULL;
        int r;

        r = backup_id_check(id, reterr);
        if (r >= 0)
                r = backup_manifest_read(root_fd, path, &manifest, reterr);
        for (size_t i = 0; r >= 0 && i < manifest->n_files; i++) {
                autoptr(FileImage) file = NULL;

                if (manifest->files[i].existed)
                        r = backup_manifest_load(root_fd, path, &manifest->files[i], &file, reterr);
        }
        return r;
}

int backup_prune(int root_fd, const char *state_directory, unsigned keep, Error *reterr)
{
        autoptr(BackupList) list = NULL;
        size_t n_whole = 0;
        int r;

        r = backup_list(root_fd, state_directory, &list, reterr);
        for (size_t i = 0; r >= 0 && i < list->n; i++) {
                autofree char *path =
                        xasprintf("%s/backups/%s", state_directory, list->backups[i].id);

                if (list->backups[i].problem || ++n_whole <= keep)
                        continue;
                r = fs_remove_tree(root_fd, path, reterr);
        }
        return r;
}

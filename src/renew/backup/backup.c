/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/backup/backup.h"

#include "base/json.h"
#include "base/time-util.h"
#include "renew/backup/backup-manifest.h"
#include "renew/state/ca-rotation-record.h"

#include <fcntl.h>
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
                strv_free(backup->absent);
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
        for (size_t i = 0; i < manifest->n_files; i++) {
                strv_add(&backup.paths, manifest->files[i].path);
                if (!manifest->files[i].existed)
                        strv_add(&backup.absent, manifest->files[i].path);
        }
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
        list->backups = xcalloc(strv_length(names), sizeof(Backup));

        /* The names begin with the time: sorted they are oldest first. */
        for (size_t i = strv_length(names); i > 0; i--)
                if (names[i - 1][0] != '.')
                        list->backups[list->n++] =
                                describe(root_fd, directory, xstrdup(names[i - 1]));
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

/* It loses its name first, so that a crash leaves no backup that is there in part. */
static int remove_backup(int root_fd, const char *directory, const char *id, Error *reterr)
{
        autofree char *removed = xasprintf(".%s" BACKUP_REMOVED, id);
        autofree char *path = xasprintf("%s/%s", directory, removed);

        autofd int fd = fs_open(root_fd, directory, O_RDONLY | O_DIRECTORY, 0, reterr);
        if (fd < 0)
                return fd;
        if (renameat(fd, id, fd, removed) < 0 || fsync(fd) < 0)
                return error_errno(reterr, -errno, "cannot remove the backup '%s'", id);
        return fs_remove_tree(root_fd, path, reterr);
}

/* What a crash has left of backups that were being removed. */
static int finish_removals(int root_fd, const char *directory, Error *reterr)
{
        autostrv names = NULL;
        int r;

        r = fs_list(root_fd, directory, &names, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (char **name = names; r >= 0 && *name; name++) {
                size_t n = strlen(*name);
                autofree char *path = xasprintf("%s/%s", directory, *name);

                if (**name == '.' && n > strlen(BACKUP_REMOVED) &&
                        streq(*name + n - strlen(BACKUP_REMOVED), BACKUP_REMOVED))
                        r = fs_remove_tree(root_fd, path, reterr);
        }
        return r;
}

/* How many of the newest are needed as long as a CA rotation is not over: all since the first that
 * has to do with one that has a record. */
static size_t count_needed(int root_fd, const char *state_directory, const BackupList *list)
{
        autofree char *records = ca_record_directory(state_directory);
        autostrv names = NULL;
        size_t needed = 0;

        (void)!fs_list(root_fd, records, &names, NULL);
        for (char **name = names; name && *name; name++) {
                autofree char *path = xasprintf("%s/%s", records, *name);

                for (size_t i = needed; i < list->n; i++)
                        if (strv_contains(list->backups[i].paths, path))
                                needed = i + 1;
        }
        return needed;
}

int backup_prune(int root_fd, const char *state_directory, unsigned keep, Error *reterr)
{
        autofree char *directory = backups_directory(state_directory);
        autoptr(BackupList) list = NULL;
        size_t n_whole = 0, needed = 0;
        int r;

        r = finish_removals(root_fd, directory, reterr);
        if (r >= 0)
                r = backup_list(root_fd, state_directory, &list, reterr);
        if (r >= 0)
                needed = count_needed(root_fd, state_directory, list);
        for (size_t i = 0; r >= 0 && i < list->n; i++)
                if (!list->backups[i].problem && ++n_whole > keep && i >= needed)
                        r = remove_backup(root_fd, directory, list->backups[i].id, reterr);
        return r;
}

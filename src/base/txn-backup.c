/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "base/txn-internal.h"

#include "base/fs-internal.h"
#include "base/json.h"
#include "base/sync-batch.h"
#include "base/time-util.h"

#include <fcntl.h>

#define MANIFEST         "manifest.json"
#define MANIFEST_VERSION 1

/* Of a foreign file's digest in the name under which it is saved. */
#define DISPLACED_DIGITS 16

static int read_old(const TxnFile *file, FileImage **ret, Error *reterr)
{
        autoptr(FileImage) image = NULL;
        int r = -ENOENT;

        if (file->directory_fd >= 0)
                r = fs_read_at(file->directory_fd, file->name, FS_SIZE_MAX, &image, reterr);
        if (r < 0 && r != -ENOENT)
                return error_prefix(reterr, r, "'%s'", file->path);
        if (!image && file->existed)
                return error_set(reterr, -ESTALE, "'%s' has disappeared", file->path);
        if (image && !file->existed)
                return error_set(reterr, -ESTALE, "'%s' exists by now", file->path);
        if (image && !digest_equal(&image->digest, &file->old_digest))
                return error_set(reterr, -ESTALE, "'%s' was changed by somebody else", file->path);
        *ret = TAKE(image);
        return 0;
}

static json_t *manifest_entry(const TxnFile *file, const FileImage *image)
{
        char hex[DIGEST_HEX_SIZE], mode[8];

        if (!image)
                return xcheck(json_pack("{s:s, s:b}", "path", file->path, "existed", 0));
        digest_format(&image->digest, hex);
        snprintf(mode, sizeof(mode), "%04o", image->st.st_mode & 07777);
        return xcheck(json_pack("{s:s, s:b, s:s, s:I, s:I, s:s, s:s}", "path", file->path,
                "existed", 1, "file", file->copy, "uid", (json_int_t)image->st.st_uid, "gid",
                (json_int_t)image->st.st_gid, "mode", mode, "sha256", hex));
}

static int write_manifest(const Txn *txn, int backup_fd, json_t *files)
{
        autofree char *text = NULL;
        autoptr(json_t) json = xcheck(json_pack("{s:i, s:s, s:o, s:s, s:o, s:O}", "schema_version",
                MANIFEST_VERSION, "id", txn->record->id, "reason", json_escaped(txn->reason),
                "version", PACKAGE_VERSION, "time", json_time(txn->now), "files", files));

        text = json_text(json);
        return fs_create_at(backup_fd, MANIFEST, text, strlen(text), 0600);
}

/* The copies of a backup on their way to the disk. */
typedef struct Copies {
        Txn *txn;
        int backup_fd, r; /* r: the first failure */
        SyncBatch batch;
        json_t *manifest;
        Error *reterr;
} Copies;

static void fail_copy(void *userdata, size_t i, int r)
{
        Copies *copies = userdata;

        if (copies->r >= 0)
                copies->r = error_errno(copies->reterr, r, "cannot back up '%s'",
                        copies->txn->record->files[i].path);
}

/* A copy and never a hard link: a second name makes file watches of the old inode go deaf. */
static void copy_file(Copies *copies, size_t i)
{
        const TxnFile *file = &copies->txn->record->files[i];
        autoptr(FileImage) image = NULL;
        Error error = {};
        int r, fd;

        r = read_old(file, &image, &error);
        if (r < 0) {
                txn_note_fault(copies->txn, file, r, &error);
                copies->r = error_set(copies->reterr, r, "%s", error.text);
                return;
        }
        json_array_append_new(copies->manifest, manifest_entry(file, image));
        if (!image)
                return;
        fd = fs_create_unsynced_at(copies->backup_fd, file->copy, image->data, image->size, 0600);
        if (fd < 0)
                fail_copy(copies, i, fd);
        else
                sync_batch_add(&copies->batch, fd, i);
}

static int copy_files(Txn *txn, int backup_fd, json_t *manifest, Error *reterr)
{
        Copies copies = {
                .txn = txn, .backup_fd = backup_fd, .manifest = manifest, .reterr = reterr};

        copies.batch.fail = fail_copy;
        copies.batch.userdata = &copies;
        for (size_t i = 0; copies.r >= 0 && i < txn->record->n_files; i++)
                copy_file(&copies, i);
        sync_batch_flush(&copies.batch);
        return copies.r;
}

int txn_backup_write(Txn *txn, Error *reterr)
{
        autoptr(json_t) files = xcheck(json_array());
        const char *path = txn->record->backup;
        int r;

        r = fs_make_directories(txn->root_fd, path, 0700, reterr);
        if (r < 0)
                return r;
        autofd int backup_fd = fs_open(txn->root_fd, path, O_RDONLY | O_DIRECTORY, 0, reterr);
        if (backup_fd < 0)
                return backup_fd;
        r = copy_files(txn, backup_fd, files, reterr);
        if (r < 0)
                return r;
        r = write_manifest(txn, backup_fd, files);
        if (r >= 0 && fsync(backup_fd) < 0)
                r = -errno;
        if (r < 0)
                return error_errno(reterr, r, "cannot complete the backup '%s'", path);
        return 0;
}

FileImage *txn_backup_load(int root_fd, const TxnRecord *record, const TxnFile *file)
{
        autofree char *path = xasprintf("%s/%s", record->backup, file->copy);
        autoptr(FileImage) image = NULL;

        if (!file->existed || fs_read_file(root_fd, path, FS_SIZE_MAX, &image, NULL) < 0)
                return NULL;
        return digest_equal(&image->digest, &file->old_digest) ? TAKE(image) : NULL;
}

int txn_backup_displaced(int root_fd, const TxnRecord *record, const TxnFile *file,
        const FileImage *image, char **ret_path, Error *reterr)
{
        autofree char *directory = xasprintf("%s/displaced", record->backup), *path = NULL;
        char hex[DIGEST_HEX_SIZE];
        int r;

        /* The name says what is in it, so that an interrupted recovery saves nothing twice. */
        digest_format(&image->digest, hex);
        path = xasprintf("%s/%s-%.*s", directory, file->copy, DISPLACED_DIGITS, hex);
        r = fs_make_directories(root_fd, directory, 0700, reterr);
        if (r >= 0 && !fs_exists(root_fd, path))
                r = fs_write_file(root_fd, path, image->data, image->size, 0600, reterr);
        if (r < 0)
                return error_prefix(
                        reterr, r, "cannot save what somebody else wrote to '%s'", file->path);
        *ret_path = TAKE(path);
        return 0;
}

static int remove_copies(const TxnRecord *record, int backup_fd)
{
        if (unlinkat(backup_fd, MANIFEST, 0) < 0 && errno != ENOENT)
                return -errno;
        for (size_t i = 0; i < record->n_files; i++)
                if (unlinkat(backup_fd, record->files[i].copy, 0) < 0 && errno != ENOENT)
                        return -errno;
        return 0;
}

/* No directory there: nothing of ours was made. */
static bool is_absent(int r)
{
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP;
}

int txn_backup_remove(int root_fd, const TxnRecord *record, Error *reterr)
{
        autofree char *name = NULL;
        int r;

        autofd int parent_fd = fs_open_directory_of(root_fd, record->backup, &name, reterr);
        if (parent_fd < 0)
                return is_absent(parent_fd) ? 0 : parent_fd;
        autofd int backup_fd =
                openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = backup_fd >= 0 ? remove_copies(record, backup_fd) : -errno;
        /* What is left in it is not ours, so the directory stays. */
        if (r >= 0 && unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY)
                r = -errno;
        if (r >= 0 && fsync(parent_fd) < 0)
                r = -errno;
        if (r < 0 && !is_absent(r))
                return error_errno(
                        reterr, r, "cannot remove the unfinished backup '%s'", record->backup);
        return 0;
}

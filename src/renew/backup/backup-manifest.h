/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manifest.json of a backup, which base/txn.h writes: which file was where, and how.
 *
 *     r = backup_manifest_read(root_fd, "STATE/backups/ID", &manifest, reterr);
 *     r = backup_manifest_load(root_fd, "STATE/backups/ID", &manifest->files[i], &file, reterr);
 *
 * Reads only, and trusts nothing: names of backup files have no '/', paths are absolute, every
 * content is held against its digest. */

#include "base/fs.h"

typedef struct BackupFile {
        char *path; /* where it lived */
        char *name; /* its copy inside the backup; NULL if there was no file */
        bool existed;
        mode_t mode;
        uid_t uid;
        gid_t gid;
        Digest digest;
} BackupFile;

typedef struct BackupManifest {
        int64_t time;
        char *reason, *version;
        BackupFile *files;
        size_t n_files;
} BackupManifest;

void backup_manifest_free(BackupManifest *manifest);
DEFINE_AUTOPTR(BackupManifest, backup_manifest_free)

/* -EINVAL for what cannot be the name of a backup. */
int backup_id_check(const char *id, Error *reterr) MUST_USE;

/* -ENOENT no such backup, -EBADMSG no manifest that makes sense. */
int backup_manifest_read(
        int root_fd, const char *backup, BackupManifest **ret, Error *reterr) MUST_USE;

/* The saved content; -EBADMSG if it is not what the manifest says. */
int backup_manifest_load(int root_fd, const char *backup, const BackupFile *file, FileImage **ret,
        Error *reterr) MUST_USE;

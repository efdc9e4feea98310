/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Backups that every transaction makes of what it replaces: list, verify, prune; and one of
 * everything, on request. They are put back by renew/commit/restore.h.
 *
 *     r = backup_list(root_fd, state_directory, &list, reterr);
 *
 * A backup is STATE/backups/UTC-TIMESTAMP-PASSID/ with manifest.json, written by base/txn.h:
 * directories 0700, files 0600 from creation. */

#include "base/txn.h"
#include "renew/config/config.h"

/* ".ID.removed": a backup that is being removed, or is not whole yet. The next backup_prune() takes
 * what a crash has left of it. */
#define BACKUP_REMOVED ".removed"

typedef struct Backup {
        char *id; /* the directory's name */
        int64_t time;
        char *reason;
        char *version; /* of the program that made it */
        char **paths;  /* the files in it, */
        char **absent; /* and those of them that were not there */
        char *problem; /* why it cannot be used, or NULL */
} Backup;

typedef struct BackupList {
        Backup *backups; /* newest first */
        size_t n;
} BackupList;

void backup_list_free(BackupList *list);
DEFINE_AUTOPTR(BackupList, backup_list_free)

/* The directory that holds a new backup: "STATE/backups/20271111T232600Z-PASSID". The caller frees.
 */
char *backup_path(const char *state_directory, int64_t now, const char *pass_id);

int backup_list(int root_fd, const char *state_directory, BackupList **ret, Error *reterr) MUST_USE;

/* 0 if every file of the backup still has the digest that its manifest notes. -ENOENT no such
 * backup, -EBADMSG damaged (says which file). */
int backup_verify(int root_fd, const char *state_directory, const char *id, Error *reterr) MUST_USE;

/* Removes the oldest until `keep` are left. What cannot be read as a backup is left alone, and so
 * is, as long as a CA rotation has a record, every backup since its first: any of its phases can be
 * brought back until it is over. */
int backup_prune(int root_fd, const char *state_directory, unsigned keep, Error *reterr) MUST_USE;

typedef struct BackupRequest {
        int root_fd;
        const Config *config;
        Txn *txn; /* open and recovered */
        int64_t now;
        const char *pass_id;
} BackupRequest;

/* A backup of everything that a pass or a CA rotation may replace: CAs, certificates, kubeconfigs,
 * copies, manifests and the records of CA rotations, as far as they are there. -ENODATA if none is.
 * It counts as any other. */
int backup_create(const BackupRequest *request, char **ret_id, Error *reterr) MUST_USE;

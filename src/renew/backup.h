/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Backups that every transaction makes of what it replaces: list, verify, prune, restore; and one
 * of everything, on request.
 *
 *     r = backup_list(root_fd, state_directory, &list, reterr);
 *     r = backup_restore(root_fd, config, &request, &changes, reterr);
 *
 * A backup is STATE/backups/UTC-TIMESTAMP-PASSID/ with manifest.json, written by base/txn.h:
 * directories 0700, files 0600 from creation. Restoring is a transaction like any other, with a
 * backup of its own, so it can be undone by the same verb. */

#include "base/txn.h"
#include "renew/config.h"

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

typedef struct RestoreRequest {
        const char *id;
        char *const *paths; /* only these of its files; NULL: all */
        bool force;         /* also expired certificates and ones of another CA than will be here */
        bool dry_run;       /* only say what would change */
        Txn *txn;           /* the lock, if the caller has it: open and recovered */
        int64_t now;
        int64_t outlive; /* seconds that what is restored must be good for, without force */
        const char *pass_id;
} RestoreRequest;

/* What restoring changes, file by file, for people. */
typedef struct RestoreLine {
        char *path;
        char *text; /* "unchanged", "would become apiserver, serial 1A2B, until
                       2027-11-21T23:26:00Z", … */
        bool changes;
} RestoreLine;

typedef struct RestoreResult {
        RestoreLine *lines;
        size_t n;
        size_t n_changes;
        bool is_of_ca; /* with them a CA became another one */
} RestoreResult;

void restore_result_free(RestoreResult *result);
DEFINE_AUTOPTR(RestoreResult, restore_result_free)

/* Puts the files of a backup back, all or none; of a phase of a CA rotation, all that this phase
 * and those after it have changed (renew/restore-set.h). -EBUSY lock held, -EKEYREJECTED refused
 * without force: expired, of a CA that would not be there, or a pair that would not match (the
 * reason in the error; of a CA's pair also with force), -EPERM for some files of a CA without the
 * others, -ENOENT, -EBADMSG. Enters the restarts that follow as owed. */
int backup_restore(int root_fd, const Config *config, const RestoreRequest *request,
        RestoreResult **ret, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Puts a backup back, or says what that would change.
 *
 *     r = backup_restore(root_fd, config, &request, &result, reterr);
 *
 * Restoring is a transaction like any other, with a backup of its own, so it can be undone by the
 * same verb. */

#include "renew/backup/backup.h"

typedef struct RestoreRequest {
        const char *id;
        char *const *paths; /* only these of its files; NULL: all */
        bool force;         /* also expired certificates and ones of another CA than will be here */
        bool dry_run;       /* only say what would change */
        Txn *txn;           /* open and recovered; NULL for a dry run */
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
 * and those after it have changed (renew/commit/restore-set.h). -EKEYREJECTED refused without
 * force: expired, of a CA that would not be there, or a pair that would not match (the reason in
 * the error; of a CA's pair also with force), -EPERM for some files of a CA without the others,
 * -ENOENT, -EBADMSG. Enters the restarts that follow as owed. */
int backup_restore(int root_fd, const Config *config, const RestoreRequest *request,
        RestoreResult **ret, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What restoring a backup brings back: which files, from where, and what is there now.
 *
 *     r = restore_set_read(root_fd, config, id, paths, &set, reterr);
 *     for (i = 0; i < set->n; i++) if (set->files[i].action != RESTORE_NOTHING) ...
 *
 * A pass replaces single certificates, and its backup is all there is to it. A phase of a CA
 * rotation is one of several, and each replaces other files: to bring back what was before one of
 * them, all that came after it go back, too. Of each file its oldest content since then counts, in
 * whatever backup it is. Reads only. */

#include "renew/backup/backup-manifest.h"
#include "renew/config/config.h"

typedef enum RestoreAction {
        RESTORE_NOTHING, /* it is what it was, or has come into being since and may stay */
        RESTORE_CONTENT,
        RESTORE_REMOVE, /* made by the rotation that goes back, and of no use to anybody else */
} RestoreAction;

typedef struct RestoreFile {
        BackupFile *was;    /* of one of the manifests */
        FileImage *saved;   /* NULL where there was no file */
        FileImage *present; /* NULL where there is none */
        RestoreAction action;
} RestoreFile;

typedef struct RestoreSet {
        RestoreFile *files;
        size_t n;
        bool is_of_ca;              /* a CA's files or the record of its rotation are among them */
        BackupManifest **manifests; /* of the backup, and of those that were made since */
        char **directories;         /* parallel */
        size_t n_manifests;
} RestoreSet;

void restore_set_free(RestoreSet *set);
DEFINE_AUTOPTR(RestoreSet, restore_set_free)

/* paths: only these of its files; NULL: all. -ENOENT, -EINVAL, -EBADMSG for a backup that is not
 * there or damaged, also for one that was made since and is needed. -EPERM for some files of a CA
 * without the others. */
int restore_set_read(int root_fd, const Config *config, const char *id, char *const *paths,
        RestoreSet **ret, Error *reterr) MUST_USE;

/* The number of the pair that a file belongs to, for base/txn.h: certificate and key of one
 * credential or one CA; 0: none. */
unsigned restore_pair_of(const Layout *layout, const char *path);

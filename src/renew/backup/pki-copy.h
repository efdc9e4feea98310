/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A second layout of backups, as vCluster has it: the whole PKI directory, beside itself, as
 * "pki.bak/<unix time>/", for people who put it back with cp. Only where PKIDirectory= says so; the
 * backups of renew/backup/backup.h are made all the same.
 *
 *     if (pki_copy_covers(root_fd, directory, change->path))
 *             r = pki_copy_make_one(root_fd, directory, now, reterr);   before every commit
 *     r = pki_copy_make(root_fd, config, paths, now, reterr);  before a restore
 *     r = pki_copy_prune(root_fd, config, reterr);             when the backups are */

#include "renew/config/config.h"

/* "/etc/kubernetes/pki.bak" for /etc/kubernetes/pki. The caller frees. */
char *pki_copy_directory(const char *pki_directory);

/* True if the file is in that directory, by its name or by where the links in it lead. */
bool pki_copy_covers(int root_fd, const char *pki_directory, const char *path);

/* The next second that is free is its name: two never write over each other. It gets its name when
 * it is whole and on the disk. */
int pki_copy_make_one(int root_fd, const char *pki_directory, int64_t now, Error *reterr) MUST_USE;

/* The same for those of PKIDirectory= that one of these files is in. */
int pki_copy_make(
        int root_fd, const Config *config, char *const *paths, int64_t now, Error *reterr) MUST_USE;

/* Keeps the newest KeepBackups=; all as long as a CA rotation has a record. Names that are no time
 * are somebody else's. */
int pki_copy_prune(int root_fd, const Config *config, Error *reterr) MUST_USE;

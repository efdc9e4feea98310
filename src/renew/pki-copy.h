/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A second layout of backups, as vCluster has it: the whole PKI directory, beside itself, as
 * "pki.bak/<unix time>/", for people who put it back with cp. Only where PKIDirectory= says so; the
 * backups of renew/backup.h are made all the same.
 *
 *     r = pki_copy_make(root_fd, config, now, reterr);         before every commit
 *     r = pki_copy_prune(root_fd, config, reterr);             when the backups are */

#include "renew/config.h"

/* "/etc/kubernetes/pki.bak" for /etc/kubernetes/pki; NULL if none is configured. The caller frees.
 */
char *pki_copy_directory(const Config *config);

/* The next second that is free is its name: two never write over each other. It gets its name when
 * it is whole and on the disk. */
int pki_copy_make(int root_fd, const Config *config, int64_t now, Error *reterr) MUST_USE;

/* Keeps the newest KeepBackups=; all as long as a CA rotation has a record. Names that are no time
 * are somebody else's. */
int pki_copy_prune(int root_fd, const Config *config, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Turns issued certificates into the files that they live in: PEM files, pairs, scalars of
 * kubeconfigs.
 *
 *     issuance_compose(issuance, config);       fills issuance->changes
 *
 * Intermediates of a leaf file stay, a kubeconfig changes in the scalars that were due and nowhere
 * else, several users of one kubeconfig are one change. Every file is read back in memory before it
 * counts: what would not be read as the new certificate with its key makes its results FAILED.
 * Writes nothing. */

#include "renew/issue/issue.h"

void issuance_compose(Issuance *issuance, const Config *config);

/* The copies of what changes, and those that an earlier pass owes. One that cannot be written
 * (root_fd to test that) is left out, with the other files of its group, and fails by itself. */
void issuance_compose_copies(Issuance *issuance, int root_fd);

/* Takes path and content. */
void issuance_add_change(Issuance *issuance, const FileChange *change);

/* Drops all but the first n. */
void issuance_cut_changes(Issuance *issuance, size_t n);

/* NULL if that file does not change. */
const FileChange *issuance_find_change(const Issuance *issuance, const char *path);

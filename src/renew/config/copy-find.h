/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which files are the copies of a [copy NAME] whose Path= or Directory= is a pattern: "/home/" and
 * any name, and there ".kube/config". Private to the configuration.
 *
 *     if (copy_is_pattern(entry)) ...
 *     copies_find(root_fd, config);
 *
 * Among the files of that name (kubectl's configuration of every user) only those are copies which
 * are what their source is, or what they were when they last were that, unless Overwrite= says that
 * all are. Nothing else is ever said of the others, a link of a user that leads to what is not his
 * is not followed, and nobody looks into a file system of another machine: it might not answer. */

#include "renew/config/config.h"

bool copy_is_pattern(const CopyEntry *entry);

/* Directories of a pattern may come and go, as one that a controller has while it is the active
 * one: a path in what the pattern says without wildcards, below which all are. NULL: it is no such
 * pattern. The caller frees. */
char *copy_pattern_place(const CopyEntry *entry);

/* Adds to layout.copy_targets what is found now; no file belongs to two entries. */
void copies_find(int root_fd, Config *config);

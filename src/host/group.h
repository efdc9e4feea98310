/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Groups of users, by name.
 *
 *     r = group_find(root_fd, "monitoring", &gid, reterr);
 *
 * On this host's own root by whatever knows groups there (nsswitch.conf(5)); below another one by
 * its /etc/group. */

#include "base/fs.h"

/* -ENOENT if there is no such group; others if it cannot be told now, or as fs_read_file(). */
int group_find(int root_fd, const char *name, gid_t *ret, Error *reterr) MUST_USE;

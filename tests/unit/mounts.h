/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small file systems in the place of directories, seen by this process alone.
 *
 *     if (!mounts_own())
 *             return unit_skip_all("no file system can be mounted here");
 *     mounts_move(directory, "size=4k");        what is in it moves there, too
 *     umount(directory);                        what it held is as it was
 *
 * For root, or where anybody may have a user namespace. */

#include "base/fs.h"

#include <sched.h>
#include <sys/mount.h>

static inline bool mounts_own(void)
{
        return unshare(CLONE_NEWNS) == 0 &&
               mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("tmpfs", "/mnt", "tmpfs", 0, NULL) == 0 && umount("/mnt") == 0;
}

/* A memory file system with these options over a directory, with copies of its files and links. */
static inline void mounts_move(const char *directory, const char *options)
{
        autofree char *command = xasprintf(
                "d='%s' && t=$(mktemp -d) && cp -a \"$d/.\" \"$t\" && "
                "mount -t tmpfs -o '%s' tmpfs \"$d\" && cp -a \"$t/.\" \"$d\" && rm -r \"$t\"",
                directory, options);

        assert_int_equal(system(command), 0);
}

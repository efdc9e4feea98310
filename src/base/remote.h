/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Does the way to a file lead over a file system of another machine, or of a program? Who looks
 * there may wait for ever, and can then not even be killed.
 *
 *     remote = remote_read(root_fd);
 *     if (remote_is_on_way(remote, "/home/USER/.kube/config", &where)) ... leave it alone
 *
 * Nothing is touched that is such a file system: the table of mounts says where they are, links are
 * followed one by one, and what systemd or autofs would mount is not mounted by looking. */

#include "base/fs.h"

typedef struct Remote Remote;

void remote_free(Remote *remote);
DEFINE_AUTOPTR(Remote, remote_free)

/* Mounts as this process sees them below that root. Where the kernel does not tell them there are
 * none. root_fd must stay open as long. Never NULL. */
Remote *remote_read(int root_fd);

/* The same from the text of a table, proc_pid_mountinfo(5), of which the root is at `root`. */
Remote *remote_parse(int root_fd, const char *root, const char *text);

/* path is absolute, below the root. *ret (may be NULL) is the mount point, which the caller frees.
 */
bool remote_is_on_way(const Remote *remote, const char *path, char **ret);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who holds the lock of a file, as the kernel tells it in /proc/locks.
 *
 *     autofree char *holder = holder_of_lock(root_fd, "/var/lib/kube-renewd/lock");
 *
 * For people: by the time it is read the process may be another one. Only on the root of this host,
 * which has a /proc. */

#include "base/fs.h"

/* "process 4711 (kube-renewd)"; NULL if nobody holds it, or it is not known who does. The caller
 * frees. */
char *holder_of_lock(int root_fd, const char *path);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Paths as text: one spelling for each, so that they can be compared.
 *
 *     autofree char *path = path_normalize("/etc//kubernetes/./pki/../admin.conf");
 *     autofree char *key = path_join("/etc/kubernetes", "pki/apiserver.key");
 *
 * Looks at no file: that two paths lead to one through a link only the kernel knows (base/fs.h). */

#include "base/macro.h"

/* Absolute, without doubled slashes, "." and ".." and without a slash at the end. The caller frees.
 */
char *path_normalize(const char *path);

/* path as seen from directory, in normal form: an absolute one is itself. The caller frees. */
char *path_join(const char *directory, const char *path);

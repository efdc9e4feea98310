/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Several directories that are read as one (UAPI.6): a file hides those of the same name in later
 * ones, and a link to /dev/null hides them without being anything itself.
 *
 *     Layer layers[] = {{root_fd, "/etc/x"}, {root_fd, "/run/x"}, {root_fd, "/usr/lib/x"}};
 *     r = layers_list(layers, 3, &names, reterr);
 *     r = layers_read(layers, 3, "kube-renewd.conf", settings, reterr);      1: read, 0: nothing
 * there
 */

#include "renew/config/settings.h"

typedef struct Layer {
        int root_fd;
        const char *directory;
} Layer;

/* Names of all files "*.conf", sorted, each once; those that are hidden everywhere too. Missing
 * directories are fine. */
int layers_list(const Layer *layers, size_t n, char ***ret_names, Error *reterr) MUST_USE;

/* The file that counts. Returns 1, or 0 if there is none or it is masked. Errors as fs_read_file();
 * a link that leads nowhere is one. */
int layers_find(
        const Layer *layers, size_t n, const char *name, FileImage **ret, Error *reterr) MUST_USE;

/* The same, and appends its settings. Errors as settings_read(), too. */
int layers_read(const Layer *layers, size_t n, const char *name, Settings *settings,
        Error *reterr) MUST_USE;

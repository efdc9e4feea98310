/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the files of a layout are: "%b" at the beginning of a path stands for the first directory
 * of [layout] BaseDirectory= that is there. Private to the configuration.
 *
 *     r = layout_base_find(root_fd, settings, configured, &base, reterr);
 *     r = layout_base_expand(settings, NULL, base, reterr);
 *
 * Done with the text of the settings, before anybody reads a value: what is effective, and every
 * message about it, has the path itself. */

#include "renew/config/settings.h"

/* The last BaseDirectory= of both lists counts, and without one *ret is NULL. Where none of its
 * directories exists it is the first of them. The caller frees. -EINVAL "file:line: …" for a
 * directory that is no absolute path. */
int layout_base_find(int root_fd, const Settings *layout, const Settings *configured, char **ret,
        Error *reterr) MUST_USE;

/* In every key that takes a path; of the entries LAYOUT:NAME alone where a layout is named. base
 * may be NULL: then -EINVAL if there is anything to expand. */
int layout_base_expand(
        Settings *settings, const char *layout, const char *base, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One sentence that says what went wrong, with the path in it.
 *
 *     Error error = {};
 *     r = fs_read_file(root_fd, path, &file, &error);
 *     if (r < 0)
 *             return error_prefix(reterr, r, "cannot load CA '%s'", name);
 *
 * Functions return 0 (or a count) or a negative errno, and take `Error *reterr` last; the caller
 * owns it and may pass NULL. The text is bounded, never allocated and never holds a secret. Text
 * from outside is escaped when it is written in, so an Error is safe on a terminal and in the
 * journal. */

#include "base/macro.h"

typedef struct Error {
        char text[1024];
} Error;

/* Replaces the text; returns r (a negative errno). Control characters come out as \xNN. */
int error_set(Error *reterr, int r, const char *format, ...) PRINTF_LIKE(3, 4);

/* As error_set(), followed by ": " and the words for errno r. */
int error_errno(Error *reterr, int r, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "context: " before the text that is there; returns r. */
int error_prefix(Error *reterr, int r, const char *format, ...) PRINTF_LIKE(3, 4);

/* True for failures that another try may not meet (busy, interrupted, timed out); all others last.
 */
bool error_is_transient(int r);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of a command as a configuration file writes them, without a shell.
 *
 *     r = argv_parse("/usr/bin/logger -t 'kube renewd' done", &argv);
 *
 * Blanks separate words. '…' keeps everything as it is; in "…" and outside of quotes a backslash
 * keeps the next character. Nothing is expanded. Source: POSIX shell, 2.2 Quoting. */

#include "base/macro.h"

/* At least one word, and the first is an absolute path. -EINVAL otherwise, and for a quote or a
 * backslash at the end. The caller frees with strv_free(). */
int argv_parse(const char *text, char ***ret) MUST_USE;

/* What argv_parse() reads as these words, also behind "Key=" in a file. The caller frees. */
char *argv_format(char *const *argv);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files that somebody names on the command line: his own, by his working directory, and not of the
 * host below --root=.
 *
 *     r = given_read(options->key, &file, reterr); */

#include "base/fs.h"

/* Errors as fs_read_file(). */
int given_read(const char *path, FileImage **ret, Error *reterr) MUST_USE;

/* Replaces a file that holds no secret, in a directory that is there. */
int given_write(const char *directory, const char *name, const char *text, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Small files by path, without allocation.
 *
 *     file_path(alarms, "/var/lib/kube-renewd", "public/alarms");
 *     n = file_read(alarms, "x.json", data, sizeof(data));
 *     r = file_make_directory(alarms);
 *     r = file_write(alarms, "x.json", data, n);
 *
 * Who reads a file that is being written sees the old one or the new one. -EPERM everywhere for a
 * directory that others than root and us could exchange. */

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

/* "DIRECTORY/NAME"; "", which no system call takes, if that is too long. */
void file_path(char path[PATH_MAX], const char *directory, const char *name);

/* Reads a regular file of less than `size` bytes and puts a NUL behind it. Its length, or a
 * negative errno: -EFBIG if it is longer, -EINVAL if it is none, otherwise as open(2) and read(2).
 */
ssize_t file_read(const char *directory, const char *name, char *data, size_t size);

/* Creates the directory (an absolute path), mode 0755, and its parents, and sees them onto the
 * disk; 0 if it is there. */
int file_make_directory(const char *path);

/* Closes the directory to others, where the model is, and gives it the same group. */
void file_close_as(const char *model, const char *path);

/* Replaces a file: beside it, mode 0644, fsync, rename, fsync of the directory. */
int file_write(const char *directory, const char *name, const char *data, size_t size);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of base/fs share with each other and with nobody else. */

#include "base/fs.h"

/* Cuts an absolute path into the directory that holds it and a name in it. -EINVAL if the path is
 * not absolute or ends in no name ("/", "/a/", "/a/.."). */
int fs_split(const char *path, char **ret_directory, char **ret_name, Error *reterr) MUST_USE;

/* As fs_open_parent(), but a final link is the thing itself: for our own state, where we would
 * rather replace a link than follow it. */
int fs_open_directory_of(int root_fd, const char *path, char **ret_name, Error *reterr) MUST_USE;

/* Where an open directory really is, as an absolute path below the root without links or "..".
 * -ENOENT if it was removed, -EXDEV if it does not lie below the root. */
int fs_path_of(int root_fd, int fd, char **ret, Error *reterr) MUST_USE;

/* As fs_read_file() for a name in an open directory; a link is refused with -EINVAL. */
int fs_read_at(
        int directory_fd, const char *name, size_t max, FileImage **ret, Error *reterr) MUST_USE;

/* Makes a new file in an open directory, mode from creation, and leaves it to the caller to sync
 * it: a descriptor, or -EEXIST if something is there. */
int fs_create_unsynced_at(
        int directory_fd, const char *name, const void *data, size_t size, mode_t mode) MUST_USE;

/* The same, and sees it onto the disk. */
int fs_create_at(
        int directory_fd, const char *name, const void *data, size_t size, mode_t mode) MUST_USE;

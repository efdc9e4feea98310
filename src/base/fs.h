/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files below a root directory: bounded reading, whole-file writing, nothing that can hang or
 * escape.
 *
 *     autofd int root_fd = fs_open_root("/", reterr);
 *     autoptr(FileImage) file = NULL;
 *     r = fs_read_file(root_fd, "/etc/kubernetes/pki/ca.crt", FS_SIZE_MAX, &file, reterr);
 *
 * Every path is absolute and resolved below root_fd by openat2(RESOLVE_IN_ROOT |
 * RESOLVE_NO_MAGICLINKS), so links work as they do after chroot and cannot lead out. Only regular
 * files are read; FIFOs, directories and devices are refused without blocking. Live files are never
 * written here: that is base/txn.h; fs_write_file() is for our own state. */

#include "base/digest.h"
#include "base/error.h"

#include <sys/stat.h>

#define FS_SIZE_MAX ((size_t)4 << 20)

/* A file as it was at one moment: content, digest, owner and mode. The content may be a key: it is
 * wiped when freed. */
typedef struct FileImage {
        char *path;          /* as asked for, below the root */
        unsigned char *data; /* size bytes and a NUL that is not counted */
        size_t size;
        Digest digest;
        struct stat st;
} FileImage;

void file_image_free(FileImage *image);
DEFINE_AUTOPTR(FileImage, file_image_free)

/* A descriptor for the directory that stands for "/". Errors as open(2). */
int fs_open_root(const char *root, Error *reterr) MUST_USE;

/* True for the root of the host itself. */
bool fs_is_host_root(int root_fd);

/* Opens path below root_fd with openat2; flags as open(2), O_CLOEXEC and O_NONBLOCK are added. */
int fs_open(int root_fd, const char *path, int flags, mode_t mode, Error *reterr) MUST_USE;

/* Opens the directory that really holds path, following directory links and a final link once (its
 * target's directory then), and gives the name in it. -ELOOP for a link to a link, -ENOENT if the
 * directory is missing, -EPERM for a link of somebody who does not own the directory that it leads
 * to. A missing final component is fine: the caller is about to create it. */
int fs_open_parent(int root_fd, const char *path, char **ret_name, Error *reterr) MUST_USE;

/* Where the directory that fs_open_parent() opens really is, as a path below the root without
 * links. The caller frees. Errors as fs_open_parent(). */
int fs_real_directory(int root_fd, const char *path, char **ret, Error *reterr) MUST_USE;

/* True if both paths lead to one name in one directory, links followed as above, whether or not
 * anything has that name. Two hard links of a file are two places. */
bool fs_same_place(int root_fd, const char *a, const char *b);

/* Reads a regular file of at most max bytes. -ENOENT missing, -EISDIR directory, -EINVAL FIFO,
 * socket or device, -EFBIG larger than max, otherwise as open(2) and read(2). */
int fs_read_file(
        int root_fd, const char *path, size_t max, FileImage **ret, Error *reterr) MUST_USE;

/* The SHA-256 of what a file holds, in hexadecimal; "" if there is none, FS_CONTENT_UNKNOWN if it
 * cannot be read. The caller frees. */
#define FS_CONTENT_UNKNOWN "unknown" /* never what a file holds */
char *fs_content(int root_fd, const char *path);

/* True if something is there (links are followed inside the root). */
bool fs_exists(int root_fd, const char *path);

/* Replaces a state file: ".NAME.new" beside it, mode from creation, fsync, rename, fsync of the
 * directory. Two writers of one file must be kept apart by the lock of base/txn.h; who lists the
 * directory leaves out names that begin with a dot. */
int fs_write_file(int root_fd, const char *path, const void *data, size_t size, mode_t mode,
        Error *reterr) MUST_USE;

/* Removes a state file and syncs its directory; a missing file is fine. */
int fs_remove_file(int root_fd, const char *path, Error *reterr) MUST_USE;

/* Removes a directory below ours with everything in it, following no link; missing is fine. */
int fs_remove_tree(int root_fd, const char *path, Error *reterr) MUST_USE;

/* Copies a directory with all that is in it to a path where nothing is yet (-EEXIST): directories
 * 0700 and files 0600 from creation, whatever they were, on the disk when it returns; links as
 * links. Dates and owners are not kept, what is no file, directory or link is left out. -E2BIG and
 * -ELOOP for a tree without end. What was copied before a failure stays. */
int fs_copy_tree(int root_fd, const char *from, const char *to, Error *reterr) MUST_USE;

/* Creates path and its missing parents with mode; existing ones keep theirs. */
int fs_make_directories(int root_fd, const char *path, mode_t mode, Error *reterr) MUST_USE;

/* Names in a directory without "." and "..", sorted (strcmp). -ENOENT if it is missing. */
int fs_list(int root_fd, const char *path, char ***ret_names, Error *reterr) MUST_USE;

/* Would replacing this file (or creating it) be allowed here? Tests the directory for writing,
 * read-only mounts, immutable or append-only attributes, a file that is a mount of its own, and an
 * owner or group that we could not keep; writes nothing. -EROFS (renew/unit/unit-needs.h knows
 * whether the sandbox may be why), -EACCES or -EPERM with the remedy in the error; -EISDIR and
 * -EINVAL if it is no regular file. */
int fs_test_writable(int root_fd, const char *path, Error *reterr) MUST_USE;

/* Is that file or directory, and every directory on the way to it, in nobody's hands but root's,
 * ours, and those of whom the root directory belongs to? Or, FS_OWN_HANDS, at least in nobody's but
 * its owner's. -EPERM with half a sentence that says who else could change it, or put something in
 * its place; 0 for what does not exist. */
typedef enum FsHands { FS_OUR_HANDS, FS_OWN_HANDS } FsHands;
int fs_check_place(int root_fd, const char *path, FsHands hands, Error *reterr) MUST_USE;

/* Was that file read where its path says? Who could change the way to it could have led root to a
 * file of somebody else. -EPERM if so (FS_OUR_HANDS) and by a link; 0 where only root has laid it.
 */
int fs_check_link(int root_fd, const FileImage *image, Error *reterr) MUST_USE;

/* Writes all bytes or fails; short writes and EINTR are continued. */
int fs_write_all(int fd, const void *data, size_t size) MUST_USE;

/* The path's last component. */
const char *fs_basename(const char *path);

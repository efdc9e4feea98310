/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/txn-internal.h"

#include "base/fs-internal.h"

#include <fcntl.h>
#include <linux/limits.h>
#include <sys/xattr.h>

#define ACL_ATTRIBUTE "system.posix_acl_access"

/* They hold for the bytes, not for the file: the kernel makes new ones. */
static const char *const content_attributes[] = {"security.evm", "security.ima", NULL};

static int open_directory(int root_fd, const char *path, Error *reterr)
{
        int fd = fs_open(root_fd, path, O_RDONLY | O_DIRECTORY, 0, reterr);

        return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
}

int txn_open_directory(int root_fd, TxnRecord *record, TxnFile *file, Error *reterr)
{
        size_t d = 0;

        while (d < record->n_directories && !streq(record->directories[d].path, file->directory))
                d++;
        if (d == record->n_directories) {
                int fd = open_directory(root_fd, file->directory, reterr);

                if (fd < 0 && fd != -ENOENT)
                        return fd;
                record->directories =
                        xreallocarray(record->directories, d + 1, sizeof(TxnDirectory));
                record->directories[d] =
                        (TxnDirectory){.path = file->directory, .fd = fd < 0 ? -1 : fd};
                record->n_directories++;
        }
        file->directory_fd = record->directories[d].fd;
        return 0;
}

int txn_open_directories(int root_fd, TxnRecord *record, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < record->n_files; i++)
                r = txn_open_directory(root_fd, record, &record->files[i], reterr);
        return r;
}

int txn_sync_directories(const TxnRecord *record, Error *reterr)
{
        for (size_t i = 0; i < record->n_directories; i++)
                if (record->directories[i].fd >= 0 && fsync(record->directories[i].fd) < 0)
                        return error_errno(reterr, -errno, "cannot sync directory '%s'",
                                record->directories[i].path);
        return 0;
}

/* Sets it unless the new file has it already: a label that the directory gives by itself needs no
 * right to be set. */
static int copy_attribute(int from_fd, int to_fd, const char *name)
{
        autofree char *value = xmalloc(XATTR_SIZE_MAX), *present = xmalloc(XATTR_SIZE_MAX);
        ssize_t size = fgetxattr(from_fd, name, value, XATTR_SIZE_MAX);

        if (size < 0)
                return errno == ENODATA ? 0 : -errno;
        if (fgetxattr(to_fd, name, present, XATTR_SIZE_MAX) == size &&
                memcmp(value, present, (size_t)size) == 0)
                return 0;
        return fsetxattr(to_fd, name, value, (size_t)size, 0) < 0 ? -errno : 0;
}

static int copy_attributes(int from_fd, int to_fd, Error *reterr)
{
        autofree char *names = xmalloc(XATTR_LIST_MAX);
        ssize_t size = flistxattr(from_fd, names, XATTR_LIST_MAX);
        int r;

        if (size < 0)
                return errno == EOPNOTSUPP
                               ? 0
                               : error_errno(reterr, -errno, "cannot list extended attributes");
        for (const char *name = names; name < names + size; name += strlen(name) + 1) {
                if (strv_contains((char *const *)content_attributes, name))
                        continue;
                r = copy_attribute(from_fd, to_fd, name);
                if (r < 0)
                        return error_errno(reterr, r, "cannot keep the attribute '%s'", name);
        }
        return 0;
}

/* A new file in a directory with a default ACL inherits an ACL that the old one need not have: it
 * goes first, or the mode would open the file to those it names. */
static int copy_access(int from_fd, int to_fd, Error *reterr)
{
        struct stat old, new;

        if (fstat(from_fd, &old) < 0 || fstat(to_fd, &new) < 0)
                return error_errno(reterr, -errno, "cannot stat");
        if (fremovexattr(to_fd, ACL_ATTRIBUTE) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
                return error_errno(reterr, -errno, "cannot remove the inherited ACL");
        if ((old.st_uid != new.st_uid || old.st_gid != new.st_gid) &&
                fchown(to_fd, old.st_uid, old.st_gid) < 0)
                return error_errno(
                        reterr, -errno, "cannot keep the owner %u:%u", old.st_uid, old.st_gid);
        if (fchmod(to_fd, old.st_mode & 07777) < 0)
                return error_errno(reterr, -errno, "cannot keep the mode");
        return copy_attributes(from_fd, to_fd, reterr);
}

/* The target itself, never what a link in its place leads to. */
static int open_target(const TxnFile *file)
{
        autofree char *path = xasprintf("/%s", file->name);

        return fs_open(file->directory_fd, path, O_RDONLY | O_NOFOLLOW, 0, NULL);
}

/* Whoever may write the directory could hold out another file for a moment, to whose owner the new
 * key would then belong. */
static int check_seen(const TxnFile *file, int target_fd, Error *reterr)
{
        struct stat st;

        if (fstat(target_fd, &st) < 0)
                return error_errno(reterr, -errno, "cannot stat");
        return st.st_dev == file->device && st.st_ino == file->inode
                       ? 0
                       : error_set(reterr, -ESTALE, "somebody else has put another file there");
}

static int fill(
        int fd, const TxnFile *file, const void *data, size_t size, bool as_seen, Error *reterr)
{
        int r;

        r = fs_write_all(fd, data, size);
        if (r < 0)
                return error_errno(reterr, r, "cannot write");
        autofd int target_fd = open_target(file);
        if (target_fd < 0 && target_fd != -ENOENT)
                return error_errno(reterr, target_fd, "cannot open the target");
        r = target_fd >= 0 && as_seen ? check_seen(file, target_fd, reterr) : 0;
        if (r < 0)
                return r;
        if (target_fd >= 0)
                r = copy_access(target_fd, fd, reterr);
        else if (file->owned && fchown(fd, file->uid, file->gid) < 0)
                r = error_errno(reterr, -errno, "cannot set the owner %u:%u", file->uid, file->gid);
        else if (fchmod(fd, file->mode & 07777) < 0)
                r = error_errno(reterr, -errno, "cannot set the mode");
        return r;
}

int txn_stage_unsynced(
        const TxnFile *file, const void *data, size_t size, bool as_seen, Error *reterr)
{
        autofd int fd = -1;
        int r;

        if (file->directory_fd < 0)
                return error_set(reterr, -ENOENT, "the directory of '%s' is gone", file->path);
        fd = openat(file->directory_fd, file->temporary,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return error_errno(reterr, -errno,
                        "cannot stage '%s': cannot create a file beside it", file->path);
        r = fill(fd, file, data, size, as_seen, reterr);
        if (r < 0)
                return error_prefix(reterr, r, "cannot stage '%s'", file->path);
        return TAKE(fd);
}

int txn_stage_file(const TxnFile *file, const void *data, size_t size, bool as_seen, Error *reterr)
{
        autofd int fd = txn_stage_unsynced(file, data, size, as_seen, reterr);

        if (fd < 0)
                return fd;
        return fsync(fd) < 0 ? error_errno(reterr, -errno, TXN_CANNOT_SYNC, file->path) : 0;
}

/* A read-only file system refuses before it has looked whether there is anything to remove. */
static bool remove_temporary(const TxnFile *file)
{
        struct stat st;

        if (file->directory_fd < 0 || unlinkat(file->directory_fd, file->temporary, 0) == 0 ||
                errno == ENOENT || errno == EISDIR)
                return true;
        return fstatat(file->directory_fd, file->temporary, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
               errno == ENOENT;
}

bool txn_remove_temporaries(const TxnRecord *record)
{
        bool all_removed = true;

        for (size_t i = 0; i < record->n_files; i++)
                all_removed &= remove_temporary(&record->files[i]);
        return txn_sync_directories(record, NULL) >= 0 && all_removed;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs-internal.h"

#include <dirent.h>
#include <fcntl.h>

/* Deeper than anything of ours; bounds the recursion. */
#define TREE_DEPTH_MAX 32

int fs_write_all(int fd, const void *data, size_t size)
{
        const unsigned char *p = data;

        while (size > 0) {
                ssize_t n = write(fd, p, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                p += n;
                size -= (size_t)n;
        }
        return 0;
}

/* A mode given to open() is cut by the umask, so it is set once more. */
int fs_create_unsynced_at(
        int directory_fd, const char *name, const void *data, size_t size, mode_t mode)
{
        autofd int fd = openat(
                directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        int r;

        if (fd < 0)
                return -errno;
        r = fs_write_all(fd, data, size);
        if (r >= 0 && fchmod(fd, mode) < 0)
                r = -errno;
        return r < 0 ? r : TAKE(fd);
}

int fs_create_at(int directory_fd, const char *name, const void *data, size_t size, mode_t mode)
{
        autofd int fd = fs_create_unsynced_at(directory_fd, name, data, size, mode);

        if (fd < 0)
                return fd;
        return fsync(fd) < 0 ? -errno : 0;
}

int fs_write_file(
        int root_fd, const char *path, const void *data, size_t size, mode_t mode, Error *reterr)
{
        autofree char *name = NULL;
        int r;

        autofd int directory_fd = fs_open_directory_of(root_fd, path, &name, reterr);
        if (directory_fd < 0)
                return directory_fd;

        /* The name is always the same, so that what a crash leaves behind is used up by the next
         * writer. Two writers of one file at once are kept apart by the lock of base/txn.h. */
        autofree char *temporary = xasprintf(".%s.new", name);
        r = fs_create_at(directory_fd, temporary, data, size, mode);
        if (r == -EEXIST && unlinkat(directory_fd, temporary, 0) == 0)
                r = fs_create_at(directory_fd, temporary, data, size, mode);
        if (r == 0 && renameat(directory_fd, temporary, directory_fd, name) < 0)
                r = -errno;
        if (r < 0) {
                (void)unlinkat(directory_fd, temporary, 0);
                return error_errno(reterr, r, "cannot write '%s'", path);
        }
        if (fsync(directory_fd) < 0)
                return error_errno(reterr, -errno, "cannot sync the directory of '%s'", path);
        return 0;
}

int fs_remove_file(int root_fd, const char *path, Error *reterr)
{
        autofree char *name = NULL;

        autofd int directory_fd = fs_open_directory_of(root_fd, path, &name, reterr);
        if (directory_fd == -ENOENT)
                return 0;
        if (directory_fd < 0)
                return directory_fd;
        if (unlinkat(directory_fd, name, 0) < 0)
                return errno == ENOENT ? 0
                                       : error_errno(reterr, -errno, "cannot remove '%s'", path);
        if (fsync(directory_fd) < 0)
                return error_errno(reterr, -errno, "cannot sync the directory of '%s'", path);
        return 0;
}

static int remove_content(int directory_fd, unsigned depth);

static int remove_entry(int directory_fd, const char *name, unsigned depth)
{
        int r;

        if (unlinkat(directory_fd, name, 0) == 0 || errno == ENOENT)
                return 0;
        if (errno != EISDIR)
                return -errno;
        autofd int fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = remove_content(fd, depth + 1);
        if (r < 0)
                return r;
        return unlinkat(directory_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int remove_content(int directory_fd, unsigned depth)
{
        autostrv names = NULL;
        int r;

        if (depth > TREE_DEPTH_MAX)
                return -ELOOP;
        /* "/" below a directory's descriptor is the directory itself. */
        r = fs_list(directory_fd, "/", &names, NULL);
        for (char **name = names; r >= 0 && *name; name++)
                r = remove_entry(directory_fd, *name, depth);
        return r;
}

int fs_remove_tree(int root_fd, const char *path, Error *reterr)
{
        autofree char *name = NULL;
        int r;

        autofd int directory_fd = fs_open_directory_of(root_fd, path, &name, reterr);
        if (directory_fd == -ENOENT)
                return 0;
        if (directory_fd < 0)
                return directory_fd;
        r = remove_entry(directory_fd, name, 0);
        if (r < 0)
                return error_errno(reterr, r, "cannot remove '%s'", path);
        if (fsync(directory_fd) < 0)
                return error_errno(reterr, -errno, "cannot sync the directory of '%s'", path);
        return 0;
}

/* Makes one directory below an existing one, unless it is there. It has its mode from the first
 * moment: what is there already keeps its own, so a crash before a chmod() would close public/ to
 * its readers for ever. */
static int make_directory(int root_fd, const char *path, mode_t mode, Error *reterr)
{
        autofree char *name = NULL;
        mode_t mask;
        int r;

        autofd int parent_fd = fs_open_directory_of(root_fd, path, &name, reterr);
        if (parent_fd < 0)
                return parent_fd;
        mask = umask(0);
        r = mkdirat(parent_fd, name, mode) < 0 ? -errno : 0;
        umask(mask);
        if (r == -EEXIST)
                return 0;
        if (r < 0 || fsync(parent_fd) < 0)
                return error_errno(
                        reterr, r < 0 ? r : -errno, "cannot create directory '%s'", path);
        return 0;
}

int fs_make_directories(int root_fd, const char *path, mode_t mode, Error *reterr)
{
        int r;

        /* From the left, "/a", "/a/b", …: the first that is missing and all after it are made. */
        for (const char *end = path + strspn(path, "/"); *end; end += strspn(end, "/")) {
                end += strcspn(end, "/");
                autofree char *prefix = xstrndup(path, (size_t)(end - path));

                if (fs_exists(root_fd, prefix))
                        continue;
                r = make_directory(root_fd, prefix, mode, reterr);
                if (r < 0)
                        return r;
        }
        r = fs_open(root_fd, path, O_PATH | O_DIRECTORY, 0, reterr);
        if (r < 0)
                return r;
        close(r);
        return 0;
}

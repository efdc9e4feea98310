/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs-internal.h"

#include <fcntl.h>
#include <limits.h>

/* Bounds the recursion. */
#define TREE_DEPTH_MAX 32
#define TREE_FILES_MAX 32768

typedef struct Copying {
        int from_fd, to_fd;
        unsigned depth;
        unsigned *n_files;
} Copying;

static int copy_link(const Copying *copying, const char *name)
{
        char target[PATH_MAX];
        ssize_t n = readlinkat(copying->from_fd, name, target, sizeof(target));

        if (n < 0)
                return -errno;
        if (n == sizeof(target))
                return -ENAMETOOLONG;
        target[n] = 0;
        return symlinkat(target, copying->to_fd, name) < 0 ? -errno : 0;
}

static int copy_file(const Copying *copying, const char *name)
{
        autoptr(FileImage) image = NULL;
        int r = fs_read_at(copying->from_fd, name, FS_SIZE_MAX, &image, NULL);

        return r < 0 ? r : fs_create_at(copying->to_fd, name, image->data, image->size, 0600);
}

static int copy_content(const Copying *copying);

static int copy_directory(const Copying *copying, const char *name)
{
        int r;

        if (copying->depth >= TREE_DEPTH_MAX)
                return -ELOOP;
        if (mkdirat(copying->to_fd, name, 0700) < 0)
                return -errno;
        autofd int from_fd =
                openat(copying->from_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (from_fd < 0)
                return -errno;
        autofd int to_fd =
                openat(copying->to_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (to_fd < 0)
                return -errno;
        const Copying below = {from_fd, to_fd, copying->depth + 1, copying->n_files};

        r = copy_content(&below);
        if (r >= 0 && (fchmod(to_fd, 0700) < 0 || fsync(to_fd) < 0))
                r = -errno;
        return r;
}

/* Sockets, FIFOs and devices hold nothing that could be copied. */
static int copy_entry(const Copying *copying, const char *name)
{
        struct stat st;

        if (++*copying->n_files > TREE_FILES_MAX)
                return -E2BIG;
        if (fstatat(copying->from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        switch (st.st_mode & S_IFMT) {
        case S_IFREG:
                return copy_file(copying, name);
        case S_IFDIR:
                return copy_directory(copying, name);
        case S_IFLNK:
                return copy_link(copying, name);
        default:
                return 0;
        }
}

static int copy_content(const Copying *copying)
{
        autostrv names = NULL;
        int r;

        /* "/" below a directory's descriptor is the directory itself. */
        r = fs_list(copying->from_fd, "/", &names, NULL);
        for (char **name = names; r >= 0 && *name; name++)
                r = copy_entry(copying, *name);
        return r;
}

int fs_copy_tree(int root_fd, const char *from, const char *to, Error *reterr)
{
        autofree char *from_name = NULL, *to_name = NULL;
        unsigned n_files = 0;
        int r;

        autofd int from_fd = fs_open_parent(root_fd, from, &from_name, reterr);
        if (from_fd < 0)
                return from_fd;
        autofd int to_fd = fs_open_directory_of(root_fd, to, &to_name, reterr);
        if (to_fd < 0)
                return to_fd;
        if (mkdirat(to_fd, to_name, 0700) < 0)
                return error_errno(reterr, -errno, "cannot create directory '%s'", to);
        autofd int source_fd =
                openat(from_fd, from_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        autofd int copy_fd =
                openat(to_fd, to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        const Copying copying = {source_fd, copy_fd, 0, &n_files};

        r = source_fd < 0 || copy_fd < 0 ? -errno : copy_content(&copying);
        if (r >= 0 && (fchmod(copy_fd, 0700) < 0 || fsync(copy_fd) < 0))
                r = -errno;
        return r < 0 ? error_errno(reterr, r, "cannot copy '%s' to '%s'", from, to) : 0;
}

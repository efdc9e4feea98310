/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "failure/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* At most `size` bytes, fewer only at the end of the file. */
static ssize_t read_all(int fd, char *data, size_t size)
{
        size_t n = 0;

        while (n < size) {
                ssize_t k = read(fd, data + n, size - n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k < 0)
                        return -errno;
                if (k == 0)
                        break;
                n += (size_t)k;
        }
        return (ssize_t)n;
}

void file_path(char path[PATH_MAX], const char *directory, const char *name)
{
        if (snprintf(path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
                *path = 0;
}

/* In a sticky directory others may write, but not move what is ours. */
static int check_one(const char *path, bool is_last)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return -EPERM;
        return (st.st_mode & S_IWOTH) && (is_last || !(st.st_mode & S_ISVTX)) ? -EPERM : 0;
}

/* Whoever owns a directory on the way could send us anywhere. -EPERM then; what is not there is for
 * others to find out. */
static int check_place(const char *path)
{
        char prefix[PATH_MAX];
        const char *end = path;
        int r = check_one("/", false);

        while (r == 0 && *end) {
                end += strspn(end, "/");
                end += strcspn(end, "/");
                snprintf(prefix, sizeof(prefix), "%.*s", (int)(end - path), path);
                r = check_one(prefix, !*end);
        }
        return r == -EPERM ? r : 0;
}

ssize_t file_read(const char *directory, const char *name, char *data, size_t size)
{
        char path[PATH_MAX];
        struct stat st;
        ssize_t n;
        int fd;

        if (check_place(directory) < 0)
                return -EPERM;
        file_path(path, directory, name);
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read_all(fd, data, size) : -EINVAL;
        close(fd);
        if (n == (ssize_t)size)
                return -EFBIG;
        if (n >= 0)
                data[n] = 0;
        return n;
}

/* The name of a new file is on the disk once its directory is. */
static int sync_parent(const char *path)
{
        char parent[PATH_MAX];
        int fd, r;

        snprintf(parent, sizeof(parent), "%.*s/", (int)(strrchr(path, '/') - path), path);
        fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fsync(fd) < 0 ? -errno : 0;
        close(fd);
        return r;
}

/* A mode given to mkdir() is cut by the umask, and one that is there keeps its own. */
static int make_one(const char *path)
{
        if (mkdir(path, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        return chmod(path, 0755) < 0 ? -errno : sync_parent(path);
}

int file_make_directory(const char *path)
{
        char prefix[PATH_MAX];
        const char *end = path;
        int r = check_place(path);

        /* From the left, "/a", "/a/b", ... */
        while (r == 0 && *end) {
                end += strspn(end, "/");
                end += strcspn(end, "/");
                snprintf(prefix, sizeof(prefix), "%.*s", (int)(end - path), path);
                r = make_one(prefix);
        }
        return r;
}

void file_close_as(const char *model, const char *path)
{
        struct stat st;

        if (stat(model, &st) < 0 || (st.st_mode & S_IXOTH))
                return;
        (void)!chmod(path, st.st_mode & 0750);
        (void)!chown(path, (uid_t)-1, st.st_gid);
}

static int write_all(int fd, const char *data, size_t size)
{
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                data += n;
                size -= (size_t)n;
        }
        return 0;
}

/* Whatever has the name already was left behind by a crash. */
static int create_at(int directory_fd, const char *name, const char *data, size_t size)
{
        int fd, r;

        (void)!unlinkat(directory_fd, name, 0);
        fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        r = write_all(fd, data, size);
        if (r == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
                r = -errno;
        close(fd);
        return r;
}

int file_write(const char *directory, const char *name, const char *data, size_t size)
{
        char temporary[NAME_MAX];
        int directory_fd, r;

        /* Not the temporary name of the program itself (base/fs.h), which may be at work, too. */
        snprintf(temporary, sizeof(temporary), ".%s.failure", name);
        if (check_place(directory) < 0)
                return -EPERM;
        directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory_fd < 0)
                return -errno;
        r = create_at(directory_fd, temporary, data, size);
        if (r == 0 && renameat(directory_fd, temporary, directory_fd, name) < 0)
                r = -errno;
        if (r < 0)
                (void)!unlinkat(directory_fd, temporary, 0);
        else if (fsync(directory_fd) < 0)
                r = -errno;
        close(directory_fd);
        return r;
}

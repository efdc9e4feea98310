/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs-internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

/* A directory with more names than this is none that we know how to deal with. */
#define LIST_MAX   32768
#define PIECE_SIZE ((size_t)4096)
/* openat2() gives up with EAGAIN when somebody renames directories while it resolves "..". */
#define OPEN_TRIES 32

void file_image_free(FileImage *image)
{
        if (!image)
                return;
        if (image->data)
                explicit_bzero(image->data, image->size);
        free(image->data);
        free(image->path);
        free(image);
}

int fs_open_root(const char *root, Error *reterr)
{
        int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd >= 0 ? fd : error_errno(reterr, -errno, "cannot open root directory '%s'", root);
}

bool fs_is_host_root(int root_fd)
{
        struct stat host, root;

        return stat("/", &host) == 0 && fstat(root_fd, &root) == 0 && host.st_dev == root.st_dev &&
               host.st_ino == root.st_ino;
}

static int open_below(
        int root_fd, const char *path, int flags, mode_t mode, uint64_t resolve, Error *reterr)
{
        struct open_how how = {
                .flags = (unsigned)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK)),
                .mode = flags & O_CREAT ? mode : 0,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
        };

        if (path[0] != '/')
                return error_set(reterr, -EINVAL, "'%s' is not an absolute path", path);
        for (unsigned i = 0; i < OPEN_TRIES; i++) {
                int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN && errno != EINTR)
                        break;
        }
        return error_errno(reterr, -errno, "cannot open '%s'", path);
}

int fs_open(int root_fd, const char *path, int flags, mode_t mode, Error *reterr)
{
        return open_below(root_fd, path, flags, mode, 0, reterr);
}

const char *fs_basename(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

int fs_split(const char *path, char **ret_directory, char **ret_name, Error *reterr)
{
        const char *name = fs_basename(path);

        if (path[0] != '/')
                return error_set(reterr, -EINVAL, "'%s' is not an absolute path", path);
        if (streq(name, "") || streq(name, ".") || streq(name, ".."))
                return error_set(reterr, -EINVAL, "'%s' does not name a file", path);
        *ret_directory = name - path > 1 ? xstrndup(path, (size_t)(name - path - 1)) : xstrdup("/");
        *ret_name = xstrdup(name);
        return 0;
}

int fs_open_directory_of(int root_fd, const char *path, char **ret_name, Error *reterr)
{
        autofree char *directory = NULL, *name = NULL;
        int r;

        r = fs_split(path, &directory, &name, reterr);
        if (r < 0)
                return r;
        r = fs_open(root_fd, directory, O_RDONLY | O_DIRECTORY, 0, reterr);
        if (r >= 0)
                *ret_name = TAKE(name);
        return r;
}

/* The text of a link, NULL where there is none, or nothing at all. */
static int read_link(int directory_fd, const char *name, char **ret, Error *reterr)
{
        char text[PATH_MAX];
        ssize_t n = readlinkat(directory_fd, name, text, sizeof(text));

        if (n < 0 && errno != EINVAL && errno != ENOENT)
                return error_errno(reterr, -errno, "cannot read link '%s'", name);
        if (n == sizeof(text))
                return error_set(reterr, -ENAMETOOLONG, "link '%s' is too long", name);
        *ret = n < 0 ? NULL : xstrndup(text, (size_t)n);
        return 0;
}

#define MAX_LINKS 40 /* as many as the kernel follows, path_resolution(7) */

/* Links on the way to a file, by who made them. */
typedef struct LinkCount {
        size_t trusted, foreign;
        uid_t owner; /* of a foreign one */
} LinkCount;

/* Where a link leads, as a path that the kernel resolves: ".." after a directory link goes where it
 * really leads. */
static int link_target(int fd, const char *path, char **ret, Error *reterr)
{
        const char *end = strrchr(path, '/');
        autofree char *text = NULL;
        int r;

        r = read_link(fd, "", &text, reterr);
        if (r < 0)
                return r;
        if (!text)
                return error_set(reterr, -EPERM, "'%s' changes while it is looked at", path);
        *ret = text[0] == '/' ? TAKE(text)
                              : xasprintf("%.*s/%s", end ? (int)(end - path) : 0, path, text);
        return 0;
}

static int count_links(int root_fd, const char *path, uid_t host, LinkCount *count, Error *reterr);

/* A link of user `host`, who owns the directory at the end, is trusted as one of ours is; those on
 * the way to where it leads are counted, too. */
static int count_link(int root_fd, int fd, const char *path, const struct stat *st, uid_t host,
        LinkCount *count, Error *reterr)
{
        autofree char *target = NULL;
        int r;

        if (count->trusted + count->foreign >= MAX_LINKS)
                return error_set(reterr, -ELOOP, "too many links lead to '%s'", path);
        if (st->st_uid == 0 || st->st_uid == geteuid() || st->st_uid == host) {
                count->trusted++;
        } else {
                count->foreign++;
                count->owner = st->st_uid;
        }
        r = link_target(fd, path, &target, reterr);
        return r < 0 ? r : count_links(root_fd, target, host, count, reterr);
}

static int count_links(int root_fd, const char *path, uid_t host, LinkCount *count, Error *reterr)
{
        int r = 0;

        for (const char *end = path + strspn(path, "/"); r >= 0 && *end; end += strspn(end, "/")) {
                struct stat st;

                end += strcspn(end, "/");
                autofree char *prefix = xstrndup(path, (size_t)(end - path));
                autofd int fd = fs_open(root_fd, prefix, O_PATH | O_NOFOLLOW, 0, NULL);

                if (fd == -ENOENT && *end == 0)
                        break;
                if (fd < 0)
                        return error_errno(reterr, fd, "cannot open '%s'", prefix);
                if (fstat(fd, &st) < 0)
                        return error_errno(reterr, -errno, "cannot stat '%s'", prefix);
                if (S_ISLNK(st.st_mode))
                        r = count_link(root_fd, fd, prefix, &st, host, count, reterr);
        }
        return r;
}

/* Whoever owns a directory on the way, a home or etcd's, could send us anywhere by a link. So it
 * may only lead to where he could write himself. (protected_symlinks of the kernel is about sticky
 * directories alone.) */
static int check_way(int root_fd, const char *path, int directory_fd, Error *reterr)
{
        LinkCount links = {};
        struct stat st;
        int r;

        if (fstat(directory_fd, &st) < 0)
                return error_errno(reterr, -errno, "cannot stat the directory of '%s'", path);
        r = count_links(root_fd, path, st.st_uid, &links, reterr);
        if (r < 0)
                return r;
        if (links.foreign > 0)
                return error_set(reterr, -EPERM,
                        "'%s' is reached by a link of user %u, who does not own the directory that "
                        "it leads to",
                        path, links.owner);
        /* One was followed, and there is none by now. */
        return links.trusted > 0
                       ? 0
                       : error_set(reterr, -EPERM, "'%s' changes while it is looked at", path);
}

/* The directory itself, and whether a link was followed to it. */
static int open_directory(int root_fd, const char *path, bool *ret_linked, Error *reterr)
{
        int fd = open_below(root_fd, path, O_RDONLY | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS, NULL);

        *ret_linked = fd == -ELOOP;
        return *ret_linked || fd < 0 ? fs_open(root_fd, path, O_RDONLY | O_DIRECTORY, 0, reterr)
                                     : fd;
}

int fs_open_parent(int root_fd, const char *path, char **ret_name, Error *reterr)
{
        autofree char *directory = NULL, *name = NULL, *link = NULL, *target = NULL, *next = NULL;
        bool linked;
        int r;

        r = fs_split(path, &directory, &name, reterr);
        if (r < 0)
                return r;
        autofd int outer_fd = open_directory(root_fd, directory, &linked, reterr);
        if (outer_fd < 0)
                return outer_fd;
        r = read_link(outer_fd, name, &link, reterr);
        if (r < 0)
                return r;
        if (!link) {
                r = linked ? check_way(root_fd, path, outer_fd, reterr) : 0;
                if (r < 0)
                        return r;
                *ret_name = TAKE(name);
                return TAKE(outer_fd);
        }

        /* The kernel resolves what we join: ".." after a directory link goes where it really
         * leads. */
        target = link[0] == '/' ? xstrdup(link) : xasprintf("%s/%s", directory, link);
        free(TAKE(name));
        autofd int inner_fd = fs_open_directory_of(root_fd, target, &name, reterr);
        if (inner_fd < 0)
                return error_prefix(reterr, inner_fd, "cannot follow link '%s'", path);
        r = read_link(inner_fd, name, &next, reterr);
        if (r < 0)
                return r;
        if (next)
                return error_set(reterr, -ELOOP, "'%s' is a link to the link '%s'", path, target);
        r = check_way(root_fd, path, inner_fd, reterr);
        if (r < 0)
                return r;
        *ret_name = TAKE(name);
        return TAKE(inner_fd);
}

bool fs_same_place(int root_fd, const char *a, const char *b)
{
        autofree char *a_name = NULL, *b_name = NULL;
        autofd int a_fd = fs_open_parent(root_fd, a, &a_name, NULL);
        autofd int b_fd = fs_open_parent(root_fd, b, &b_name, NULL);
        struct stat a_st, b_st;

        return a_fd >= 0 && b_fd >= 0 && streq(a_name, b_name) && fstat(a_fd, &a_st) >= 0 &&
               fstat(b_fd, &b_st) >= 0 && a_st.st_dev == b_st.st_dev && a_st.st_ino == b_st.st_ino;
}

static int real_path(int fd, char **ret, Error *reterr)
{
        autofree char *magic = xasprintf("/proc/self/fd/%d", fd);
        struct stat st;

        if (fstat(fd, &st) < 0 || st.st_nlink == 0)
                return error_set(reterr, -ENOENT, "a directory was removed while it was in use");
        return read_link(AT_FDCWD, magic, ret, reterr);
}

int fs_path_of(int root_fd, int fd, char **ret, Error *reterr)
{
        autofree char *root = NULL, *path = NULL;
        size_t length;
        int r;

        r = real_path(root_fd, &root, reterr);
        if (r >= 0)
                r = real_path(fd, &path, reterr);
        if (r < 0)
                return r;
        if (!root || !path)
                return error_set(reterr, -ENOENT, "/proc is not mounted");
        length = streq(root, "/") ? 0 : strlen(root);
        if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != 0))
                return error_set(reterr, -EXDEV, "'%s' does not lie below '%s'", path, root);
        *ret = xstrdup(path[length] ? path + length : "/");
        return 0;
}

int fs_real_directory(int root_fd, const char *path, char **ret, Error *reterr)
{
        autofree char *name = NULL;

        autofd int directory_fd = fs_open_parent(root_fd, path, &name, reterr);
        return directory_fd < 0 ? directory_fd : fs_path_of(root_fd, directory_fd, ret, reterr);
}

static int check_regular(int fd, const char *path, size_t max, struct stat *ret, Error *reterr)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return error_errno(reterr, -errno, "cannot stat '%s'", path);
        if (S_ISDIR(st.st_mode))
                return error_set(reterr, -EISDIR, "'%s' is a directory", path);
        if (!S_ISREG(st.st_mode))
                return error_set(reterr, -EINVAL, "'%s' is not a regular file", path);
        if (st.st_size < 0 || (size_t)st.st_size > max)
                return error_set(reterr, -EFBIG, "'%s' is larger than %zu bytes", path, max);
        *ret = st;
        return 0;
}

/* Doubles the buffer without leaving a copy of a key behind. */
static void grow(FileImage *image, size_t *capacity)
{
        unsigned char *data = xmalloc(*capacity * 2);

        memcpy(data, image->data, image->size);
        explicit_bzero(image->data, image->size);
        free(image->data);
        image->data = data;
        *capacity *= 2;
}

/* Reads to the end, wherever that is by now: the size that stat() gave is only the first guess, and
 * of what the kernel writes for us (proc(5)) it is none. */
static int read_whole(int fd, size_t max, FileImage *image, Error *reterr)
{
        size_t capacity = (image->st.st_size > 0 ? (size_t)image->st.st_size : PIECE_SIZE) + 2;

        image->data = xmalloc(capacity);
        for (;;) {
                ssize_t n = read(fd, image->data + image->size, capacity - 1 - image->size);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return error_errno(reterr, -errno, "cannot read '%s'", image->path);
                if (n == 0)
                        break;
                image->size += (size_t)n;
                if (image->size > max)
                        return error_set(
                                reterr, -EFBIG, "'%s' is larger than %zu bytes", image->path, max);
                if (image->size + 1 == capacity)
                        grow(image, &capacity);
        }
        image->data[image->size] = 0;
        image->digest = digest_of(image->data, image->size);
        return 0;
}

static int read_file(
        int root_fd, const char *path, int flags, size_t max, FileImage **ret, Error *reterr)
{
        autoptr(FileImage) image = xcalloc(1, sizeof(*image));
        int r;

        /* 1. Look before opening: to open a device is enough to make some of them act. */
        autofd int path_fd = fs_open(root_fd, path, O_PATH | flags, 0, reterr);
        if (path_fd < 0)
                return path_fd;
        r = check_regular(path_fd, path, max, &image->st, reterr);
        if (r < 0)
                return r;

        /* 2. Open, and look again: it may be another file by now. */
        autofd int fd = fs_open(root_fd, path, O_RDONLY | O_NOCTTY | flags, 0, reterr);
        if (fd < 0)
                return fd;
        r = check_regular(fd, path, max, &image->st, reterr);
        if (r < 0)
                return r;

        /* 3. Read. */
        image->path = xstrdup(path);
        r = read_whole(fd, max, image, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(image);
        return 0;
}

int fs_read_file(int root_fd, const char *path, size_t max, FileImage **ret, Error *reterr)
{
        return read_file(root_fd, path, 0, max, ret, reterr);
}

int fs_read_at(int directory_fd, const char *name, size_t max, FileImage **ret, Error *reterr)
{
        autofree char *path = xasprintf("/%s", name);

        /* A descriptor is a root as good as any: "/" below it is the directory itself. */
        return read_file(directory_fd, path, O_NOFOLLOW, max, ret, reterr);
}

char *fs_content(int root_fd, const char *path)
{
        autoptr(FileImage) image = NULL;
        char hex[DIGEST_HEX_SIZE];
        int r = fs_read_file(root_fd, path, FS_SIZE_MAX, &image, NULL);

        if (r < 0)
                return xstrdup(r == -ENOENT ? "" : FS_CONTENT_UNKNOWN);
        digest_format(&image->digest, hex);
        return xstrdup(hex);
}

bool fs_exists(int root_fd, const char *path)
{
        autofd int fd = fs_open(root_fd, path, O_PATH, 0, NULL);

        return fd >= 0;
}

static void close_directory(DIR **directory)
{
        if (*directory)
                closedir(*directory);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

int fs_list(int root_fd, const char *path, char ***ret_names, Error *reterr)
{
        __attribute__((cleanup(close_directory))) DIR *directory = NULL;
        autostrv names = xcalloc(1, sizeof(char *));
        size_t n = 0;

        autofd int fd = fs_open(root_fd, path, O_RDONLY | O_DIRECTORY, 0, reterr);
        if (fd < 0)
                return fd;
        directory = fdopendir(fd);
        if (!directory)
                return error_errno(reterr, -errno, "cannot read directory '%s'", path);
        (void)TAKE(fd); /* closedir() closes it */
        for (;;) {
                errno = 0;
                struct dirent *entry = readdir(directory);

                if (!entry && errno != 0)
                        return error_errno(reterr, -errno, "cannot read directory '%s'", path);
                if (!entry)
                        break;
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                if (n == LIST_MAX)
                        return error_set(
                                reterr, -EFBIG, "'%s' holds more than %d names", path, LIST_MAX);
                names = xreallocarray(names, n + 2, sizeof(char *));
                names[n++] = xstrdup(entry->d_name);
                names[n] = NULL;
        }
        qsort(names, n, sizeof(char *), compare_names);
        *ret_names = TAKE(names);
        return 0;
}

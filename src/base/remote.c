/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/remote.h"

#include <limits.h>

#define TABLE       "/proc/self/mountinfo"
#define TABLE_MAX   ((size_t)64 << 20)
#define LINKS_MAX   40 /* as many as the kernel follows, path_resolution(7) */
#define MOUNT_POINT 4  /* the field, counted from 0 */

struct Remote {
        int root_fd;
        char **points; /* mount points below the root */
        bool *are_remote;
        size_t n;
};

/* Those whose server may be gone. All of FUSE is a program that may hang; autofs waits for one. */
static const char *const types[] = {"9p", "afs", "autofs", "beegfs", "ceph", "cifs", "coda",
        "davfs", "fuse", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
        "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", NULL};

void remote_free(Remote *remote)
{
        if (!remote)
                return;
        for (size_t i = 0; i < remote->n; i++)
                free(remote->points[i]);
        free(remote->points);
        free(remote->are_remote);
        free(remote);
}

/* "fuse.sshfs" is of FUSE. */
static bool is_remote_type(const char *type)
{
        size_t length = strcspn(type, ". ");

        for (const char *const *known = types; *known; known++)
                if (strlen(*known) == length && strncmp(*known, type, length) == 0)
                        return true;
        return false;
}

static bool is_octal(const char *text)
{
        return text[0] >= '0' && text[0] <= '3' && text[1] >= '0' && text[1] <= '7' &&
               text[2] >= '0' && text[2] <= '7';
}

/* Blanks and the like stand there as "\040". */
static char *unescape(const char *field, size_t length)
{
        char *text = xstrndup(field, length), *to = text;

        for (const char *from = text; *from; to++) {
                if (*from == '\\' && is_octal(from + 1)) {
                        *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
                        from += 4;
                } else {
                        *to = *from++;
                }
        }
        *to = '\0';
        return text;
}

static const char *field_of(const char *line, unsigned n)
{
        for (; line && n > 0; n--) {
                line = strchr(line, ' ');
                if (line)
                        line++;
        }
        return line;
}

/* 36 35 98:0 /directory /mount/point rw master:1 - nfs4 server:/export rw */
static void add_line(Remote *remote, const char *root, const char *line)
{
        const char *field = field_of(line, MOUNT_POINT), *type = strstr(line, " - ");
        size_t length = streq(root, "/") ? 0 : strlen(root);
        autofree char *point = NULL;

        if (!field || !type)
                return;
        point = unescape(field, strcspn(field, " "));
        if (strncmp(point, root, length) != 0 || point[length] != '/')
                return;
        remote->points = xreallocarray(remote->points, remote->n + 1, sizeof(char *));
        remote->are_remote = xreallocarray(remote->are_remote, remote->n + 1, sizeof(bool));
        remote->points[remote->n] = xstrdup(point + length);
        remote->are_remote[remote->n++] = is_remote_type(type + strlen(" - "));
}

Remote *remote_parse(int root_fd, const char *root, const char *text)
{
        Remote *remote = xcalloc(1, sizeof(*remote));

        remote->root_fd = root_fd;
        while (*text) {
                size_t length = strcspn(text, "\n");
                autofree char *line = xstrndup(text, length);

                add_line(remote, root, line);
                text += length + (text[length] == '\n');
        }
        return remote;
}

/* Where the root is, as the table has it. */
static char *root_path(int root_fd)
{
        autofree char *magic = xasprintf("/proc/self/fd/%d", root_fd);
        char text[PATH_MAX];
        ssize_t n = readlink(magic, text, sizeof(text));

        return n > 0 && (size_t)n < sizeof(text) ? xstrndup(text, (size_t)n) : xstrdup("/");
}

Remote *remote_read(int root_fd)
{
        autofd int host_fd = fs_open_root("/", NULL);
        autofree char *root = root_path(root_fd);
        autoptr(FileImage) table = NULL;

        if (host_fd < 0 || fs_read_file(host_fd, TABLE, TABLE_MAX, &table, NULL) < 0)
                return remote_parse(root_fd, "/", "");
        return remote_parse(root_fd, root, (const char *)table->data);
}

/* Of several at one place the last covers the others. */
static bool is_remote_point(const Remote *remote, const char *path)
{
        for (size_t i = remote->n; i-- > 0;)
                if (streq(remote->points[i], path))
                        return remote->are_remote[i];
        return false;
}

/* One step on a way without links; ".." leads to what holds it. */
static void take_step(char **way, const char *name, size_t length)
{
        char *slash = strrchr(*way, '/');
        char *longer;

        if (length == 0 || (length == 1 && name[0] == '.'))
                return;
        if (length == 2 && name[0] == '.' && name[1] == '.') {
                if (slash)
                        *slash = '\0';
                return;
        }
        longer = xasprintf("%s/%.*s", *way, (int)length, name);
        free(*way);
        *way = longer;
}

/* What is left of the way behind a link. */
static void follow(char **way, char **rest, const char *left, const char *target)
{
        char *joined = xasprintf("%s/%s", target, left);
        char *slash = strrchr(*way, '/');

        free(*rest);
        *rest = joined;
        if (target[0] == '/')
                **way = '\0';
        else if (slash)
                *slash = '\0';
}

bool remote_is_on_way(const Remote *remote, const char *path, char **ret)
{
        autofree char *way = xstrdup(""), *rest = xstrdup(path);
        char target[PATH_MAX];

        for (unsigned links = 0; *rest && links < LINKS_MAX;) {
                size_t length = strcspn(rest, "/");
                autofree char *left = xstrdup(rest + length + (rest[length] == '/'));
                ssize_t n;

                take_step(&way, rest, length);
                if (is_remote_point(remote, way)) {
                        if (ret)
                                *ret = TAKE(way);
                        return true;
                }
                n = *way ? readlinkat(remote->root_fd, way + 1, target, sizeof(target) - 1) : -1;
                if (n > 0) {
                        target[n] = '\0';
                        follow(&way, &rest, left, target);
                        links++;
                } else {
                        free(rest);
                        rest = TAKE(left);
                }
        }
        return false;
}

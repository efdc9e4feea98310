/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/group.h"

#include <grp.h>

/* A group has a line for all of its members. */
#define LINE_SIZE     1024
#define LINE_SIZE_MAX ((size_t)1 << 20)

static int no_such_group(const char *name, Error *reterr)
{
        return error_set(reterr, -ENOENT, "there is no group '%s'", name);
}

/* What getgrnam(3) may say of a group that is not there. */
static bool means_absent(int error)
{
        return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static int find_on_host(const char *name, gid_t *ret, Error *reterr)
{
        struct group group, *found = NULL;
        int error = ERANGE;

        for (size_t size = LINE_SIZE; error == ERANGE && size <= LINE_SIZE_MAX; size *= 2) {
                autofree char *line = xmalloc(size);

                error = getgrnam_r(name, &group, line, size, &found);
                if (found)
                        *ret = group.gr_gid;
        }
        if (found)
                return 0;
        return means_absent(error)
                       ? no_such_group(name, reterr)
                       : error_errno(reterr, -error, "cannot look for group '%s'", name);
}

static int find_in_file(int root_fd, const char *name, gid_t *ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        struct group *group;
        int r = fs_read_file(root_fd, "/etc/group", FS_SIZE_MAX, &file, reterr);
        FILE *in;

        if (r == -ENOENT || (r >= 0 && file->size == 0))
                return no_such_group(name, reterr);
        if (r < 0)
                return r;
        in = xcheck(fmemopen(file->data, file->size, "r"));
        do
                group = fgetgrent(in);
        while (group && !streq(group->gr_name, name));
        if (group)
                *ret = group->gr_gid;
        fclose(in);
        return group ? 0 : no_such_group(name, reterr);
}

int group_find(int root_fd, const char *name, gid_t *ret, Error *reterr)
{
        return fs_is_host_root(root_fd) ? find_on_host(name, ret, reterr)
                                        : find_in_file(root_fd, name, ret, reterr);
}

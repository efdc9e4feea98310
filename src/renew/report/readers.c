/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/readers.h"

#include "base/fs.h"
#include "renew/state/reported.h"

#include <fcntl.h>

#define MODE_ALL   0755
#define MODE_GROUP 0750

/* Closed before it changes hands, opened after it. */
static int give(int fd, mode_t now, mode_t mode, gid_t group)
{
        bool closes = mode != MODE_ALL;

        if (closes && now != mode && fchmod(fd, mode) < 0)
                return -errno;
        if (fchown(fd, (uid_t)-1, group) < 0)
                return -errno;
        if (!closes && fchmod(fd, mode) < 0)
                return -errno;
        return 0;
}

static int admit(int root_fd, const Config *config, const char *path, Error *reterr)
{
        bool is_closed = config->reader_group;
        mode_t now, mode = is_closed ? MODE_GROUP : MODE_ALL;
        gid_t group = is_closed ? config->reader_gid : getegid();
        struct stat st;
        int r;

        autofd int fd = fs_open(root_fd, path, O_RDONLY | O_DIRECTORY, 0, reterr);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return error_errno(reterr, -errno, "cannot stat '%s'", path);
        now = st.st_mode & 07777;
        if (is_closed && group == GROUP_UNKNOWN) {
                /* Whoever could read by a group still can; nobody else. */
                mode = now & MODE_GROUP;
                group = st.st_gid;
        }
        if (now == mode && (!is_closed || st.st_gid == group))
                return 0;
        if (!is_closed && now != MODE_GROUP)
                return 0;
        r = give(fd, now, mode, group);
        return r < 0 ? error_errno(reterr, r, "cannot change who may read '%s'", path) : 0;
}

int readers_admit(int root_fd, const Config *config, Error *reterr)
{
        autofree char *public = xasprintf("%s/public", config->state_directory);
        int r;

        r = fs_make_directories(root_fd, public, MODE_ALL, reterr);
        if (r < 0)
                return r;
        r = admit(root_fd, config, public, reterr);
        if (r < 0)
                return r;

        /* Who could not write there has made the other one; nobody else does. */
        r = admit(root_fd, config, REPORTED_FALLBACK, reterr);
        return r == -ENOENT ? 0 : r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/report.h"

#include <fcntl.h>
#include <sys/file.h>

int report_lock(const ReportInput *input, Error *reterr)
{
        const char *state = input->config->state_directory;
        autofree char *directory = xasprintf("%s/public", state);
        autofree char *path = xasprintf("%s/report.lock", state);
        autofd int fd = -1;
        int r;

        r = fs_make_directories(input->root_fd, directory, 0755, reterr);
        if (r < 0)
                return r;
        fd = fs_open(input->root_fd, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600, reterr);
        if (fd < 0)
                return fd;
        if (flock(fd, LOCK_EX) < 0)
                return error_errno(reterr, -errno, "cannot lock '%s'", path);
        return TAKE(fd);
}

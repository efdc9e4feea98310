/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "opener.h"

#include <errno.h>
#include <sys/syscall.h>

int main(void)
{
        OpenRequest request;
        int directory_fd;

        while (message_receive(OPENER_FD, &request, sizeof(request), &directory_fd) == 0) {
                int fd = (int)syscall(
                        SYS_openat2, directory_fd, request.path, &request.how, sizeof(request.how));
                int error = fd < 0 ? errno : 0;

                if (message_send(OPENER_FD, &error, sizeof(error), fd) < 0)
                        return 1;
                if (fd >= 0)
                        close(fd);
                close(directory_fd);
        }
        return 0;
}

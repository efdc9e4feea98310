/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* openat2(2) for a program under a valgrind that does not know it (3.19 of Debian 12): openat2.so,
 * preloaded, asks an `opener` of its own, which valgrind does not follow.
 *
 *     request   OpenRequest, and the descriptor of the directory that it begins at
 *     answer    an errno, or 0 and the new descriptor
 *
 * A program that forks gets another one, with the rights that it has by then. */

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OPENER_FD 3 /* its end of the socket */

typedef struct OpenRequest {
        struct open_how how;
        char path[PATH_MAX];
} OpenRequest;

/* A message with a descriptor; -1: without. */
static inline int message_send(int socket_fd, const void *data, size_t size, int fd)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec vector = {.iov_base = (void *)data, .iov_len = size};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

        if (fd >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
        }
        return sendmsg(socket_fd, &message, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1;
}

/* As many bytes, or -1: at the end. */
static inline int message_receive(int socket_fd, void *data, size_t size, int *ret_fd)
{
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec vector = {.iov_base = data, .iov_len = size};
        struct msghdr message = {.msg_iov = &vector,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control)};
        struct cmsghdr *header;

        *ret_fd = -1;
        if (recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC) != (ssize_t)size)
                return -1;
        header = CMSG_FIRSTHDR(&message);
        if (header && header->cmsg_type == SCM_RIGHTS)
                memcpy(ret_fd, CMSG_DATA(header), sizeof(int));
        return 0;
}

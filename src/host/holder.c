/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/holder.h"

#include <fcntl.h>
#include <inttypes.h>

#define LOCKS_SIZE_MAX ((size_t)1 << 20)
#define COMM_SIZE_MAX  ((size_t)64)

/* "1: FLOCK  ADVISORY  WRITE 4711 fe:01:1053 0 EOF" (proc_locks(5)). A file system may give its
 * files another device than the lock has (btrfs), so that the inode has to do. */
static int parse_holder(const char *line, ino_t inode)
{
        uint64_t locked;
        int pid;

        if (sscanf(line, "%*u: FLOCK %*s WRITE %d %*x:%*x:%" SCNu64, &pid, &locked) != 2)
                return 0;
        return pid > 0 && locked == inode ? pid : 0;
}

static int find_holder(char *locks, ino_t inode)
{
        char *rest = NULL;

        for (char *line = strtok_r(locks, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                int pid = parse_holder(line, inode);

                if (pid != 0)
                        return pid;
        }
        return 0;
}

char *holder_of_lock(int root_fd, const char *path)
{
        autoptr(FileImage) locks = NULL;
        autoptr(FileImage) comm = NULL;
        autofd int fd = fs_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, NULL);
        struct stat st;
        int pid;

        if (fd < 0 || fstat(fd, &st) < 0 ||
                fs_read_file(root_fd, "/proc/locks", LOCKS_SIZE_MAX, &locks, NULL) < 0)
                return NULL;
        pid = find_holder((char *)locks->data, st.st_ino);
        if (pid == 0)
                return NULL;
        autofree char *comm_path = xasprintf("/proc/%d/comm", pid);
        if (fs_read_file(root_fd, comm_path, COMM_SIZE_MAX, &comm, NULL) < 0)
                return xasprintf("process %d", pid);
        return xasprintf("process %d (%.*s)", pid, (int)strcspn((char *)comm->data, "\n"),
                (char *)comm->data);
}

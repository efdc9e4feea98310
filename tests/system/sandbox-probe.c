/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a process may do here, for tests/system/sandbox.sh:
 *
 *     sandbox-probe          prints "NAME=yes" or "NAME=ERRNO" for each row of the table
 *
 * Each attempt is made in a process of its own, and leaves at most an empty file behind. */

#include "base/macro.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static int done(int r)
{
        return r < 0 ? -errno : 0;
}

static int write_file(const char *path)
{
        return done(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int write_setting(const char *path)
{
        return done(open(path, O_WRONLY | O_CLOEXEC));
}

/* What InaccessiblePaths= puts in a file's place is empty. */
static int read_file(const char *path)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char byte;
        ssize_t n = fd < 0 ? -1 : read(fd, &byte, 1);

        return n == 0 ? -ENODATA : done((int)n);
}

static int see(const char *path)
{
        return done(access(path, F_OK));
}

static int make_directory(const char *path)
{
        int r = done(mkdir(path, 0700));

        rmdir(path);
        return r;
}

static int make_device(const char *path)
{
        return done(mknod(path, S_IFCHR | 0600, makedev(1, 3)));
}

static int change_owner(const char *path)
{
        return done(chown(path, 4321, 4321));
}

static int make_socket(int family, int type)
{
        return done(socket(family, type | SOCK_CLOEXEC, 0));
}

static int netlink(const char *unused)
{
        return make_socket(AF_NETLINK, SOCK_RAW);
}

static int packet(const char *unused)
{
        return make_socket(AF_PACKET, SOCK_DGRAM);
}

static int inet(const char *unused)
{
        return make_socket(AF_INET, SOCK_STREAM);
}

static int executable_memory(const char *unused)
{
        void *memory = mmap(
                NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return memory == MAP_FAILED ? -errno : 0;
}

static int new_namespace(const char *unused)
{
        return done(unshare(CLONE_NEWUTS));
}

static int mount_something(const char *path)
{
        return done(mount("tmpfs", path, "tmpfs", 0, NULL));
}

static int other_personality(const char *unused)
{
        return done(personality(PER_LINUX32));
}

static int real_time(const char *unused)
{
        const struct sched_param param = {.sched_priority = 1};

        return done(sched_setscheduler(0, SCHED_FIFO, &param));
}

static int priority(const char *unused)
{
        return done(setpriority(PRIO_PROCESS, 0, 1));
}

static int host_name(const char *unused)
{
        return done(sethostname("probed", strlen("probed")));
}

static int other_user(const char *unused)
{
        return done(setuid(4321));
}

static const struct {
        const char *name;
        int (*attempt)(const char *path);
        const char *path;
} table[] = {
        {"write-usr", write_file, "/usr/probe"},
        {"write-etc", write_file, "/etc/probe"},
        {"write-var", write_file, "/var/lib/probe"},
        {"write-run", write_file, "/run/systemd/system/probe.conf"},
        {"write-home", write_file, "/run/home/probe"}, /* a link to it */
        {"write-root", write_file, "/root/probe"},
        {"write-etcd", write_file, "/etc/etcd/probe"},
        {"write-kubernetes", write_file, "/etc/kubernetes/probe"},
        {"write-state", write_file, "/var/lib/kube-renewd/probe"},
        {"read-home", read_file, "/run/home/.kube/config"},
        {"read-shadow", read_file, "/etc/shadow"},
        {"read-ssh", read_file, "/root/.ssh/id"},
        {"see-tmp", see, "/run/tmp/file"}, /* a link to it */
        {"change-owner", change_owner, "/var/lib/kube-renewd/probe"},
        {"make-device", make_device, "/var/lib/kube-renewd/device"},
        {"control-groups", make_directory, "/sys/fs/cgroup/probe"},
        {"kernel-settings", write_setting, "/proc/sys/net/ipv4/ip_forward"},
        {"mount", mount_something, "/var/lib/kube-renewd"},
        {"netlink", netlink, NULL},
        {"packet", packet, NULL},
        {"inet", inet, NULL},
        {"executable-memory", executable_memory, NULL},
        {"namespace", new_namespace, NULL},
        {"personality", other_personality, NULL},
        {"real-time", real_time, NULL},
        {"priority", priority, NULL},
        {"host-name", host_name, NULL},
        {"other-user", other_user, NULL},
};

int main(void)
{
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int status;
                pid_t pid = fork();

                if (pid < 0)
                        return EXIT_FAILURE;
                if (pid == 0)
                        _exit(-table[i].attempt(table[i].path));
                if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
                        return EXIT_FAILURE;
                printf("%s=%s\n", table[i].name,
                        WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "yes");
        }
        return EXIT_SUCCESS;
}

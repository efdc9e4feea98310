/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/upgrade.h"

#include <fcntl.h>

#define COMM_SIZE_MAX         ((size_t)64)
#define COMMAND_LINE_SIZE_MAX ((size_t)256 << 10)
#define DIGITS                "0123456789"

/* Commands of kubeadm that change a control plane, and what may follow that changes nothing. */
static const struct {
        const char *word;
        const char *harmless[3];
} commands[] = {
        {"upgrade", {"plan", "diff"}},
        {"init", {}},
        {"join", {}},
        {"reset", {}},
};

int upgrade_find_marker(int root_fd, char *const *paths, char **ret, Error *reterr)
{
        for (; paths && *paths; paths++) {
                autofd int fd = fs_open(root_fd, *paths, O_PATH | O_NOFOLLOW, 0, reterr);

                if (fd >= 0) {
                        *ret = xasprintf("'%s' is there", *paths);
                        return 1;
                }
                if (fd != -ENOENT && fd != -ENOTDIR)
                        return fd;
        }
        return 0;
}

/* "kubeadm", and releases kept side by side: "kubeadm-1.36.0", "kubeadm-v1.36". */
static bool is_kubeadm(const char *comm)
{
        static const char name[] = "kubeadm";
        const char *rest = comm + strlen(name);

        if (!starts_with(comm, name))
                return false;
        if (*rest == '-')
                rest += rest[1] == 'v' ? 2 : 1;
        return rest == comm + strlen(name) ? !*rest : *rest && strchr(DIGITS, *rest);
}

/* The words of a command line that are no options, one after the other; NULL behind the last. */
static const char *next_word(const char *at, const char *end)
{
        while (at < end && *at == '-')
                at += strlen(at) + 1;
        return at < end ? at : NULL;
}

/* The command that such a line gives, NULL if it changes nothing. The value of an option may stand
 * between two words: each is looked at, wherever it stands. */
static const char *changing_command(const char *line, const char *end)
{
        for (const char *word = next_word(line, end); word;
                word = next_word(word + strlen(word) + 1, end))
                for (size_t i = 0; i < ELEMENTSOF(commands); i++) {
                        const char *next = next_word(word + strlen(word) + 1, end);

                        if (!streq(word, commands[i].word))
                                continue;
                        if (next && strv_contains((char *const *)commands[i].harmless, next))
                                return NULL;
                        return commands[i].word;
                }
        return NULL;
}

/* What has ended meanwhile is no error. */
static int read_of_process(
        int root_fd, const char *pid, const char *name, size_t max, FileImage **ret, Error *reterr)
{
        autofree char *path = xasprintf("/proc/%s/%s", pid, name);
        int r = fs_read_file(root_fd, path, max, ret, reterr);

        return r == -ENOENT || r == -ESRCH ? 0 : r < 0 ? r : 1;
}

static int look_at_process(int root_fd, const char *pid, char **ret, Error *reterr)
{
        autoptr(FileImage) comm = NULL;
        autoptr(FileImage) line = NULL;
        const char *text, *command;
        int r;

        r = read_of_process(root_fd, pid, "comm", COMM_SIZE_MAX, &comm, reterr);
        if (r <= 0)
                return r;
        comm->data[strcspn((char *)comm->data, "\n")] = 0;
        if (!is_kubeadm((char *)comm->data))
                return 0;
        r = read_of_process(root_fd, pid, "cmdline", COMMAND_LINE_SIZE_MAX, &line, reterr);
        if (r <= 0)
                return r;
        text = (char *)line->data;
        command = changing_command(text, text + line->size);
        if (!command)
                return 0;
        *ret = xasprintf("process %s runs 'kubeadm %s'", pid, command);
        return 1;
}

int upgrade_find_kubeadm(int root_fd, char **ret, Error *reterr)
{
        autostrv pids = NULL;
        int r = fs_list(root_fd, "/proc", &pids, reterr);

        for (char **pid = pids; r == 0 && pid && *pid; pid++)
                if (strspn(*pid, DIGITS) == strlen(*pid))
                        r = look_at_process(root_fd, *pid, ret, reterr);
        return r;
}

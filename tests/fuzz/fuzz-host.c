/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/remote.h"
#include "host/group.h"
#include "host/holder.h"
#include "host/upgrade.h"
#include "scratch.h"

#include <assert.h>
#include <inttypes.h>

#define LOCK  "/lock"
#define INODE "INODE" /* in the input: that of the lock */

static uint64_t inode_of_lock(const Scratch *scratch)
{
        struct stat st;

        scratch_write(scratch, LOCK, "", 0);
        if (fstatat(scratch->root_fd, &LOCK[1], &st, 0) < 0)
                abort();
        return st.st_ino;
}

static char *locks_of(const char *text, uint64_t inode)
{
        const char *at = strstr(text, INODE);

        return at ? xasprintf(
                            "%.*s%" PRIu64 "%s", (int)(at - text), text, inode, at + strlen(INODE))
                  : xstrdup(text);
}

/* Whoever it takes for a kubeadm, it does not show what that was told: there is a token in it. */
static void find_kubeadm(const Scratch *scratch, const char *command_line)
{
        static const char *const commands[] = {"upgrade", "init", "join", "reset"};
        autofree char *words = xstrdup(command_line), *found = NULL;
        size_t size = strlen(words);
        Error error = {};
        int r;

        for (char *space = words; (space = strchr(space, ' ')); space++)
                *space = 0;
        scratch_write(scratch, "/proc/1/cmdline", words, size);
        r = upgrade_find_kubeadm(scratch->root_fd, &found, &error);
        assert((r > 0) == !!found && (r < 0) == !!error.text[0]);
        for (size_t i = 0; found && i < ELEMENTSOF(commands); i++) {
                autofree char *text = xasprintf("process 1 runs 'kubeadm %s'", commands[i]);

                if (streq(found, text))
                        return;
        }
        assert(!found);
}

/* Where it would wait for nobody is a directory on the way, whatever the kernel says. */
static void find_remote(const Scratch *scratch, const char *table)
{
        autoptr(Remote) remote = remote_parse(scratch->root_fd, "/", table);
        autofree char *point = NULL;

        if (remote_is_on_way(remote, "/proc/1/../../etc/group", &point))
                assert(streq(point, "/proc") || streq(point, "/proc/1") || streq(point, "/etc") ||
                        streq(point, "/etc/group"));
}

/* Files of the host that say who is who: its groups, the locks of its kernel, name and command line
 * (with spaces) of the process that has pid 1, apart by lines "===="; and all of it as the table of
 * its mounts. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static const char *const paths[] = {"/etc/group", "/proc/locks", "/proc/1/comm"};
        const Scratch *scratch = scratch_get();
        uint64_t inode = inode_of_lock(scratch);
        autofree char *text = xstrndup((const char *)data, size), *holder = NULL;
        const char *rest = text;
        Error error = {};
        gid_t gid = 0;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                const char *end = strstr(rest, "====\n");
                size_t length = end ? (size_t)(end - rest) : strlen(rest);
                autofree char *part = xstrndup(rest, length);
                autofree char *content = locks_of(part, inode);

                scratch_write(scratch, paths[i], content, strlen(content));
                rest += length + (end ? strlen("====\n") : 0);
        }
        if (group_find(scratch->root_fd, "monitoring", &gid, &error) < 0)
                assert(error.text[0] && gid == 0);
        holder = holder_of_lock(scratch->root_fd, LOCK);
        assert(!holder || (starts_with(holder, "process ") && !strchr(holder, '\n')));
        find_kubeadm(scratch, rest);
        find_remote(scratch, text);
        return 0;
}

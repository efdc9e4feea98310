/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "host/group.h"
#include "host/holder.h"
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

/* Files of the host that say who is who: its groups, the locks of its kernel, and the name of the
 * process that has pid 1, apart by lines "====". */
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
        return 0;
}

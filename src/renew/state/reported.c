/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/state/reported.h"

#include "base/fs.h"

#define INVOCATION_ID_LENGTH 32

/* NULL for what is no id: "32 lowercase hexadecimal characters", systemd.exec(5). */
static const char *invocation_id(void)
{
        const char *id = getenv("INVOCATION_ID");

        return id && strlen(id) == INVOCATION_ID_LENGTH &&
                               strspn(id, "0123456789abcdef") == INVOCATION_ID_LENGTH
                       ? id
                       : NULL;
}

int reported_mark(int root_fd, const char *state_directory, Error *reterr)
{
        autofree char *path = xasprintf("%s/reported", state_directory);
        autofree char *line = NULL;
        const char *id = invocation_id();

        if (!id)
                return 0;
        line = xasprintf("%s\n", id);
        return fs_write_file(root_fd, path, line, strlen(line), 0600, reterr);
}

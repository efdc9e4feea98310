/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A scratch root for a harness of what reads files: made once, removed when the process ends.
 *
 *     const Scratch *scratch = scratch_get();
 *     scratch_write(scratch, "/state/owed/x.json", data, size);
 *     r = owed_read(scratch->root_fd, "/state", &list, &error);
 *
 * Whatever fails here ends the process: it is no finding. */

#include "base/fs.h"

#include <fcntl.h>
#include <ftw.h>

typedef struct Scratch {
        char path[64];
        int root_fd;
} Scratch;

static Scratch the_scratch = {.root_fd = -1};

static int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        return remove(path);
}

static void scratch_remove(void)
{
        nftw(the_scratch.path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const Scratch *scratch_get(void)
{
        const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

        if (the_scratch.root_fd >= 0)
                return &the_scratch;
        snprintf(the_scratch.path, sizeof(the_scratch.path), "%s/kube-renewd-fuzz.XXXXXX", parent);
        if (!mkdtemp(the_scratch.path))
                abort();
        atexit(scratch_remove);
        the_scratch.root_fd = fs_open_root(the_scratch.path, NULL);
        if (the_scratch.root_fd < 0)
                abort();
        return &the_scratch;
}

/* A file with these bytes, its directories too. Not by base/fs.h: its writing syncs, and would be
 * most of what is done. */
__attribute__((unused)) static void scratch_write(
        const Scratch *scratch, const char *path, const void *data, size_t size)
{
        autofree char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
        autofd int fd = openat(scratch->root_fd, path + 1, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        if (fd < 0 && errno == ENOENT && *parent &&
                fs_make_directories(scratch->root_fd, parent, 0755, NULL) == 0)
                fd = openat(scratch->root_fd, path + 1, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || fs_write_all(fd, data, size) < 0)
                abort();
}

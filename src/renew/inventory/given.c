/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/inventory/given.h"

#include "base/path.h"

static char *full_path(const char *path)
{
        autofree char *here = getcwd(NULL, 0);

        return path_join(here ? here : "/", path);
}

int given_read(const char *path, FileImage **ret, Error *reterr)
{
        autofree char *full = full_path(path);
        autofd int fd = fs_open_root("/", reterr);

        return fd < 0 ? fd : fs_read_file(fd, full, FS_SIZE_MAX, ret, reterr);
}

int given_write(const char *directory, const char *name, const char *text, Error *reterr)
{
        autofree char *full = full_path(directory);
        autofree char *path = path_join(full, name);
        autofd int fd = fs_open_root("/", reterr);

        return fd < 0 ? fd : fs_write_file(fd, path, text, strlen(text), 0644, reterr);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/layer.h"

#include <fcntl.h>

#define SUFFIX ".conf"
#define MASK   "/dev/null"

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_configuration(const char *name)
{
        size_t length = strlen(name), suffix = strlen(SUFFIX);

        return name[0] != '.' && length > suffix && streq(name + length - suffix, SUFFIX);
}

int layers_list(const Layer *layers, size_t n, char ***ret_names, Error *reterr)
{
        autostrv all = xcalloc(1, sizeof(char *));

        for (size_t i = 0; i < n; i++) {
                autostrv names = NULL;
                int r = fs_list(layers[i].root_fd, layers[i].directory, &names, reterr);

                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return r;
                for (char **name = names; *name; name++)
                        if (is_configuration(*name) && !strv_contains(all, *name))
                                strv_add(&all, *name);
        }
        qsort(all, strv_length(all), sizeof(char *), compare_names);
        *ret_names = TAKE(all);
        return 0;
}

/* Is there anything of that name, be it a link that leads nowhere? 1, 0, or an error. */
static int look_up(int root_fd, const char *path, bool *ret_masked, Error *reterr)
{
        char target[sizeof(MASK)];
        ssize_t length;

        autofd int fd = fs_open(root_fd, path, O_PATH | O_NOFOLLOW, 0, reterr);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        length = readlinkat(fd, "", target, sizeof(target));
        *ret_masked = length == (ssize_t)strlen(MASK) && memcmp(target, MASK, strlen(MASK)) == 0;
        return 1;
}

int layers_find(const Layer *layers, size_t n, const char *name, FileImage **ret, Error *reterr)
{
        for (size_t i = 0; i < n; i++) {
                autofree char *path = xasprintf("%s/%s", layers[i].directory, name);
                bool masked = false;
                int r;

                r = look_up(layers[i].root_fd, path, &masked, reterr);
                if (r == 0)
                        continue;
                if (r < 0 || masked)
                        return r < 0 ? r : 0;
                r = fs_read_file(layers[i].root_fd, path, SETTINGS_SIZE_MAX, ret, reterr);
                return r < 0 ? r : 1;
        }
        return 0;
}

int layers_read(const Layer *layers, size_t n, const char *name, Settings *settings, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        int r;

        r = layers_find(layers, n, name, &file, reterr);
        if (r <= 0)
                return r;
        r = settings_parse_file(settings, file, reterr);
        return r < 0 ? r : 1;
}

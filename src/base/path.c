/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/path.h"

char *path_normalize(const char *path)
{
        char *normal = xmalloc(strlen(path) + 2);
        size_t n = 0;

        while (*path) {
                size_t length = strcspn(path, "/");

                if (length == 2 && path[0] == '.' && path[1] == '.') {
                        while (n > 0 && normal[--n] != '/')
                                ;
                } else if (length > 0 && !(length == 1 && path[0] == '.')) {
                        normal[n++] = '/';
                        memcpy(normal + n, path, length);
                        n += length;
                }
                path += length;
                path += strspn(path, "/");
        }
        if (n == 0)
                normal[n++] = '/';
        normal[n] = 0;
        return normal;
}

char *path_join(const char *directory, const char *path)
{
        autofree char *joined = xasprintf("%s/%s", directory, path);

        return path_normalize(path[0] == '/' ? path : joined);
}

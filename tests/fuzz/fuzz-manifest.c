/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/manifest.h"

#include <assert.h>

/* A Pod has a name, and every file that it uses is an absolute path in normal form. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(Manifest) manifest = NULL;
        Error error = {};

        if (manifest_parse(data, size, &manifest, &error) < 0) {
                assert(!manifest && error.text[0]);
                return 0;
        }
        assert(manifest->name[0] && manifest->image);
        for (size_t i = 0; i < manifest->n_files; i++) {
                const ManifestFile *file = &manifest->files[i];
                const char *path = file->path;
                size_t length = strlen(path);

                assert(file->container && (file->flag || file->mounted_singly));
                assert(path[0] == '/' && (length == 1 || path[length - 1] != '/'));
                assert(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
        }
        return 0;
}

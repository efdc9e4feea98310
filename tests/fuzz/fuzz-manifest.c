/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "kube/manifest.h"

#include <assert.h>

static void check_probe(const ManifestProbe *probe)
{
        bool http = probe->kind == PROBE_HTTP || probe->kind == PROBE_HTTPS;

        if (http || probe->kind == PROBE_TCP)
                assert(probe->host && probe->host[0] && probe->port > 0);
        if (http)
                assert(probe->path[0] == '/' && !strpbrk(probe->path, " \r\n"));
        assert(probe->kind == PROBE_NONE || (probe->period > 0 && probe->timeout > 0));
}

static void check_containers(const Manifest *manifest)
{
        assert(manifest->n_containers > 0);
        for (size_t i = 0; i < manifest->n_containers; i++) {
                const ManifestContainer *container = &manifest->containers[i];

                assert(container->name && container->image);
                assert(!container->program || container->program[0]);
                check_probe(&container->liveness);
                check_probe(&container->readiness);
                check_probe(&container->startup);
        }
        for (size_t i = 0; i < manifest->n_endpoints; i++) {
                const ManifestEndpoint *endpoint = &manifest->endpoints[i];

                assert(manifest_container(manifest, endpoint->container));
                assert(endpoint->host[0] && endpoint->port > 0 && endpoint->certificate[0] == '/');
        }
}

/* A Pod has a name, every file that it uses is an absolute path in normal form, and what can be
 * asked has an address. */
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
        check_containers(manifest);
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/cri-internal.h"

#include "kube/kubelet.h"

static const char *const defaults[] = {
        "/run/containerd/containerd.sock",
        "/run/crio/crio.sock",
        "/run/cri-dockerd.sock",
};

/* The path in "unix:///run/x.sock", "unix:/run/x.sock" or "/run/x.sock". */
static int parse_endpoint(
        const char *endpoint, const char *source, char **ret_socket, Error *reterr)
{
        const char *path = endpoint;

        if (starts_with(path, "unix:"))
                path += strlen("unix:");
        if (starts_with(path, "//"))
                path += strlen("//");
        if (path[0] != '/')
                return error_set(reterr, -EINVAL,
                        "container runtime endpoint '%s' (%s) is not the path of a unix socket",
                        endpoint, source);
        *ret_socket = xstrdup(path);
        return 0;
}

int cri_endpoint_find(int root_fd, const char *endpoint, char ***ret_sockets,
        const char **ret_source, Error *reterr)
{
        autofree char *named = xstrdup(endpoint);
        const char *source = "configured";
        char *socket = NULL;
        int r;

        r = named ? 0
                  : kubelet_setting(root_fd, "--container-runtime-endpoint",
                            "containerRuntimeEndpoint", &named, &source, reterr);
        if (r < 0)
                return r;
        if (!named) {
                for (size_t i = 0; i < ELEMENTSOF(defaults); i++)
                        strv_add(ret_sockets, defaults[i]);
                *ret_source = "the usual places";
                return 0;
        }
        r = parse_endpoint(named, source, &socket, reterr);
        if (r < 0)
                return r;
        strv_take(ret_sockets, socket);
        *ret_source = source;
        return 0;
}

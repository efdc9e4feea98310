/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/manifest-endpoint.h"

#include "base/path.h"
#include "kube/manifest-address.h"
#include "kube/manifest-words.h"

#include <limits.h>

#define ENDPOINTS_MAX 256

/* A certificate of a container that some flag says where to serve. */
typedef struct Server {
        Manifest *manifest;
        const ManifestContainer *container;
        const char *flag;
        char *certificate; /* on the host */
} Server;

/* Takes over the host. What nobody can connect to is no endpoint. */
static int add_endpoint(const Server *server, char *host, uint16_t port, Error *reterr)
{
        Manifest *manifest = server->manifest;
        autofree char *owned = host;

        if (!host || port == 0)
                return 0;
        if (manifest->n_endpoints >= ENDPOINTS_MAX)
                return error_set(reterr, -E2BIG, "more than %d endpoints", ENDPOINTS_MAX);
        manifest->endpoints = xreallocarray(
                manifest->endpoints, manifest->n_endpoints + 1, sizeof(*manifest->endpoints));
        manifest->endpoints[manifest->n_endpoints++] = (ManifestEndpoint){
                .container = xstrdup(server->container->name),
                .host = TAKE(owned),
                .port = port,
                .flag = xstrdup(server->flag),
                .certificate = xstrdup(server->certificate),
        };
        return 0;
}

static uint16_t default_port(const char *program)
{
        static const struct {
                const char *program;
                uint16_t port;
        } defaults[] = {
                {"kube-apiserver", 6443},
                {"kube-controller-manager", 10257},
                {"cloud-controller-manager", 10258},
                {"kube-scheduler", 10259},
        };

        for (size_t i = 0; program && i < ELEMENTSOF(defaults); i++)
                if (streq(program, defaults[i].program))
                        return defaults[i].port;
        return 0;
}

/* --bind-address and --secure-port. */
static int add_bound(const Server *server, Error *reterr)
{
        const ManifestContainer *container = server->container;
        const char *address = words_flag(container->words, "--bind-address");
        const char *port = words_flag(container->words, "--secure-port");

        address = address ? address : "";
        return add_endpoint(server, address_host(address, strlen(address)),
                port ? address_port(port) : default_port(container->program), reterr);
}

/* "https://127.0.0.1:2379,https://[::1]:2379": a URL of etcd has a port and no path. */
static int add_urls(const Server *server, const char *urls, Error *reterr)
{
        static const char scheme[] = "https://";
        int r = 0;

        while (urls && *urls && r >= 0) {
                autofree char *url = xstrndup(urls, strcspn(urls, ","));
                char *port = strrchr(url, ':');
                const char *host = url + strlen(scheme);

                urls += strlen(url);
                urls += *urls == ',';
                if (starts_with(url, scheme) && port >= host)
                        r = add_endpoint(server, address_host(host, (size_t)(port - host)),
                                address_port(port + 1), reterr);
        }
        return r;
}

/* NULL if it has no such flag, or the file is not of the host. */
static char *find_certificate(
        const ManifestContainer *container, const Mounts *mounts, const char *flag)
{
        const char *value = words_flag(container->words, flag);
        autofree char *path = NULL;
        bool singly;

        if (!value || value[0] != '/' || strlen(value) >= PATH_MAX)
                return NULL;
        path = path_normalize(value);
        return mounts_find(mounts, path, &singly);
}

int endpoints_read(
        const ManifestContainer *container, const Mounts *mounts, Manifest *manifest, Error *reterr)
{
        static const struct {
                const char *certificate, *urls; /* NULL: --bind-address and --secure-port */
        } flags[] = {
                {"--tls-cert-file", NULL},
                {"--cert-file", "--listen-client-urls"},
                {"--peer-cert-file", "--listen-peer-urls"},
        };
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(flags) && r >= 0; i++) {
                autofree char *certificate =
                        find_certificate(container, mounts, flags[i].certificate);
                const Server server = {manifest, container, flags[i].certificate, certificate};

                if (!certificate)
                        continue;
                r = flags[i].urls
                            ? add_urls(&server, words_flag(container->words, flags[i].urls), reterr)
                            : add_bound(&server, reterr);
        }
        return r;
}

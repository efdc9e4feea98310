/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/api-servers.h"

#include "base/address.h"

#define PROGRAM "kube-apiserver"

/* The name of the kubeconfig that asks; NULL: no layout has it. */
static const char *asks_as(const Config *config)
{
        const Layout *layout = &config->layout;
        const char *path = config->cluster.kubeconfig;

        for (size_t i = 0; path && i < layout->n_credentials; i++)
                if (streq(layout->credentials[i].path, path))
                        return layout->credentials[i].name;
        return NULL;
}

const InventoryComponent *api_servers_own(const Inventory *inventory, const Config *config)
{
        const char *name = asks_as(config);

        for (size_t i = 0; i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];

                if (manifest_program(component->manifest, PROGRAM) &&
                        (!name || layout_is_same(name, component->entry->name)))
                        return component;
        }
        return NULL;
}

const ManifestEndpoint *api_servers_endpoint(const InventoryComponent *api)
{
        const Manifest *manifest = api ? api->manifest : NULL;

        for (size_t i = 0; manifest && i < manifest->n_endpoints; i++)
                if (streq(manifest->endpoints[i].flag, "--tls-cert-file"))
                        return &manifest->endpoints[i];
        return NULL;
}

const char *api_servers_address(const InventoryComponent *api, const Config *config)
{
        const Manifest *manifest = api ? api->manifest : NULL;
        const ManifestContainer *container = manifest_program(manifest, PROGRAM);
        const char *flag =
                container ? manifest_flag(manifest, container->name, "--advertise-address") : NULL;

        return flag && *flag ? flag : config->host.advertise_address;
}

static void add(ApiServer **list, size_t *n, const ApiServer *server)
{
        for (size_t i = 0; i < *n; i++)
                if ((*list)[i].port == server->port &&
                        address_compare((*list)[i].host, server->host) == 0)
                        return;
        *list = xreallocarray(*list, *n + 1, sizeof(ApiServer));
        (*list)[(*n)++] = *server;
}

/* As the kubeconfig has it, but elsewhere: by the name that all of them have. */
static ApiServer server_at(const ApiServers *known, const char *host, uint16_t port)
{
        ApiServer server = known->access->server;

        server.host = host;
        server.port = port;
        server.name = server.prefix = NULL;
        return server;
}

static ApiServer *list_others(const ApiServers *known, bool named, size_t *ret_n)
{
        const char *own = api_servers_address(known->api, known->config);
        ApiServer *list = NULL;

        *ret_n = 0;
        for (size_t i = 0; i < known->cluster->n; i++) {
                const ClusterServer *found = &known->cluster->servers[i];
                const ApiServer server = server_at(known, found->host, found->port);

                if ((found->is_named || !named) && !address_is_loopback(found->host) &&
                        !(own && address_compare(found->host, own) == 0))
                        add(&list, ret_n, &server);
        }
        return list;
}

ApiServer *api_servers_others(const ApiServers *known, size_t *ret_n)
{
        return list_others(known, false, ret_n);
}

ApiServer *api_servers_named(const ApiServers *known, size_t *ret_n)
{
        return list_others(known, true, ret_n);
}

bool api_servers_here(const ApiServers *known, ApiServer *ret)
{
        const ManifestEndpoint *own = api_servers_endpoint(known->api);

        if (own)
                *ret = server_at(known, own->host, own->port);
        return own;
}

ApiServer *api_servers_all(const ApiServers *known, size_t *ret_n)
{
        ApiServer *list = NULL, *others, server;
        size_t n_others;

        *ret_n = 0;
        if (api_servers_here(known, &server))
                add(&list, ret_n, &server);
        add(&list, ret_n, &known->access->server);
        others = api_servers_others(known, &n_others);
        for (size_t i = 0; i < n_others; i++)
                add(&list, ret_n, &others[i]);
        free(others);
        return list;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which API servers of the cluster a host may ask, and which of them are others.
 *
 *     api = api_servers_own(inventory, config);
 *     servers = api_servers_all(&(ApiServers){config, api, access, cluster}, &n);
 *     others = api_servers_others(&(ApiServers){config, api, access, cluster}, &n);
 *     free(servers), free(others);
 *
 * What is in the lists points to what they were made from. Pure: nobody is asked. */

#include "kube/access.h"
#include "renew/config/config.h"
#include "renew/restart/cluster.h"

/* From what they are made. */
typedef struct ApiServers {
        const Config *config;
        const InventoryComponent *api; /* this host's; NULL: it has none */
        const Access *access;          /* as whom they are asked */
        const Cluster *cluster;
} ApiServers;

/* This host's API server, if it is a static pod; NULL: it has none. Of several layouts, which are
 * several clusters, that of the kubeconfig that asks, if one of them has it. */
const InventoryComponent *api_servers_own(const Inventory *inventory, const Config *config);

/* Where it listens; NULL: nowhere, or there is none. */
const ManifestEndpoint *api_servers_endpoint(const InventoryComponent *api);

/* By which address the others know it; NULL: not known. */
const char *api_servers_address(const InventoryComponent *api, const Config *config);

/* This host's, where it listens. False if there is none. */
bool api_servers_here(const ApiServers *known, ApiServer *ret);

/* In the order in which they are asked: this host's, the kubeconfig's, the others. The caller frees
 * the list. */
ApiServer *api_servers_all(const ApiServers *known, size_t *ret_n);

/* Those that are known to be others: an address of a balancer may lead back to us. The caller frees
 * the list. */
ApiServer *api_servers_others(const ApiServers *known, size_t *ret_n);

/* Of those the ones that the API itself has named, each once; etcd may know them by addresses of
 * another network, too. The caller frees the list. */
ApiServer *api_servers_named(const ApiServers *known, size_t *ret_n);

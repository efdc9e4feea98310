/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The control planes of this host's cluster, as far as they are known: where their API servers are,
 * and who the members of etcd are.
 *
 *     autoptr(Cluster) cluster = cluster_recall(root_fd, state_directory);
 *     cluster_ask_etcd(cluster, root_fd, inventory, api, now);
 *     r = cluster_ask_servers(cluster, &access->server, now, reterr);
 *     r = cluster_remember(cluster, root_fd, state_directory, reterr);
 *
 * What was known last is in STATE/cluster.json, for the day on which nobody can be asked. So is a
 * lease that was waited for in vain: the next pass goes on counting, if this host has not been
 * booted since. */

#include "kube/lease.h"
#include "renew/inventory/inventory.h"

typedef struct ClusterServer {
        char *host;
        uint16_t port;
        int64_t seen;  /* when somebody last said that it is one of them; 0: not known */
        bool is_named; /* the API has said so, and not only etcd, beside which it would be */
} ClusterServer;

typedef struct Cluster {
        ClusterServer *servers; /* where an API server is, or may be: this host's, too */
        size_t n;
        char **members; /* names of etcd's members, sorted; NULL: not known */
        char *self;     /* which of them is the one on this host; NULL: not known */
        LeaseSeen seen; /* nothing of it where there is none to remember */
} Cluster;

void cluster_free(Cluster *cluster);
DEFINE_AUTOPTR(Cluster, cluster_free)

/* Cannot fail: what cannot be read is not known. */
Cluster *cluster_recall(int root_fd, const char *state_directory);

/* Writes it if it is not what is there. Errors as json_write_file(). */
int cluster_remember(
        const Cluster *cluster, int root_fd, const char *state_directory, Error *reterr) MUST_USE;

/* Who the members of etcd on this host are, of the layout of this API server. Beside each other one
 * there is an API server that listens at the same port: so it is where etcd runs on the control
 * planes. One that does not answer changes nothing. api: NULL if there is none. */
void cluster_ask_etcd(Cluster *cluster, int root_fd, const Inventory *inventory,
        const InventoryComponent *api, int64_t now);

/* Adds the servers that this one knows of. One that is down is not among them, but will be again:
 * it is only forgotten when nobody has spoken of it for a week. Errors as endpoints_list(). */
int cluster_ask_servers(
        Cluster *cluster, const ApiServer *server, int64_t now, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/cluster.h"

#include "base/address.h"
#include "base/log.h"
#include "base/time-util.h"
#include "kube/endpoints.h"
#include "renew/restart/api-servers.h"
#include "renew/restart/quorum.h"

#define SERVERS_MAX 64
#define MEMORY_SPAN (7 * DAY)
#define BOOT_ID     "/proc/sys/kernel/random/boot_id"

void cluster_free(Cluster *cluster)
{
        if (!cluster)
                return;
        for (size_t i = 0; i < cluster->n; i++)
                free(cluster->servers[i].host);
        free(cluster->servers);
        strv_free(cluster->members);
        free(cluster->self);
        lease_seen_done(&cluster->seen);
        free(cluster);
}

static ClusterServer *find_server(Cluster *cluster, const char *host, uint16_t port)
{
        for (size_t i = 0; i < cluster->n; i++)
                if (cluster->servers[i].port == port &&
                        address_compare(cluster->servers[i].host, host) == 0)
                        return &cluster->servers[i];
        return NULL;
}

/* Somebody says at `seen` that it is there. */
static void add_server(
        Cluster *cluster, const char *host, uint16_t port, int64_t seen, bool is_named)
{
        ClusterServer *server = find_server(cluster, host, port);

        if (!server && cluster->n < SERVERS_MAX) {
                cluster->servers =
                        xreallocarray(cluster->servers, cluster->n + 1, sizeof(*cluster->servers));
                server = &cluster->servers[cluster->n++];
                *server = (ClusterServer){.host = xstrdup(host), .port = port};
        }
        if (!server)
                return;
        server->seen = seen;
        server->is_named |= is_named;
}

/* By a clock that was set back meanwhile nothing is of tomorrow. */
static void forget_servers(Cluster *cluster, int64_t now)
{
        size_t kept = 0;

        for (size_t i = 0; i < cluster->n; i++) {
                ClusterServer *server = &cluster->servers[i];

                if (server->seen == 0 || server->seen > now)
                        server->seen = now;
                if (now - server->seen > MEMORY_SPAN)
                        free(server->host);
                else
                        cluster->servers[kept++] = *server;
        }
        cluster->n = kept;
}

static char *file_path(const char *state_directory)
{
        return xasprintf("%s/cluster.json", state_directory);
}

/* What is counted by the monotonic clock is worth nothing after the next boot. */
static char *boot_id(int root_fd)
{
        autoptr(FileImage) file = NULL;

        if (fs_read_file(root_fd, BOOT_ID, FS_SIZE_MAX, &file, NULL) < 0)
                return xstrdup("");
        return xstrndup((const char *)file->data, strcspn((const char *)file->data, "\n"));
}

static json_t *to_json(const Cluster *cluster, const char *boot)
{
        json_t *json =
                xcheck(json_pack("{s:[], s:o}", "servers", "members", json_strv(cluster->members)));

        if (cluster->self)
                json_object_set_new(json, "self", json_escaped(cluster->self));
        for (size_t i = 0; i < cluster->n; i++)
                json_array_append_new(json_object_get(json, "servers"),
                        xcheck(json_pack("{s:o, s:i, s:o, s:b}", "host",
                                json_escaped(cluster->servers[i].host), "port",
                                (int)cluster->servers[i].port, "seen",
                                json_time(cluster->servers[i].seen), "named",
                                cluster->servers[i].is_named)));
        if (cluster->seen.version && *boot)
                json_object_set_new(json, "lease",
                        xcheck(json_pack("{s:s, s:o, s:o, s:I, s:I}", "boot_id", boot, "version",
                                json_escaped(cluster->seen.version), "holder",
                                json_escaped(cluster->seen.holder), "duration",
                                (json_int_t)cluster->seen.duration, "since",
                                (json_int_t)cluster->seen.since)));
        return json;
}

static void read_lease(Cluster *cluster, const json_t *json, const char *boot)
{
        const char *its_boot = api_text(json, "boot_id", NULL);
        const char *version = api_text(json, "version", NULL);
        const char *holder = api_text(json, "holder", NULL);
        json_int_t duration = json_integer_value(json_object_get(json, "duration"));
        json_int_t since = json_integer_value(json_object_get(json, "since"));

        if (!its_boot || !*boot || !streq(its_boot, boot) || !version || !holder || since < 0 ||
                duration < 0 || duration > INT32_MAX)
                return;
        cluster->seen = (LeaseSeen){.holder = xstrdup(holder),
                .version = xstrdup(version),
                .duration = duration,
                .since = since};
}

static void read_json(Cluster *cluster, const json_t *json, const char *boot)
{
        const json_t *server;
        size_t i;

        json_array_foreach(json_object_get(json, "servers"), i, server)
        {
                const char *host = api_text(server, "host", NULL);
                json_int_t port = json_integer_value(json_object_get(server, "port"));
                int64_t seen = 0;

                if (json_get_time(json_object_get(server, "seen"), &seen) < 0)
                        seen = 0;
                if (host && *host && port > 0 && port <= UINT16_MAX)
                        add_server(cluster, host, (uint16_t)port, seen,
                                json_is_true(json_object_get(server, "named")));
        }
        (void)!json_get_strv(json_object_get(json, "members"), &cluster->members);
        cluster->self = xstrdup(api_text(json, "self", NULL));
        read_lease(cluster, json_object_get(json, "lease"), boot);
}

Cluster *cluster_recall(int root_fd, const char *state_directory)
{
        autofree char *path = file_path(state_directory);
        autofree char *boot = boot_id(root_fd);
        Cluster *cluster = xcalloc(1, sizeof(*cluster));
        autoptr(json_t) json = NULL;
        Error error = {};

        if (json_read_file(root_fd, path, &json, &error) < 0)
                log_debug("no cluster is remembered: %s", error.text);
        else
                read_json(cluster, json, boot);
        return cluster;
}

int cluster_remember(
        const Cluster *cluster, int root_fd, const char *state_directory, Error *reterr)
{
        autofree char *path = file_path(state_directory);
        autofree char *boot = boot_id(root_fd);
        autoptr(json_t) json = to_json(cluster, boot);
        autoptr(json_t) old = NULL;

        if (json_read_file(root_fd, path, &old, NULL) >= 0 && json_equal(old, json))
                return 0;
        return json_write_file(root_fd, path, json, 0600, reterr);
}

static const InventoryComponent *find_etcd(
        const Inventory *inventory, const InventoryComponent *api)
{
        for (size_t i = 0; i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];

                if (quorum_is_etcd(component) &&
                        layout_is_same(component->entry->name, api->entry->name))
                        return component;
        }
        return NULL;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

void cluster_ask_etcd(Cluster *cluster, int root_fd, const Inventory *inventory,
        const InventoryComponent *api, int64_t now)
{
        const ManifestEndpoint *own = api_servers_endpoint(api);
        const InventoryComponent *etcd = own ? find_etcd(inventory, api) : NULL;
        autoptr(EtcdMembers) members = NULL;
        Error error = {};

        if (!etcd)
                return;
        if (quorum_members(root_fd, etcd, &members, &error) < 0) {
                log_debug("the members of etcd are not known: %s", error.text);
                return;
        }
        strv_free(TAKE(cluster->members));
        free(TAKE(cluster->self));
        for (size_t i = 0; i < members->n; i++) {
                const EtcdMember *member = &members->list[i];

                strv_add(&cluster->members, member->name);
                if (member->is_self && !cluster->self)
                        cluster->self = xstrdup(member->name);
                for (size_t k = 0; !member->is_self && k < member->n; k++)
                        add_server(cluster, member->addresses[k].host, own->port, now, false);
        }
        if (cluster->members)
                qsort(cluster->members, members->n, sizeof(char *), compare_names);
}

/* What one of them says, at that time. */
typedef struct Hearing {
        Cluster *cluster;
        int64_t now;
} Hearing;

static void hear(const char *host, uint16_t port, void *userdata)
{
        const Hearing *hearing = userdata;

        add_server(hearing->cluster, host, port, hearing->now, true);
}

int cluster_ask_servers(Cluster *cluster, const ApiServer *server, int64_t now, Error *reterr)
{
        Hearing hearing = {cluster, now};
        int r = endpoints_list(server, hear, &hearing, reterr);

        if (r >= 0)
                forget_servers(cluster, now);
        return r;
}

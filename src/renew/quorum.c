/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/quorum.h"

#define TIMEOUT 5 /* seconds for each question */

static const ManifestContainer *find_etcd(const Manifest *manifest)
{
        for (size_t i = 0; manifest && i < manifest->n_containers; i++) {
                const ManifestContainer *container = &manifest->containers[i];

                /* What only its image knows to run is what it is called. */
                if (streq(container->program ? container->program : container->name, "etcd"))
                        return container;
        }
        return NULL;
}

static const ManifestEndpoint *find_client_endpoint(const Manifest *manifest)
{
        for (size_t i = 0; i < manifest->n_endpoints; i++)
                if (streq(manifest->endpoints[i].flag, "--cert-file"))
                        return &manifest->endpoints[i];
        return NULL;
}

/* The host's file behind a flag of this container. */
static int read_flag_file(int root_fd, const Manifest *manifest, const char *container,
        const char *flag, FileImage **ret, Error *reterr)
{
        for (size_t i = 0; i < manifest->n_files; i++) {
                const ManifestFile *file = &manifest->files[i];

                if (file->flag && streq(file->flag, flag) && streq(file->container, container))
                        return fs_read_file(root_fd, file->path, FS_SIZE_MAX, ret, reterr);
        }
        return error_set(reterr, -ENOENT, "its manifest has no %s on this host", flag);
}

/* Where this member listens for clients, and what it knows them by. */
typedef struct Access {
        const ManifestEndpoint *endpoint;
        FileImage *ca, *certificate, *key;
        HttpTls tls;
} Access;

static void access_done(Access *access)
{
        file_image_free(access->ca);
        file_image_free(access->certificate);
        file_image_free(access->key);
}

static int read_access(
        int root_fd, const Manifest *manifest, const char *container, Access *access, Error *reterr)
{
        int r;

        access->endpoint = find_client_endpoint(manifest);
        if (!access->endpoint)
                return error_set(reterr, -EOPNOTSUPP, "it serves no https endpoint for clients");
        r = read_flag_file(root_fd, manifest, container, "--trusted-ca-file", &access->ca, reterr);
        if (r >= 0)
                r = read_flag_file(
                        root_fd, manifest, container, "--cert-file", &access->certificate, reterr);
        if (r >= 0)
                r = read_flag_file(
                        root_fd, manifest, container, "--key-file", &access->key, reterr);
        if (r < 0)
                return r;
        access->tls = (HttpTls){.ca = access->ca->data,
                .ca_size = access->ca->size,
                .certificate = access->certificate->data,
                .certificate_size = access->certificate->size,
                .key = access->key->data,
                .key_size = access->key->size};
        return 0;
}

static int look(int root_fd, const Manifest *manifest, const char *container, EtcdCluster *cluster,
        Error *reterr)
{
        __attribute__((cleanup(access_done))) Access access = {};
        int r = read_access(root_fd, manifest, container, &access, reterr);

        return r < 0 ? r
                     : etcd_look(access.endpoint->host, access.endpoint->port, &access.tls, TIMEOUT,
                               cluster, reterr);
}

bool quorum_is_etcd(const InventoryComponent *component)
{
        return find_etcd(component->manifest) != NULL;
}

int quorum_members(
        int root_fd, const InventoryComponent *component, EtcdMembers **ret, Error *reterr)
{
        const ManifestContainer *etcd = find_etcd(component->manifest);
        __attribute__((cleanup(access_done))) Access access = {};
        int r;

        r = read_access(root_fd, component->manifest, etcd->name, &access, reterr);
        return r < 0 ? r
                     : etcd_list(access.endpoint->host, access.endpoint->port, &access.tls, TIMEOUT,
                               ret, reterr);
}

bool quorum_forbids(
        int root_fd, const InventoryComponent *component, bool is_healthy, Error *reterr)
{
        const Manifest *manifest = component->manifest;
        const ManifestContainer *etcd = find_etcd(manifest);
        EtcdCluster cluster;

        if (!etcd)
                return false;
        if (!is_healthy)
                return error_set(reterr, -EBUSY,
                               "etcd is not healthy: a restart could cost the quorum") < 0;
        if (look(root_fd, manifest, etcd->name, &cluster, reterr) < 0)
                return error_prefix(reterr, -EBUSY, "the members of etcd are not known") < 0;
        if (etcd_may_stop(&cluster))
                return false;
        return error_set(reterr, -EBUSY,
                       "of %zu members of etcd %zu are healthy: without this one there would be "
                       "no quorum",
                       cluster.n_voters, cluster.n_healthy) < 0;
}

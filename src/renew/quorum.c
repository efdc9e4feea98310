/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/quorum.h"

#include "kube/etcd.h"

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

static int look(int root_fd, const Manifest *manifest, const char *container, EtcdCluster *cluster,
        Error *reterr)
{
        const ManifestEndpoint *endpoint = find_client_endpoint(manifest);
        autoptr(FileImage) ca = NULL;
        autoptr(FileImage) certificate = NULL;
        autoptr(FileImage) key = NULL;
        int r;

        if (!endpoint)
                return error_set(reterr, -EOPNOTSUPP, "it serves no https endpoint for clients");
        r = read_flag_file(root_fd, manifest, container, "--trusted-ca-file", &ca, reterr);
        if (r >= 0)
                r = read_flag_file(
                        root_fd, manifest, container, "--cert-file", &certificate, reterr);
        if (r >= 0)
                r = read_flag_file(root_fd, manifest, container, "--key-file", &key, reterr);
        if (r < 0)
                return r;
        const HttpTls tls = {.ca = ca->data,
                .ca_size = ca->size,
                .certificate = certificate->data,
                .certificate_size = certificate->size,
                .key = key->data,
                .key_size = key->size};

        return etcd_look(endpoint->host, endpoint->port, &tls, TIMEOUT, cluster, reterr);
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

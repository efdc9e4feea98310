/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/quorum.h"

#include "base/log.h"
#include "host/clock.h"
#include "pki/probe.h"
#include "renew/unit/interrupt.h"
#include "renew/unit/patience.h"

#define ETCD    "etcd"
#define TIMEOUT 5   /* seconds for each question */
#define POLL    100 /* milliseconds between two looks */

static const ManifestEndpoint *find_client_endpoint(const Manifest *manifest)
{
        for (size_t i = 0; i < manifest->n_endpoints; i++)
                if (streq(manifest->endpoints[i].flag, "--cert-file"))
                        return &manifest->endpoints[i];
        return NULL;
}

/* The host's file behind a flag of this container; NULL: it has none. */
static const char *find_flag_file(const Manifest *manifest, const char *container, const char *flag)
{
        for (size_t i = 0; i < manifest->n_files; i++) {
                const ManifestFile *file = &manifest->files[i];

                if (file->flag && streq(file->flag, flag) && streq(file->container, container))
                        return file->path;
        }
        return NULL;
}

static int read_flag_file(int root_fd, const Manifest *manifest, const char *container,
        const char *flag, FileImage **ret, Error *reterr)
{
        const char *path = find_flag_file(manifest, container, flag);

        return path ? fs_read_file(root_fd, path, FS_SIZE_MAX, ret, reterr)
                    : error_set(reterr, -ENOENT, "its manifest has no %s on this host", flag);
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
        return manifest_program(component->manifest, ETCD) != NULL;
}

int quorum_members(
        int root_fd, const InventoryComponent *component, EtcdMembers **ret, Error *reterr)
{
        const ManifestContainer *etcd = manifest_program(component->manifest, ETCD);
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
        const ManifestContainer *etcd = manifest_program(manifest, ETCD);
        __attribute__((cleanup(etcd_cluster_done))) EtcdCluster cluster = {};

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

/* How many answer, and are ill. */
static int count_ill(int root_fd, const Manifest *manifest, const char *container)
{
        __attribute__((cleanup(etcd_cluster_done))) EtcdCluster cluster = {};
        int r = look(root_fd, manifest, container, &cluster, NULL);

        return r < 0 ? r : (int)cluster.n_ill;
}

bool quorum_settles(int root_fd, const InventoryComponent *component)
{
        const ManifestContainer *etcd = manifest_program(component->manifest, ETCD);
        int64_t deadline = clock_monotonic() + PATIENCE_ELECTION * 1000;
        int n;

        for (;;) {
                n = etcd ? count_ill(root_fd, component->manifest, etcd->name) : -EOPNOTSUPP;
                if (n <= 0 || clock_monotonic() >= deadline || interrupt_is_pending())
                        return n == 0;
                clock_sleep(POLL);
        }
}

char **quorum_healthy(int root_fd, const InventoryComponent *component)
{
        const ManifestContainer *etcd = manifest_program(component->manifest, ETCD);
        __attribute__((cleanup(etcd_cluster_done))) EtcdCluster cluster = {};

        if (!etcd || look(root_fd, component->manifest, etcd->name, &cluster, NULL) < 0 ||
                cluster.n_voters == 1)
                return NULL;
        return TAKE(cluster.healthy);
}

static bool are_healthy(int root_fd, const Manifest *manifest, const char *container,
        char *const *names, Error *reterr)
{
        __attribute__((cleanup(etcd_cluster_done))) EtcdCluster cluster = {};

        if (look(root_fd, manifest, container, &cluster, reterr) < 0)
                return error_prefix(reterr, -EBUSY, "the members of etcd are not known") >= 0;
        for (; *names; names++)
                if (!strv_contains(cluster.healthy, *names))
                        return error_set(reterr, -EBUSY,
                                       "member '%s' of etcd was healthy before, and is not",
                                       *names) >= 0;
        return true;
}

/* Who is to lead, and who has led. */
typedef struct Handover {
        EtcdStatus here;
        char *heir;
} Handover;

static void handover_done(Handover *handover)
{
        etcd_status_done(&handover->here);
        free(handover->heir);
}

/* 1: another one leads now; 0: this one did not. */
static int order_handover(const Access *access, Handover *ret, Error *reterr)
{
        const char *host = access->endpoint->host;
        uint16_t port = access->endpoint->port;
        __attribute__((cleanup(etcd_cluster_done))) EtcdCluster cluster = {};
        int r;

        r = etcd_status(host, port, &access->tls, TIMEOUT, &ret->here, reterr);
        if (r < 0 || !streq(ret->here.id, ret->here.leader))
                return r;
        r = etcd_look(host, port, &access->tls, TIMEOUT, &cluster, reterr);
        if (r < 0)
                return r;
        if (!cluster.heir)
                return error_set(reterr, -EBUSY, "none of the other members of etcd is healthy");
        ret->heir = TAKE(cluster.heir);
        r = etcd_hand_over(host, port, &access->tls, TIMEOUT, ret->heir, reterr);
        return r < 0 ? r : 1;
}

/* Whom the one at this address follows. Another member may listen at it, too, on this host. */
static bool follows_at(const Access *access, const EtcdAddress *address, const EtcdMember *member,
        const char *leader)
{
        __attribute__((cleanup(etcd_status_done))) EtcdStatus status = {};

        return etcd_status(address->host, address->port, &access->tls, TIMEOUT, &status, NULL) >=
                       0 &&
               streq(status.id, member->id) && streq(status.leader, leader);
}

/* By what it says at one of its addresses for clients. */
static bool follows(const Access *access, const EtcdMember *member, const char *leader)
{
        for (size_t i = member->n_peers; i < member->n; i++)
                if (follows_at(access, &member->addresses[i], member, leader))
                        return true;
        return false;
}

static bool all_follow(
        const Access *access, char *const *healthy, const char *leader, Error *reterr)
{
        autoptr(EtcdMembers) members = NULL;

        if (etcd_list(access->endpoint->host, access->endpoint->port, &access->tls, TIMEOUT,
                    &members, reterr) < 0)
                return false;
        for (size_t i = 0; i < members->n; i++) {
                const EtcdMember *member = &members->list[i];

                if (strv_contains(healthy, member->name) && member->n > member->n_peers &&
                        !follows(access, member, leader))
                        return error_set(reterr, -EBUSY,
                                       "member '%s' of etcd does not follow another leader than "
                                       "this one: is the network cut between them?",
                                       member->name) >= 0;
        }
        return true;
}

/* Who leads now is asked to let this one lead again; whoever else listens there refuses. */
static void hand_back(const Access *access, const Handover *handover)
{
        autoptr(EtcdMembers) members = NULL;
        Error error = {};
        int r;

        r = etcd_list(access->endpoint->host, access->endpoint->port, &access->tls, TIMEOUT,
                &members, &error);
        for (size_t i = 0; r >= 0 && i < members->n; i++) {
                const EtcdMember *member = &members->list[i];

                for (size_t k = member->n_peers; k < member->n && streq(member->id, handover->heir);
                        k++)
                        if (etcd_hand_over(member->addresses[k].host, member->addresses[k].port,
                                    &access->tls, TIMEOUT, handover->here.id, &error) >= 0)
                                return;
        }
        log_debug("etcd does not give its leadership back: %s, ignoring", error.text);
}

int quorum_hand_over(
        int root_fd, const InventoryComponent *component, char *const *healthy, Error *reterr)
{
        const ManifestContainer *etcd = manifest_program(component->manifest, ETCD);
        __attribute__((cleanup(access_done))) Access access = {};
        __attribute__((cleanup(handover_done))) Handover handover = {};
        int64_t deadline;
        Error error = {};
        int r;

        if (!etcd || !healthy)
                return 0;
        r = read_access(root_fd, component->manifest, etcd->name, &access, &error);
        if (r >= 0)
                r = order_handover(&access, &handover, &error);
        if (r == -EBUSY || r == -ETIMEDOUT)
                return error_set(reterr, -EBUSY, "%s", error.text);
        if (r < 0)
                log_debug("etcd does not hand over its leadership: %s, ignoring", error.text);
        if (r <= 0)
                return 0;
        deadline = clock_monotonic() + PATIENCE_ELECTION * 1000;
        while (!all_follow(&access, healthy, handover.heir, &error)) {
                if (clock_monotonic() >= deadline || interrupt_is_pending()) {
                        hand_back(&access, &handover);
                        return error_set(reterr, -EBUSY, "%s", error.text);
                }
                clock_sleep(POLL);
        }
        return 0;
}

/* What it shows to its peers, and to clients, who come from elsewhere. */
static bool shows(const EtcdAddress *address, const CertList *file, Error *reterr)
{
        autoptr(CertList) chain = NULL;
        Error error = {};

        if (probe_tls(address->host, address->port, NULL, TIMEOUT, &chain, &error) >= 0 &&
                cert_equal(chain->certs[0], file->certs[0]))
                return true;
        error_set(reterr, -EPROTO,
                "at %s:%u, where its peers look for it, it does not show its file%s%s",
                address->host, (unsigned)address->port, *error.text ? ": " : "", error.text);
        return false;
}

static bool is_shown_to_peers(
        int root_fd, const InventoryComponent *component, const char *container, Error *reterr)
{
        autoptr(EtcdMembers) members = NULL;
        autoptr(FileImage) file = NULL;
        autoptr(CertList) certs = NULL;
        const char *path = find_flag_file(component->manifest, container, "--peer-cert-file");

        if (!path)
                return true; /* it shows nothing to them */
        if (fs_read_file(root_fd, path, FS_SIZE_MAX, &file, reterr) < 0 ||
                cert_list_parse(file->data, file->size, &certs, reterr) < 0 ||
                quorum_members(root_fd, component, &members, reterr) < 0)
                return false;
        for (size_t i = 0; i < members->n; i++)
                for (size_t k = 0; members->list[i].is_self && k < members->list[i].n_peers; k++)
                        if (!shows(&members->list[i].addresses[k], certs, reterr))
                                return false;
        return true;
}

bool quorum_is_back(
        int root_fd, const InventoryComponent *component, char *const *healthy, Error *reterr)
{
        const ManifestContainer *etcd = manifest_program(component->manifest, ETCD);

        return !etcd || !healthy ||
               (are_healthy(root_fd, component->manifest, etcd->name, healthy, reterr) &&
                       is_shown_to_peers(root_fd, component, etcd->name, reterr));
}

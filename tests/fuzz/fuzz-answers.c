/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "answers.h"
#include "base/fs.h"
#include "kube/api.h"
#include "kube/cri-internal.h"
#include "kube/csr-object.h"
#include "kube/endpoints.h"
#include "kube/etcd.h"
#include "kube/health.h"
#include "kube/lease.h"
#include "kube/secret-object.h"

#include <assert.h>

static void ask_etcd(Error *error)
{
        EtcdCluster cluster = {};
        HttpTls tls = {};

        if (etcd_look("127.0.0.1", 2379, &tls, 1, &cluster, error) < 0)
                return;
        error_set(error, 0, "well");
        assert(cluster.n_voters > 0 && cluster.n_healthy <= cluster.n_voters);
        assert(cluster.is_voter || !cluster.is_healthy_voter);
        assert(!etcd_may_stop(&cluster) || cluster.n_voters != 2 || !cluster.is_voter);
        assert(strv_length(cluster.healthy) == cluster.n_healthy);
        etcd_cluster_done(&cluster);
}

static void ask_api(Error *error)
{
        HttpTls tls = {};

        if (api_try_credentials("::1", 6443, &tls, 1, error) == API_ACCEPTED)
                error_set(error, 0, "well");
}

/* What is read of an object has to fit: its name becomes part of the next path. */
static void look_at(const CsrObject *object, void *userdata)
{
        size_t *n = userdata;

        assert(object->name[0] && !strpbrk(object->name, "/?#% ") && object->uid && object->reason);
        assert(object->state != CSR_ISSUED || object->certificate_pem);
        (*n)++;
}

static void ask_csr(Error *error)
{
        static char *usages[] = {(char *)"server auth", NULL};
        const ApiServer server = {.host = "::1", .port = 6443, .name = "::1", .timeout = 1};
        const CsrWish wish = {.name = "kube-renewd-x-1",
                .signer = "example.com/x",
                .request_pem = "request",
                .usages = usages,
                .owner = {"cp1", "kubelet"}};
        autoptr(CsrObject) created = NULL, *found = NULL;
        size_t n = 0;

        if (csr_object_create(&server, &wish, &created, error) < 0 ||
                csr_object_get(&server, wish.name, &found, error) < 0)
                return;
        look_at(created, &n);
        look_at(found, &n);
        (void)csr_object_is(found, &wish);
        if (csr_object_approve(&server, found, "because", error) < 0 ||
                csr_object_list(&server, &wish.owner, look_at, &n, error) < 0 ||
                csr_object_delete(&server, found, error) < 0)
                return;
        error_set(error, 0, "well");
}

static void look_at_server(const char *host, uint16_t port, void *userdata)
{
        assert(host && port);
}

/* Whoever holds it, for however long: a verdict, and one more claim. */
static void ask_lease(Error *error)
{
        const ApiServer server = {.host = "::1", .port = 6443, .name = "::1", .timeout = 1};
        const LeaseName name = {"kube-system", "x"};
        const LeaseClaim claim = {.holder = "cp1/x", .duration = 60};
        autoptr(Lease) lease = NULL, *written = NULL;
        LeaseSeen seen = {};

        if (endpoints_list(&server, look_at_server, NULL, error) < 0 ||
                lease_get(&server, &name, &lease, error) < 0)
                return;
        lease_see(&seen, lease, 1000);
        assert(lease_judge(&seen, "cp1", 1000) != LEASE_DEAD);
        assert(lease_wait(&seen, 1000) > 0 && lease_wait(&seen, INT64_MAX / 2) >= 0);
        lease_seen_done(&seen);
        if (lease_write(&server, &name, lease, &claim, &written, error) >= 0)
                error_set(error, 0, "well");
}

static void ask_health(Error *error)
{
        ManifestProbe probe = {.kind = PROBE_HTTP,
                .host = (char *)"::1",
                .port = 10248,
                .path = (char *)"/healthz",
                .timeout = 1};

        if (health_ask(&probe, error) == 0)
                error_set(error, 0, "well");
}

/* Its socket is only looked at: something has to be there. */
static void ask_runtime(Error *error)
{
        autofd int root_fd = fs_open_root("/", NULL);
        autoptr(CriList) list = NULL;
        autoptr(Cri) cri = NULL;

        if (cri_open(root_fd, "/dev/null", 1, &cri, error) < 0)
                return;
        assert(cri_runtime(cri));
        if (cri_list(cri, "kube-system", "etcd", "etcd", &list, error) < 0)
                return;
        if (cri_stop(cri, list->n > 0 ? list->containers[0].id : "none", 1, error) == 0)
                error_set(error, 0, "well");
}

/* What is taken of a Secret is what it has under that key, and what is sent never comes back. */
static void ask_secret(Error *error)
{
        static const char text[] = "-----BEGIN PRIVATE KEY-----";
        const ApiServer server = {.host = "::1", .port = 6443, .name = "::1", .timeout = 1};
        const Secret bytes = {(unsigned char *)text, strlen(text)};
        const SecretValue value = {"tls.key", &bytes};
        const SecretWish wish = {{"host", "pki"}, "Opaque", &value, 1};
        autoptr(SecretObject) object = NULL;
        autoptr(Secret) taken = NULL;

        if (secret_object_get(&server, &wish.place, &object, error) < 0)
                return;
        assert(object->version);
        if (secret_object_value(object, value.key, &taken, error) >= 0)
                assert(taken->data[taken->size] == 0);
        if (secret_object_differs(object, &wish) > 0 &&
                secret_object_patch(&server, object, &wish, error) < 0)
                return;
        error_set(error, 0, "well");
}

/* The first byte says who is asked; whoever does not get what he wants says why. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static void (*const ask[])(Error * error) = {
                ask_etcd, ask_api, ask_health, ask_runtime, ask_csr, ask_lease, ask_secret};
        Error error = {};

        if (size == 0)
                return 0;
        answers_are(data + 1, size - 1);
        ask[data[0] % ELEMENTSOF(ask)](&error);
        assert(error.text[0]);
        return 0;
}

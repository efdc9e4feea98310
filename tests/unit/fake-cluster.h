/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* API servers of one cluster, all in front of the same etcd, in place of http_call() (-Wl,--wrap):
 * they know Leases, the object default/kubernetes, and whether they are ready. The member of etcd
 * beside each is as well as that.
 *
 *     cluster_add("192.0.2.11");
 *     cluster_server("192.0.2.11")->status = -1;        from now on nobody answers; 403, 503: so
 *     cluster_lease("cp2/x", 60);                       somebody has written the lease
 *     cluster_on_request = function;                    called before each request
 *     cluster.members = "{…}, {…}";                     what etcd says of its members
 *     cluster.leader = xstrdup("2");                    and who leads; NULL: it is told to nobody
 *     cluster_reset();
 *
 * As the real ones: a name is there once, and a change of an old version is a conflict. */

#include "http-answer.h"
#include "kube/lease.h"

#define CLUSTER_LEASES "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"

typedef struct FakeServer {
        const char *host;
        long status;         /* of every answer; 0: as it is, -1: nobody answers */
        bool is_ready;       /* what it says of itself */
        const char *id;      /* of the member of etcd beside it; NULL: "1" */
        const char *follows; /* whom that one follows; NULL: the leader */
        size_t n_requests;
} FakeServer;

static struct {
        FakeServer servers[8];
        size_t n;
        json_t *lease;
        unsigned version;
        char **log;          /* "PUT /apis/… 192.0.2.11" */
        const char *members; /* JSON; NULL: etcd does not answer */
        const char *self;    /* the id of the member that is asked; NULL: "1" */
        char *leader;        /* its id; the member that is asked has the id 1 */
} cluster;

static void (*cluster_on_request)(const char *method);

static inline void cluster_reset(void)
{
        json_decref(cluster.lease);
        strv_free(cluster.log);
        free(cluster.leader);
        memset(&cluster, 0, sizeof(cluster));
        cluster_on_request = NULL;
}

static inline void cluster_add(const char *host)
{
        cluster.servers[cluster.n++] = (FakeServer){.host = host, .is_ready = true};
}

static inline FakeServer *cluster_server(const char *host)
{
        for (size_t i = 0; i < cluster.n; i++)
                if (streq(cluster.servers[i].host, host))
                        return &cluster.servers[i];
        return NULL;
}

static inline json_t *cluster_spec(void)
{
        return json_object_get(cluster.lease, "spec");
}

/* "": nobody. */
static inline const char *cluster_holder(void)
{
        const char *holder = api_text(cluster_spec(), "holderIdentity", NULL);

        return holder ? holder : "";
}

static inline void cluster_put(json_t *object)
{
        autofree char *version = xasprintf("%u", ++cluster.version);

        json_object_set_new(
                json_object_get(object, "metadata"), "resourceVersion", json_string(version));
        json_decref(cluster.lease);
        cluster.lease = object;
}

/* Somebody else writes it; duration 0: without one. */
static inline void cluster_lease(const char *holder, int64_t duration)
{
        json_t *spec = json_pack("{s:s}", "renewTime", "1990-01-01T00:00:00.000000Z");

        if (*holder)
                json_object_set_new(spec, "holderIdentity", json_string(holder));
        if (duration > 0)
                json_object_set_new(spec, "leaseDurationSeconds", json_integer(duration));
        cluster_put(
                xcheck(json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", "coordination.k8s.io/v1",
                        "kind", "Lease", "metadata", "name", "kube-renewd-restart", "spec", spec)));
}

static inline size_t cluster_asked(const char *beginning)
{
        size_t n = 0;

        for (char **line = cluster.log; line && *line; line++)
                n += starts_with(*line, beginning);
        return n;
}

static inline int cluster_refuse(HttpAnswer **ret, long status, const char *message)
{
        return http_answer_json(ret, status, json_pack("{s:s}", "message", message));
}

/* Only those that answer are in there. */
static inline json_t *cluster_endpoints(void)
{
        json_t *addresses = json_array();

        for (size_t i = 0; i < cluster.n; i++)
                if (cluster.servers[i].status == 0)
                        json_array_append_new(
                                addresses, json_pack("{s:s}", "ip", cluster.servers[i].host));
        return json_pack(
                "{s:[{s:o, s:[{s:i}]}]}", "subsets", "addresses", addresses, "ports", "port", 6443);
}

static inline json_t *cluster_version(const json_t *object)
{
        return json_object_get(json_object_get(object, "metadata"), "resourceVersion");
}

static inline int cluster_serve(const FakeServer *server, const char *method, const char *path,
        json_t *body, HttpAnswer **ret)
{
        if (streq(path, "/readyz"))
                return cluster_refuse(ret, server->is_ready ? 200 : 500, "");
        if (streq(path, "/api/v1/namespaces/default/endpoints/kubernetes"))
                return http_answer_json(ret, 200, cluster_endpoints());
        if (!starts_with(path, CLUSTER_LEASES))
                return cluster_refuse(ret, 404, "no such resource");
        if (streq(method, "GET") && cluster.lease)
                return http_answer_json(ret, 200, json_incref(cluster.lease));
        if (streq(method, "GET"))
                return cluster_refuse(ret, 404, "not found");
        if (streq(method, "POST") == !!cluster.lease ||
                (cluster.lease &&
                        !json_equal(cluster_version(cluster.lease), cluster_version(body))))
                return cluster_refuse(ret, 409, "the object has been modified");
        cluster_put(json_deep_copy(body));
        return http_answer_json(ret, 200, json_incref(cluster.lease));
}

/* Only who leads can let another one lead. */
static inline int cluster_maintain(
        const FakeServer *server, const char *path, json_t *body, HttpAnswer **ret)
{
        const char *heir = api_text(body, "targetID", NULL);
        const char *id = server && server->id ? server->id : "1";

        if (!cluster.leader)
                return cluster_refuse(ret, 403, "permission denied");
        if (streq(path, "/v3/maintenance/status"))
                return http_answer_json(ret, 200,
                        json_pack("{s:{s:s}, s:s}", "header", "member_id", id, "leader",
                                server && server->follows ? server->follows : cluster.leader));
        if (!heir || !streq(cluster.leader, id))
                return cluster_refuse(ret, 412, "etcdserver: not leader");
        free(cluster.leader);
        cluster.leader = xstrdup(heir);
        return http_answer_json(ret, 200, json_object());
}

static inline int cluster_etcd(
        const FakeServer *server, const char *path, json_t *body, HttpAnswer **ret, Error *reterr)
{
        HttpAnswer *answer;

        if (!cluster.members)
                return error_set(reterr, -ECONNREFUSED, "etcd: nobody listens");
        if (starts_with(path, "/v3/maintenance/"))
                return cluster_maintain(server, path, body, ret);
        answer = xcalloc(1, sizeof(*answer));
        answer->status = 200;
        answer->body = xasprintf("{\"header\":{\"member_id\":\"%s\"},\"members\":[%s]}",
                cluster.self ? cluster.self : "1", cluster.members);
        answer->body_size = strlen(answer->body);
        *ret = answer;
        return 0;
}

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr);

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr)
{
        const char *method = request->method ? request->method : request->body ? "POST" : "GET";
        const char *at =
                request->connect_to ? request->connect_to : request->url + strlen("https://");
        const char *path = strchr(request->url + strlen("https://"), '/');
        autofree char *host = *at == '[' ? xstrndup(at + 1, strcspn(at + 1, "]"))
                                         : xstrndup(at, strcspn(at, ":"));
        FakeServer *server = cluster_server(host);
        autoptr(json_t) body = NULL;

        strv_take(&cluster.log, xasprintf("%s %s %s", method, path, host));
        if (cluster_on_request)
                cluster_on_request(method);
        if (request->body)
                assert_int_equal(json_read(request->body, request->body_size, &body, NULL), 0);
        if (starts_with(path, "/v3/"))
                return cluster_etcd(server, path, body, ret, reterr);
        if (!server || server->status < 0)
                return error_set(reterr, -ECONNREFUSED, "%s: nobody listens", host);
        server->n_requests++;
        if (streq(path, "/health"))
                return http_answer_json(ret, server->is_ready ? 200 : 503,
                        json_pack("{s:s}", "health", server->is_ready ? "true" : "false"));
        if (server->status > 0)
                return cluster_refuse(ret, server->status, "not for you");
        return cluster_serve(server, method, path, body, ret);
}

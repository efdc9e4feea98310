/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An API server that knows CertificateSigningRequests, in place of http_call() (-Wl,--wrap), for
 * the faults that a real one does not show on demand.
 *
 *     api_fail("POST", 403, "forbidden: User …");     from now on; 0: it works again
 *     api_fail_once("GET", 404, "not found");         and then as it is
 *     api_decide("kube-renewd-x-1", "Denied", "Policy", "not like this");
 *     assert_int_equal(api_asked("POST"), 1);
 *     api_reset();
 *
 * As the real one: a name is there once, an object has an uid, a change of an old version is a
 * conflict. It answers any selector with all objects: who asks has to look himself. */

#include "base/digest.h"
#include "http-answer.h"

#define API_OBJECTS "/apis/certificates.k8s.io/v1/certificatesigningrequests"

static struct {
        json_t *objects;                /* by name */
        char **log;                     /* "POST /apis/…" */
        char *url, *connect_to, *token; /* of the last request; NULL: none */
        struct {
                const char *method;
                long status; /* -1: nobody answers */
                const char *message;
                bool once;
        } fault;
        unsigned n_uids;
} api;

static inline void api_reset(void)
{
        json_decref(api.objects);
        strv_free(api.log);
        free(api.url);
        free(api.connect_to);
        free(api.token);
        memset(&api, 0, sizeof(api));
}

static inline void api_fail(const char *method, long status, const char *message)
{
        api.fault.method = method;
        api.fault.status = status;
        api.fault.message = message;
        api.fault.once = false;
}

static inline void api_fail_once(const char *method, long status, const char *message)
{
        api_fail(method, status, message);
        api.fault.once = true;
}

/* How many requests of this method there were. */
static inline size_t api_asked(const char *method)
{
        size_t n = 0;

        for (char **line = api.log; line && *line; line++)
                n += starts_with(*line, method) && (*line)[strlen(method)] == ' ';
        return n;
}

static inline json_t *api_object(const char *name)
{
        return json_object_get(api.objects, name);
}

/* All names, in their order, with a blank between them; the caller frees. */
static inline char *api_names(void)
{
        autostrv names = NULL;
        const char *name;
        json_t *object;

        json_object_foreach(api.objects, name, object) strv_add(&names, name);
        return strv_join(names, " ");
}

/* Somebody has changed it. */
static inline void api_touch(json_t *object)
{
        autofree char *version = xasprintf("%u", ++api.n_uids);

        json_object_set_new(
                json_object_get(object, "metadata"), "resourceVersion", json_string(version));
}

/* Puts an object there as somebody has made it. Takes it. */
static inline json_t *api_put(const char *name, json_t *object)
{
        autofree char *uid = xasprintf("uid-%u", ++api.n_uids), *key = xstrdup(name);
        json_t *metadata = json_object_get(xcheck(object), "metadata");

        if (!api.objects)
                api.objects = json_object();
        assert_non_null(metadata);
        json_object_set_new(metadata, "name", json_string(key));
        json_object_set_new(metadata, "uid", json_string(uid));
        if (!json_object_get(object, "status"))
                json_object_set_new(object, "status", json_object());
        json_object_set_new(api.objects, key, object);
        api_touch(object);
        return object;
}

/* The type of condition that kubectl or a controller sets. */
static inline void api_decide(
        const char *name, const char *type, const char *reason, const char *message)
{
        json_t *object = api_object(name), *status = json_object_get(object, "status");

        assert_non_null(object);
        if (!json_object_get(status, "conditions"))
                json_object_set_new(status, "conditions", json_array());
        json_array_append_new(json_object_get(status, "conditions"),
                json_pack("{s:s, s:s, s:s, s:s}", "type", type, "status", "True", "reason", reason,
                        "message", message));
        api_touch(object);
}

static inline void api_issue(const char *name, const char *pem)
{
        autofree char *base64 = base64_encode(pem, strlen(pem));

        assert_non_null(api_object(name));
        json_object_set_new(
                json_object_get(api_object(name), "status"), "certificate", json_string(base64));
}

static inline int api_refuse(HttpAnswer **ret, long status, const char *message)
{
        return http_answer_json(
                ret, status, json_pack("{s:s, s:s}", "kind", "Status", "message", message));
}

static inline int api_create(json_t *object, HttpAnswer **ret)
{
        const char *name =
                json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));

        assert_non_null(name);
        if (api_object(name))
                return api_refuse(ret, 409, "already exists");
        return http_answer_json(ret, 201, json_incref(api_put(name, json_incref(object))));
}

/* Only conditions are taken over, and only into the version that they were made for. */
static inline int api_approve(json_t *old, const json_t *fresh, HttpAnswer **ret)
{
        const json_t *status = json_object_get(fresh, "status");

        if (!json_equal(json_object_get(json_object_get(old, "metadata"), "resourceVersion"),
                    json_object_get(json_object_get(fresh, "metadata"), "resourceVersion")))
                return api_refuse(ret, 409, "the object has been modified");
        json_object_set(json_object_get(old, "status"), "conditions",
                json_object_get(status, "conditions"));
        api_touch(old);
        return http_answer_json(ret, 200, json_incref(old));
}

static inline int api_delete(
        json_t *object, const char *name, const json_t *options, HttpAnswer **ret)
{
        const json_t *uid = json_object_get(json_object_get(options, "preconditions"), "uid");

        if (uid && !json_equal(uid, json_object_get(json_object_get(object, "metadata"), "uid")))
                return api_refuse(ret, 409, "another uid");
        json_object_del(api.objects, name);
        return http_answer_json(ret, 200, json_pack("{s:s}", "kind", "Status"));
}

static inline int api_list_all(HttpAnswer **ret)
{
        json_t *items = json_array(), *object;
        const char *name;

        json_object_foreach(api.objects, name, object) json_array_append(items, object);
        return http_answer_json(ret, 200, json_pack("{s:{}, s:o}", "metadata", "items", items));
}

static inline int api_serve(const char *method, const char *path, json_t *body, HttpAnswer **ret)
{
        const char *rest = path + strlen(API_OBJECTS);
        autofree char *name = NULL;
        json_t *object;

        if (!starts_with(path, API_OBJECTS))
                return api_refuse(ret, 404, "no such resource");
        if (*rest != '/')
                return streq(method, "POST") ? api_create(body, ret) : api_list_all(ret);
        name = xstrndup(rest + 1, strcspn(rest + 1, "/"));
        object = api_object(name);
        if (!object)
                return api_refuse(ret, 404, "not found");
        if (streq(method, "PUT")) {
                assert_string_equal(rest + 1 + strlen(name), "/approval");
                return api_approve(object, body, ret);
        }
        return streq(method, "DELETE") ? api_delete(object, name, body, ret)
                                       : http_answer_json(ret, 200, json_incref(object));
}

static inline void api_note(const HttpRequest *request)
{
        const Secret *token = request->token;

        free(api.url);
        free(api.connect_to);
        free(api.token);
        api.url = xstrdup(request->url);
        api.connect_to = xstrdup(request->connect_to);
        api.token = token ? xstrndup((char *)token->data, token->size) : NULL;
}

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr);

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr)
{
        const char *method = request->method ? request->method : "GET", *path;
        autoptr(json_t) body = NULL;

        assert_true(starts_with(request->url, "https://"));
        path = strchr(request->url + strlen("https://"), '/');
        assert_non_null(path);
        strv_take(&api.log, xasprintf("%s %s", method, path));
        api_note(request);
        if (api.fault.status && streq(api.fault.method, method)) {
                long status = api.fault.status;

                if (api.fault.once)
                        api.fault.status = 0;
                if (status < 0)
                        return error_set(reterr, -ECONNREFUSED, "%s: nobody listens", request->url);
                return api_refuse(ret, status, api.fault.message);
        }
        if (request->body)
                assert_int_equal(json_read(request->body, request->body_size, &body, NULL), 0);
        return api_serve(method, path, body, ret);
}

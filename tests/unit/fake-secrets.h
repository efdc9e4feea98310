/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An API server that knows Secrets, in place of http_call() (-Wl,--wrap), for what a real one does
 * not show on demand.
 *
 *     secrets_fail("PATCH", 403, "forbidden: User …");     from now on; 0: it works again
 *     secrets.between = somebody_writes;                    before each PATCH and POST
 *     secrets_put("host", "pki", json);
 *     assert_int_equal(secrets_asked("PATCH"), 1);
 *
 * As the real one: a merge patch of another state than the one that is there is a conflict, a name
 * is there once. */

#include "base/digest.h"
#include "http-answer.h"

static struct {
        json_t *objects; /* by "NAMESPACE/NAME" */
        char **log;      /* "PATCH /api/…" */
        char *body;      /* of the last request that had one */
        struct {
                const char *method;
                long status; /* -1: nobody answers */
                const char *message;
        } fault;
        void (*between)(void);
        unsigned version;
} secrets;

static inline void secrets_reset(void)
{
        json_decref(secrets.objects);
        strv_free(secrets.log);
        free(secrets.body);
        memset(&secrets, 0, sizeof(secrets));
        secrets.objects = json_object();
}

static inline void secrets_fail(const char *method, long status, const char *message)
{
        secrets.fault.method = method;
        secrets.fault.status = status;
        secrets.fault.message = message;
}

static inline size_t secrets_asked(const char *method)
{
        size_t n = 0;

        for (char **line = secrets.log; line && *line; line++)
                n += starts_with(*line, method) && (*line)[strlen(method)] == ' ';
        return n;
}

static inline json_t *secrets_object(const char *place)
{
        return json_object_get(secrets.objects, place);
}

static inline void secrets_touch(json_t *object)
{
        autofree char *version = xasprintf("%u", ++secrets.version);

        json_object_set_new(
                json_object_get(object, "metadata"), "resourceVersion", json_string(version));
}

/* Takes the object. */
static inline json_t *secrets_put(const char *place, json_t *object)
{
        assert_non_null(object);
        if (!json_object_get(object, "metadata"))
                json_object_set_new(object, "metadata", json_object());
        json_object_set_new(secrets.objects, place, object);
        secrets_touch(object);
        return object;
}

/* Somebody writes a key. */
static inline void secrets_set(const char *place, const char *key, const char *text)
{
        autofree char *base64 = base64_encode(text, strlen(text));
        json_t *object = secrets_object(place);

        if (!object)
                object = secrets_put(place, json_object());
        if (!json_object_get(object, "data"))
                json_object_set_new(object, "data", json_object());
        json_object_set_new(json_object_get(object, "data"), key, json_string(base64));
        secrets_touch(object);
}

/* What a key holds, NULL if it is not there; the caller frees. */
static inline char *secrets_get(const char *place, const char *key)
{
        const char *base64 = json_string_value(
                json_object_get(json_object_get(secrets_object(place), "data"), key));
        unsigned char *text = NULL;
        size_t size;

        if (base64)
                assert_int_equal(base64_decode(base64, strlen(base64), &text, &size), 0);
        return (char *)text;
}

static inline int secrets_refuse(HttpAnswer **ret, long status, const char *message)
{
        return http_answer_json(
                ret, status, json_pack("{s:s, s:s}", "kind", "Status", "message", message));
}

static inline int secrets_create(const char *namespace, json_t *object, HttpAnswer **ret)
{
        const char *name =
                json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
        autofree char *place = xasprintf("%s/%s", namespace, name);

        if (secrets_object(place))
                return secrets_refuse(ret, 409, "already exists");
        return http_answer_json(ret, 201, json_incref(secrets_put(place, json_incref(object))));
}

static inline int secrets_patch(json_t *object, const json_t *patch, HttpAnswer **ret)
{
        const json_t *metadata = json_object_get(patch, "metadata");
        json_t *data = json_object_get(object, "data");

        if (!json_equal(json_object_get(json_object_get(object, "metadata"), "resourceVersion"),
                    json_object_get(metadata, "resourceVersion")))
                return secrets_refuse(ret, 409, "the object has been modified");
        assert_int_equal(json_object_size(patch), 2);
        assert_int_equal(json_object_size(metadata), 1);
        if (!data) {
                data = json_object();
                json_object_set_new(object, "data", data);
        }
        json_object_update(data, json_object_get(patch, "data"));
        secrets_touch(object);
        return http_answer_json(ret, 200, json_incref(object));
}

static inline int secrets_serve(
        const char *method, const char *path, json_t *body, HttpAnswer **ret)
{
        char namespace[64] = "", name[64] = "";
        autofree char *place = NULL;
        json_t *object;

        assert_true(sscanf(path, "/api/v1/namespaces/%63[^/]/secrets/%63s", namespace, name) > 0);
        if (streq(method, "POST")) {
                assert_string_equal(name, "");
                return secrets_create(namespace, body, ret);
        }
        place = xasprintf("%s/%s", namespace, name);
        object = secrets_object(place);
        if (!object)
                return secrets_refuse(ret, 404, "not found");
        return streq(method, "PATCH") ? secrets_patch(object, body, ret)
                                      : http_answer_json(ret, 200, json_incref(object));
}

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr);

int __wrap_http_call(const HttpRequest *request, HttpAnswer **ret, Error *reterr)
{
        const char *method = request->method ? request->method : "GET", *path;
        autoptr(json_t) body = NULL;

        assert_true(request->timeout > 0);
        path = strchr(request->url + strlen("https://"), '/');
        strv_take(&secrets.log, xasprintf("%s %s", method, path));
        if (secrets.between && request->body)
                secrets.between();
        if (request->body) {
                free(secrets.body);
                secrets.body = xstrndup(request->body, request->body_size);
                assert_string_equal(request->content_type, streq(method, "PATCH")
                                                                   ? "application/merge-patch+json"
                                                                   : "application/json");
                assert_int_equal(json_read(request->body, request->body_size, &body, NULL), 0);
        }
        if (secrets.fault.status < 0)
                return error_set(reterr, -ECONNREFUSED, "%s: nobody listens", request->url);
        if (secrets.fault.status > 0 && streq(secrets.fault.method, method))
                return secrets_refuse(ret, secrets.fault.status, secrets.fault.message);
        return secrets_serve(method, path, body, ret);
}

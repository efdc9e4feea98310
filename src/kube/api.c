/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/api.h"

#define PAGES_MAX 10000

/* An API server that lets anybody in answers 403 to who is nobody: then our certificate has not
 * even been looked at. */
static bool is_anonymous(const HttpAnswer *answer)
{
        return strstr(answer->body, "system:anonymous");
}

static ApiVerdict judge(const HttpAnswer *answer, Error *reterr)
{
        switch (answer->status) {
        case 200:
                return API_ACCEPTED;
        case 401:
                error_set(reterr, -EACCES, "the API server does not know these credentials");
                return API_REFUSED;
        case 403:
                if (!is_anonymous(answer))
                        return API_ACCEPTED;
                error_set(reterr, -EACCES, "the API server takes these credentials for nobody's");
                return API_REFUSED;
        default:
                error_set(reterr, -EIO, "the API server answers with HTTP status %ld",
                        answer->status);
                return API_SILENT;
        }
}

/* One request. kubeadm's certificate has the name "kubernetes", whatever addresses it has; another
 * may not. */
static int ask(const ApiServer *server, HttpRequest *request, const char *path, HttpAnswer **ret,
        Error *reterr)
{
        const char *name = server->name ? server->name : "kubernetes";
        const char *prefix = server->prefix ? server->prefix : "";
        autofree char *authority = http_authority(server->host, server->port);
        autofree char *name_authority = http_authority(name, server->port);
        autofree char *by_name = xasprintf("https://%s%s%s", name_authority, prefix, path);
        autofree char *by_host = xasprintf("https://%s%s%s", authority, prefix, path);
        int r;

        request->url = by_name;
        request->connect_to = authority;
        request->tls = server->tls;
        request->token = server->token;
        request->timeout = server->timeout;
        r = http_call(request, ret, reterr);
        if (r == -EKEYREJECTED && !server->name) {
                request->url = by_host;
                request->connect_to = NULL;
                r = http_call(request, ret, NULL);
        }
        return r;
}

ApiVerdict api_try_credentials(
        const char *host, uint16_t port, const HttpTls *tls, unsigned timeout, Error *reterr)
{
        const ApiServer server = {.host = host, .port = port, .tls = *tls, .timeout = timeout};
        autoptr(HttpAnswer) answer = NULL;
        HttpRequest request = {};
        Error error = {};
        int r;

        r = ask(&server, &request, "/api", &answer, &error);
        if (r < 0) {
                error_set(reterr, r, "no trustworthy answer from the API server: %s", error.text);
                return API_SILENT;
        }
        return judge(answer, reterr);
}

static int error_of(long status)
{
        static const struct {
                long status;
                int r;
        } meanings[] = {
                {400, -EBADRQC},
                {401, -EACCES},
                {403, -EACCES},
                {404, -ENOENT},
                {409, -EEXIST},
                {410, -ESTALE},
                {422, -EBADRQC},
        };

        for (size_t i = 0; i < ELEMENTSOF(meanings); i++)
                if (meanings[i].status == status)
                        return meanings[i].r;
        return -EIO;
}

/* Every answer is an object, and one that is none of ours says why: a `Status` of
 * k8s.io/apimachinery. */
static int read_answer(
        const HttpAnswer *answer, const char *method, const char *path, json_t **ret, Error *reterr)
{
        bool is_well = answer->status >= 200 && answer->status < 300;
        autoptr(json_t) object = NULL;
        const char *message;
        Error error = {};
        int r;

        r = json_read(answer->body, answer->body_size, &object, &error);
        if (!is_well) {
                message = r < 0 ? NULL : api_text(object, "message", NULL);
                return error_set(reterr, error_of(answer->status),
                        "the API server answers %s %s with HTTP status %ld%s%s", method, path,
                        answer->status, message ? ": " : "", message ? message : "");
        }
        if (r < 0 || !json_is_object(object))
                return error_set(reterr, -EBADMSG, "the answer to %s %s is no JSON object%s%s",
                        method, path, r < 0 ? ": " : "", r < 0 ? error.text : "");
        *ret = TAKE(object);
        return 0;
}

int api_get(const ApiServer *server, const char *path, json_t **ret, Error *reterr)
{
        return api_write(server, "GET", path, NULL, ret, reterr);
}

/* RFC 7396: what is not named stays as it is. */
static const char *content_type_of(const char *method)
{
        return streq(method, "PATCH") ? "application/merge-patch+json" : "application/json";
}

static void wipe(char *body)
{
        if (body)
                explicit_bzero(body, strlen(body));
}

int api_write(const ApiServer *server, const char *method, const char *path, const json_t *object,
        json_t **ret, Error *reterr)
{
        autofree char *body = object ? json_text(object) : NULL;
        HttpRequest request = {.method = method,
                .body = body,
                .body_size = body ? strlen(body) : 0,
                .content_type = content_type_of(method)};
        autoptr(HttpAnswer) answer = NULL;
        autoptr(json_t) answered = NULL;
        Error error = {};
        int r;

        r = ask(server, &request, path, &answer, &error);
        wipe(body);
        if (r < 0)
                return error_set(
                        reterr, r, "no trustworthy answer from the API server: %s", error.text);
        r = read_answer(answer, method, path, &answered, reterr);
        if (r >= 0 && ret)
                *ret = TAKE(answered);
        return r;
}

int api_ask_ready(const ApiServer *server, Error *reterr)
{
        autoptr(HttpAnswer) answer = NULL;
        HttpRequest request = {};
        int r;

        r = ask(server, &request, "/readyz", &answer, reterr);
        if (r < 0 || answer->status == 200 || answer->status == 404)
                return r < 0 ? r : 0;
        r = answer->status == 401 || answer->status == 403 ? -EACCES : -EIO;
        return error_set(reterr, r, "the API server answers GET /readyz with HTTP status %ld",
                answer->status);
}

/* `continue` is opaque, and need not be fit for a URL. The caller frees. */
static char *escape_query(const char *text)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-_.~";
        char *escaped = xcalloc(strlen(text) + 1, strlen("%00"));
        size_t n = 0;

        for (; *text; text++)
                n += (size_t)sprintf(
                        escaped + n, strchr(plain, *text) ? "%c" : "%%%02X", (unsigned char)*text);
        return escaped;
}

static char *page_path(const char *path, unsigned size, const char *token)
{
        autofree char *escaped = escape_query(token);

        return xasprintf("%s%climit=%u%s%s", path, strchr(path, '?') ? '&' : '?', size,
                *token ? "&continue=" : "", escaped);
}

int api_list(const ApiServer *server, const char *path, unsigned page_size, ApiVisit visit,
        void *userdata, Error *reterr)
{
        autofree char *token = xstrdup("");

        for (unsigned n = 0; n < PAGES_MAX; n++) {
                autofree char *page = page_path(path, page_size, token);
                autoptr(json_t) list = NULL;
                const char *next;
                json_t *object;
                size_t i;
                int r;

                r = api_get(server, page, &list, reterr);
                if (r < 0)
                        return r;
                json_array_foreach(json_object_get(list, "items"), i, object)
                        visit(object, userdata);
                next = api_text(list, "metadata", "continue", NULL);
                if (!next || !*next)
                        return 0;
                free(token);
                token = xstrdup(next);
        }
        return error_set(reterr, -E2BIG, "the list '%s' does not end", path);
}

const char *api_text(const json_t *object, ...)
{
        const char *key;
        va_list keys;

        va_start(keys, object);
        while ((key = va_arg(keys, const char *)))
                object = json_object_get(object, key);
        va_end(keys);
        return json_string_value(object);
}

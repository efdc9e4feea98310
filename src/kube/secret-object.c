/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/secret-object.h"

#include "base/digest.h"

#include <ctype.h>

#define KEY_MAX 253 /* IsConfigMapKey() of k8s.io/apimachinery pkg/util/validation */

#define LABEL_PROGRAM "app.kubernetes.io/managed-by"
#define PROGRAM       "kube-renewd"

#define ECHO 24 /* so many digits of base64 in a row are no coincidence */

void secret_object_free(SecretObject *object)
{
        if (!object)
                return;
        json_decref(object->json);
        free(object);
}

bool secret_object_is_key(const char *text)
{
        size_t length = strlen(text);

        for (const char *c = text; *c; c++)
                if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
                        return false;
        return length > 0 && length <= KEY_MAX && !streq(text, ".") && !starts_with(text, "..");
}

static char *list_path(const SecretPlace *place)
{
        return xasprintf("/api/v1/namespaces/%s/secrets", place->namespace);
}

static char *object_path(const SecretPlace *place)
{
        return xasprintf("/api/v1/namespaces/%s/secrets/%s", place->namespace, place->name);
}

int secret_object_get(
        const ApiServer *server, const SecretPlace *place, SecretObject **ret, Error *reterr)
{
        autoptr(SecretObject) object = xcalloc(1, sizeof(*object));
        autofree char *path = object_path(place);
        int r;

        json_wipe();
        r = api_get(server, path, &object->json, reterr);
        object->version = api_text(object->json, "metadata", "resourceVersion", NULL);

        /* Nor does a parser's message quote what is in it. */
        if (r == -EBADMSG || (r >= 0 && !object->version))
                return error_set(reterr, -EBADMSG, "the answer to GET %s is no Secret", path);
        if (r < 0)
                return r;
        *ret = TAKE(object);
        return 0;
}

int secret_object_value(const SecretObject *object, const char *key, Secret **ret, Error *reterr)
{
        const char *base64 = api_text(object->json, "data", key, NULL);
        Secret *bytes;

        if (!base64)
                return error_set(reterr, -ENOENT, "it has no key '%s'", key);
        bytes = xcalloc(1, sizeof(*bytes));
        if (base64_decode(base64, strlen(base64), &bytes->data, &bytes->size) >= 0) {
                *ret = bytes;
                return 0;
        }
        free(bytes);
        return error_set(reterr, -EBADMSG, "what it has as '%s' is no base64", key);
}

static bool holds(const SecretObject *object, const SecretValue *value)
{
        autoptr(Secret) bytes = NULL;

        return secret_object_value(object, value->key, &bytes, NULL) >= 0 &&
               bytes->size == value->bytes->size &&
               memcmp(bytes->data, value->bytes->data, bytes->size) == 0;
}

size_t secret_object_differs(const SecretObject *object, const SecretWish *wish)
{
        size_t n = 0;

        for (size_t i = 0; i < wish->n; i++)
                n += !holds(object, &wish->values[i]);
        return n;
}

/* The values that `object` does not hold; NULL: all. */
static json_t *data_of(const SecretWish *wish, const SecretObject *object)
{
        json_t *data = xcheck(json_object());

        for (size_t i = 0; i < wish->n; i++) {
                const SecretValue *value = &wish->values[i];
                char *base64;

                if (object && holds(object, value))
                        continue;
                base64 = base64_encode(value->bytes->data, value->bytes->size);
                json_object_set_new(data, value->key, xcheck(json_string(base64)));
                explicit_bzero(base64, strlen(base64));
                free(base64);
        }
        return data;
}

static bool is_echo(const char *text, const char *base64)
{
        for (size_t i = 0; i + ECHO <= strlen(text); i++) {
                autofree char *piece = xstrndup(text + i, ECHO);

                if (strstr(base64, piece))
                        return true;
        }
        return false;
}

/* A decoder that complains quotes what it could not read. */
static int write_object(const ApiServer *server, const char *method, const char *path,
        const json_t *object, Error *reterr)
{
        Error error = {};
        int r = api_write(server, method, path, object, NULL, &error);
        json_t *value;
        const char *key;

        if (r >= 0)
                return 0;
        json_object_foreach(json_object_get(object, "data"), key, value)
        {
                if (is_echo(error.text, json_string_value(value)))
                        error_set(&error, r,
                                "the API server refuses %s %s, and quotes what must not be shown",
                                method, path);
        }
        return error_set(reterr, r, "%s", error.text);
}

int secret_object_create(const ApiServer *server, const SecretWish *wish, Error *reterr)
{
        autofree char *path = list_path(&wish->place);
        autoptr(json_t) object = NULL;

        json_wipe();
        object = xcheck(json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:s, s:o}", "apiVersion", "v1",
                "kind", "Secret", "metadata", "name", wish->place.name, "labels", LABEL_PROGRAM,
                PROGRAM, "type", wish->type, "data", data_of(wish, NULL)));
        return write_object(server, "POST", path, object, reterr);
}

int secret_object_patch(
        const ApiServer *server, const SecretObject *object, const SecretWish *wish, Error *reterr)
{
        autofree char *path = object_path(&wish->place);
        autoptr(json_t) patch = xcheck(json_pack("{s:{s:s}, s:o}", "metadata", "resourceVersion",
                object->version, "data", data_of(wish, object)));

        return write_object(server, "PATCH", path, patch, reterr);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Secret objects of a cluster: read, made, and changed in the keys that are named and in no other.
 *
 *     r = secret_object_get(&access->server, &place, &object, reterr);
 *     r = secret_object_value(object, "apiserver.key", &bytes, reterr);
 *     if (secret_object_differs(object, &wish)) r = secret_object_patch(server, object, &wish,
 * reterr);
 *
 * A change is for the state of the object that was read, and is refused where somebody else has
 * changed it since (-EEXIST). What is in it is wiped, and in no error, whatever the server answers.
 * Source: core/v1 of k8s.io/api, pkg/apis/core/validation of Kubernetes. No X.509 here. */

#include "kube/api.h"

typedef struct SecretPlace {
        const char *namespace, *name; /* DNS names, as Kubernetes wants them */
} SecretPlace;

typedef struct SecretObject {
        const char *version; /* which state of it this is (metadata.resourceVersion) */
        json_t *json;        /* private */
} SecretObject;

void secret_object_free(SecretObject *object);
DEFINE_AUTOPTR(SecretObject, secret_object_free)

/* What some of its keys are to hold. */
typedef struct SecretValue {
        const char *key;
        const Secret *bytes;
} SecretValue;

typedef struct SecretWish {
        SecretPlace place;
        const char *type; /* of one that is made: "Opaque" */
        const SecretValue *values;
        size_t n;
} SecretWish;

/* Can a Secret have a key of that name? */
bool secret_object_is_key(const char *text);

/* -ENOENT if there is none, -EBADMSG if what is answered is none; otherwise as api_get(). */
int secret_object_get(const ApiServer *server, const SecretPlace *place, SecretObject **ret,
        Error *reterr) MUST_USE;

/* -ENOENT if it has no such key, -EBADMSG if what is there is no base64. */
int secret_object_value(
        const SecretObject *object, const char *key, Secret **ret, Error *reterr) MUST_USE;

/* How many of the values it does not hold. */
size_t secret_object_differs(const SecretObject *object, const SecretWish *wish);

/* Makes it. -EEXIST if there is one by now, -EBADRQC if it will never be taken; otherwise as
 * api_write(). */
int secret_object_create(const ApiServer *server, const SecretWish *wish, Error *reterr) MUST_USE;

/* Sets the values that differ. -EEXIST if it is not as it was when it was read, -ENOENT if it is
 * gone, -EBADRQC if the change will never be taken; otherwise as api_write(). */
int secret_object_patch(const ApiServer *server, const SecretObject *object, const SecretWish *wish,
        Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/digest.h"
#include "base/json.h"
#include "renew/inventory/inventory-internal.h"

/* Where a Secret of the type kubernetes.io/tls has them (k8s.io/api/core/v1 types.go). */
#define DATA_CERTIFICATE "tls.crt"
#define DATA_KEY         "tls.key"

/* The bytes of one entry; NULL if it has none. What was read is wiped: it may be a key. */
static Secret *take_data(const json_t *data, const char *name)
{
        const json_t *value = json_object_get(data, name);
        const char *text = json_string_value(value);
        unsigned char *bytes;
        Secret *secret;
        size_t size;
        int r;

        if (!text)
                return NULL;
        r = base64_decode(text, json_string_length(value), &bytes, &size);
        explicit_bzero((char *)text, json_string_length(value));
        if (r < 0)
                return NULL;
        secret = secret_new(bytes, size);
        explicit_bzero(bytes, size);
        free(bytes);
        return secret;
}

/* A PEM text does not begin with a brace. */
InventoryFile *inventory_secret(InventoryReader *reader, const InventoryFile *file)
{
        const FileImage *image = file->image;
        autofree char *what = xasprintf("'%s'", file->path);
        autoptr(json_t) json = NULL;
        autoptr(Secret) certificate = NULL;
        autoptr(Secret) key = NULL;
        const json_t *data;

        if (!image || image->size == 0 || image->data[0] != '{' ||
                json_read(image->data, image->size, &json, NULL) < 0)
                return NULL;
        data = json_object_get(json, "data");
        certificate = take_data(data, DATA_CERTIFICATE);
        key = take_data(data, DATA_KEY);
        if (!certificate)
                return NULL;
        return inventory_scalars(reader, what, certificate->data, certificate->size, key, NULL);
}

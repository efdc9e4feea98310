/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube/csr-object.h"

#include "base/digest.h"

#include <ctype.h>

#define OBJECTS   "/apis/certificates.k8s.io/v1/certificatesigningrequests"
#define PAGE_SIZE 20
#define LABEL_MAX 63 /* k8s.io/apimachinery pkg/util/validation */

#define LABEL_PROGRAM     "app.kubernetes.io/managed-by"
#define LABEL_NODE        "kube-renewd/node"
#define LABEL_CERTIFICATE "kube-renewd/certificate"
#define PROGRAM           "kube-renewd"

#define LIFETIME_MIN 600 /* of spec.expirationSeconds */

void csr_object_free(CsrObject *object)
{
        if (!object)
                return;
        free(object->name);
        free(object->uid);
        free(object->reason);
        free(object->certificate_pem);
        json_decref(object->json);
        free(object);
}

static bool is_label_byte(char c)
{
        return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

static bool is_label(const char *text)
{
        size_t length = strlen(text);

        if (length == 0 || length > LABEL_MAX || !isalnum((unsigned char)text[0]) ||
                !isalnum((unsigned char)text[length - 1]))
                return false;
        for (; *text; text++)
                if (!is_label_byte(*text))
                        return false;
        return true;
}

char *csr_object_label(const char *text)
{
        char hex[DIGEST_HEX_SIZE], *label;
        Digest digest;

        if (is_label(text))
                return xstrdup(text);
        digest = digest_of(text, strlen(text));
        digest_format(&digest, hex);
        label = xasprintf("x%.40s.%.20s", text, hex);
        for (char *c = label; *c; c++)
                if (!is_label_byte(*c))
                        *c = '-';
        return label;
}

static json_t *labels_of(const CsrOwner *owner)
{
        autofree char *node = csr_object_label(owner->node);
        autofree char *certificate = csr_object_label(owner->certificate);

        return xcheck(json_pack("{s:s, s:s, s:s}", LABEL_PROGRAM, PROGRAM, LABEL_NODE, node,
                LABEL_CERTIFICATE, certificate));
}

/* The condition of that type that holds; NULL. Objects of old servers have no `status` there. */
static const json_t *find_condition(const json_t *json, const char *type)
{
        const json_t *conditions = json_object_get(json_object_get(json, "status"), "conditions");
        const json_t *condition;
        size_t i;

        json_array_foreach(conditions, i, condition)
        {
                const char *its_type = api_text(condition, "type", NULL);
                const char *status = api_text(condition, "status", NULL);

                if (its_type && streq(its_type, type) && (!status || streq(status, "True")))
                        return condition;
        }
        return NULL;
}

static char *reason_of(const json_t *condition)
{
        const char *reason = api_text(condition, "reason", NULL);
        const char *message = api_text(condition, "message", NULL);

        return xasprintf("%s%s%s", reason ? reason : "", reason && message ? ": " : "",
                message ? message : "");
}

static void read_state(CsrObject *object)
{
        static const struct {
                const char *type;
                CsrState state;
        } states[] = {
                {"Denied", CSR_DENIED},
                {"Failed", CSR_FAILED},
                {"Approved", CSR_APPROVED},
        };
        const json_t *condition = NULL;

        for (size_t i = 0; i < ELEMENTSOF(states) && !condition; i++) {
                condition = find_condition(object->json, states[i].type);
                if (condition)
                        object->state = states[i].state;
        }
        object->reason = reason_of(condition);
        if (object->state == CSR_APPROVED && object->certificate_pem)
                object->state = CSR_ISSUED;
}

/* It becomes part of a path. */
static bool is_name(const char *text)
{
        for (const char *c = text; *c; c++)
                if (!is_label_byte(*c))
                        return false;
        return is_label_byte(*text) && *text != '.';
}

/* Takes the JSON. */
static int read_object(json_t *json, CsrObject **ret, Error *reterr)
{
        autoptr(CsrObject) object = xcalloc(1, sizeof(*object));
        const char *name, *uid, *base64;
        unsigned char *pem = NULL;
        size_t size;

        object->json = json;
        name = api_text(json, "metadata", "name", NULL);
        uid = api_text(json, "metadata", "uid", NULL);
        base64 = api_text(json, "status", "certificate", NULL);
        if (!name || !is_name(name) || !uid)
                return error_set(reterr, -EBADMSG, "the answer is no CertificateSigningRequest");
        object->name = xstrdup(name);
        object->uid = xstrdup(uid);
        if (base64 && *base64) {
                if (base64_decode(base64, strlen(base64), &pem, &size) < 0)
                        return error_set(reterr, -EBADMSG,
                                "the certificate in CertificateSigningRequest '%s' is no base64",
                                name);
                object->certificate_pem = (char *)pem;
        }
        read_state(object);
        *ret = TAKE(object);
        return 0;
}

static json_t *spec_of(const CsrWish *wish)
{
        autofree char *request = base64_encode(wish->request_pem, strlen(wish->request_pem));
        int64_t lifetime = wish->lifetime < LIFETIME_MIN ? LIFETIME_MIN
                           : wish->lifetime > INT32_MAX  ? INT32_MAX
                                                         : wish->lifetime;

        return xcheck(json_pack("{s:s, s:o, s:o, s:I}", "request", request, "signerName",
                json_escaped(wish->signer), "usages", json_strv(wish->usages), "expirationSeconds",
                (json_int_t)lifetime));
}

int csr_object_create(const ApiServer *server, const CsrWish *wish, CsrObject **ret, Error *reterr)
{
        autoptr(json_t) object = xcheck(json_pack("{s:s, s:s, s:{s:s, s:o}, s:o}", "apiVersion",
                "certificates.k8s.io/v1", "kind", "CertificateSigningRequest", "metadata", "name",
                wish->name, "labels", labels_of(&wish->owner), "spec", spec_of(wish)));
        json_t *created;
        int r;

        r = api_write(server, "POST", OBJECTS, object, &created, reterr);
        return r < 0 ? r : read_object(created, ret, reterr);
}

int csr_object_get(const ApiServer *server, const char *name, CsrObject **ret, Error *reterr)
{
        autofree char *path = xasprintf(OBJECTS "/%s", name);
        json_t *json;
        int r;

        r = api_get(server, path, &json, reterr);
        return r < 0 ? r : read_object(json, ret, reterr);
}

static bool has_usages(const json_t *array, char *const *usages)
{
        autostrv its = NULL;

        if (json_get_strv(array, &its) < 0 || strv_length(its) != strv_length(usages))
                return false;
        for (; usages && *usages; usages++)
                if (!strv_contains(its, *usages))
                        return false;
        return true;
}

bool csr_object_is(const CsrObject *object, const CsrWish *wish)
{
        const json_t *spec = json_object_get(object->json, "spec");
        const char *request = api_text(spec, "request", NULL);
        const char *signer = api_text(spec, "signerName", NULL);
        autofree char *wanted = base64_encode(wish->request_pem, strlen(wish->request_pem));

        return request && streq(request, wanted) && signer && streq(signer, wish->signer) &&
               has_usages(json_object_get(spec, "usages"), wish->usages);
}

int csr_object_approve(
        const ApiServer *server, const CsrObject *object, const char *message, Error *reterr)
{
        autofree char *path = xasprintf(OBJECTS "/%s/approval", object->name);
        autoptr(json_t) approved = xcheck(json_deep_copy(object->json));
        json_t *status = json_object_get(approved, "status"), *conditions;

        if (!json_is_object(status)) {
                status = xcheck(json_object());
                json_object_set_new(approved, "status", status);
        }
        conditions = json_object_get(status, "conditions");
        if (!json_is_array(conditions)) {
                conditions = xcheck(json_array());
                json_object_set_new(status, "conditions", conditions);
        }
        json_array_append_new(conditions,
                xcheck(json_pack("{s:s, s:s, s:s, s:o}", "type", "Approved", "status", "True",
                        "reason", "KubeRenewdApproved", "message", json_escaped(message))));
        return api_write(server, "PUT", path, approved, NULL, reterr);
}

int csr_object_delete(const ApiServer *server, const CsrObject *object, Error *reterr)
{
        autofree char *path = xasprintf(OBJECTS "/%s", object->name);
        autoptr(json_t) options = xcheck(json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "v1",
                "kind", "DeleteOptions", "preconditions", "uid", object->uid));
        int r;

        r = api_write(server, "DELETE", path, options, NULL, reterr);
        return r == -ENOENT || r == -EEXIST ? 0 : r;
}

/* A list under way. */
typedef struct Listing {
        json_t *labels;
        CsrVisit visit;
        void *userdata;
} Listing;

static void visit_object(const json_t *json, void *userdata)
{
        const json_t *labels = json_object_get(json_object_get(json, "metadata"), "labels");
        const Listing *listing = userdata;
        autoptr(CsrObject) object = NULL;
        const json_t *value;
        const char *key;

        /* Whatever the server makes of a selector. */
        json_object_foreach(listing->labels, key,
                value) if (!json_equal(json_object_get(labels, key), value)) return;
        if (read_object(json_deep_copy(json), &object, NULL) >= 0)
                listing->visit(object, listing->userdata);
}

int csr_object_list(const ApiServer *server, const CsrOwner *owner, CsrVisit visit, void *userdata,
        Error *reterr)
{
        autoptr(json_t) labels = labels_of(owner);
        Listing listing = {.labels = labels, .visit = visit, .userdata = userdata};
        autofree char *node = csr_object_label(owner->node);
        autofree char *path =
                xasprintf(OBJECTS "?labelSelector=app.kubernetes.io%%2Fmanaged-by%%3D" PROGRAM
                                  "%%2Ckube-renewd%%2Fnode%%3D%s",
                        node);

        return api_list(server, path, PAGE_SIZE, visit_object, &listing, reterr);
}

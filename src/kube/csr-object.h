/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* CertificateSigningRequest objects: how a cluster is asked for a certificate.
 *
 *     r = csr_object_create(&access->server, &wish, &object, reterr);
 *     r = csr_object_get(&access->server, wish.name, &object, reterr);
 *     if (csr_object_is(object, &wish) && object->state == CSR_ISSUED) ... object->certificate_pem
 *
 * Of the objects of a cluster only those are ours that say so in their labels: which program, which
 * node, which certificate. Nothing else is ever listed or deleted. Source: certificates.k8s.io/v1
 * of k8s.io/api, pkg/registry/certificates of Kubernetes. No X.509 here. */

#include "kube/api.h"

/* Whose it is. Any text: a label has what is left of it, csr_object_label(). */
typedef struct CsrOwner {
        const char *node;
        const char *certificate;
} CsrOwner;

/* What is asked for. */
typedef struct CsrWish {
        const char *name;        /* of the object: a DNS name */
        const char *signer;      /* "kubernetes.io/kubelet-serving" */
        const char *request_pem; /* PKCS#10 */
        char *const *usages;     /* "digital signature", "server auth", … */
        int64_t lifetime;        /* seconds; signers may make it shorter, and old servers do not
                                    look at it */
        CsrOwner owner;
} CsrWish;

typedef enum CsrState {
        CSR_PENDING,  /* nobody has decided */
        CSR_APPROVED, /* and not signed yet */
        CSR_ISSUED,
        CSR_DENIED,
        CSR_FAILED, /* approved, and its signer cannot sign it */
} CsrState;

typedef struct CsrObject {
        char *name, *uid;
        CsrState state;
        char *reason; /* of the state, in the server's words, unescaped; "" if it has none */
        char *certificate_pem; /* of CSR_ISSUED; NULL */
        json_t *json;
} CsrObject;

void csr_object_free(CsrObject *object);
DEFINE_AUTOPTR(CsrObject, csr_object_free)

/* -EEXIST if there is one of that name, -EBADRQC if the server will never take it; otherwise as
 * api_write(). */
int csr_object_create(
        const ApiServer *server, const CsrWish *wish, CsrObject **ret, Error *reterr) MUST_USE;

/* -ENOENT if there is none, -EBADMSG if what is answered is none; otherwise as api_get(). */
int csr_object_get(
        const ApiServer *server, const char *name, CsrObject **ret, Error *reterr) MUST_USE;

/* Does it ask for this, byte for byte: request, signer, usages? */
bool csr_object_is(const CsrObject *object, const CsrWish *wish);

/* Approves it as it was when it was read. Who does so has to know that it may be. Errors as
 * api_write(). */
int csr_object_approve(const ApiServer *server, const CsrObject *object, const char *message,
        Error *reterr) MUST_USE;

/* 0 as well if it is gone, or another one has its name by now. */
int csr_object_delete(const ApiServer *server, const CsrObject *object, Error *reterr) MUST_USE;

typedef void (*CsrVisit)(const CsrObject *object, void *userdata);

/* The owner's objects; what cannot be read is passed over. Errors as api_list(). */
int csr_object_list(const ApiServer *server, const CsrOwner *owner, CsrVisit visit, void *userdata,
        Error *reterr) MUST_USE;

/* The text itself if a label can have it; otherwise what is left of it and a digest, so that two
 * texts never have the same. The caller frees. */
char *csr_object_label(const char *text);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions to the API server, and requests that change something there.
 *
 *     verdict = api_try_credentials("127.0.0.1", 6443, &tls, 10, &error);
 *
 *     ApiServer server = {.host = "127.0.0.1", .port = 6443, .tls = tls, .timeout = 10};
 *     r = api_list(&server, "/api/v1/pods", 20, visit, userdata, reterr);
 *     r = api_write(&server, "POST", path, object, &created, reterr);
 *
 * Only api_write() changes anything. What the server says is in the error, what we showed it never
 * is. */

#include "base/json.h"
#include "kube/http.h"

typedef enum ApiVerdict {
        API_ACCEPTED,
        API_REFUSED, /* it answers, and does not know whom we say we are */
        API_SILENT,  /* it does not answer, or not in a way that says anything about us */
} ApiVerdict;

/* Are these client credentials good for the API server that listens at host:port? Its own name has
 * to be "kubernetes" or the host. Whoever is known may GET /api or not (200, 403); 401 is for who
 * is not known, whether by an expired certificate or by one of another CA (k8s.io/apiserver
 * pkg/authentication/request/x509). timeout: seconds for a try; there are two at most. The error
 * says why it is not API_ACCEPTED. */
ApiVerdict api_try_credentials(
        const char *host, uint16_t port, const HttpTls *tls, unsigned timeout, Error *reterr);

/* Whom to ask, and as whom; the strings are the caller's. See kube/access.h for those of a
 * kubeconfig. */
typedef struct ApiServer {
        const char *host;
        uint16_t port;
        const char *name;    /* that its certificate must have; NULL: "kubernetes", or the host's */
        const char *prefix;  /* of every path, "/k8s/clusters/c1"; NULL: none */
        const Secret *token; /* whom we say we are, beside or instead of tls.certificate; NULL */
        HttpTls tls;
        unsigned timeout; /* seconds, for each request */
} ApiServer;

/* GET of an object. -ENOENT if there is none, -EACCES for 401 and 403, -ESTALE for 410, -EIO for
 * other statuses, with the `message` of the answer; -EBADMSG for an answer that is no JSON object,
 * others as http_call(). */
int api_get(const ApiServer *server, const char *path, json_t **ret, Error *reterr) MUST_USE;

/* POST to a list, PUT, PATCH or DELETE of an object. `object` is what is sent, NULL for nothing (of
 * a PATCH: what changes, as a merge patch, RFC 7396); ret what is answered, may be NULL. -EEXIST
 * for 409: it is there already, or has changed meanwhile; -EBADRQC for 400 and 422: this will never
 * be accepted; otherwise as api_get(). */
int api_write(const ApiServer *server, const char *method, const char *path, const json_t *object,
        json_t **ret, Error *reterr) MUST_USE;

/* Does it say of itself that requests may be sent to it (/readyz)? 0 if so, -EIO if not, -EACCES if
 * it does not say so to us, and as http_call(). One that is too old to know the question answers,
 * and that is enough. */
int api_ask_ready(const ApiServer *server, Error *reterr) MUST_USE;

/* What is done with each object of a list. */
typedef void (*ApiVisit)(const json_t *object, void *userdata);

/* GET of a list, in pages of so many objects (`limit` and `continue` of k8s.io/apimachinery), of
 * which each has to fit into HTTP_BODY_MAX. path may have a query. -E2BIG for a list without an
 * end, -ESTALE if it has changed too much between two pages (410); otherwise as api_get(). Objects
 * before a failure have been visited. */
int api_list(const ApiServer *server, const char *path, unsigned page_size, ApiVisit visit,
        void *userdata, Error *reterr) MUST_USE;

/* A text in an object, by its keys; NULL if it is not there, or no text:
 * api_text(object, "metadata", "name", NULL). */
const char *api_text(const json_t *object, ...) __attribute__((sentinel));

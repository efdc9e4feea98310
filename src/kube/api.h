/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions to the API server.
 *
 *     verdict = api_try_credentials("127.0.0.1", 6443, &tls, 10, &error);
 *
 * Reads nothing but whether it knows us, and changes nothing. */

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

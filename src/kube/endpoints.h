/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where the API servers of a cluster are, by what one of them says.
 *
 *     r = endpoints_list(&access->server, visit, userdata, reterr);
 *
 * Each has entered itself in the object default/kubernetes, by its --advertise-address, and goes
 * out of it when it ends or has not been heard of for 15 seconds. Source: pkg/controlplane of
 * Kubernetes. */

#include "kube/api.h"

/* What is done with each. */
typedef void (*EndpointsVisit)(const char *host, uint16_t port, void *userdata);

/* Errors as api_get(). */
int endpoints_list(
        const ApiServer *server, EndpointsVisit visit, void *userdata, Error *reterr) MUST_USE;

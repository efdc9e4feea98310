/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* New credentials of clients of the API server are tried against the live one before they replace
 * the old ones.
 *
 *     issuance = issue_run(root_fd, plan, acquisition, config, now);
 *     if (running_is_live(running))
 *             preflight_run(issuance, api_try_credentials);
 *
 * Where they are refused, and the old ones are still good, the old file stays and the result is
 * FAILED: administrators must not be locked out at midnight. An API server that is down, or cannot
 * be trusted, holds up nothing: everything that has expired must be repairable without it. Writes
 * nothing. */

#include "kube/api.h"
#include "renew/issue/issue.h"

/* api_try_credentials(), or a test's. */
typedef ApiVerdict (*PreflightAsk)(
        const char *host, uint16_t port, const HttpTls *tls, unsigned timeout, Error *reterr);

/* Asks about every renewed certificate that is embedded in a kubeconfig, where a static pod of this
 * host is the API server (its manifest tells where it listens). Never again after the first time
 * that one was silent. */
void preflight_run(Issuance *issuance, PreflightAsk ask);

/* Where the API server listens that is a static pod of this host and of the same layout as an entry
 * of this name; NULL if there is none. */
const ManifestEndpoint *preflight_find_server(const Inventory *inventory, const char *name);

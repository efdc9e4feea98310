/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Can the cluster do without this host's API server for a moment?
 *
 *     if (api_gate_concerns(api, component) && !api_gate_is_open(&known, reterr)) ...
 *     r = api_gate_ask_here(&known, reterr);
 *
 * Asks only whether API servers are ready (/readyz), as any balancer may. Changes nothing. */

#include "renew/restart/api-servers.h"

/* True for this host's API server, and the etcd beside it: while that one is away it answers, if at
 * all, that it cannot. api: NULL if there is none. */
bool api_gate_concerns(const InventoryComponent *api, const InventoryComponent *component);

/* True if two others are ready, so that one that fails meanwhile is not the last, or as many as
 * there are if these are fewer. Waits a little for them: while etcd elects a leader none is. The
 * error says how many there are. */
bool api_gate_is_open(const ApiServers *known, Error *reterr) MUST_USE;

/* Does this host's say so? Errors as api_ask_ready(), -ENOENT if there is none. */
int api_gate_ask_here(const ApiServers *known, Error *reterr) MUST_USE;

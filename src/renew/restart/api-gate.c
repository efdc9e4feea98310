/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/api-gate.h"

#include "host/clock.h"
#include "renew/restart/quorum.h"
#include "renew/unit/interrupt.h"
#include "renew/unit/patience.h"

#define ENOUGH 2    /* others that are ready, if there are so many */
#define POLL   2000 /* milliseconds between two rounds of questions */

bool api_gate_concerns(const InventoryComponent *api, const InventoryComponent *component)
{
        const char *name = component->entry->name;

        return api &&
               (streq(name, api->entry->name) ||
                       (quorum_is_etcd(component) && layout_is_same(name, api->entry->name)));
}

/* One that does not answer is none. */
static size_t count_ready(const ApiServer *servers, size_t n, size_t enough)
{
        size_t ready = 0;

        for (size_t i = 0; i < n && ready < enough; i++)
                ready += api_ask_ready(&servers[i], NULL) >= 0;
        return ready;
}

/* They may be ready in a moment. */
static size_t wait_for_ready(const ApiServer *servers, size_t n, size_t enough)
{
        int64_t deadline = clock_monotonic() + PATIENCE_ELECTION * 1000;
        size_t ready;

        while ((ready = count_ready(servers, n, enough)) < enough && clock_monotonic() < deadline &&
                !interrupt_is_pending())
                clock_sleep(POLL);
        return ready;
}

/* Beside each member of etcd there is an API server, or may be: also one that was down whenever the
 * API was asked. */
static size_t count_members(const ApiServers *known)
{
        size_t n = strv_length(known->cluster->members);

        return n > 0 && known->cluster->self ? n - 1 : n;
}

/* Where it is not known which of the list is ours, that one answers, too. */
static size_t count_needed(const ApiServers *known, size_t n)
{
        size_t own = api_servers_address(known->api, known->config) || n == 0 ? 0 : 1;
        size_t members = count_members(known);
        size_t others = n - own > members ? n - own : members;

        return (others < ENOUGH ? others : ENOUGH) + own;
}

bool api_gate_is_open(const ApiServers *known, Error *reterr)
{
        size_t n, needed, ready;
        ApiServer *others = api_servers_named(known, &n);

        if (n == 0)
                others = api_servers_others(known, &n);
        needed = count_needed(known, n);
        ready = wait_for_ready(others, n, needed);
        free(others);
        return ready >= needed ||
               error_set(reterr, -EBUSY,
                       "of %zu other API servers that are known %zu are ready, and %zu have to "
                       "be: one more that fails would be the last",
                       n, ready, needed) >= 0;
}

int api_gate_ask_here(const ApiServers *known, Error *reterr)
{
        ApiServer here;

        return api_servers_here(known, &here)
                       ? api_ask_ready(&here, reterr)
                       : error_set(reterr, -ENOENT, "there is no API server here");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart/host-order.h"

#include "base/address.h"
#include "base/time-util.h"

/* What is restarted is back by then, mostly; and if it is not, etcd and the API servers are looked
 * at before each restart. */
#define PART_MOST (2 * MINUTE)

/* By its name in etcd, which need not be that of its node. */
static unsigned find_member(const Cluster *cluster, const char *node_name, unsigned n)
{
        const char *name = cluster->self ? cluster->self : node_name;

        for (unsigned i = 0; name && i < n; i++)
                if (streq(cluster->members[i], name))
                        return i;
        return n;
}

static unsigned find_server(const Cluster *cluster, const char *address)
{
        bool is_known = false;
        unsigned place = 0;

        for (size_t i = 0; address && i < cluster->n; i++) {
                int order = address_compare(cluster->servers[i].host, address);

                is_known |= order == 0;
                place += order < 0;
        }
        return is_known ? place : (unsigned)cluster->n;
}

HostPlace host_order_place(const Cluster *cluster, const char *node_name, const char *address)
{
        unsigned n = cluster->members ? (unsigned)strv_length(cluster->members) : 0;

        if (n > 0)
                return (HostPlace){find_member(cluster, node_name, n), n + 1};
        n = (unsigned)cluster->n;
        return n > 0 ? (HostPlace){find_server(cluster, address), n + 1} : (HostPlace){};
}

bool host_order_is_due(HostPlace place, int64_t now, int64_t span)
{
        int64_t part;

        if (place.n == 0)
                return false;
        part = span / place.n;
        part = part < 1 ? 1 : part < PART_MOST ? part : PART_MOST;
        return now / part % place.n == place.number && now % part * 2 < part;
}

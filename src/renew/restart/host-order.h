/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In which order hosts go ahead that cannot ask anybody whose turn it is.
 *
 *     place = host_order_place(cluster, node_name, address);
 *     if (host_order_is_due(place, clock_now(), 15 * MINUTE)) ... now, and not in a minute
 *
 * Time is divided, and every host knows its part of it: those parts come in the order of the names
 * of etcd's members (of the addresses of the API servers where none are known), over and over. So
 * hosts whose passes began at different times do not meet, as long as their clocks differ by less
 * than half a part. Pure: no clock is read. */

#include "renew/restart/cluster.h"

/* Which of them it is, from 0, and of how many. */
typedef struct HostPlace {
        unsigned number, n; /* n: 0 if nothing is known of any host */
} HostPlace;

/* The last place is that of whom nobody knows. address: by which the others know it, or NULL. */
HostPlace host_order_place(const Cluster *cluster, const char *node_name, const char *address);

/* May it begin something now? Only in the first half of its part, so that there is time between two
 * hosts. All places come up within span seconds; without any, never. */
bool host_order_is_due(HostPlace place, int64_t now, int64_t span);

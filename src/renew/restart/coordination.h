/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One control plane of a cluster restarts at a time: its turn is the Lease
 * kube-system/kube-renewd-restart.
 *
 *     coordination = coordination_new(root_fd, config, inventory, pass_id);   NULL: nobody is asked
 *     r = coordination_take_turn(coordination, &turn, reterr);    before each restart
 *     if (coordination_forbids(coordination, component, …)) …     and is another one up?
 *     if (!coordination_is_back(coordination, component, …))      it takes no requests yet
 *             coordination_keep(coordination);                    nobody else's turn
 *     coordination_learn(coordination);
 *     coordination_free(coordination);                            at the end: it is given back
 *
 * The lease is written before something is ended, for as long as that may take, and never in
 * between: that may be the API server that would have to answer. This host's is asked first. While
 * none answers, what can wait waits; what cannot goes ahead when it is the time of its host
 * (renew/restart/host-order.h). etcd's quorum is never overridden (renew/restart/quorum.h). */

#include "renew/config/config.h"
#include "renew/restart/cluster.h"

#define COORDINATION_NAMESPACE "kube-system"
#define COORDINATION_LEASE     "kube-renewd-restart"

typedef struct Coordination Coordination;

/* NULL with Coordination=none. Asks nobody yet; config and inventory must outlive it. */
Coordination *coordination_new(
        int root_fd, const Config *config, const Inventory *inventory, const char *pass_id);

/* Gives the turn back, if it is not kept. */
void coordination_free(Coordination *coordination);
DEFINE_AUTOPTR(Coordination, coordination_free)

/* Who had the turn at our last look, when it was not ours; NULL: nobody. */
const char *coordination_rival(const Coordination *coordination);

/* What was well is not any more, because of us: the turn runs out by itself, and until then the
 * others wait. This host's next pass takes it over. */
void coordination_keep(Coordination *coordination);

/* What it is wanted for. */
typedef struct Turn {
        const char *component;
        int64_t seconds; /* what is to be done may take so long, proof included */
        bool is_urgent;  /* what its process has loaded ends within PostponeLimit= */
        bool is_well;    /* it has something to lose */
} Turn;

/* Waits for the turn; all turns of a pass together at most LeaseTimeout=. What cannot wait takes it
 * then from a person who has had it all the time (no duration, or one of more than a day), and goes
 * without only where no API server gives it.
 * -EAGAIN with the reason if it does not come, at once where no waiting would help (who asks may
 * not, or cannot), or the pass is asked to stop. Without coordination
 * it is always there. */
int coordination_take_turn(Coordination *coordination, const Turn *turn, Error *reterr) MUST_USE;

/* The same for what has to be done anyway: asks once, and does not wait. */
void coordination_prolong(Coordination *coordination, int64_t seconds);

/* At the end of a pass that has asked nobody: who there is, for the day on which somebody is down.
 */
void coordination_learn(Coordination *coordination);

/* True if the two below are about this component. */
bool coordination_minds(const Coordination *coordination, const InventoryComponent *component);

/* True if this is an API server that is of use, or the etcd beside it, and two of the others do not
 * answer, or as many as there are: it must not be ended; the error says so. What cannot wait may be
 * the last one, if it has its turn and did not take it from somebody, after a little waiting. */
bool coordination_forbids(Coordination *coordination, const InventoryComponent *component,
        bool is_of_use, Error *reterr) MUST_USE;

/* True if the API server says of itself that requests may be sent to it (/readyz), whatever its
 * probes ask: only then another one may be ended. After etcd, if it said so before. Also if this is
 * neither, or it cannot be asked. */
bool coordination_is_back(
        Coordination *coordination, const InventoryComponent *component, Error *reterr) MUST_USE;

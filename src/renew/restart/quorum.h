/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May this member of etcd be ended without taking the cluster's quorum away?
 *
 *     if (quorum_forbids(root_fd, component, is_healthy, &error)) ...
 *     healthy = quorum_healthy(root_fd, component);
 *     r = quorum_hand_over(root_fd, component, healthy, &error);
 *     if (quorum_forbids(…)) ...                          the last look, and then it is ended
 *     if (quorum_is_back(root_fd, component, healthy, &error)) ...
 *
 * Asks etcd itself, with the certificate that the component serves with (its purposes include that
 * of a client, as kubeadm makes it). What cannot be known forbids: a restart can wait, quorum
 * cannot be had back. Components that are no etcd are never forbidden. */

#include "kube/etcd.h"
#include "renew/inventory/inventory.h"

/* True if it must not be ended; the error says why. is_healthy: what its own probe says. */
bool quorum_forbids(
        int root_fd, const InventoryComponent *component, bool is_healthy, Error *reterr) MUST_USE;

/* Members that answer, and say that they are ill, may be electing a leader: waits a little for
 * that. True if all that answer are healthy now: it is worth while to ask again. */
bool quorum_settles(int root_fd, const InventoryComponent *component) MUST_USE;

/* The voters that are healthy now, for quorum_is_back(); NULL: this is no etcd, it is alone, or
 * nobody can tell. The caller frees. */
char **quorum_healthy(int root_fd, const InventoryComponent *component);

/* If this member leads, another one does from now on, so that none has to be elected when it is
 * ended. 0 when all of `healthy` follow that one, by what each says itself: so these reach each
 * other. -EBUSY if one does not (it would be without a leader when this member is gone, and this
 * member is asked to lead again), or none takes it over in time. 0 as well if it does not lead, or
 * etcd refuses that: then there is an election, as etcd holds them anyway. Takes its time: look
 * again before it is ended. */
int quorum_hand_over(int root_fd, const InventoryComponent *component, char *const *healthy,
        Error *reterr) MUST_USE;

/* True if all that were healthy before it was ended are healthy again, by what each says itself,
 * and it shows its certificate at the address at which the others look for it. */
bool quorum_is_back(int root_fd, const InventoryComponent *component, char *const *healthy,
        Error *reterr) MUST_USE;

bool quorum_is_etcd(const InventoryComponent *component);

/* Who the members of this etcd are, asked in the same way. Errors as etcd_list() and reading files,
 * -EOPNOTSUPP if it serves no https for clients. */
int quorum_members(int root_fd, const InventoryComponent *component, EtcdMembers **ret,
        Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May this member of etcd be ended without taking the cluster's quorum away?
 *
 *     if (quorum_forbids(root_fd, component, is_healthy, &error)) ...
 *
 * Asks etcd itself, with the certificate that the component serves with (its purposes include that
 * of a client, as kubeadm makes it). What cannot be known forbids: a restart can wait, quorum
 * cannot be had back. Components that are no etcd are never forbidden. */

#include "kube/etcd.h"
#include "renew/inventory.h"

/* True if it must not be ended; the error says why. is_healthy: what its own probe says. */
bool quorum_forbids(
        int root_fd, const InventoryComponent *component, bool is_healthy, Error *reterr) MUST_USE;

bool quorum_is_etcd(const InventoryComponent *component);

/* Who the members of this etcd are, asked in the same way. Errors as etcd_list() and reading files,
 * -EOPNOTSUPP if it serves no https for clients. */
int quorum_members(int root_fd, const InventoryComponent *component, EtcdMembers **ret,
        Error *reterr) MUST_USE;

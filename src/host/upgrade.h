/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Is somebody at work on this control plane? By what this host itself knows: whoever upgrades it
 * may have stopped its API server.
 *
 *     r = upgrade_find_marker(root_fd, config->upgrade_markers, &found, reterr);
 *     if (r == 0)
 *             r = upgrade_find_kubeadm(root_fd, &found, reterr);
 *     if (r > 0) ... found: "process 4711 runs 'kubeadm upgrade'"
 *
 * 1 if so, 0 if not, a negative errno if that cannot be told. Never shows what a command line holds
 * (kubeadm join has its token there). */

#include "base/fs.h"

/* Is there anything at one of these paths, a link that leads nowhere included? paths may be NULL.
 * The caller frees *ret. */
int upgrade_find_marker(int root_fd, char *const *paths, char **ret, Error *reterr) MUST_USE;

/* Does a kubeadm run that changes a control plane (upgrade, init, join, reset), in a container of
 * this host or outside? What only reads (upgrade plan, certs check-expiration) does not count, and
 * neither does `certs renew`, which the transaction lives with. Only for the root of this host,
 * whose /proc it reads. The caller frees *ret. */
int upgrade_find_kubeadm(int root_fd, char **ret, Error *reterr) MUST_USE;

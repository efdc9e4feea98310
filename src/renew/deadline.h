/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long a run may take at most: what TimeoutStartSec= of its unit must allow.
 *
 *     if (deadline_of_run(config, inventory) > shipped_units.timeout) ... a drop-in is needed
 *
 * Each thing that a run waits for has a limit of its own; this is their sum where everything goes
 * wrong one after the other. An ordinary run takes seconds. Pure: no file, no clock, no log. */

#include "renew/inventory.h"

/* Seconds. Of each component: looked at, given time to reload, restarted, restarted with the new
 * files again because a roll-back of another one has changed them, and with its old ones. Of each
 * hook: as often as one run may start it. The inventory tells how long a pod may take to end; where
 * it is NULL, as long as manifests usually say. */
int64_t deadline_of_run(const Config *config, const Inventory *inventory);

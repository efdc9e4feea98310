/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long a run may take at most: what TimeoutStartSec= of its unit must allow.
 *
 *     if (deadline_of_run(config, inventory) > shipped_units.timeout) ... a drop-in is needed
 *
 * Each thing that a run waits for has a limit of its own; this is their sum where everything goes
 * wrong one after the other. An ordinary run takes seconds. Pure: no file, no clock, no log. */

#include "renew/inventory/inventory.h"

/* Seconds. Of each component: looked at, given time to reload, restarted, restarted with the new
 * files again because a roll-back of another one has changed them, and with its old ones. Of each
 * hook: as often as one run may start it. The inventory tells how long a pod may take to end; where
 * it is NULL, as long as manifests usually say. */
int64_t deadline_of_run(const Config *config, const Inventory *inventory);

/* From the order to restart this component to the last look whether it is back; is_known: its
 * runtime answers, and nothing of it waits to be started again. */
int64_t deadline_of_restart(
        const Config *config, const ComponentEntry *entry, const Manifest *manifest, bool is_known);

/* The same from the moment at which the turn is asked for: others are looked at in between. So long
 * the turn has to last. */
int64_t deadline_of_turn(
        const Config *config, const ComponentEntry *entry, const Manifest *manifest, bool is_known);

/* How long it gets to end by itself: what its pod, or the administrator, gives it. One API server
 * of several is drained: it gets what its pod gives it at least. manifest: NULL if it is not known.
 */
int64_t deadline_of_stop(
        const Config *config, const ComponentEntry *entry, const Manifest *manifest);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Do configuration, timer and sandbox fit together? Every certificate needs a second try before it
 * ends.
 *
 *     self_check(config, &timer, age);             what systemd says of kube-renewd.timer
 *     self_check(config, NULL, age);               nobody was asked: as it is shipped
 *     for (w = config->warnings; *w; w++) ...
 *
 * Writes nothing: adds sentences to the warnings, each with the place of the setting that it is
 * about and what would be right. */

#include "host/timer.h"
#include "renew/inventory/inventory.h"

/* Where passes come without our timer (since_last_pass: seconds; INT64_MAX: none is known),
 * something else starts them, and a timer that does not run is nobody's mistake. */
void self_check(Config *config, const TimerState *timer, int64_t since_last_pass);

/* Could what the shipped unit does not allow be replaced when it is due? The sandbox shows only
 * inside of the service, so this is for a nightly `run`. */
void self_check_directories(Config *config, int root_fd, const Inventory *inventory);

/* Is what is renewed, and what signs it, where others than its owner may write? Once for each
 * directory or file that they may. */
void self_check_hands(Config *config, int root_fd, const Inventory *inventory);

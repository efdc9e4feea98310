/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Do configuration and timer fit together? Every certificate needs a second try before it ends.
 *
 *     self_check(config, &timer);                  what systemd says of kube-renewd.timer
 *     self_check(config, NULL);                    nobody was asked: as it is shipped
 *     for (w = config->warnings; *w; w++) ...
 *
 * Pure: adds sentences to the warnings, each with the place of the setting that it is about and
 * what would be right. */

#include "host/timer.h"
#include "renew/config.h"

void self_check(Config *config, const TimerState *timer);

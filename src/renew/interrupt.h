/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks the program to stop is heard at the next border of a stage, never in the middle of one.
 *
 *     interrupt_hold();                       from the first write on
 *     while (!interrupt_is_pending()) ...     in every loop that waits
 *
 * The signals stay blocked until the end: the program then ends by itself, with everything told
 * that happened. */

#include "base/macro.h"

/* Blocks SIGTERM, SIGINT and SIGHUP. */
void interrupt_hold(void);

/* True if one of them has come since. */
bool interrupt_is_pending(void);

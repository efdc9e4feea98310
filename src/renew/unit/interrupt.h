/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who asks the program to stop is heard at the next border of a stage, never in the middle of one.
 *
 *     interrupt_announce();                   until then it ends the program, with a sentence
 *     interrupt_hold();                       from the first write on
 *     while (!interrupt_is_pending()) ...     in every loop that waits
 *
 * The signals stay blocked until the end: the program then ends by itself, with everything told
 * that happened. */

#include "base/macro.h"

/* SIGTERM, SIGINT and SIGHUP end the program as ever, but it says that nothing was replaced yet.
 * One that is ignored (nohup) stays so. */
void interrupt_announce(void);

/* Blocks SIGTERM, SIGINT and SIGHUP. */
void interrupt_hold(void);

/* True if one of them has come since. */
bool interrupt_is_pending(void);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What keeps a pass from acting: another process, an upgrade, a clock that is set. For
 * renew/pass*.c only.
 *
 *     if (pass_guard_upgrade(pass)) return pass_stand_by(pass, reterr);
 *     r = pass_guard_clock_set(pass, reterr);             right before the first write
 *
 * Nothing here writes anything but a report. */

#include "renew/pass.h"

/* Right before the first write: -EAGAIN if the clock has been set since the pass began. Then
 * nothing is left of what was judged by it. */
int pass_guard_clock_set(Pass *pass, Error *reterr) MUST_USE;

/* True if somebody is at work on this control plane and all that the plan has can wait:
 * pass->guards says who. Without a plan everything can. */
bool pass_guard_upgrade(Pass *pass);

/* Instead of the stages from issue on: reads what is owed, for the report. -EAGAIN, and why, if
 * there is anything that waits. */
int pass_stand_by(Pass *pass, Error *reterr) MUST_USE;

/* The other process reports, and clears. But a `run` that is postponed is told, and is an alarm if
 * little time is left. Reads without the lock. */
void pass_tell_lock_is_held(Pass *pass, const char *failure);

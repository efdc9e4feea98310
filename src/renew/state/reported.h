/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The dead-man's switch: what a run has said all by itself is not said again for it.
 *
 *     r = reported_mark(root_fd, state_directory, reterr);        after the last line of the report
 *
 * systemd starts kube-renewd-failure@.service (OnFailure=) for a run that ended badly, with the
 * invocation id of that run. If it is in the mark, the alarms of the run are on disk already;
 * otherwise nobody else will raise one: src/failure/. */

#include "base/error.h"

/* Where that unit leaves its alarm if the state directory cannot be written. */
#define REPORTED_FALLBACK "/run/kube-renewd/alarms"

/* STATE/reported holds $INVOCATION_ID, mode 0600. Nothing is written where systemd has not started
 * us: nobody would ask. */
int reported_mark(int root_fd, const char *state_directory, Error *reterr) MUST_USE;

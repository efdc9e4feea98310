/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells the site about its alarms: OnAlarm= of [hooks].
 *
 *     r = notify_run(input, tell, userdata, reterr);       after report_alarms()
 *
 * Not an edge but a reconciliation: STATE/notified.json holds what the site was told last of each
 * (type, resource), and every report tells what is active and different now, or no longer active.
 * So nothing is lost by a fault manager that did not answer, a crash, or a pass that could tell
 * nobody; the next pass says it. What a crash leaves in doubt is told again, and a file that cannot
 * be read means that nothing was told. Shelved alarms are not active. */

#include "renew/report/report.h"
#include "renew/unit/hook.h"

/* Tells of one alarm; 0 if it was heard. */
typedef int (*NotifyTell)(void *userdata, const HookContext *context, Error *reterr);

/* One after the other; goes on after one that was not heard, but begins none after a quarter of an
 * hour. 0 if the site knows everything now or wants to know nothing, 1 if not (a failure was told
 * by who has failed); negative if the alarms or our note of them cannot be read or written. Where
 * tell is NULL nobody is told and nothing noted: 1 if there is something to tell. */
int notify_run(const ReportInput *input, NotifyTell tell, void *userdata, Error *reterr) MUST_USE;

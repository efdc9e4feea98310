/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Alarms about Secrets: one that is owed what is on disk, and one of which nothing can be taken.
 * Both are stale-copy, of "publish-NAME" and "fetch-NAME"; for renew/report/report-alarms.c only.
 *
 *     report_raise_for_secrets(&board);
 *     if (report_secret_is_gone(input, alarm->resource, &is_ours)) ...
 *
 * The same look raises and clears. What no pass has asked for stays as it is. */

#include "renew/report/alarm-board.h"

void report_raise_for_secrets(AlarmBoard *board);

/* *ret_known is false for the resource of something else. */
bool report_secret_is_gone(const ReportInput *input, const char *resource, bool *ret_known);

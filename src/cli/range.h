/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Thresholds as monitoring plugins take them: [@][start:]end, here of time.
 *
 *     r = range_parse("15d:", &range, reterr);          less than fifteen days is an alert
 *     if (range_alerts(&range, row->residual)) ...
 *
 * Monitoring Plugins Development Guidelines, "Threshold and Ranges": an alert is what lies outside
 * of start to end, both of which belong to it; with '@' what lies inside. No start is 0, '~' minus
 * infinity, no end infinity. So "15" alerts above fifteen days; "15:" is what is meant mostly. */

#include "base/error.h"

typedef struct Range {
        bool is_set;
        bool is_inside; /* '@' */
        int64_t start;  /* seconds; INT64_MIN: '~' */
        int64_t end;    /* seconds; INT64_MAX: none */
} Range;

/* Numbers are days, or spans with a unit as base/time-util.h reads them ("15d", "72h"), perhaps
 * with '-' before them. -EINVAL with what is wrong and where. */
int range_parse(const char *text, Range *ret, Error *reterr) MUST_USE;

/* Is this an alert? Never if the range is not set. */
bool range_alerts(const Range *range, int64_t value);

/* As performance data have it, in seconds: "1296000:"; "" if it is not set. The caller frees. */
char *range_format(const Range *range);

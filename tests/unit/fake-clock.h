/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A clock that goes on only while somebody waits, in place of host/clock.c.
 *
 *     ticks = 1000000;                    milliseconds; a test may set it
 *     assert_in_range(ticks, …)           how long somebody has waited */

#include "host/clock.h"

static int64_t ticks;

int64_t clock_now(void)
{
        return 1800000000 + ticks / 1000;
}

int64_t clock_monotonic(void)
{
        return ticks;
}

void clock_sleep(int64_t milliseconds)
{
        ticks += milliseconds;
}

int64_t clock_uptime(void)
{
        return ticks / 1000;
}

int clock_is_synchronised(void)
{
        return 1;
}

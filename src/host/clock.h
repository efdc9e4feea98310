/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The clock, read once at the start of a program and passed down as `now`.
 *
 *     now = clock_now();
 *
 * No other function of the program reads the wall clock; deadlines use clock_monotonic(). */

#include "base/time-util.h"

/* Seconds since the epoch, UTC. */
int64_t clock_now(void);

/* True for a moment (nanoseconds since the epoch) that is yet to come, by more than what two
 * programs of one host may differ: the clock was ahead when it was noted. */
static inline bool clock_is_future(int64_t nanoseconds)
{
        return nanoseconds / 1000000000 > clock_now() + MINUTE;
}

/* Milliseconds of CLOCK_MONOTONIC, for deadlines and durations. */
int64_t clock_monotonic(void);

/* Seconds since the boot of this host, those asleep counted. */
int64_t clock_uptime(void);

/* 1 if somebody keeps the kernel's clock right, 0 if nobody does (adjtimex(2): STA_UNSYNC). -EPERM
 * in a sandbox that forbids to ask: host/timedate.h may be asked there. */
int clock_is_synchronised(void) MUST_USE;

/* Waits so many milliseconds, or less if a signal comes. */
void clock_sleep(int64_t milliseconds);

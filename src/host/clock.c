/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/clock.h"

#include <sys/timex.h>
#include <time.h>

int64_t clock_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return ts.tv_sec;
}

int64_t clock_monotonic(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_uptime(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        return ts.tv_sec;
}

int clock_is_synchronised(void)
{
        struct timex state = {}; /* no modes: it only asks */

        if (adjtimex(&state) < 0)
                return -errno;
        return !(state.status & STA_UNSYNC);
}

void clock_sleep(int64_t milliseconds)
{
        struct timespec ts = {
                .tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};

        nanosleep(&ts, NULL);
}

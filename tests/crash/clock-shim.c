/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A wall clock of its own for one process, to be preloaded:
 *
 *     CLOCK_AT=SECONDS      what it says at first; it goes on at its usual pace
 *     CLOCK_STEP=SECONDS    by so much it is set, forward or backward,
 *     CLOCK_AFTER=READS     after it has been read so often
 *     CLOCK_COUNT=FILE      gets, at the end of the process, how often it was read
 *     CLOCK_SYNCHRONISED=   1: adjtimex(2) says that somebody keeps it right, 0: that nobody does
 *
 * What a program reads between two of its stages it reads at a known number: a sweep over READS
 * sets the clock at every border that the program can notice. */

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

static int64_t started = INT64_MIN;
static unsigned long reads;

static int64_t number(const char *name)
{
        const char *text = getenv(name);

        return text ? strtoll(text, NULL, 10) : 0;
}

static struct timespec read_clock(void)
{
        struct timespec ts;
        unsigned long read = __atomic_add_fetch(&reads, 1, __ATOMIC_RELAXED);

        /* Not by clock_gettime(), which is what is replaced here. */
        syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
        if (started == INT64_MIN)
                started = ts.tv_sec;
        if (getenv("CLOCK_AT"))
                ts.tv_sec += number("CLOCK_AT") - started;
        if (getenv("CLOCK_AFTER") && read > (unsigned long)number("CLOCK_AFTER"))
                ts.tv_sec += number("CLOCK_STEP");
        return ts;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
        if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
                return (int)syscall(SYS_clock_gettime, clock, ts);
        *ts = read_clock();
        return 0;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
        struct timespec ts = read_clock();

        (void)zone;
        tv->tv_sec = ts.tv_sec;
        tv->tv_usec = ts.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *ret)
{
        struct timespec ts = read_clock();

        if (ret)
                *ret = ts.tv_sec;
        return ts.tv_sec;
}

int adjtimex(struct timex *state)
{
        if (!getenv("CLOCK_SYNCHRONISED"))
                return (int)syscall(SYS_adjtimex, state);
        state->status = number("CLOCK_SYNCHRONISED") ? 0 : STA_UNSYNC;
        return number("CLOCK_SYNCHRONISED") ? TIME_OK : TIME_ERROR;
}

__attribute__((destructor)) static void tell_count(void)
{
        const char *path = getenv("CLOCK_COUNT");
        int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;

        if (fd < 0)
                return;
        dprintf(fd, "%lu\n", reads);
        close(fd);
}

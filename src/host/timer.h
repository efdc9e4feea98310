/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Timers of systemd: does one run, will it after the next boot, and how often does it start its
 * service?
 *
 *     r = timer_look(bus, "kube-renewd.timer", &timer, reterr);
 *     timer.interval, timer.delay
 *
 * Source: org.freedesktop.systemd1(5), interface Timer. */

#include "host/unit.h"

typedef struct TimerState {
        UnitActivity activity; /* UNIT_NOT_FOUND: it is not installed */
        bool is_disabled;      /* nothing starts it at boot; false where that is not known */
        bool is_masked;        /* nor can anything else */
        int64_t interval;      /* seconds: the longest between two times of it; 0: not known */
        int64_t delay;         /* seconds: RandomizedDelaySec= */
        unsigned n_lines;      /* of OnCalendar= and its like; interval is known if it is one */
} TimerState;

/* A timer that does not exist is a state, not an error. -EIO and others if systemd does not tell.
 */
int timer_look(Bus *bus, const char *unit, TimerState *ret, Error *reterr) MUST_USE;

/* The longest time between two times of a calendar expression in the form that systemd gives it
 * ("Mon..Fri *-*-* 00/6:00:00"), seconds, never too short: parts of it may be taken for rarer than
 * they are. 0 if it makes no sense here. */
int64_t timer_calendar_interval(const char *expression);

/* One more line of a timer, with its interval. */
void timer_take_interval(TimerState *timer, int64_t interval);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Points in time as seconds since the epoch, spans as seconds; always UTC, never local time.
 *
 *     r = time_parse("2027-11-11T23:26:00Z", &at);
 *     r = span_parse("15d", &before);
 *     time_format(at, text);
 *
 * Nothing here reads a clock: `now` is an argument everywhere (host/clock.h reads it once). */

#include "base/macro.h"

#include <time.h>

#define TIME_TEXT_SIZE 32
#define SPAN_TEXT_SIZE 48
#define MINUTE         ((int64_t)60)
#define HOUR           ((int64_t)3600)
#define DAY            ((int64_t)86400)
#define YEAR           (365 * DAY)

/* How long before it is made a certificate begins, as kubeadm's do: for clocks that are behind. */
#define BACKDATE (5 * MINUTE)

/* RFC 3339 ("2027-11-11T23:26:00Z", offsets accepted), "2027-11-11 23:26:00", "2027-11-11 23:26" or
 * "2027-11-11" (midnight UTC), or "@SECONDS". Fractions of a second are dropped. -EINVAL otherwise,
 * -ERANGE outside the years 1950-9999. */
int time_parse(const char *text, int64_t *ret) MUST_USE;

/* RFC 3339 in UTC: "2027-11-11T23:26:00Z". */
const char *time_format(int64_t t, char text[TIME_TEXT_SIZE]);

/* Spans as systemd.time(7) writes them: "15d", "8760h", "1h 30min", "1y" (365 days here, as kubeadm
 * counts), bare seconds. Units s, sec, second(s), m, min, minute(s), h, hr, hour(s), d, day(s), w,
 * week(s), M, month(s) (30 days), y, year(s). -EINVAL if it is none, -ERANGE beyond 1000 years. */
int span_parse(const char *text, int64_t *ret) MUST_USE;

/* The largest unit and the next one below where it is not zero: "9y", "364d 23h", "2d 3h", "15min",
 * "42s"; negative spans with a leading "-". span_parse() reads all but the sign. */
const char *span_format(int64_t span, char text[SPAN_TEXT_SIZE]);

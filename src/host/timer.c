/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/timer.h"

#include "base/time-util.h"
#include "host/bus-internal.h"

#include <ctype.h>

#define SYSTEMD_TIMER SYSTEMD_NAME ".Timer"
#define USEC          1000000

/* A month, and what has a month or a year in it: longer than it can be. */
#define DAYS_OF_MONTH 31
#define RARELY        (366 * DAY)

static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", NULL};

/* One value of a field: a number, or a name from the list. -1 if it is neither. */
static int read_value(const char **text, const char *const *names, unsigned most)
{
        int value = 0;

        for (unsigned i = 0; names && names[i]; i++)
                if (starts_with(*text, names[i])) {
                        *text += strlen(names[i]);
                        return (int)i;
                }
        if (names || !isdigit((unsigned char)**text))
                return -1;
        for (; isdigit((unsigned char)**text) && value <= (int)most; (*text)++)
                value = value * 10 + **text - '0';
        return value <= (int)most ? value : -1;
}

/* "A", "A..B", "A/N", "A..B/N" or "*": sets the bits of the values. False if it is none of these.
 */
static bool read_range(const char **text, const char *const *names, unsigned n, uint64_t *bits)
{
        int first = 0, last = (int)n - 1, step = 1;

        if (**text == '*') {
                (*text)++;
        } else {
                first = last = read_value(text, names, n);
                if (starts_with(*text, "..")) {
                        *text += 2;
                        last = read_value(text, names, n);
                } else if (**text == '/') {
                        last = (int)n - 1;
                }
        }
        if (**text == '/') {
                (*text)++;
                step = read_value(text, NULL, n);
        }
        if (first < 0 || last < 0 || step <= 0)
                return false;
        for (int i = first; i <= last; i += step)
                *bits |= UINT64_C(1) << (i % (int)n);
        return true;
}

/* The longest way from one value of a field to the next, of the n that go round; 0 if the field
 * makes no sense. *text is moved behind it. */
static int64_t field_gap(const char **text, const char *const *names, unsigned n)
{
        uint64_t bits = 0;
        int64_t gap = 0, longest = 0;
        int first = 0;

        for (;; (*text)++) {
                if (!read_range(text, names, n, &bits))
                        return 0;
                if (**text != ',')
                        break;
        }
        if (bits == 0)
                return 0;
        while (!(bits >> first & 1))
                first++;
        for (unsigned i = 1; i <= n; i++) {
                gap++;
                if (bits >> ((unsigned)first + i) % n & 1) {
                        longest = gap > longest ? gap : longest;
                        gap = 0;
                }
        }
        return longest;
}

static bool skip(const char **text, char c)
{
        if (**text != c)
                return false;
        (*text)++;
        return true;
}

/* Days between two of "[WEEKDAYS ]YEAR-MONTH-DAY "; 0 if it makes no sense. */
static int64_t date_gap(const char **text)
{
        bool has_weekdays = isalpha((unsigned char)**text);
        int64_t week = has_weekdays ? field_gap(text, weekdays, 7) : 1, month;

        if (week == 0 || (has_weekdays && !skip(text, ' ')))
                return 0;
        if (!starts_with(*text, "*-*-")) {
                *text += strcspn(*text, " ");
                return skip(text, ' ') ? RARELY / DAY : 0;
        }
        *text += strlen("*-*-");
        month = field_gap(text, NULL, DAYS_OF_MONTH);
        if (month == 0 || !skip(text, ' '))
                return 0;
        return month > 1 && week > 1 ? RARELY / DAY : month > week ? month : week;
}

int64_t timer_calendar_interval(const char *expression)
{
        int64_t days = date_gap(&expression), hours, minutes;

        if (days == 0)
                return 0;
        if (days > 1)
                return days * DAY;
        hours = field_gap(&expression, NULL, 24);
        if (hours == 0 || !skip(&expression, ':'))
                return 0;
        if (hours > 1)
                return hours * HOUR;
        minutes = field_gap(&expression, NULL, 60);
        return minutes * MINUTE;
}

/* What several lines come to together ("Mon", "Tue", ...) is less than each of them, and not known
 * from them. */
void timer_take_interval(TimerState *timer, int64_t interval)
{
        timer->interval = timer->n_lines++ == 0 ? interval : 0;
}

/* OnCalendar=: base, expression, next time. */
static int read_calendar(Bus *bus, const char *unit, TimerState *timer, Error *reterr)
{
        autoptr(BusMessage) property = NULL;
        const char *base, *expression;
        uint64_t next;
        int r;

        r = bus_read_property(
                bus, unit, SYSTEMD_TIMER, "TimersCalendar", "a(sst)", &property, reterr);
        if (r >= 0)
                r = sd_bus_message_enter_container(property, 'a', "(sst)");
        while (r >= 0 &&
                (r = sd_bus_message_read(property, "(sst)", &base, &expression, &next)) > 0)
                timer_take_interval(timer, timer_calendar_interval(expression));
        return r;
}

/* OnUnitActiveSec= and OnUnitInactiveSec=: what they count from comes again each time. */
static int read_monotonic(Bus *bus, const char *unit, TimerState *timer, Error *reterr)
{
        autoptr(BusMessage) property = NULL;
        uint64_t span, next;
        const char *base;
        int r;

        r = bus_read_property(
                bus, unit, SYSTEMD_TIMER, "TimersMonotonic", "a(stt)", &property, reterr);
        if (r >= 0)
                r = sd_bus_message_enter_container(property, 'a', "(stt)");
        while (r >= 0 && (r = sd_bus_message_read(property, "(stt)", &base, &span, &next)) > 0)
                if (starts_with(base, "OnUnit"))
                        timer_take_interval(timer, (int64_t)(span / USEC));
        return r;
}

static int look(Bus *bus, const char *unit, TimerState *timer, Error *reterr)
{
        autofree char *load = NULL, *active = NULL, *file = NULL;
        int r;

        r = bus_read_text(bus, unit, SYSTEMD_UNIT, "LoadState", &load, reterr);
        if (r >= 0)
                r = bus_read_text(bus, unit, SYSTEMD_UNIT, "ActiveState", &active, reterr);
        if (r >= 0)
                r = bus_read_text(bus, unit, SYSTEMD_UNIT, "UnitFileState", &file, reterr);
        if (r < 0)
                return r;
        timer->activity = unit_activity(load, active);
        timer->is_masked = streq(load, "masked") || starts_with(file, "masked");
        timer->is_disabled = streq(file, "disabled") || timer->is_masked;
        if (timer->activity == UNIT_NOT_FOUND)
                return 0;
        r = read_calendar(bus, unit, timer, reterr);
        if (r >= 0)
                r = read_monotonic(bus, unit, timer, reterr);
        if (r >= 0)
                r = bus_read_number(bus, unit, SYSTEMD_TIMER, "RandomizedDelayUSec", 't',
                        &timer->delay, reterr);
        timer->delay /= USEC;
        return r;
}

int timer_look(Bus *bus, const char *unit, TimerState *ret, Error *reterr)
{
        TimerState timer = {};
        int r = look(bus, unit, &timer, reterr);

        if (r < 0)
                return error_prefix(reterr, r, "cannot tell the state of '%s'", unit);
        *ret = timer;
        return 0;
}

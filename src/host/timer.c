/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/timer.h"

#include "base/time-util.h"
#include "host/bus-internal.h"

#include <ctype.h>

#define USEC 1000000

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
static int read_calendar(BusMessage *value, TimerState *timer)
{
        const char *base, *expression;
        uint64_t next;
        int r;

        r = sd_bus_message_enter_container(value, 'a', "(sst)");
        while (r >= 0 && (r = sd_bus_message_read(value, "(sst)", &base, &expression, &next)) > 0)
                timer_take_interval(timer, timer_calendar_interval(expression));
        return r < 0 ? r : sd_bus_message_exit_container(value);
}

/* OnUnitActiveSec= and OnUnitInactiveSec=: what they count from comes again each time. */
static int read_monotonic(BusMessage *value, TimerState *timer)
{
        uint64_t span, next;
        const char *base;
        int r;

        r = sd_bus_message_enter_container(value, 'a', "(stt)");
        while (r >= 0 && (r = sd_bus_message_read(value, "(stt)", &base, &span, &next)) > 0)
                if (starts_with(base, "OnUnit"))
                        timer_take_interval(timer, (int64_t)(span / USEC));
        return r < 0 ? r : sd_bus_message_exit_container(value);
}

/* What is read from the properties before it is known what they come to. */
typedef struct Reading {
        TimerState timer;
        char load[32], active[32], file[32];
} Reading;

static int read_word(BusMessage *value, char word[32])
{
        const char *text;
        int r = sd_bus_message_read(value, "v", "s", &text);

        if (r >= 0)
                snprintf(word, 32, "%s", text);
        return r;
}

static int read_lines(BusMessage *value, const char *type, TimerState *timer,
        int (*read)(BusMessage *value, TimerState *timer))
{
        int r = sd_bus_message_enter_container(value, 'v', type);

        if (r >= 0)
                r = read(value, timer);
        return r < 0 ? r : sd_bus_message_exit_container(value);
}

static int read_delay(BusMessage *value, TimerState *timer)
{
        uint64_t delay;
        int r = sd_bus_message_read(value, "v", "t", &delay);

        if (r >= 0)
                timer->delay = (int64_t)(delay / USEC);
        return r;
}

static int take(void *userdata, const char *property, BusMessage *value)
{
        Reading *reading = userdata;
        int r = 0;

        if (streq(property, "LoadState"))
                r = read_word(value, reading->load);
        else if (streq(property, "ActiveState"))
                r = read_word(value, reading->active);
        else if (streq(property, "UnitFileState"))
                r = read_word(value, reading->file);
        else if (streq(property, "TimersCalendar"))
                r = read_lines(value, "a(sst)", &reading->timer, read_calendar);
        else if (streq(property, "TimersMonotonic"))
                r = read_lines(value, "a(stt)", &reading->timer, read_monotonic);
        else if (streq(property, "RandomizedDelayUSec"))
                r = read_delay(value, &reading->timer);
        else
                return 0;
        return r < 0 ? r : 1;
}

static int look(Bus *bus, const char *unit, TimerState *timer, Error *reterr)
{
        Reading reading = {};
        int r;

        r = bus_read_all(bus, unit, take, &reading, reterr);
        if (r < 0)
                return r;
        if (!reading.load[0])
                return error_set(reterr, -EIO, "systemd does not tell its LoadState");
        reading.timer.activity = unit_activity(reading.load, reading.active);
        reading.timer.is_masked =
                streq(reading.load, "masked") || starts_with(reading.file, "masked");
        reading.timer.is_disabled = streq(reading.file, "disabled") || reading.timer.is_masked;
        *timer = reading.timer;
        return 0;
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

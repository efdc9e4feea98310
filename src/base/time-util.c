/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/time-util.h"

#define TIME_MIN ((int64_t)-631152000)   /* 1950-01-01T00:00:00Z: UTCTime begins (RFC 5280) */
#define TIME_MAX ((int64_t)253402300799) /* 9999-12-31T23:59:59Z */
#define SPAN_MAX (1000 * YEAR)

/* Takes exactly n decimal digits. */
static bool take_digits(const char **p, unsigned n, int *ret)
{
        int value = 0;

        for (; n > 0; n--, (*p)++) {
                if (**p < '0' || **p > '9')
                        return false;
                value = value * 10 + (**p - '0');
        }
        *ret = value;
        return true;
}

static bool take_char(const char **p, const char *set)
{
        if (!**p || !strchr(set, **p))
                return false;
        (*p)++;
        return true;
}

/* "2027-11-11" */
static bool take_date(const char **p, struct tm *tm)
{
        if (!take_digits(p, 4, &tm->tm_year) || !take_char(p, "-") ||
                !take_digits(p, 2, &tm->tm_mon) || !take_char(p, "-") ||
                !take_digits(p, 2, &tm->tm_mday))
                return false;
        tm->tm_year -= 1900;
        tm->tm_mon -= 1;
        return true;
}

/* "23:26", "23:26:00", "23:26:00.5"; fractions are dropped, 60 is a leap second. */
static bool take_clock(const char **p, struct tm *tm, bool *ret_seconds)
{
        if (!take_digits(p, 2, &tm->tm_hour) || !take_char(p, ":") ||
                !take_digits(p, 2, &tm->tm_min))
                return false;
        *ret_seconds = take_char(p, ":");
        if (*ret_seconds && !take_digits(p, 2, &tm->tm_sec))
                return false;
        if (*ret_seconds && take_char(p, ".")) {
                if (!take_char(p, "0123456789"))
                        return false;
                while (take_char(p, "0123456789"))
                        ;
        }
        return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* "Z", "+02:00", "-02:00" */
static bool take_offset(const char **p, int64_t *ret)
{
        int sign, hours, minutes;

        *ret = 0;
        if (take_char(p, "Zz"))
                return true;
        sign = **p == '-' ? -1 : 1;
        if (!take_char(p, "+-") || !take_digits(p, 2, &hours) || !take_char(p, ":") ||
                !take_digits(p, 2, &minutes) || hours > 23 || minutes > 59)
                return false;
        *ret = sign * (hours * HOUR + minutes * MINUTE);
        return true;
}

/* timegm() turns the 30th of February into the 2nd of March: what it had to move was no date. */
static bool date_exists(const struct tm *tm)
{
        struct tm day = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday};

        timegm(&day);
        return day.tm_year == tm->tm_year && day.tm_mon == tm->tm_mon && day.tm_mday == tm->tm_mday;
}

static int in_range(int64_t t, int64_t *ret)
{
        if (t < TIME_MIN || t > TIME_MAX)
                return -ERANGE;
        *ret = t;
        return 0;
}

static int parse_epoch(const char *text, int64_t *ret)
{
        const char *digits = *text == '-' ? text + 1 : text;
        size_t length = strlen(digits);

        if (length == 0 || strspn(digits, "0123456789") != length)
                return -EINVAL;
        if (length > 15)
                return -ERANGE;
        return in_range(strtoll(text, NULL, 10), ret);
}

int time_parse(const char *text, int64_t *ret)
{
        struct tm tm = {};
        int64_t offset = 0;
        bool rfc3339, seconds;

        if (*text == '@')
                return parse_epoch(text + 1, ret);
        if (!take_date(&text, &tm) || !date_exists(&tm))
                return -EINVAL;
        if (*text) {
                rfc3339 = *text != ' ';
                if (!take_char(&text, "Tt ") || !take_clock(&text, &tm, &seconds))
                        return -EINVAL;
                if ((rfc3339 || *text) && !(seconds && take_offset(&text, &offset)))
                        return -EINVAL;
                if (*text)
                        return -EINVAL;
        }
        return in_range((int64_t)timegm(&tm) - offset, ret);
}

const char *time_format(int64_t t, char text[TIME_TEXT_SIZE])
{
        time_t seconds = (time_t)t;
        struct tm tm;

        if (!gmtime_r(&seconds, &tm) ||
                strftime(text, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                snprintf(text, TIME_TEXT_SIZE, "@%lld", (long long)t);
        return text;
}

/* Letters of a unit, first spelling as span_format() writes it; "M" is months, "m" minutes. */
static const struct {
        const char *name;
        int64_t seconds;
} span_units[] = {
        {"y", YEAR},
        {"d", DAY},
        {"h", HOUR},
        {"min", MINUTE},
        {"s", 1},
        {"", 1},
        {"sec", 1},
        {"second", 1},
        {"seconds", 1},
        {"m", MINUTE},
        {"minute", MINUTE},
        {"minutes", MINUTE},
        {"hr", HOUR},
        {"hour", HOUR},
        {"hours", HOUR},
        {"day", DAY},
        {"days", DAY},
        {"w", 7 * DAY},
        {"week", 7 * DAY},
        {"weeks", 7 * DAY},
        {"M", 30 * DAY},
        {"month", 30 * DAY},
        {"months", 30 * DAY},
        {"year", YEAR},
        {"years", YEAR},
};
#define N_FORMAT_UNITS 5

static int64_t find_unit(const char *name, size_t length)
{
        for (size_t i = 0; i < ELEMENTSOF(span_units); i++)
                if (strlen(span_units[i].name) == length &&
                        strncmp(span_units[i].name, name, length) == 0)
                        return span_units[i].seconds;
        return 0;
}

int span_parse(const char *text, int64_t *ret)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
        int64_t span = 0;

        text += strspn(text, " ");
        if (!*text)
                return -EINVAL;
        while (*text) {
                size_t digits = strspn(text, "0123456789"), length;
                int64_t unit, value;

                if (digits == 0)
                        return -EINVAL;
                if (digits > 12)
                        return -ERANGE;
                value = strtoll(text, NULL, 10);
                text += digits + strspn(text + digits, " ");
                length = strspn(text, letters);
                unit = find_unit(text, length);
                if (unit == 0)
                        return -EINVAL;
                if (value > SPAN_MAX / unit || span + value * unit > SPAN_MAX)
                        return -ERANGE;
                span += value * unit;
                text += length;
                text += strspn(text, " ");
        }
        *ret = span;
        return 0;
}

const char *span_format(int64_t span, char text[SPAN_TEXT_SIZE])
{
        uint64_t rest = span < 0 ? -(uint64_t)span : (uint64_t)span, first, second;
        const char *sign = span < 0 ? "-" : "";
        size_t i = 0;

        while (i < N_FORMAT_UNITS - 1 && rest < (uint64_t)span_units[i].seconds)
                i++;
        first = rest / (uint64_t)span_units[i].seconds;
        rest %= (uint64_t)span_units[i].seconds;
        second = i < N_FORMAT_UNITS - 1 ? rest / (uint64_t)span_units[i + 1].seconds : 0;
        if (second > 0)
                snprintf(text, SPAN_TEXT_SIZE, "%s%llu%s %llu%s", sign, (unsigned long long)first,
                        span_units[i].name, (unsigned long long)second, span_units[i + 1].name);
        else
                snprintf(text, SPAN_TEXT_SIZE, "%s%llu%s", sign, (unsigned long long)first,
                        span_units[i].name);
        return text;
}

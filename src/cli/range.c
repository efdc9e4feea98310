/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/range.h"

#include "base/time-util.h"

#include <inttypes.h>

#define HOW_TO_WRITE_ONE "write it as 15d:, 72h:, 10:20, ~:10 or @0:15 (days without a unit)"

/* One side of a range: -EINVAL with its place in the whole. */
static int parse_side(
        const char *text, const char *side, size_t length, int64_t *ret, Error *reterr)
{
        bool is_negative = length > 0 && side[0] == '-';
        autofree char *span = xstrndup(side + is_negative, length - is_negative);
        bool is_number = span[0] && strspn(span, "0123456789 ") == strlen(span);
        autofree char *with_unit = xasprintf("%s%s", span, is_number ? "d" : "");
        int64_t value;

        if (span_parse(with_unit, &value) < 0)
                return error_set(reterr, -EINVAL,
                        "'%.*s' at character %zu is no number of days and no span of "
                        "time; " HOW_TO_WRITE_ONE,
                        (int)length, side, (size_t)(side - text) + 1);
        *ret = is_negative ? -value : value;
        return 0;
}

int range_parse(const char *text, Range *ret, Error *reterr)
{
        Range range = {.is_set = true, .is_inside = text[0] == '@', .end = INT64_MAX};
        const char *start = text + range.is_inside, *colon = strchr(start, ':');
        const char *end = colon ? colon + 1 : start;
        size_t start_length = colon ? (size_t)(colon - start) : 0;
        int r = 0;

        if (colon && start_length == 1 && *start == '~')
                range.start = INT64_MIN;
        else if (colon)
                r = parse_side(text, start, start_length, &range.start, reterr);
        if (r >= 0 && (*end || !colon))
                r = parse_side(text, end, strlen(end), &range.end, reterr);
        if (r < 0)
                return r;
        if (range.start > range.end)
                return error_set(reterr, -EINVAL,
                        "its start '%.*s' is greater than its end '%s' at character "
                        "%zu; " HOW_TO_WRITE_ONE,
                        (int)start_length, start, end, (size_t)(end - text) + 1);
        *ret = range;
        return 0;
}

bool range_alerts(const Range *range, int64_t value)
{
        bool is_inside = value >= range->start && value <= range->end;

        return range->is_set && is_inside == range->is_inside;
}

char *range_format(const Range *range)
{
        autofree char *start =
                range->start == INT64_MIN ? xstrdup("~") : xasprintf("%" PRId64, range->start);
        autofree char *end =
                range->end == INT64_MAX ? xstrdup("") : xasprintf("%" PRId64, range->end);

        if (!range->is_set)
                return xstrdup("");
        return xasprintf("%s%s:%s", range->is_inside ? "@" : "", start, end);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "host/alarm.h"

#include <assert.h>

static bool is_printable(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        return false;
        return true;
}

/* Alarm files: whatever is accepted has a file name of its own, no control characters, and is read
 * back as it was. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        Alarm alarm = {}, again = {};
        Error error = {};

        if (alarm_parse(data, size, &alarm, &error) < 0) {
                assert(error.text[0] && !alarm.type);
                return 0;
        }
        autofree char *name = alarm_file_name(alarm.type, alarm.resource);
        autoptr(json_t) json = alarm_to_json(&alarm);
        autofree char *text = json_text(json);

        assert(!strchr(name, '/') && name[0] != '.');
        assert(is_printable(alarm.resource) && is_printable(alarm.text));
        assert(alarm_parse(text, strlen(text), &again, &error) == 0);
        assert(streq(alarm.resource, again.resource) && streq(alarm.reason, again.reason));
        assert(alarm.count == again.count && alarm.time_created == again.time_created);
        alarm_done(&alarm);
        alarm_done(&again);
        return 0;
}

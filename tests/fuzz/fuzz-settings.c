/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "renew/config/settings.h"

#include <assert.h>

/* The grammar of configuration and layouts: whatever is accepted has a section, a key and a line.
 */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autoptr(Settings) settings = settings_new();
        Error error = {};
        int r;

        r = settings_parse(settings, "input", (const char *)data, size, &error);
        if (r < 0) {
                assert(error.text[0]);
                return 0;
        }
        for (size_t i = 0; i < settings->n; i++) {
                const Setting *setting = &settings->items[i];

                assert(setting->section[0] && setting->name && setting->key[0] && setting->value);
                assert(setting->line > 0 && streq(setting->file, "input"));
        }
        return 0;
}

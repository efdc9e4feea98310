/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/term.h"
#include "cli/text.h"

static bool same_section(const EffectiveSetting *a, const EffectiveSetting *b)
{
        return streq(a->section, b->section) && streq(a->name, b->name);
}

static void print_settings(const EffectiveSetting *settings, size_t n)
{
        const EffectiveSetting *previous = NULL;

        for (const EffectiveSetting *s = settings; s < settings + n; previous = s++) {
                if (!previous || !same_section(previous, s)) {
                        autofree char *heading =
                                xasprintf("[%s%s%s]", s->section, s->name[0] ? " " : "", s->name);
                        printf("%s", previous ? "\n" : "");
                        text_line(heading);
                }
                autofree char *setting = xasprintf("%s=%s", s->key, s->value);
                size_t width = term_text_width(setting);
                autofree char *line = xasprintf(
                        "%s%*s  # %s", setting, width < 40 ? (int)(40 - width) : 0, "", s->origin);
                text_line(line);
        }
}

static json_t *json_settings(const EffectiveSetting *settings, size_t n)
{
        json_t *array = xcheck(json_array());

        for (const EffectiveSetting *s = settings; s < settings + n; s++)
                json_array_append_new(
                        array, xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o}", "section",
                                       json_escaped(s->section), "name", json_escaped(s->name),
                                       "key", json_escaped(s->key), "value", json_escaped(s->value),
                                       "origin", json_escaped(s->origin))));
        return array;
}

int verb_config(const Options *options)
{
        autoptr(Pass) pass = NULL;
        EffectiveSetting *settings;
        size_t n;
        int status;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        settings = config_effective(pass->config, &n);
        if (output_is_data(options))
                print_data(options, json_settings(settings, n));
        else
                print_settings(settings, n);
        config_effective_free(settings, n);
        return EXIT_DONE;
}

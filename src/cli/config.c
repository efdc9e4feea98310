/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/term.h"
#include "cli/text.h"
#include "renew/unit/unit-needs.h"

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

/* The unit that is asked about; NULL with an error for a bad command line. */
static const char *find_unit(const Options *options, Error *reterr)
{
        if (options->drop_in && output_is_data(options)) {
                error_set(reterr, -EINVAL, "--drop-in prints no %s, but what systemd reads",
                        options->output);
                return NULL;
        }
        if (options->n_names == 0)
                return unit_needs_units[0];
        if (!options->drop_in) {
                error_set(reterr, -EINVAL, "'config' takes '%s' only together with --drop-in",
                        options->names[0]);
                return NULL;
        }
        for (const char *const *unit = unit_needs_units; *unit; unit++)
                if (streq(options->names[0], *unit))
                        return *unit;
        autofree char *list = strv_join((char *const *)unit_needs_units, ", ");
        error_set(reterr, -EINVAL, "'%s' is no unit with a drop-in (there are: %s)",
                options->names[0], list);
        return NULL;
}

/* What is only a comment in the drop-in would not be read by who pastes it. */
static void warn_of_problems(const UnitNeeds *needs)
{
        for (size_t i = 0; i < needs->n; i++) {
                autofree char *problem = needed_directory_problem(&needs->directories[i]);

                if (problem)
                        complain("warning: %s", problem);
        }
}

static int print_drop_in(const Options *options, const Pass *pass, const char *unit)
{
        autoptr(Inventory) inventory = NULL;
        autoptr(UnitNeeds) needs = NULL;
        autofree char *text = NULL;
        Error error = {};

        if (inventory_read(pass->root_fd, pass->config, &inventory, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        needs = unit_needs(pass->root_fd, pass->config, inventory);
        text = unit_needs_drop_in(needs, unit);
        fputs(text, stdout);
        warn_of_problems(needs);
        return EXIT_DONE;
}

int verb_config(const Options *options)
{
        autoptr(Pass) pass = NULL;
        EffectiveSetting *settings;
        Error error = {};
        const char *unit = find_unit(options, &error);
        size_t n;
        int status;

        if (!unit)
                return command_fail(options, EXIT_USAGE, &error);
        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (options->drop_in)
                return print_drop_in(options, pass, unit);
        settings = config_effective(pass->config, &n);
        if (output_is_data(options))
                print_data(options, json_settings(settings, n));
        else
                print_settings(settings, n);
        config_effective_free(settings, n);
        return EXIT_DONE;
}

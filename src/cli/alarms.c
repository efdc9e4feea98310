/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs.h"
#include "cli/command.h"
#include "cli/nagios.h"
#include "cli/table.h"
#include "cli/text.h"
#include "renew/report/status.h"

#include <inttypes.h>

typedef struct AlarmRow {
        const Alarm *alarm;
        bool shelved;
} AlarmRow;

MEMBER_CELL(cell_type, AlarmRow, alarm->type)
MEMBER_CELL(cell_resource, AlarmRow, alarm->resource)
MEMBER_CELL(cell_text, AlarmRow, alarm->text)
MEMBER_CELL(cell_reason, AlarmRow, alarm->reason)
MEMBER_CELL(cell_repair, AlarmRow, alarm->repair_action)
MEMBER_CELL(cell_id, AlarmRow, alarm->alarm_id)

static char *cell_severity(const void *row)
{
        return xstrdup(alarm_severity_name(((const AlarmRow *)row)->alarm->severity));
}

static char *cell_since(const void *row)
{
        char text[DATE_TEXT_SIZE];

        return xstrdup(text_date(((const AlarmRow *)row)->alarm->time_created, text));
}

static char *cell_count(const void *row)
{
        return xasprintf("%" PRId64, ((const AlarmRow *)row)->alarm->count);
}

static char *cell_shelved(const void *row)
{
        return xstrdup(((const AlarmRow *)row)->shelved ? "yes" : "no");
}

static const Column columns[] = {
        {"SEVERITY", COLUMN_STATE, cell_severity},
        {"ALARM", 0, cell_type},
        {"RESOURCE", 0, cell_resource},
        {"SINCE", COLUMN_SPARE, cell_since},
        {"SHELVED", COLUMN_ASKED, cell_shelved},
        {"COUNT", COLUMN_RIGHT | COLUMN_ASKED, cell_count},
        {"ID", COLUMN_ASKED, cell_id},
        {"TEXT", COLUMN_WIDE, cell_text},
        {"REASON", COLUMN_ASKED, cell_reason},
        {"REPAIR", COLUMN_ASKED, cell_repair},
};

/* Of --shelved, where --columns= does not say. */
#define COLUMNS_WITH_SHELVED "severity,alarm,resource,since,shelved"

/* What is listed, active ones first, and what is to be thought of it. */
typedef struct Listing {
        int root_fd;
        Config *config;              /* of one that cannot be used only where our state is */
        AlarmList *active, *shelved; /* shelved: NULL if nobody asked */
        AlarmRow *rows;
        size_t n;
        int64_t last_run; /* 0: not known */
        bool is_blind;    /* that there are no other alarms cannot be said */
        char **problems;  /* sentences */
} Listing;

static void listing_done(Listing *listing)
{
        if (listing->root_fd >= 0)
                close(listing->root_fd);
        config_free(listing->config);
        alarm_list_free(listing->active);
        alarm_list_free(listing->shelved);
        free(listing->rows);
        strv_free(listing->problems);
}

DEFINE_AUTOPTR(Listing, listing_done)

/* 1. Where. A configuration that cannot be used is one of the alarms, and raised where the state
 * directory is if that is known, else in the default one (renew/pass-open.c). */
static int listing_open(Listing *listing, const Options *options, Error *reterr)
{
        const ConfigOptions wanted = {
                .config_file = options->config, .layout = options->layout, .layout_any = true};
        Error error = {};

        listing->root_fd = fs_open_root(options->root ? options->root : "/", reterr);
        if (listing->root_fd < 0)
                return listing->root_fd;
        if (config_load(listing->root_fd, &wanted, &listing->config, &error) >= 0) {
                command_warn(listing->config);
                return 0;
        }
        listing->is_blind = true;
        strv_add(&listing->problems, error.text);
        listing->config = xcalloc(1, sizeof(*listing->config));
        if (config_state_directory(
                    listing->root_fd, options->config, &listing->config->state_directory, NULL) < 0)
                listing->config->state_directory = xstrdup(CONFIG_STATE_DIRECTORY);
        return 0;
}

static void add_rows(Listing *listing, const AlarmList *list, bool shelved)
{
        for (size_t i = 0; list && i < list->n; i++) {
                listing->rows = xreallocarray(listing->rows, listing->n + 1, sizeof(AlarmRow));
                listing->rows[listing->n++] = (AlarmRow){&list->alarms[i], shelved};
        }
}

/* A sentence for each file. */
static void add_unreadable(Listing *listing, const AlarmList *list, const char *directory)
{
        char **name = list ? list->unreadable : NULL;

        for (; name && *name; name++)
                strv_take(&listing->problems,
                        xasprintf("'%s' in public/%s is no alarm; remove it if nobody needs it",
                                *name, directory));
}

/* 2. What is there. */
static int listing_read(Listing *listing, bool with_shelved, Error *reterr)
{
        int r = report_read_alarms(listing->root_fd, listing->config, &listing->active, reterr);

        if (r >= 0 && with_shelved)
                r = report_read_shelved(
                        listing->root_fd, listing->config, &listing->shelved, reterr);
        if (r < 0)
                return r;
        add_rows(listing, listing->active, false);
        add_rows(listing, listing->shelved, true);
        add_unreadable(listing, listing->active, "alarms");
        add_unreadable(listing, listing->shelved, "shelved");
        return 0;
}

/* 3. Who looks? Where no pass does, nobody raises an alarm. */
static void listing_look_for_passes(Listing *listing, const Options *options)
{
        autoptr(Status) status = NULL;
        Error error = {};

        /* That the configuration cannot be used is said already. */
        if (listing->is_blind)
                return;
        if (status_open(options->root, options->config, options->at, &status, &error) >= 0) {
                listing->last_run = status->last_run;
                return;
        }
        listing->is_blind = true;
        strv_add(&listing->problems, error.text);
}

static PluginStatus judge(const Listing *listing)
{
        const AlarmList *active = listing->active;
        PluginStatus status = PLUGIN_OK;

        if (active->unreadable || (listing->shelved && listing->shelved->unreadable))
                return PLUGIN_UNKNOWN;
        for (size_t i = 0; i < active->n; i++)
                if (nagios_alarm_status(&active->alarms[i]) > status)
                        status = nagios_alarm_status(&active->alarms[i]);
        return active->n == 0 && listing->is_blind ? PLUGIN_UNKNOWN : status;
}

static json_t *json_alarms(const AlarmList *list)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < list->n; i++)
                json_array_append_new(array, alarm_to_json(&list->alarms[i]));
        return array;
}

/* With --shelved two lists, as in status.json. */
static json_t *json_listing(const Listing *listing)
{
        if (!listing->shelved)
                return json_alarms(listing->active);
        return xcheck(json_pack("{s:o, s:o}", "alarms", json_alarms(listing->active), "shelved",
                json_alarms(listing->shelved)));
}

static void print_legend(const Listing *listing)
{
        size_t n = listing->active->n;

        for (size_t i = 0; i < listing->n; i++) {
                const Alarm *alarm = listing->rows[i].alarm;
                autofree char *title = xasprintf("%s of %s%s", alarm->type, alarm->resource,
                        listing->rows[i].shelved ? " (shelved)" : "");

                printf("\n");
                text_line(title);
                text_field("reason", alarm->reason);
                text_field("repair", alarm->repair_action);
        }
        printf("%s%zu active alarm%s%s", listing->n > 0 ? "\n" : "", n, n == 1 ? "" : "s",
                listing->is_blind ? " known" : "");
        if (listing->shelved)
                printf(", %zu shelved", listing->shelved->n);
        printf("\n");
}

static void print_alarms(const Options *options, const Listing *listing, Table *table)
{
        for (size_t i = 0; i < listing->n; i++)
                table_add(table, &listing->rows[i], NO_PARENT,
                        (int)nagios_alarm_status(listing->rows[i].alarm));
        table_print(table, !options->no_headings);
        if (!options->no_legend)
                print_legend(listing);
}

static void complain_of(char *const *problems)
{
        for (; problems && *problems; problems++)
                complain("%s", *problems);
}

/* Where there is no alarm to begin with, what is wrong stands in the first line. */
static void print_plugin(const Listing *listing, PluginStatus status)
{
        bool is_nothing = listing->active->n == 0 && status == PLUGIN_UNKNOWN;

        complain_of(is_nothing ? listing->problems + 1 : listing->problems);
        if (is_nothing)
                plugin_print_unknown(listing->problems[0], complaints_held());
        else
                nagios_print_alarms(&(PluginAlarms){.status = status,
                        .active = listing->active,
                        .shelved = listing->shelved,
                        .last_run = listing->last_run,
                        .notes = complaints_held()});
}

static void print_listing(const Options *options, const Listing *listing, Table *table)
{
        if (output_is_data(options))
                print_data(options, json_listing(listing));
        else
                print_alarms(options, listing, table);
        complain_of(listing->problems);
}

int verb_alarms(const Options *options)
{
        const char *wanted = options->columns   ? options->columns
                             : options->shelved ? COLUMNS_WITH_SHELVED
                                                : NULL;
        bool is_plugin = output_is(options, "nagios");
        autoptr(Table) table = NULL;
        Listing storage = {.root_fd = -1};
        autoptr(Listing) listing = &storage;
        Error error = {};
        PluginStatus status;

        if (table_new(columns, ELEMENTSOF(columns), wanted, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        if (listing_open(listing, options, &error) < 0 ||
                listing_read(listing, options->shelved || is_plugin, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        listing_look_for_passes(listing, options);
        status = judge(listing);
        if (is_plugin)
                print_plugin(listing, status);
        else
                print_listing(options, listing, table);
        return (int)status;
}

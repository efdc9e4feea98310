/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"
#include "renew/report.h"

#include <inttypes.h>

typedef struct AlarmRow {
        const Alarm *alarm;
        bool shelved;
} AlarmRow;

#define ALARM_CELL(function, member)                                                               \
        static char *function(const void *row)                                                     \
        {                                                                                          \
                return xstrdup(((const AlarmRow *)row)->alarm->member);                            \
        }

ALARM_CELL(cell_type, type)
ALARM_CELL(cell_resource, resource)
ALARM_CELL(cell_text, text)
ALARM_CELL(cell_reason, reason)
ALARM_CELL(cell_repair, repair_action)
ALARM_CELL(cell_id, alarm_id)

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

/* As a monitoring plugin counts: what may wait is a warning, the rest is critical. */
static int severity_status(AlarmSeverity severity)
{
        return severity >= ALARM_MAJOR ? 2 : 1;
}

static int worst(const AlarmList *list)
{
        int status = 0;

        for (size_t i = 0; i < list->n; i++)
                if (severity_status(list->alarms[i].severity) > status)
                        status = severity_status(list->alarms[i].severity);
        return status;
}

/* What is listed, active ones first. */
typedef struct Listing {
        AlarmList *active, *shelved; /* shelved: NULL if nobody asked */
        AlarmRow *rows;
        size_t n;
} Listing;

static void listing_done(Listing *listing)
{
        alarm_list_free(listing->active);
        alarm_list_free(listing->shelved);
        free(listing->rows);
}

DEFINE_AUTOPTR(Listing, listing_done)

static void add_rows(Listing *listing, const AlarmList *list, bool shelved)
{
        for (size_t i = 0; list && i < list->n; i++) {
                listing->rows = xreallocarray(listing->rows, listing->n + 1, sizeof(AlarmRow));
                listing->rows[listing->n++] = (AlarmRow){&list->alarms[i], shelved};
        }
}

static int listing_read(Listing *listing, const Options *options, const Pass *pass, Error *reterr)
{
        int r = report_read_alarms(pass->root_fd, pass->config, &listing->active, reterr);

        if (r >= 0 && options->shelved)
                r = report_read_shelved(pass->root_fd, pass->config, &listing->shelved, reterr);
        if (r < 0)
                return r;
        add_rows(listing, listing->active, false);
        add_rows(listing, listing->shelved, true);
        return 0;
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
        printf("%s%zu active alarm%s", listing->n > 0 ? "\n" : "", n, n == 1 ? "" : "s");
        if (listing->shelved)
                printf(", %zu shelved", listing->shelved->n);
        printf("\n");
}

static void print_alarms(const Options *options, const Listing *listing, Table *table)
{
        for (size_t i = 0; i < listing->n; i++)
                table_add(table, &listing->rows[i], NO_PARENT,
                        severity_status(listing->rows[i].alarm->severity));
        table_print(table, !options->no_headings);
        if (!options->no_legend)
                print_legend(listing);
}

/* One line for each file; true if there was one. */
static bool complain_of(const AlarmList *list, const char *directory)
{
        char **name = list ? list->unreadable : NULL;

        for (; name && *name; name++)
                complain("'%s' in public/%s is no alarm; remove it if nobody needs it", *name,
                        directory);
        return list && list->unreadable;
}

int verb_alarms(const Options *options)
{
        const char *wanted = options->columns   ? options->columns
                             : options->shelved ? COLUMNS_WITH_SHELVED
                                                : NULL;
        autoptr(Pass) pass = NULL;
        autoptr(Table) table = NULL;
        Listing storage = {};
        autoptr(Listing) listing = &storage;
        Error error = {};
        bool unreadable;
        int status;

        if (table_new(columns, ELEMENTSOF(columns), wanted, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (listing_read(listing, options, pass, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        if (output_is_data(options))
                print_data(options, json_listing(listing));
        else
                print_alarms(options, listing, table);
        unreadable = complain_of(listing->active, "alarms");
        unreadable = complain_of(listing->shelved, "shelved") || unreadable;
        return unreadable ? EXIT_UNKNOWN : worst(listing->active);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/table.h"
#include "cli/text.h"
#include "renew/report.h"

#include <inttypes.h>

MEMBER_CELL(cell_type, Alarm, type)
MEMBER_CELL(cell_resource, Alarm, resource)
MEMBER_CELL(cell_text, Alarm, text)
MEMBER_CELL(cell_reason, Alarm, reason)
MEMBER_CELL(cell_repair, Alarm, repair_action)
MEMBER_CELL(cell_id, Alarm, alarm_id)

static char *cell_severity(const void *alarm)
{
        return xstrdup(alarm_severity_name(((const Alarm *)alarm)->severity));
}

static char *cell_since(const void *alarm)
{
        char text[DATE_TEXT_SIZE];

        return xstrdup(text_date(((const Alarm *)alarm)->time_created, text));
}

static char *cell_count(const void *alarm)
{
        return xasprintf("%" PRId64, ((const Alarm *)alarm)->count);
}

static const Column columns[] = {
        {"SEVERITY", COLUMN_STATE, cell_severity},
        {"ALARM", 0, cell_type},
        {"RESOURCE", 0, cell_resource},
        {"SINCE", COLUMN_SPARE, cell_since},
        {"COUNT", COLUMN_ASKED, cell_count},
        {"ID", COLUMN_ASKED, cell_id},
        {"TEXT", COLUMN_WIDE, cell_text},
        {"REASON", COLUMN_ASKED, cell_reason},
        {"REPAIR", COLUMN_ASKED, cell_repair},
};

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

static json_t *json_alarms(const AlarmList *list)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; i < list->n; i++)
                json_array_append_new(array, alarm_to_json(&list->alarms[i]));
        return array;
}

static void print_alarms(const Options *options, const AlarmList *list, Table *table)
{
        for (size_t i = 0; i < list->n; i++)
                table_add(table, &list->alarms[i], NO_PARENT,
                        severity_status(list->alarms[i].severity));
        table_print(table, !options->no_headings);
        if (options->no_legend)
                return;
        for (size_t i = 0; i < list->n; i++) {
                const Alarm *alarm = &list->alarms[i];
                autofree char *title = xasprintf("%s of %s", alarm->type, alarm->resource);

                printf("\n");
                text_line(title);
                text_field("reason", alarm->reason);
                text_field("repair", alarm->repair_action);
        }
        printf("%s%zu active alarm%s\n", list->n > 0 ? "\n" : "", list->n, list->n == 1 ? "" : "s");
}

int verb_alarms(const Options *options)
{
        autoptr(Pass) pass = NULL;
        autoptr(AlarmList) list = NULL;
        autoptr(Table) table = NULL;
        Error error = {};
        int status;

        if (table_new(columns, ELEMENTSOF(columns), options->columns, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);
        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (report_read_alarms(pass->root_fd, pass->config, &list, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        if (output_is_data(options))
                print_data(options, json_alarms(list));
        else
                print_alarms(options, list, table);
        for (char **name = list->unreadable; name && *name; name++)
                complain("'%s' in public/alarms is no alarm; remove it if nobody needs it", *name);
        if (list->unreadable)
                return EXIT_UNKNOWN;
        return worst(list);
}

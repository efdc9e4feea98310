/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/nagios.h"

#include "base/time-util.h"

#define NAMES_MAX (PLUGIN_TEXT_MAX - 32) /* of the headline: what follows the names has room */

PluginStatus nagios_alarm_status(const Alarm *alarm)
{
        return alarm->severity >= ALARM_MAJOR ? PLUGIN_CRITICAL : PLUGIN_WARNING;
}

/* The gravest first; equals as in the list. */
static int compare_alarms(const void *a, const void *b)
{
        const Alarm *x = *(const Alarm *const *)a, *y = *(const Alarm *const *)b;

        if (x->severity != y->severity)
                return x->severity > y->severity ? -1 : 1;
        return x < y ? -1 : 1;
}

static const Alarm **sort_alarms(const AlarmList *list)
{
        const Alarm **sorted = xcalloc(list->n, sizeof(*sorted));

        for (size_t i = 0; i < list->n; i++)
                sorted[i] = &list->alarms[i];
        qsort(sorted, list->n, sizeof(*sorted), compare_alarms);
        return sorted;
}

/* "restart-owed of kube-scheduler (major)" */
static char *describe(const Alarm *alarm)
{
        autofree char *type = plugin_text(alarm->type, PLUGIN_NAME_MAX);
        autofree char *resource = plugin_text(alarm->resource, PLUGIN_NAME_MAX);

        return xasprintf("%s of %s (%s)", type, resource, alarm_severity_name(alarm->severity));
}

/* As many as there is room for. */
static void append_names(PluginOutput *output, const Alarm *const *sorted, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                autofree char *name = describe(sorted[i]);

                if (plugin_append(output, NAMES_MAX, "%s%s", i > 0 ? ", " : ": ", name))
                        continue;
                plugin_append(output, PLUGIN_TEXT_MAX, "%s%zu more", i > 0 ? " and " : ": ", n - i);
                return;
        }
}

/* "2 alarms: restart-owed of etcd (major), expiring of ca (warning)", "no alarm, last run ..." */
static void append_headline(
        PluginOutput *output, const PluginAlarms *report, const Alarm *const *sorted)
{
        size_t n = report->active->n, n_shelved = report->shelved->n;
        char last_run[TIME_TEXT_SIZE];

        plugin_append(output, PLUGIN_TEXT_MAX, "KUBE-RENEWD %s - ", plugin_word(report->status));
        if (n > 0) {
                plugin_append(output, PLUGIN_TEXT_MAX, "%zu alarm%s", n, n == 1 ? "" : "s");
                append_names(output, sorted, n);
        } else {
                plugin_append(output, PLUGIN_TEXT_MAX, "no alarm");
                if (report->last_run)
                        plugin_append(output, PLUGIN_TEXT_MAX, ", last run %s",
                                time_format(report->last_run, last_run));
        }
        if (n_shelved > 0)
                plugin_append(output, PLUGIN_TEXT_MAX, ", %zu shelved", n_shelved);
}

static size_t count_severity(const AlarmList *list, AlarmSeverity severity)
{
        size_t n = 0;

        for (size_t i = 0; i < list->n; i++)
                n += list->alarms[i].severity == severity;
        return n;
}

/* 'label'=value[UOM];warn;crit;min;max */
static void append_performance(PluginOutput *output, const PluginAlarms *report)
{
        plugin_append(output, NAGIOS_FIRST_LINE_MAX, "|'alarms'=%zu;;;0", report->active->n);
        for (AlarmSeverity severity = N_ALARM_SEVERITIES; severity-- > 0;)
                plugin_append(output, NAGIOS_FIRST_LINE_MAX, " '%s'=%zu;;;0",
                        alarm_severity_name(severity), count_severity(report->active, severity));
        plugin_append(output, NAGIOS_FIRST_LINE_MAX, " 'shelved'=%zu;;;0\n", report->shelved->n);
}

/* "CRITICAL: restart-owed of etcd (major): owed since 2026-11-22T00:13:05Z" */
static bool append_alarm(PluginOutput *output, const Alarm *alarm, const char *word)
{
        autofree char *what = describe(alarm);
        autofree char *why =
                plugin_text(*alarm->reason ? alarm->reason : alarm->text, PLUGIN_TEXT_MAX);

        return plugin_append(
                output, PLUGIN_LINES_MAX, "%s: %s%s%s\n", word, what, *why ? ": " : "", why);
}

/* Returns how many found no room. */
static size_t append_alarms(
        PluginOutput *output, const Alarm *const *sorted, size_t n, bool is_shelved)
{
        size_t n_left_out = 0;

        for (size_t i = 0; i < n; i++) {
                const char *word =
                        is_shelved ? "SHELVED" : plugin_word(nagios_alarm_status(sorted[i]));

                n_left_out += !append_alarm(output, sorted[i], word);
        }
        return n_left_out;
}

void nagios_print_alarms(const PluginAlarms *report)
{
        autofree const Alarm **active = sort_alarms(report->active);
        autofree const Alarm **shelved = sort_alarms(report->shelved);
        PluginOutput output = {};
        size_t n_left_out;

        append_headline(&output, report, active);
        append_performance(&output, report);
        n_left_out = append_alarms(&output, active, report->active->n, false);
        n_left_out += append_alarms(&output, shelved, report->shelved->n, true);
        if (n_left_out > 0)
                plugin_append(&output, NAGIOS_OUTPUT_MAX, "and %zu more\n", n_left_out);
        plugin_append_notes(&output, report->notes);
        fputs(output.text, stdout);
}

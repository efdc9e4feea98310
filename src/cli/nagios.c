/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/nagios.h"

#include <inttypes.h>

static bool is_about_dates(const Row *row)
{
        return streq(row->status, state_name(STATE_OK)) ||
               streq(row->status, state_name(STATE_EXPIRING)) ||
               streq(row->status, state_name(STATE_EXPIRED));
}

/* "apiserver expires in 9d 23h", "ca is MISSING", "etcd-peer is MISMATCH, expires in 299d" */
static char *describe(const Row *row)
{
        autofree char *name = plugin_text(row->name, PLUGIN_NAME_MAX);
        char span[SPAN_TEXT_SIZE];

        if (!row->not_after)
                return xasprintf("%s is %s", name, row->status);
        autofree char *when =
                row->residual < 0 ? xasprintf("expired %s ago", span_format(-row->residual, span))
                                  : xasprintf("expires in %s", span_format(row->residual, span));
        if (is_about_dates(row))
                return xasprintf("%s %s", name, when);
        return xasprintf("%s is %s, %s", name, row->status, when);
}

/* What has no date is more urgent than what has one. */
static int64_t urgency(const Row *row)
{
        return row->not_after ? row->residual : INT64_MIN;
}

/* The worst first: by status, then by what is left; equals as in the inventory. */
static int compare_rows(const void *a, const void *b)
{
        const PluginRow *x = *(const PluginRow *const *)a, *y = *(const PluginRow *const *)b;
        int64_t left_x = urgency(x->row), left_y = urgency(y->row);

        if (x->is_shelved != y->is_shelved)
                return x->is_shelved ? 1 : -1;
        if (x->status != y->status)
                return x->status > y->status ? -1 : 1;
        if (left_x != left_y)
                return left_x < left_y ? -1 : 1;
        return x < y ? -1 : 1;
}

static const PluginRow **sort_rows(const PluginReport *report)
{
        const PluginRow **sorted = xcalloc(report->n, sizeof(*sorted));

        for (size_t i = 0; i < report->n; i++)
                sorted[i] = &report->rows[i];
        qsort(sorted, report->n, sizeof(*sorted), compare_rows);
        return sorted;
}

static size_t count_status(const PluginReport *report, PluginStatus status)
{
        size_t n = 0;

        for (size_t i = 0; i < report->n; i++)
                n += !report->rows[i].is_shelved && report->rows[i].status == status;
        return n;
}

/* "apiserver expires in 9d 23h, 10 of 17 certificates are not OK, 1 is shelved" */
static void append_headline(PluginOutput *output, const PluginReport *report,
        const PluginRow *worst, PluginStatus status)
{
        size_t n_ok = count_status(report, PLUGIN_OK);
        size_t n_bad = count_status(report, PLUGIN_WARNING) + count_status(report, PLUGIN_CRITICAL);
        autofree char *what = describe(worst->row);

        plugin_append(output, PLUGIN_TEXT_MAX, "KUBE-RENEWD %s - ", plugin_word(status));
        if (worst->status == PLUGIN_OK && report->is_incomplete)
                plugin_append(output, PLUGIN_TEXT_MAX, "not everything could be read, ");
        plugin_append(output, PLUGIN_TEXT_MAX, "%s", what);
        if (n_bad > 0)
                plugin_append(output, PLUGIN_TEXT_MAX, ", %zu of %zu certificates %s not OK", n_bad,
                        n_bad + n_ok, n_bad == 1 ? "is" : "are");
        else if (n_ok > 1)
                plugin_append(output, PLUGIN_TEXT_MAX, ", the first of %zu certificates", n_ok);
        if (n_ok + n_bad < report->n)
                plugin_append(output, PLUGIN_TEXT_MAX, ", %zu shelved", report->n - n_ok - n_bad);
}

/* 'label'=value[UOM];warn;crit;min;max. Returns how many certificates found no room. */
static size_t append_performance(PluginOutput *output, const PluginReport *report)
{
        autofree char *warning = range_format(report->warning);
        autofree char *critical = range_format(report->critical);
        autofree char *thresholds = xasprintf("%s%s%s%s", *warning || *critical ? ";" : "", warning,
                *critical ? ";" : "", critical);
        size_t n_left_out = 0;

        plugin_append(output, NAGIOS_FIRST_LINE_MAX, "|'certificates'=%zu;;;0 'warning'=%zu;;;0 ",
                report->n, count_status(report, PLUGIN_WARNING));
        plugin_append(output, NAGIOS_FIRST_LINE_MAX, "'critical'=%zu;;;0",
                count_status(report, PLUGIN_CRITICAL));
        for (size_t i = 0; i < report->n; i++) {
                const Row *row = report->rows[i].row;
                autofree char *label = plugin_label(row->name);

                if (row->not_after &&
                        !plugin_append(output, NAGIOS_FIRST_LINE_MAX - 1, " '%s'=%" PRId64 "s%s",
                                label, row->residual, thresholds))
                        n_left_out++;
        }
        plugin_append(output, NAGIOS_FIRST_LINE_MAX, "\n");
        return n_left_out;
}

/* "WARNING: apiserver expires in 9d 23h (/etc/kubernetes/pki/apiserver.crt)", and why. */
static bool append_row(PluginOutput *output, const PluginRow *entry)
{
        const Row *row = entry->row;
        autofree char *what = describe(row);
        autofree char *path = plugin_text(row->path, PLUGIN_TEXT_MAX / 2);
        autofree char *why = plugin_text(is_about_dates(row) ? NULL : row->text, PLUGIN_TEXT_MAX);

        return plugin_append(output, PLUGIN_LINES_MAX, "%s: %s (%s)%s%s\n",
                entry->is_shelved ? "SHELVED" : plugin_word(entry->status), what, path,
                *why ? ": " : "", why);
}

static void append_rows(PluginOutput *output, const PluginRow *const *sorted, size_t n)
{
        size_t n_left_out = 0;

        for (size_t i = 0; i < n; i++)
                if (sorted[i]->status != PLUGIN_OK && !append_row(output, sorted[i]))
                        n_left_out++;
        if (n_left_out > 0)
                plugin_append(output, NAGIOS_OUTPUT_MAX, "and %zu more\n", n_left_out);
}

PluginStatus nagios_print(const PluginReport *report)
{
        autofree const PluginRow **sorted = sort_rows(report);
        const PluginRow *worst = sorted[0];
        PluginStatus status = worst->is_shelved ? PLUGIN_OK : worst->status;
        PluginOutput output = {};
        size_t n_left_out;

        if (status == PLUGIN_OK && report->is_incomplete)
                status = PLUGIN_WARNING;
        append_headline(&output, report, worst, status);
        n_left_out = append_performance(&output, report);
        append_rows(&output, sorted, report->n);
        if (n_left_out > 0)
                plugin_append(&output, NAGIOS_OUTPUT_MAX,
                        "no room for the performance data of %zu certificates, name some on the "
                        "command line\n",
                        n_left_out);
        plugin_append_notes(&output, report->notes);
        fputs(output.text, stdout);
        return status;
}

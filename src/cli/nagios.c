/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/nagios.h"

#include "cli/term.h"

#include <inttypes.h>

#define TEXT_MAX ((size_t)512) /* of a line */
#define NAME_MAX_SHOWN                                                                             \
        ((size_t)96) /* so that the worst one, and the names of some dozens, fit in a line */
#define CLOSING_MAX ((size_t)1024) /* what comes after the certificates */

static const char *const words[] = {
        [PLUGIN_OK] = "OK",
        [PLUGIN_WARNING] = "WARNING",
        [PLUGIN_CRITICAL] = "CRITICAL",
        [PLUGIN_UNKNOWN] = "UNKNOWN",
};

typedef struct Output {
        char text[NAGIOS_OUTPUT_MAX + 1];
        size_t length;
} Output;

/* All of it, or nothing if the output would be longer than max. */
PRINTF_LIKE(3, 4) static bool append(Output *output, size_t max, const char *format, ...)
{
        size_t room = output->length < max ? max - output->length : 0;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(output->text + output->length, room + 1, format, args);
        va_end(args);
        if (n < 0 || (size_t)n > room) {
                output->text[output->length] = 0;
                return false;
        }
        output->length += (size_t)n;
        return true;
}

/* Cuts at a character of UTF-8. */
static void cut(char *text, size_t max)
{
        size_t length = strlen(text);

        if (length <= max)
                return;
        length = max - strlen("...");
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
                length--;
        strcpy(text + length, "...");
}

/* Text on a line of output: a '|' would begin performance data, and of each ';' Nagios makes a ':'.
 * The caller frees. */
static char *safe_text(const char *text, size_t max)
{
        char *safe = term_escape(text);

        for (char *p = safe; (p = strpbrk(p, "|;")); p++)
                *p = *p == '|' ? '!' : ',';
        cut(safe, max);
        return safe;
}

/* A label of performance data, which stands in single quotes: it has neither those nor '='. */
static char *safe_label(const char *name)
{
        char *label = safe_text(name, NAME_MAX_SHOWN);

        for (char *p = label; (p = strpbrk(p, "'=")); p++)
                *p = '_';
        return label;
}

static bool is_about_dates(const Row *row)
{
        return streq(row->status, state_name(STATE_OK)) ||
               streq(row->status, state_name(STATE_EXPIRING)) ||
               streq(row->status, state_name(STATE_EXPIRED));
}

/* "apiserver expires in 9d 23h", "ca is MISSING", "etcd-peer is MISMATCH, expires in 299d" */
static char *describe(const Row *row)
{
        autofree char *name = safe_text(row->name, NAME_MAX_SHOWN);
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
static void append_headline(
        Output *output, const PluginReport *report, const PluginRow *worst, PluginStatus status)
{
        size_t n_ok = count_status(report, PLUGIN_OK);
        size_t n_bad = count_status(report, PLUGIN_WARNING) + count_status(report, PLUGIN_CRITICAL);
        autofree char *what = describe(worst->row);

        append(output, TEXT_MAX, "KUBE-RENEWD %s - ", words[status]);
        if (worst->status == PLUGIN_OK && report->is_incomplete)
                append(output, TEXT_MAX, "not everything could be read, ");
        append(output, TEXT_MAX, "%s", what);
        if (n_bad > 0)
                append(output, TEXT_MAX, ", %zu of %zu certificates %s not OK", n_bad, n_bad + n_ok,
                        n_bad == 1 ? "is" : "are");
        else if (n_ok > 1)
                append(output, TEXT_MAX, ", the first of %zu certificates", n_ok);
        if (n_ok + n_bad < report->n)
                append(output, TEXT_MAX, ", %zu shelved", report->n - n_ok - n_bad);
}

/* 'label'=value[UOM];warn;crit;min;max. Returns how many certificates found no room. */
static size_t append_performance(Output *output, const PluginReport *report)
{
        autofree char *warning = range_format(report->warning);
        autofree char *critical = range_format(report->critical);
        autofree char *thresholds = xasprintf("%s%s%s%s", *warning || *critical ? ";" : "", warning,
                *critical ? ";" : "", critical);
        size_t n_left_out = 0;

        append(output, NAGIOS_FIRST_LINE_MAX, "|'certificates'=%zu;;;0 'warning'=%zu;;;0 ",
                report->n, count_status(report, PLUGIN_WARNING));
        append(output, NAGIOS_FIRST_LINE_MAX, "'critical'=%zu;;;0",
                count_status(report, PLUGIN_CRITICAL));
        for (size_t i = 0; i < report->n; i++) {
                const Row *row = report->rows[i].row;
                autofree char *label = safe_label(row->name);

                if (row->not_after &&
                        !append(output, NAGIOS_FIRST_LINE_MAX - 1, " '%s'=%" PRId64 "s%s", label,
                                row->residual, thresholds))
                        n_left_out++;
        }
        append(output, NAGIOS_FIRST_LINE_MAX, "\n");
        return n_left_out;
}

/* "WARNING: apiserver expires in 9d 23h (/etc/kubernetes/pki/apiserver.crt)", and why. */
static bool append_row(Output *output, const PluginRow *entry)
{
        const Row *row = entry->row;
        autofree char *what = describe(row);
        autofree char *path = safe_text(row->path, TEXT_MAX / 2);
        autofree char *why = safe_text(is_about_dates(row) ? NULL : row->text, TEXT_MAX);

        return append(output, NAGIOS_OUTPUT_MAX - CLOSING_MAX, "%s: %s (%s)%s%s\n",
                entry->is_shelved ? "SHELVED" : words[entry->status], what, path, *why ? ": " : "",
                why);
}

static void append_rows(Output *output, const PluginRow *const *sorted, size_t n)
{
        size_t n_left_out = 0;

        for (size_t i = 0; i < n; i++)
                if (sorted[i]->status != PLUGIN_OK && !append_row(output, sorted[i]))
                        n_left_out++;
        if (n_left_out > 0)
                append(output, NAGIOS_OUTPUT_MAX, "and %zu more\n", n_left_out);
}

static void append_notes(Output *output, char *const *notes)
{
        for (; notes && *notes; notes++) {
                autofree char *note = safe_text(*notes, TEXT_MAX);

                append(output, NAGIOS_OUTPUT_MAX, "%s\n", note);
        }
}

PluginStatus nagios_print(const PluginReport *report)
{
        autofree const PluginRow **sorted = sort_rows(report);
        const PluginRow *worst = sorted[0];
        PluginStatus status = worst->is_shelved ? PLUGIN_OK : worst->status;
        Output output = {};
        size_t n_left_out;

        if (status == PLUGIN_OK && report->is_incomplete)
                status = PLUGIN_WARNING;
        append_headline(&output, report, worst, status);
        n_left_out = append_performance(&output, report);
        append_rows(&output, sorted, report->n);
        if (n_left_out > 0)
                append(&output, NAGIOS_OUTPUT_MAX,
                        "no room for the performance data of %zu certificates, name some on the "
                        "command line\n",
                        n_left_out);
        append_notes(&output, report->notes);
        fputs(output.text, stdout);
        return status;
}

void nagios_print_unknown(const char *text, char *const *notes)
{
        autofree char *safe = safe_text(text, 2 * TEXT_MAX);
        Output output = {};

        append(&output, NAGIOS_FIRST_LINE_MAX, "KUBE-RENEWD %s - %s\n", words[PLUGIN_UNKNOWN],
                safe);
        append_notes(&output, notes);
        fputs(output.text, stdout);
}

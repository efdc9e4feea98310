/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"
#include "cli/nagios.h"
#include "cli/selection.h"
#include "cli/table.h"
#include "cli/text.h"
#include "renew/report/metrics.h"
#include "renew/report/report.h"
#include "renew/report/status.h"

MEMBER_CELL(cell_name, Row, name)
MEMBER_CELL(cell_subject, Row, subject)
MEMBER_CELL(cell_issuer, Row, issuer)
MEMBER_CELL(cell_status, Row, status)
MEMBER_CELL(cell_path, Row, path)
MEMBER_CELL(cell_kind, Row, kind)
MEMBER_CELL(cell_key, Row, key_algorithm)
MEMBER_CELL(cell_serial, Row, serial)
MEMBER_CELL(cell_sha256, Row, sha256)
MEMBER_CELL(cell_due, Row, due_reason)

static char *cell_expires(const void *row)
{
        char text[DATE_TEXT_SIZE];

        return xstrdup(text_date(((const Row *)row)->not_after, text));
}

static char *cell_issued(const void *row)
{
        char text[DATE_TEXT_SIZE];

        return xstrdup(text_date(((const Row *)row)->not_before, text));
}

static char *cell_residual(const void *data)
{
        const Row *row = data;
        char text[SPAN_TEXT_SIZE];

        return row->not_after ? xstrdup(span_format(row->residual, text)) : NULL;
}

/* "ca"; "external" where none of our CAs signed it; "ca, no key" where we cannot sign in its place.
 */
static char *cell_ca(const void *data)
{
        const Row *row = data;

        if (streq(row->kind, "ca"))
                return row->externally_managed ? xstrdup("no key") : NULL;
        if (!row->ca_name)
                return row->externally_managed ? xstrdup("external") : NULL;
        return xasprintf("%s%s", row->ca_name, row->externally_managed ? ", no key" : "");
}

static char *cell_sans(const void *row)
{
        return strv_join(((const Row *)row)->sans, ",");
}

static char *cell_usages(const void *row)
{
        return strv_join(((const Row *)row)->usages, ",");
}

static char *cell_external(const void *row)
{
        return xstrdup(((const Row *)row)->externally_managed ? "yes" : "no");
}

static char *cell_watched(const void *row)
{
        return xstrdup(((const Row *)row)->watched ? "yes" : "no");
}

static const Column columns[] = {
        {"CERTIFICATE", COLUMN_TREE, cell_name},
        {"SUBJECT", COLUMN_WIDE, cell_subject},
        {"ISSUER", COLUMN_WIDE, cell_issuer},
        {"EXPIRES", COLUMN_SPARE, cell_expires},
        {"RESIDUAL", COLUMN_RIGHT | COLUMN_SPARE, cell_residual},
        {"STATUS", COLUMN_STATE, cell_status},
        {"CA", COLUMN_FLAT | COLUMN_SPARE, cell_ca},
        {"PATH", COLUMN_WIDE, cell_path},
        {"KIND", COLUMN_ASKED, cell_kind},
        {"ISSUED", COLUMN_ASKED, cell_issued},
        {"KEY", COLUMN_ASKED, cell_key},
        {"SERIAL", COLUMN_ASKED, cell_serial},
        {"SHA256", COLUMN_ASKED, cell_sha256},
        {"SANS", COLUMN_ASKED, cell_sans},
        {"USAGES", COLUMN_ASKED, cell_usages},
        {"DUE", COLUMN_ASKED, cell_due},
        {"EXTERNAL", COLUMN_ASKED, cell_external},
        {"WATCHED", COLUMN_ASKED, cell_watched},
};

/* The row that this one hangs on: a leaf on its CA, a further certificate or embedded CA on the row
 * whose name its own begins with. */
static size_t parent_of(const Rows *rows, const Row *row)
{
        bool is_part = streq(row->kind, "chain") || streq(row->kind, "embedded-ca");

        if (streq(row->kind, "ca"))
                return NO_PARENT;
        for (size_t i = 0; i < rows->n; i++) {
                const Row *other = &rows->rows[i];
                size_t length = strlen(other->name);

                if (other == row)
                        continue;
                if (is_part && starts_with(row->name, other->name) && row->name[length] &&
                        strchr("#/", row->name[length]))
                        return i;
                if (!is_part && streq(other->kind, "ca") && row->ca_name &&
                        streq(other->name, row->ca_name))
                        return i;
        }
        return NO_PARENT;
}

static void fill_table(Table *table, const Rows *rows, bool tree)
{
        for (size_t i = 0; i < rows->n; i++) {
                const Row *row = &rows->rows[i];

                table_add(table, row, tree ? parent_of(rows, row) : NO_PARENT, row->severity);
        }
}

/* What the table's words do not say of a row: everything but dates, and why one whose date has come
 * is not due. NULL if they say it all. */
static const char *sentence(const Row *row)
{
        bool is_date = streq(row->status, state_name(STATE_EXPIRING)) ||
                       streq(row->status, state_name(STATE_EXPIRED));

        if (row->severity == 0)
                return NULL;
        if (is_date)
                return row->watched ? "somebody else renews it, it is only watched" : NULL;
        return row->text;
}

static void print_sentences(const Rows *rows)
{
        bool any = false;

        for (size_t i = 0; i < rows->n; i++) {
                const char *text = sentence(&rows->rows[i]);

                if (!text)
                        continue;
                autofree char *line = xasprintf("%s: %s", rows->rows[i].name, text);
                printf("%s", any ? "" : "\n");
                text_line(line);
                any = true;
        }
}

/* "17 certificates, 10 due: 10 EXPIRING, 7 OK", the worst first. */
static void print_legend(const Rows *rows)
{
        size_t n_due = 0;
        const char *separator = ": ";

        for (size_t i = 0; i < rows->n; i++)
                n_due += rows->rows[i].due_reason[0] != 0;
        printf("\n%zu certificate%s, %zu due", rows->n, rows->n == 1 ? "" : "s", n_due);
        for (State state = N_STATES; state-- > 0;) {
                size_t n = 0;

                for (size_t i = 0; i < rows->n; i++)
                        n += streq(rows->rows[i].status, state_name(state));
                if (n == 0)
                        continue;
                printf("%s%zu %s", separator, n, state_name(state));
                separator = ", ";
        }
        printf("\n");
}

static void print_rows(const Options *options, const Rows *rows, Table *table, char *const *layouts)
{
        if (output_is_data(options)) {
                print_data(options, rows_to_json(rows));
                return;
        }
        if (output_is(options, "kubeadm-json")) {
                print_data(options, rows_to_kubeadm_json(rows));
                return;
        }
        if (output_is(options, "prometheus")) {
                autofree char *text = metrics_of_certificates(rows);

                printf("%s", text);
                return;
        }
        fill_table(table, rows, output_is(options, "tree"));
        table_print(table, !options->no_headings);
        if (options->no_legend)
                return;
        print_sentences(rows);
        print_legend(rows);
        if (!options->no_headings)
                print_layouts(layouts);
}

/* A host of which nothing could be read is not in order, and not known to be in disorder. */
static bool is_anything_readable(const Rows *rows)
{
        for (size_t i = 0; i < rows->n; i++)
                if (rows->rows[i].not_after)
                        return true;
        return false;
}

/* What is not about one certificate; its severity. A manifest that cannot be read hides who uses
 * what. */
static int complain_of_host(const Inventory *inventory)
{
        int severity = 0;

        for (size_t i = 0; i < inventory->n_components; i++)
                if (inventory->components[i].problem) {
                        complain("%s: %s", inventory->components[i].entry->name,
                                inventory->components[i].problem);
                        severity = 1;
                }
        return severity;
}

/* As a plugin counts. Where there are thresholds, what is near its end is theirs to say. */
static PluginStatus judge_row(const Options *options, const Row *row)
{
        bool is_by_range = options->warning.is_set || options->critical.is_set;
        bool is_expiring = streq(row->status, state_name(STATE_EXPIRING));
        PluginStatus status = is_by_range && is_expiring ? PLUGIN_OK : (PluginStatus)row->severity;

        if (row->not_after && range_alerts(&options->critical, row->residual))
                return PLUGIN_CRITICAL;
        if (row->not_after && range_alerts(&options->warning, row->residual) &&
                status < PLUGIN_WARNING)
                return PLUGIN_WARNING;
        return status;
}

static int worst(const Options *options, const Rows *rows)
{
        PluginStatus status = PLUGIN_OK;

        for (size_t i = 0; i < rows->n; i++)
                if (judge_row(options, &rows->rows[i]) > status)
                        status = judge_row(options, &rows->rows[i]);
        return (int)status;
}

static bool has_alarm(const AlarmList *list, const Row *row)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (streq(list->alarms[i].resource, row->name))
                        return true;
        return false;
}

/* Of this host, or of the cache. Where they cannot be read, nothing is known to be shelved. */
static void take_alarms(const Pass *pass, Status *cache, AlarmList **ret, AlarmList **ret_shelved)
{
        Error error = {};

        if (cache) {
                *ret = TAKE(cache->alarms);
                *ret_shelved = TAKE(cache->shelved);
                return;
        }
        if (report_read_alarms(pass->root_fd, pass->config, ret, &error) < 0 ||
                report_read_shelved(pass->root_fd, pass->config, ret_shelved, &error) < 0)
                complain("%s", error.text);
}

/* What the operator has shelved is shown, and does not count; unless there is more about it. */
static int print_plugin(const Options *options, const Rows *rows, const Pass *pass, Status *cache,
        bool is_incomplete)
{
        autofree PluginRow *entries = xcalloc(rows->n, sizeof(*entries));
        autoptr(AlarmList) active = NULL;
        autoptr(AlarmList) shelved = NULL;

        take_alarms(pass, cache, &active, &shelved);

        for (size_t i = 0; i < rows->n; i++) {
                const Row *row = &rows->rows[i];

                entries[i] = (PluginRow){.row = row,
                        .status = judge_row(options, row),
                        .is_shelved = has_alarm(shelved, row) && !has_alarm(active, row)};
        }
        return (int)nagios_print(&(PluginReport){.rows = entries,
                .n = rows->n,
                .warning = &options->warning,
                .critical = &options->critical,
                .is_incomplete = is_incomplete,
                .notes = complaints_held()});
}

static int look_into_cache(const Options *options, Status **ret)
{
        Error error = {};

        if (status_open(options->root, options->config, options->at, ret, &error) < 0)
                return command_fail(options, EXIT_UNKNOWN, &error);
        return 0;
}

int verb_check(const Options *options)
{
        bool is_plugin = output_is(options, "nagios");
        autoptr(Pass) pass = NULL;
        autoptr(Status) cache = NULL;
        autoptr(Rows) rows = NULL;
        autoptr(Selection) selection = NULL;
        autoptr(Table) table = NULL;
        Error error = {};
        int status, severity;

        /* 1. Before anything is read: do the columns exist? */
        if (table_new(columns, ELEMENTSOF(columns), options->columns, &table, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);

        /* 2. Read and judge; or take what the last pass saw. */
        status = options->cached ? look_into_cache(options, &cache) : command_look(options, &pass);
        if (status != 0)
                return status;
        rows = pass ? rows_from_assessment(pass->assessment) : TAKE(cache->rows);
        if (selection_make(rows, options->names, &selection, &error) < 0)
                return command_fail(options, EXIT_USAGE, &error);

        /* 3. Show. */
        if (!is_plugin)
                print_rows(options, &selection->view, table,
                        pass ? pass->config->layout.names : cache->layouts);
        severity = pass ? complain_of_host(pass->inventory) : 0;
        if (!is_anything_readable(&selection->view)) {
                error_set(&error, -ENODATA, "no certificate could be read");
                return command_fail(options, EXIT_UNKNOWN, &error);
        }
        if (is_plugin)
                return print_plugin(options, &selection->view, pass, cache, severity > 0);
        status = worst(options, &selection->view);
        return status > severity ? status : severity;
}

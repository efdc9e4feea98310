/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/table.h"

#include "base/nearest-word.h"
#include "cli/term.h"

#include <libsmartcols.h>
#include <strings.h>

typedef struct TableRow {
        char **cells; /* escaped, one per column */
        size_t parent;
        int severity;
} TableRow;

struct Table {
        const Column *columns;
        size_t n_columns;
        size_t *shown; /* by --columns=, in that order; NULL: the default */
        size_t n_shown;
        TableRow *rows;
        size_t n_rows;
};

static int find_column(const Table *table, const char *name, size_t *ret)
{
        for (size_t i = 0; i < table->n_columns; i++)
                if (strcasecmp(table->columns[i].name, name) == 0) {
                        *ret = i;
                        return 0;
                }
        return -ENOENT;
}

static int refuse_column(const Table *table, const char *name, Error *reterr)
{
        autofree const char **names = xcalloc(table->n_columns + 1, sizeof(*names));
        const char *near;

        if (strcasecmp(name, "all") == 0)
                return error_set(
                        reterr, -EINVAL, "column 'all' is all of them; leave out the others");
        for (size_t i = 0; i < table->n_columns; i++)
                names[i] = table->columns[i].name;
        near = nearest_word(name, names);
        if (near)
                return error_set(reterr, -EINVAL, "no column '%s'; did you mean '%s'?", name, near);
        autofree char *known = strv_join((char *const *)names, ",");
        return error_set(reterr, -EINVAL, "no column '%s'; there are %s, and 'all'", name, known);
}

static void show(Table *table, size_t column)
{
        table->shown = xreallocarray(table->shown, table->n_shown + 1, sizeof(*table->shown));
        table->shown[table->n_shown++] = column;
}

static int show_wanted(Table *table, const char *wanted, Error *reterr)
{
        autofree char *list = xstrdup(wanted);
        char *rest = list, *name;

        if (strcasecmp(wanted, "all") == 0) {
                for (size_t i = 0; i < table->n_columns; i++)
                        show(table, i);
                return 0;
        }
        while ((name = strsep(&rest, ","))) {
                size_t column;

                if (find_column(table, name, &column) < 0)
                        return refuse_column(table, name, reterr);
                show(table, column);
        }
        return 0;
}

int table_new(
        const Column *columns, size_t n_columns, const char *wanted, Table **ret, Error *reterr)
{
        autoptr(Table) table = xcalloc(1, sizeof(*table));
        int r;

        table->columns = columns;
        table->n_columns = n_columns;
        if (wanted) {
                r = show_wanted(table, wanted, reterr);
                if (r < 0)
                        return r;
        }
        *ret = TAKE(table);
        return 0;
}

void table_free(Table *table)
{
        if (!table)
                return;
        for (size_t i = 0; i < table->n_rows; i++) {
                for (size_t j = 0; j < table->n_columns; j++)
                        free(table->rows[i].cells[j]);
                free(table->rows[i].cells);
        }
        free(table->rows);
        free(table->shown);
        free(table);
}

void table_add(Table *table, const void *row, size_t parent, int severity)
{
        TableRow *added;

        table->rows = xreallocarray(table->rows, table->n_rows + 1, sizeof(*table->rows));
        added = &table->rows[table->n_rows++];
        *added = (TableRow){.cells = xcalloc(table->n_columns, sizeof(char *)),
                .parent = parent,
                .severity = severity};
        for (size_t i = 0; i < table->n_columns; i++) {
                autofree char *text = table->columns[i].cell(row);

                added->cells[i] = term_escape(text && text[0] ? text : "-");
        }
}

/* How many branches lead to a row. */
static size_t row_depth(const Table *table, size_t i)
{
        size_t depth = 0;

        while (table->rows[i].parent != NO_PARENT && depth < table->n_rows) {
                i = table->rows[i].parent;
                depth++;
        }
        return depth;
}

static size_t column_width(const Table *table, size_t column, bool tree)
{
        bool branches = tree && table->columns[column].flags & COLUMN_TREE;
        size_t width = term_text_width(table->columns[column].name);

        for (size_t i = 0; i < table->n_rows; i++) {
                size_t n = term_text_width(table->rows[i].cells[column]) +
                           (branches ? 2 * row_depth(table, i) : 0);

                width = n > width ? n : width;
        }
        return width;
}

/* The default set: what is always there, as far as a terminal has room for it, then each wide
 * column that still fits, the last ones first. */
static size_t default_columns(const Table *table, bool tree, bool *is_shown)
{
        unsigned hidden = COLUMN_WIDE | COLUMN_ASKED | (tree ? COLUMN_FLAT : 0);
        size_t used = 0, n = 0, limit = term_width() + 1; /* the last one has no separator */

        for (size_t i = 0; i < table->n_columns; i++) {
                is_shown[i] = !(table->columns[i].flags & hidden);
                used += is_shown[i] ? column_width(table, i, tree) + 1 : 0;
        }
        for (size_t i = table->n_columns; i-- > 0 && used > limit && isatty(STDOUT_FILENO);) {
                if (!is_shown[i] || !(table->columns[i].flags & COLUMN_SPARE))
                        continue;
                used -= column_width(table, i, tree) + 1;
                is_shown[i] = false;
        }
        for (size_t i = table->n_columns; i-- > 0 && used <= limit;) {
                if (!(table->columns[i].flags & COLUMN_WIDE))
                        continue;
                used += column_width(table, i, tree) + 1;
                is_shown[i] = used <= limit;
        }
        for (size_t i = 0; i < table->n_columns; i++)
                n += is_shown[i];
        return n;
}

static size_t *columns_to_show(const Table *table, bool tree, size_t *ret_n)
{
        autofree bool *is_shown = xcalloc(table->n_columns, sizeof(bool));
        size_t *shown, n = 0;

        if (table->shown) {
                *ret_n = table->n_shown;
                return xmemdup(table->shown, table->n_shown * sizeof(*table->shown));
        }
        shown = xcalloc(default_columns(table, tree, is_shown), sizeof(*shown));
        for (size_t i = 0; i < table->n_columns; i++)
                if (is_shown[i])
                        shown[n++] = i;
        *ret_n = n;
        return shown;
}

static bool is_tree(const Table *table)
{
        for (size_t i = 0; i < table->n_rows; i++)
                if (table->rows[i].parent != NO_PARENT)
                        return true;
        return false;
}

static void add_column(struct libscols_table *out, const Column *column, bool tree, bool may_cut)
{
        int flags = 0;

        if (column->flags & COLUMN_RIGHT)
                flags |= SCOLS_FL_RIGHT;
        if (tree && column->flags & COLUMN_TREE)
                flags |= SCOLS_FL_TREE;
        if (may_cut && !(column->flags & (COLUMN_STATE | COLUMN_RIGHT)))
                flags |= SCOLS_FL_TRUNC;
        xcheck(scols_table_new_column(out, column->name, 0, flags));
}

static void add_line(struct libscols_table *out, const Table *table, const TableRow *row,
        const size_t *shown, size_t n)
{
        struct libscols_line *line = xcheck(scols_table_new_line(out, NULL));
        bool colored = term_colors();

        for (size_t i = 0; i < n; i++) {
                if (scols_line_set_data(line, i, row->cells[shown[i]]) < 0)
                        abort();
                if (colored && table->columns[shown[i]].flags & COLUMN_STATE)
                        (void)scols_cell_set_color(scols_line_get_cell(line, i),
                                term_style(term_severity_style(row->severity)));
        }
}

void table_print(const Table *table, bool headings)
{
        struct libscols_table *out = xcheck(scols_new_table());
        bool tree = is_tree(table);
        size_t n;
        autofree size_t *shown = columns_to_show(table, tree, &n);

        scols_table_enable_noheadings(out, !headings);
        scols_table_enable_colors(out, term_colors());
        scols_table_enable_noencoding(out, 1); /* cells are escaped already */
        for (size_t i = 0; i < n; i++)
                add_column(out, &table->columns[shown[i]], tree, !table->shown);
        for (size_t i = 0; i < table->n_rows; i++)
                add_line(out, table, &table->rows[i], shown, n);
        /* A row may stand before its parent, so branches are tied when all are there. */
        for (size_t i = 0; i < table->n_rows; i++)
                if (table->rows[i].parent != NO_PARENT)
                        scols_line_add_child(scols_table_get_line(out, table->rows[i].parent),
                                scols_table_get_line(out, i));
        if (table->n_rows > 0)
                scols_print_table(out);
        scols_unref_table(out);
}

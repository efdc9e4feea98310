/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tables and trees by libsmartcols, in the manner of lsblk.
 *
 *     r = table_new(columns, N_COLUMNS, options->columns, &table, reterr);
 *     table_add(table, row, parent, severity);
 *     table_print(table, options->no_headings);
 *
 * Which columns: --columns= by name, or 'all'; else the default ones, and of the wide ones those
 * that still fit the terminal. Text is escaped here. Only on a terminal is anything left out or cut
 * because it is too wide, and only what --columns= does not name. */

#include "base/error.h"

typedef enum ColumnFlags {
        COLUMN_RIGHT = 1 << 0, /* aligned to the right */
        COLUMN_TREE = 1 << 1,  /* carries the branches */
        COLUMN_STATE = 1 << 2, /* coloured by the row's severity */
        COLUMN_WIDE = 1 << 3,  /* by default only where it fits, the last ones first */
        COLUMN_ASKED = 1 << 4, /* only where --columns= names it */
        COLUMN_FLAT = 1 << 5,  /* by default not in a tree, whose branches say it */
        COLUMN_SPARE = 1 << 6, /* left out by default on a terminal that is too narrow, the last
                                  ones first */
} ColumnFlags;

typedef struct Column {
        const char *name; /* upper case; --columns= takes either case */
        unsigned flags;
        char *(*cell)(const void *row); /* its text, which the table owns; NULL is "-" */
} Column;

/* A cell that is a string member of its row. */
#define MEMBER_CELL(function, Type, member)                                                        \
        static char *function(const void *row)                                                     \
        {                                                                                          \
                return xstrdup(((const Type *)row)->member);                                       \
        }

typedef struct Table Table;

#define NO_PARENT SIZE_MAX

/* `columns` is kept, not copied. wanted: the value of --columns=, NULL for the default. -EINVAL
 * names a column that there is not, and those there are. */
int table_new(const Column *columns, size_t n_columns, const char *wanted, Table **ret,
        Error *reterr) MUST_USE;
void table_free(Table *table);
DEFINE_AUTOPTR(Table, table_free)

/* Adds a row: what the columns say of it. parent: the number of any other row (0 is the first one
 * added), or NO_PARENT. severity 0 to 2. */
void table_add(Table *table, const void *row, size_t parent, int severity);

void table_print(const Table *table, bool headings);

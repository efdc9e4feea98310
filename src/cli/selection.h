/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rows that were asked for on the command line.
 *
 *     r = selection_make(rows, options->names, &selection, reterr);
 *     rows_to_json(&selection->view);
 *
 * A name takes what hangs on it too: 'ca' every certificate of that bundle, 'admin.conf' every
 * user. The view borrows from the rows. */

#include "renew/report/row.h"

typedef struct Selection {
        Rows view;
        size_t *index; /* view.rows[i] is rows->rows[index[i]], and so inventory->items[index[i]] */
} Selection;

void selection_free(Selection *selection);
DEFINE_AUTOPTR(Selection, selection_free)

/* names empty: all. -EINVAL for a name that is none, with the nearest that is one. */
int selection_make(const Rows *rows, char *const *names, Selection **ret, Error *reterr) MUST_USE;

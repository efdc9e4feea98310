/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/selection.h"

#include "base/nearest-word.h"

void selection_free(Selection *selection)
{
        if (!selection)
                return;
        free(selection->view.rows);
        free(selection->index);
        free(selection);
}

/* "ca" is the name of "ca" and "ca#2"; "admin.conf" of "admin.conf" and "admin.conf/USER". */
static bool name_takes(const char *name, const Row *row)
{
        size_t length = strlen(name);

        return starts_with(row->name, name) && strchr("#/", row->name[length]);
}

static int refuse_name(const Rows *rows, const char *name, Error *reterr)
{
        autofree const char **known = xcalloc(rows->n + 1, sizeof(*known));
        const char *near;

        for (size_t i = 0; i < rows->n; i++)
                known[i] = rows->rows[i].name;
        near = nearest_word(name, known);
        if (near)
                return error_set(reterr, -EINVAL,
                        "no certificate is called '%s'; did you mean '%s'?", name, near);
        return error_set(reterr, -EINVAL,
                "no certificate is called '%s'; 'kube-renewd check' lists their names", name);
}

int selection_make(const Rows *rows, char *const *names, Selection **ret, Error *reterr)
{
        autoptr(Selection) selection = xcalloc(1, sizeof(*selection));
        autofree bool *wanted = xcalloc(rows->n, sizeof(bool));
        bool all = !names || !*names;

        for (; names && *names; names++) {
                bool found = false;

                for (size_t i = 0; i < rows->n; i++)
                        if (name_takes(*names, &rows->rows[i]))
                                wanted[i] = found = true;
                if (!found)
                        return refuse_name(rows, *names, reterr);
        }
        selection->view.rows = xcalloc(rows->n, sizeof(Row));
        selection->index = xcalloc(rows->n, sizeof(size_t));
        for (size_t i = 0; i < rows->n; i++) {
                if (!all && !wanted[i])
                        continue;
                selection->index[selection->view.n] = i;
                selection->view.rows[selection->view.n++] = rows->rows[i];
        }
        *ret = TAKE(selection);
        return 0;
}

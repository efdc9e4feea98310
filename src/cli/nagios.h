/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a monitoring plugin says of certificates (cli/plugin.h).
 *
 *     KUBE-RENEWD WARNING - apiserver expires in 9d 23h, 10 of 17 certificates are not OK|...
 *     WARNING: apiserver expires in 9d 23h (/etc/kubernetes/pki/apiserver.crt)
 *
 * One line with the worst certificate and the performance data, then a line for each that is not
 * OK, the worst first, then what is shelved, then notes. */

#include "cli/plugin.h"
#include "cli/range.h"
#include "renew/row.h"

typedef struct PluginRow {
        const Row *row;
        PluginStatus status;
        bool is_shelved; /* the operator has seen it: it is listed, and does not count */
} PluginRow;

typedef struct PluginReport {
        const PluginRow *rows; /* in the order of the inventory, one at least */
        size_t n;
        const Range *warning, *critical; /* for the performance data */
        bool is_incomplete;              /* something else could not be read; the notes say what */
        char *const *notes;              /* or NULL */
} PluginReport;

/* Prints it; returns the worst status of all. */
PluginStatus nagios_print(const PluginReport *report);

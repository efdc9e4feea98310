/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plugin's output for Nagios, Icinga and their kin: Monitoring Plugins Development Guidelines.
 *
 *     KUBE-RENEWD WARNING - apiserver expires in 9d 23h, 10 of 17 certificates are not OK|...
 *     WARNING: apiserver expires in 9d 23h (/etc/kubernetes/pki/apiserver.crt)
 *
 * One line with the worst certificate and the performance data, then a line for each that is not
 * OK, the worst first, then what is shelved, then notes. Everything goes to stdout, where a core
 * looks. Nothing in it that somebody else has named ends a line or begins performance data. */

#include "cli/range.h"
#include "renew/row.h"

#define NAGIOS_FIRST_LINE_MAX ((size_t)4 << 10)       /* Nagios 3 reads no more at all */
#define NAGIOS_OUTPUT_MAX     (((size_t)8 << 10) - 1) /* Nagios 4: MAX_PLUGIN_OUTPUT_LENGTH */

typedef enum PluginStatus {
        PLUGIN_OK,
        PLUGIN_WARNING,
        PLUGIN_CRITICAL,
        PLUGIN_UNKNOWN
} PluginStatus;

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

/* That nothing can be said, and why. */
void nagios_print_unknown(const char *text, char *const *notes);

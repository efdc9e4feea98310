/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every output for Nagios, Icinga and their kin is made of: Monitoring Plugins Development
 * Guidelines.
 *
 *     autofree char *name = plugin_text(row->name, PLUGIN_NAME_MAX);
 *     plugin_append(&output, NAGIOS_FIRST_LINE_MAX, "KUBE-RENEWD OK - %s\n", name);
 *     fputs(output.text, stdout);
 *
 * One line with the verdict and performance data, further ones, all of it on stdout, where a core
 * looks, and no more than it reads. What somebody else has named goes through plugin_text() or
 * plugin_label(): then it ends no line and begins no performance data. */

#include "base/macro.h"

#define NAGIOS_FIRST_LINE_MAX ((size_t)4 << 10)       /* Nagios 3 reads no more at all */
#define NAGIOS_OUTPUT_MAX     (((size_t)8 << 10) - 1) /* Nagios 4: MAX_PLUGIN_OUTPUT_LENGTH */

#define PLUGIN_LINES_MAX (NAGIOS_OUTPUT_MAX - 1024) /* what comes after them has room, too */
#define PLUGIN_TEXT_MAX  ((size_t)512)              /* of a line */
#define PLUGIN_NAME_MAX  ((size_t)96) /* so that the worst one, and some dozens, fit in a line */

typedef enum PluginStatus {
        PLUGIN_OK,
        PLUGIN_WARNING,
        PLUGIN_CRITICAL,
        PLUGIN_UNKNOWN
} PluginStatus;

/* "OK", "WARNING", "CRITICAL", "UNKNOWN" */
const char *plugin_word(PluginStatus status);

typedef struct PluginOutput {
        char text[NAGIOS_OUTPUT_MAX + 1];
        size_t length;
} PluginOutput;

/* All of it, or nothing (false) if the output would be longer than max. */
bool plugin_append(PluginOutput *output, size_t max, const char *format, ...) PRINTF_LIKE(3, 4);

/* Text on a line of output: a '|' would begin performance data, and of each ';' Nagios makes a ':'.
 * NULL gives "". The caller frees. */
char *plugin_text(const char *text, size_t max);

/* A label of performance data, which stands in single quotes: it has neither those nor '='. The
 * caller frees. */
char *plugin_label(const char *name);

/* A line for each, as far as there is room. */
void plugin_append_notes(PluginOutput *output, char *const *notes);

/* That nothing can be said, and why. */
void plugin_print_unknown(const char *text, char *const *notes);

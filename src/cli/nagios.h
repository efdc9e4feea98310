/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a monitoring plugin says of certificates, and of alarms (cli/plugin.h).
 *
 *     KUBE-RENEWD WARNING - apiserver expires in 9d 23h, 10 of 17 certificates are not OK|...
 *     WARNING: apiserver expires in 9d 23h (/etc/kubernetes/pki/apiserver.crt)
 *
 * One line with the worst certificate and the performance data, then a line for each that is not
 * OK, the worst first, then what is shelved, then notes.
 *
 *     KUBE-RENEWD CRITICAL - 2 alarms: restart-owed of etcd (major), expiring of ca (warning)|...
 *     CRITICAL: restart-owed of etcd (major): owed since 2026-11-22T00:13:05Z
 *
 * The same for alarms, each of which is a line. */

#include "cli/plugin.h"
#include "cli/range.h"
#include "renew/report/report.h"

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

/* What may wait is a warning, major and critical are critical. */
PluginStatus nagios_alarm_status(const Alarm *alarm);

typedef struct PluginAlarms {
        PluginStatus status;
        const AlarmList *active, *shelved; /* neither is NULL */
        int64_t last_run;                  /* 0: not known; said where there is no alarm */
        char *const *notes;                /* or NULL */
} PluginAlarms;

void nagios_print_alarms(const PluginAlarms *report);

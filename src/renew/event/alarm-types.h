/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What each type of alarm says: its severity, its words, what to do about it.
 *
 *     const AlarmTypeInfo *info = alarm_type_info(ALARM_TYPE_EXPIRED);
 *
 * One table, no logic: which fault raises which type is renew/report/report.h. Ids and texts are
 * StarlingX's where it has the same fault (starlingx/fault, events.yaml: 250.003, 500.200,
 * 500.210), so that who knows its alarms knows ours; repair actions are our own. Event types and
 * probable causes: ITU-T X.733 and X.736, and StarlingX's "certificate-expiration". */

#include "host/alarm.h"

typedef enum AlarmType {
        ALARM_TYPE_RENEWAL_FAILED,
        ALARM_TYPE_RESTART_OWED,
        ALARM_TYPE_ROLLED_BACK,
        ALARM_TYPE_EXPIRING,
        ALARM_TYPE_EXPIRED,
        ALARM_TYPE_CA_EXPIRING,
        ALARM_TYPE_CA_EXPIRED,
        ALARM_TYPE_CA_LIMITED,
        ALARM_TYPE_EXTERNALLY_MANAGED_EXPIRING,
        ALARM_TYPE_INVALID,
        ALARM_TYPE_FOREIGN_CHANGE,
        ALARM_TYPE_POSTPONED,
        ALARM_TYPE_PENDING_CSR,
        ALARM_TYPE_KUBELET_ROTATION_STUCK,
        ALARM_TYPE_LOOPBACK_CERTIFICATE,
        ALARM_TYPE_STALE_COPY,
        ALARM_TYPE_CONFIG_INVALID,
        ALARM_TYPE_CLOCK_IMPLAUSIBLE,
        ALARM_TYPE_RENEWAL_LOOP,
        ALARM_TYPE_MISSED_RUN,
        ALARM_TYPE_CA_ROTATION_UNFINISHED,
        N_ALARM_TYPES,
} AlarmType;

typedef struct AlarmTypeInfo {
        const char *name;     /* "renewal-failed" */
        const char *alarm_id; /* "250.003", or "" */
        AlarmSeverity severity;
        const char *event_type, *probable_cause;
        const char *text; /* NULL: it names the certificate, see below */
        const char *repair_action;
        bool service_affecting;
} AlarmTypeInfo;

const AlarmTypeInfo *alarm_type_info(AlarmType type);

/* The texts of what ends and of what has ended; the caller frees. */
char *alarm_text_expiring(const char *name, int64_t end);
char *alarm_text_expired(const char *name);

/* N_ALARM_TYPES for a name that is none of ours. */
AlarmType alarm_type_find(const char *name);

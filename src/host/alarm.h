/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Alarm files: one JSON object a file, exists = active, removed = cleared.
 *
 *     r = alarm_raise(root_fd, directory, &alarm, now, reterr);                1 if that is news
 *     r = alarm_clear(root_fd, directory, "expiring", "apiserver", reterr);    1 if there was one
 *     r = alarm_list(root_fd, directory, &list, reterr);                       all of them
 *
 * Identity is (type, resource); the file is TYPE@RESOURCE.json, mode 0644, replaced by rename, so a
 * reader never sees half of one. Raising is idempotent: time_created stays, count grows,
 * time_changed moves only when severity or text changes; the reason is always the latest. Which
 * fault raises which alarm is renew/report/report.h. Severities: X.733 and RFC 8632. */

#include "base/json.h"

#define ALARM_FILE_SIZE_MAX ((size_t)64 << 10)

typedef enum AlarmSeverity {
        ALARM_WARNING,
        ALARM_MINOR,
        ALARM_MAJOR,
        ALARM_CRITICAL,
        N_ALARM_SEVERITIES,
} AlarmSeverity;

/* "warning", "minor", "major", "critical" */
const char *alarm_severity_name(AlarmSeverity severity);

/* Strings that are NULL are written as "", and too long ones cut. */
typedef struct Alarm {
        char *type;     /* [a-z-]+ */
        char *resource; /* a certificate, a CA, a component, a host */
        char *alarm_id; /* StarlingX's number where it has one, else "" */
        AlarmSeverity severity;
        char *event_type, *probable_cause;
        char *text, *reason, *repair_action;
        bool service_affecting;
        int64_t time_created, time_changed;
        int64_t count;
        char *pass_id;
} Alarm;

void alarm_done(Alarm *alarm);

typedef struct AlarmList {
        Alarm *alarms; /* sorted by type, then resource */
        size_t n;
        char **unreadable; /* names of files that are no alarm, left where they are; NULL: none */
} AlarmList;

void alarm_list_free(AlarmList *list);
DEFINE_AUTOPTR(AlarmList, alarm_list_free)

/* The name of the alarm's file: TYPE@, escape_file_name(resource), ".json". The caller frees. */
char *alarm_file_name(const char *type, const char *resource);

/* schema_version type alarm_id resource severity event_type probable_cause text reason
 * repair_action service_affecting time_created time_changed count pass_id; times RFC 3339. */
json_t *alarm_to_json(const Alarm *alarm);

/* The reverse, from whoever wrote it: strings come out escaped. -EBADMSG if it is no alarm. */
int alarm_from_json(const json_t *json, Alarm *ret, Error *reterr) MUST_USE;

/* The content of one file. */
int alarm_parse(const void *data, size_t size, Alarm *ret, Error *reterr) MUST_USE;

/* Raises or raises again; times and count of the argument are ignored. Returns 1 if it was not
 * active before or its severity or text changed, 0 if it only counted. An unreadable file of that
 * name is replaced. */
int alarm_raise(int root_fd, const char *directory, const Alarm *alarm, int64_t now,
        Error *reterr) MUST_USE;

/* 1 if it was active and is gone now, 0 if it was not active. */
int alarm_clear(int root_fd, const char *directory, const char *type, const char *resource,
        Error *reterr) MUST_USE;

/* Moves it as it is to another directory of the same kind, which never shows none of it to who
 * reads both. 1 if it was in `from`, 0 if not. */
int alarm_move(int root_fd, const char *from, const char *to, const char *type,
        const char *resource, Error *reterr) MUST_USE;

/* All alarms in a directory; a missing one is an empty list. What is cleared meanwhile is not in
 * it. */
int alarm_list(int root_fd, const char *directory, AlarmList **ret, Error *reterr) MUST_USE;

/* Moves what is in `more` to the list; of an alarm that is in both, the list keeps its own. */
void alarm_list_merge(AlarmList *list, AlarmList *more);

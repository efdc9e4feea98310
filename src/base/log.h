/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Events: journal entries with a MESSAGE_ID, typed fields and a catalog text that says what to do.
 *
 *     const LogField fields[] = {{"CERTIFICATE", name}, {"NOT_AFTER", time}, {}};
 *     log_event(LOG_NOTICE, EVENT_CERTIFICATE_RENEWED, fields, "Renewed '%s'.", name);
 *     log_debug("not due: '%s'", name);
 *
 * Goes to the journal when started by systemd (stderr is $JOURNAL_STREAM) or when
 * $SYSTEMD_LOG_TARGET=journal, and to stderr otherwise or where there is no journal;
 * $SYSTEMD_LOG_LEVEL filters (info; warning on a terminal). Field values and texts are escaped
 * (base/escape.h); no Secret ever comes here. Only renew logs events; base, pki, kube and host stay
 * at debug. */

#include "base/macro.h"

#include <syslog.h>

typedef struct LogField {
        const char *name;  /* a journal field name; NULL ends the list */
        const char *value; /* NULL: the field is left out */
} LogField;

/* Fields that every later event carries (PASS_ID=). The value is copied; NULL removes it. */
void log_set_pass_id(const char *pass_id);

/* fields may be NULL. message_id: 32 hexadecimal digits, each in the catalog and in the manual. */
void log_event(int priority, const char *message_id, const LogField *fields, const char *format,
        ...) PRINTF_LIKE(4, 5);

/* What the program is at, for `systemctl status` (STATUS= of sd_notify(3)) and for a person who
 * waits at a terminal: one line of stderr that is rewritten in place, lines where it is dumb. */
void log_status(const char *format, ...) PRINTF_LIKE(1, 2);

/* Every later status begins with "[step/steps] "; with steps 0 none does. */
void log_step(size_t step, size_t steps);

/* How long the wait that was said last may still take. Never a line of its own: call it as often as
 * you look. */
void log_wait(int64_t milliseconds);

/* Clears the line, before anything else is written to the terminal, and what systemd shows. */
void log_status_end(void);

/* Debug lines for people who develop or trace; never a MESSAGE_ID. */
void log_debug(const char *format, ...) PRINTF_LIKE(1, 2);

/* A warning or error line without event, for what happens before a pass exists (bad configuration,
 * usage). */
void log_line(int priority, const char *format, ...) PRINTF_LIKE(2, 3);

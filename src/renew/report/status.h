/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads public/status.json: what the last pass saw, for whoever may not read what it saw it in.
 *
 *     r = status_open(options->root, options->config, options->at, &status, reterr);
 *     rows_to_json(status->rows)
 *
 * Time has gone on since: residuals are counted to `now`, and what has come to its end is EXPIRED.
 * A file that is missing, broken or older than it says it may be is no statement, never an old one.
 * Reads no file but the configuration and this one, and looks for no layout. */

#include "host/alarm.h"
#include "renew/commit/owed.h"
#include "renew/report/row.h"

typedef struct Status {
        int64_t generation;
        int64_t last_run, last_success, next_due; /* 0: never */
        int64_t valid_until;                      /* 0: no pass has seen a certificate yet */
        char *hostname, *pass_id;
        char *version;     /* of the program that wrote it, NULL if it does not say */
        int exit_status;   /* of that pass */
        char *turn_holder; /* for whom it waited in vain; NULL: nobody, or it does not say */
        char **layouts;    /* in use; NULL if it does not say */
        Rows *rows;
        AlarmList *alarms, *shelved;
        OwedList *owed;
} Status;

void status_free(Status *status);
DEFINE_AUTOPTR(Status, status_free)

/* The content of the file. -EBADMSG if anything in it is missing or wrong (what, in the error);
 * what it does not know is passed over. */
int status_parse(const void *data, size_t size, Status **ret, Error *reterr) MUST_USE;

/* The status of this host at `now`. -ENOENT if there is none, -EBADMSG if it is none, -ESTALE if
 * its valid_until has passed or its last_run is yet to come, others as reading files; each with
 * what to do. */
int status_read(int root_fd, const char *state_directory, int64_t now, Status **ret,
        Error *reterr) MUST_USE;

/* The same from the command line: root NULL is "/", config_file NULL the main configuration and its
 * drop-ins, at 0 the clock. Errors of the configuration as config_load(). */
int status_open(const char *root, const char *config_file, int64_t at, Status **ret,
        Error *reterr) MUST_USE;

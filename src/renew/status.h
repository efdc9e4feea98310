/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reads public/status.json: what the last pass saw, for whoever may not read what it saw it in.
 *
 *     r = status_read(root_fd, state_directory, now, &status, reterr);
 *     rows_to_json(status->rows)
 *
 * Time has gone on since: residuals are counted to `now`, and what has come to its end is EXPIRED.
 * A file that is missing, broken or older than it says it may be is no statement, never an old one.
 * Needs no configuration but the state directory, and no file but this one. */

#include "host/alarm.h"
#include "renew/row.h"

typedef struct Status {
        int64_t generation;
        int64_t last_run, last_success, next_due; /* 0: never */
        int64_t valid_until;                      /* 0: no pass has seen a certificate yet */
        char *hostname, *pass_id;
        char *version;   /* of the program that wrote it, NULL if it does not say */
        int exit_status; /* of that pass */
        Rows *rows;
        AlarmList *alarms, *shelved;
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

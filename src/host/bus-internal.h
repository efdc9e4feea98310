/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What unit.c, timer.c, command.c and timedate.c share: calls to the manager, properties, and the
 * end of jobs.
 *
 *     r = bus_follow_jobs(bus, reterr);                   before the job is made
 *     r = bus_job(bus, "RestartUnit", &job, reterr, "ss", unit, "replace");
 *     r = bus_wait_for_job(bus, job, deadline, &result, reterr); */

#include "host/bus.h"

#include <systemd/sd-bus.h>

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define SYSTEMD_PATH    "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD_NAME ".Manager"
#define SYSTEMD_UNIT    SYSTEMD_NAME ".Unit"
#define SYSTEMD_SERVICE SYSTEMD_NAME ".Service"

typedef sd_bus_message BusMessage;
DEFINE_AUTOPTR(BusMessage, sd_bus_message_unref)

/* With room for "skipped" and whatever else a later systemd may say. */
typedef struct JobResult {
        char text[32]; /* "done" */
} JobResult;

/* A message to the manager, to be filled by sd_bus_message_append(). */
int bus_new_call(Bus *bus, const char *method, BusMessage **ret, Error *reterr) MUST_USE;

/* Sends it and waits for the answer. -ENOENT no such unit, -EBUSY such a unit runs, others as
 * sd_bus_call(3). */
int bus_call(Bus *bus, BusMessage *message, BusMessage **ret, Error *reterr) MUST_USE;

/* Sends it; the answer is the path of a job. The caller frees. */
int bus_call_for_job(Bus *bus, BusMessage *message, char **ret_job, Error *reterr) MUST_USE;

/* A property of a unit. The caller frees the text. */
int bus_read_text(Bus *bus, const char *unit, const char *interface, const char *property,
        char **ret, Error *reterr) MUST_USE;
/* The same for a number, `type` as in D-Bus signatures: 't', 'u' or 'i'. */
int bus_read_number(Bus *bus, const char *unit, const char *interface, const char *property,
        char type, int64_t *ret, Error *reterr) MUST_USE;

/* All properties of a unit by one question, for who wants several of them: each costs systemd and
 * the bus as much time as all. `take` reads from `value` the variant of a property that it wants,
 * by sd_bus_message_read() and its like; 1: read, 0: not wanted, or an error of libsystemd. */
int bus_read_all(Bus *bus, const char *unit,
        int (*take)(void *userdata, const char *property, BusMessage *value), void *userdata,
        Error *reterr) MUST_USE;

/* A property of another service than systemd, of type 'b': 1 or 0. */
int bus_read_flag(Bus *bus, const char *service, const char *path, const char *interface,
        const char *property, Error *reterr) MUST_USE;

/* From now on the end of jobs is heard. */
int bus_follow_jobs(Bus *bus, Error *reterr) MUST_USE;

/* Waits until the job has ended, or until clock_monotonic() is `deadline`: -ETIMEDOUT. */
int bus_wait_for_job(
        Bus *bus, const char *job, int64_t deadline, JobResult *ret, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A command of the administrator, run by systemd as a service of its own.
 *
 *     Command command = {.name = "hook-deploy", .argv = argv, .timeout = 300};
 *     r = command_run(bus, &command, reterr);
 *
 * It is never our child: it has no part of our sandbox, a journal and a time limit of its own, and
 * what it leaves running is ended with it. The unit is kube-renewd-NAME.service, so there is one of
 * each name at a time, and `journalctl -u` shows all its runs. No shell: nothing in the words is
 * expanded. The environment can be read by everybody, so it holds no secret; what command_ask()
 * hands over is seen by the command and by us alone.
 * Source: StartTransientUnit() in org.freedesktop.systemd1(5). */

#include "host/bus.h"

typedef struct Command {
        const char *name;         /* letters, digits and "-_."; others become "_" */
        char *const *argv;        /* argv[0] is absolute */
        char *const *environment; /* "NAME=value"; NULL: what systemd gives every service */
        unsigned timeout;         /* seconds; then systemd ends everything of it */
} Command;

/* Seconds after its timeout by which command_run() has returned: for a polite end, and for systemd
 * to say how it ended. */
#define COMMAND_SLACK 15

/* 0 when it has ended with 0. -EREMOTEIO when it has not (status or signal, and how to read its
 * journal, in the error), -ETIMEDOUT when it took too long, -EBUSY while an earlier one of that
 * name runs, -EINVAL for a relative argv[0]; others if systemd did not start it. */
int command_run(Bus *bus, const Command *command, Error *reterr) MUST_USE;

/* What a command has answered. */
typedef struct CommandAnswer {
        int status;   /* with which it has ended, by itself */
        char *output; /* its standard output, to be freed; the journal has the other one */
} CommandAnswer;

#define COMMAND_OUTPUT_MAX ((size_t)64 << 10)

/* The same for a command that is asked something: any exit status is an answer. -EFBIG if it
 * printed more than COMMAND_OUTPUT_MAX (it is told that it cannot, and no more is kept), -EBADMSG
 * if it printed a NUL; otherwise as above. */
int command_ask(Bus *bus, const Command *command, CommandAnswer *ret, Error *reterr) MUST_USE;

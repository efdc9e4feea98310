/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Faults in the system calls of a function that runs in a process of its own.
 *
 *     status = inject_run(NULL, &counts, run, userdata);         how often is each call made?
 *     status = inject_run(&(Injection){.call = i, .number = 3, .fault = FAULT_ERROR, .error = EIO},
 *             NULL, run, userdata);
 *
 * The kernel stops the process at each call that a filter names (seccomp(2), ptrace(2)), whoever
 * makes it: our code, libraries, the C library. Nothing else of it is slowed down. Calls are
 * numbered from 1, each kind by itself. */

#include "base/macro.h"

/* A kind of call: what may happen to it. */
typedef struct InjectCall {
        const char *name; /* as strace(1) has it */
        long number;
        bool creates; /* only if it has O_CREAT; a kind without it further down takes the rest */
        bool reads;   /* it changes nothing */
        bool talks;   /* with a neighbour, or in order to */
        bool is_data; /* write(2): the second argument are so many bytes as the third says */
        const int *errors; /* that the kernel may answer with, ends with 0 */
} InjectCall;

extern const InjectCall inject_calls[];
extern const size_t inject_n_calls;

typedef enum Fault {
        FAULT_NONE,
        FAULT_KILL_BEFORE,
        FAULT_KILL_AFTER,
        FAULT_ERROR,    /* once */
        FAULT_ERROR_ON, /* from there on, in every call that may fail so */
        FAULT_SHORT,    /* only the first half of the bytes is taken */
} Fault;

#define INJECT_ANY SIZE_MAX

typedef struct Injection {
        Fault fault;
        size_t call;     /* index of inject_calls, or INJECT_ANY */
        unsigned number; /* of all that change something, for that */
        int error;
        bool *ret_happened; /* or NULL; false if it came to its end before */
} Injection;

/* True where the kernel and this machine's architecture allow it. */
bool inject_is_possible(void);

/* May the kernel answer this kind of call so? */
bool inject_is_plausible(const InjectCall *call, int error);

/* Runs the function in a child that dies with us. Returns its exit status, or 128 + signal. Both
 * pointers may be NULL. */
int inject_run(
        const Injection *injection, unsigned *counts, int (*run)(void *userdata), void *userdata);

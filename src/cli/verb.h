/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs of the command line: one file each, one row each in main.c.
 *
 *     status = verb->run(&options);
 *
 * A verb gets options that were checked already (its own ones only, the right number of names, a
 * known output format) and returns the exit status of the program. It prints results on stdout and
 * complaints on stderr, and never asks back. */

#include "cli/options.h"

/* Which options of its own a verb takes; the common ones are taken by all. */
typedef enum OptionGroup {
        OPTIONS_COMMON = 1 << 0,
        OPTIONS_OUTPUT = 1 << 1, /* --output=, one of Verb.outputs */
        OPTIONS_TABLE = 1 << 2,  /* --columns= --no-headings --no-legend */
        OPTIONS_ALL = 1 << 3,
        OPTIONS_DRY_RUN = 1 << 4,
        OPTIONS_FORCE = 1 << 5,
        OPTIONS_INIT = 1 << 6,
        OPTIONS_KUBELET = 1 << 7,
        OPTIONS_MONITORING = 1 << 8, /* --cached --warning= --critical= */
        OPTIONS_SHELVED = 1 << 9,
        OPTIONS_DROP_IN = 1 << 10,
        OPTIONS_TRUST_CLOCK = 1 << 11,
        OPTIONS_ROTATE = 1 << 12,
        OPTIONS_KUBECONFIG = 1 << 13,
        OPTIONS_CSR = 1 << 14,
        OPTIONS_INSTALL = 1 << 15,
} OptionGroup;

#define ANY_NUMBER SIZE_MAX

struct Verb {
        const char *name;
        int (*run)(const Options *options);
        const char *synopsis; /* what follows the name, "" for nothing */
        const char *description;
        const char *outputs; /* "table|json", the first is the default; NULL: no --output= */
        unsigned options;    /* OptionGroup bits */
        size_t min_names, max_names;
        bool writes;     /* --at= only together with --root=; not ended by SIGPIPE */
        bool any_layout; /* works where no layout is detected: nothing, or nothing left, is there */
        bool judges;     /* exit status as a monitoring plugin's: 3 for everything unknown */
        bool nightly;    /* what the timer starts: postponed, told and counted as such */
        bool recovers;   /* also with a configuration that cannot be used */
        bool fetches;    /* looks into the Secrets of [fetch NAME], too */
        /* Looks at the timer for this --output=, "" for any, NULL for none: those who look after
         * the whole host, and people who read a table of it. Programs ask more often than systemd
         * should be asked. */
        const char *asks_timer;
};

int verb_check(const Options *options);
int verb_plan(const Options *options);
int verb_renew(const Options *options);
int verb_run(const Options *options);
int verb_verify(const Options *options);
int verb_explain(const Options *options);
int verb_alarms(const Options *options);
int verb_backup(const Options *options);
int verb_restore(const Options *options);
int verb_rotate_ca(const Options *options);
int verb_csr(const Options *options);
int verb_install(const Options *options);
int verb_kubeconfig(const Options *options);
int verb_init(const Options *options);
int verb_recover(const Options *options);
int verb_config(const Options *options);

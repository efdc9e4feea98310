/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line: one table of all options, the same spelling and meaning for every verb.
 *
 *     r = options_parse(argc, argv, verbs, &options, reterr);
 *     if (options.help) help_print(stdout, &options, verbs); else options.verb->run(&options)
 *
 * Options may stand before or after the verb. What a verb does not take, a value that is none and a
 * wrong number of names are usage errors, found before anything is opened. Strings are argv's. */

#include "cli/range.h"

typedef struct Verb Verb;

#define GROUPS_MAX 31 /* of --group= */

typedef struct Options {
        const Verb *verb; /* NULL if none was given */
        char **names;     /* what follows the verb, NULL-terminated */
        size_t n_names;
        const char *root; /* NULL: the running host */
        const char *config, *layout;
        const char *output;  /* one of the verb's formats, NULL if it has none */
        const char *columns; /* NULL: the default ones */
        int64_t at;          /* 0: now */
        bool no_headings, no_legend, help, version;
        bool cached;
        Range warning, critical; /* of the time left */
        bool all, dry_run, drop_in, force, kubelet, shelved, trust_clock;
        const char *node_name, *advertise_address, *service_address, *dns_domain, *key_algorithm;
        int64_t validity, ca_validity;
        bool status, yes, no_cross;
        const char *ca, *phase, *certificate, *key, *output_dir;
        bool new_key;
        const char *user, *server;
        const char *groups[GROUPS_MAX + 1]; /* NULL-terminated */
} Options;

/* verbs ends with a row without name. -EINVAL: a usage error; ret->verb is set if it was known. */
int options_parse(int argc, char **argv, const Verb *verbs, Options *ret, Error *reterr) MUST_USE;

/* One line for help. `left` is what is typed, `right` what it does; {} ends a list. */
typedef struct OptionHelp {
        char left[40];
        const char *right;
} OptionHelp;

/* The options of these groups, in the order of the table; the caller frees. */
OptionHelp *options_help(const Verb *verb, unsigned groups);

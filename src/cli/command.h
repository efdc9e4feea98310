/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every verb does before its own work, and how each ends.
 *
 *     status = command_look(options, &pass);       root, configuration, inventory, assessment
 *     if (status != 0)
 *             return status;                        it was said on stderr already
 *     ...
 *     return command_fail(options, EXIT_FAILED, &error);
 *
 * Everything for stderr is one line "kube-renewd: sentence", with control characters escaped. */

#include "base/json.h"
#include "cli/verb.h"
#include "renew/pass.h"

#define EXIT_UNKNOWN 3 /* of the verbs that judge: EXIT STATUS of kube-renewd(8) */

/* The program: options, help, the verb, and a look whether stdout took it all. */
int command_main(int argc, char **argv, const Verb *verbs);

/* One line on stderr; with --output=nagios one that is held back until the verdict is printed. */
void complain(const char *format, ...) PRINTF_LIKE(1, 2);

/* What is held back: NULL or a list that must not be freed. */
char *const *complaints_held(void);

/* Says the error, if there is a text; returns `status`, or EXIT_UNKNOWN for a verb that judges. */
int command_fail(const Options *options, int status, const Error *error);

/* What is odd in a configuration that can be used. */
void command_warn(const Config *config);

/* Opens root and configuration and prints its warnings. 0, or an exit status. */
int command_open(const Options *options, Pass **ret) MUST_USE;

/* The same, then reads and judges what is on this host. */
int command_look(const Options *options, Pass **ret) MUST_USE;

/* True if --output= is this one; without the option, if it is the verb's first. */
bool output_is(const Options *options, const char *format);

/* True if what is asked for is data, which print_data() writes. */
bool output_is_data(const Options *options);

/* JSON on stdout, or the same as YAML with --output=yaml. Takes the reference. */
void print_data(const Options *options, json_t *json);

/* The layouts in use, one line on stdout; nothing if that is not known. */
void print_layouts(char *const *names);

/* What an earlier crash had left, on stdout. False if nothing was unfinished. */
bool print_recovery(const TxnOutcome *recovery);

/* What became of each component that was owed a restart or proof, and what still is, on stdout. */
void print_settled(const Pass *pass);

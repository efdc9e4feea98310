/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/command.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/txn.h"
#include "base/yaml.h"
#include "cli/help.h"
#include "cli/plugin.h"
#include "cli/term.h"
#include "cli/text.h"
#include "renew/commit/publish.h"
#include "renew/unit/interrupt.h"

#include <config.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>

/* The first line of a plugin is its verdict: what there is to complain of comes after it. */
static bool is_plugin;
static char **held;

char *const *complaints_held(void)
{
        return held;
}

void complain(const char *format, ...)
{
        va_list args;
        char *text;

        va_start(args, format);
        text = xvasprintf(format, args);
        va_end(args);
        if (is_plugin) {
                strv_take(&held, text);
                return;
        }
        autofree char *safe = term_escape(text);
        free(text);
        log_status_end();
        fprintf(stderr, "kube-renewd: %s\n", safe);
}

/* What is refused to somebody may be granted to root. */
static bool wants_root(const char *text)
{
        return geteuid() != 0 && (strstr(text, strerror(EACCES)) || strstr(text, strerror(EPERM)));
}

int command_fail(const Options *options, int status, const Error *error)
{
        if (is_plugin)
                plugin_print_unknown(error->text, held);
        else if (error->text[0])
                complain("%s%s", error->text, wants_root(error->text) ? "; try it as root" : "");
        return options->verb && options->verb->judges ? EXIT_UNKNOWN : status;
}

/* What is wrong with the configuration needs somebody to write it; a disk that does not answer does
 * not. */
static int open_status(int r)
{
        return r == -EINVAL || r == -ENOENT || r == -ENODEV || r == -EBADMSG ? EXIT_CONFIG
                                                                             : EXIT_FAILED;
}

void command_warn(const Config *config)
{
        for (char **warning = config->warnings; warning && *warning; warning++)
                complain("warning: %s", *warning);
}

static bool asks_timer(const Options *options)
{
        const char *output = options->verb->asks_timer;

        return output && (!*output || output_is(options, output));
}

int command_open(const Options *options, Pass **ret)
{
        PassOptions open = {
                .root = options->root,
                .config = {.config_file = options->config,
                        .layout = options->layout,
                        .layout_any = options->verb->any_layout},
                .at = options->at,
                .nightly = options->verb->nightly,
                .trust_clock = options->trust_clock,
                .ask_timer = asks_timer(options),
                .recovers = options->verb->recovers,
        };
        autoptr(Pass) pass = NULL;
        Error error = {};
        int r;

        r = pass_open(&open, &pass, &error);
        if (r < 0)
                return command_fail(options, open_status(r), &error);
        if (pass->config_failure && open.recovers)
                complain("warning: the configuration cannot be used: %s", pass->config_failure);
        command_warn(pass->config);
        *ret = TAKE(pass);
        return 0;
}

/* Whoever is not root may not read keys, and then every verdict is about that. */
static void complain_of_privileges(const Assessment *assessment)
{
        for (size_t i = 0; geteuid() != 0 && i < assessment->n; i++)
                if (assessment->verdicts[i].state == STATE_INVALID) {
                        complain("not everything could be read; root can read all of it");
                        return;
                }
}

int command_look(const Options *options, Pass **ret)
{
        autoptr(Pass) pass = NULL;
        Error error = {};
        int status;

        status = command_open(options, &pass);
        if (status != 0)
                return status;
        if (options->verb->fetches)
                pass_fetch(pass);
        if (pass_look(pass, &error) < 0)
                return command_fail(options, EXIT_FAILED, &error);
        if (txn_is_unfinished(pass->root_fd, pass->config->state_directory))
                complain("a transaction is unfinished, files may be half replaced; "
                         "'kube-renewd recover' finishes or undoes it");
        complain_of_privileges(pass->assessment);
        *ret = TAKE(pass);
        return 0;
}

bool output_is(const Options *options, const char *format)
{
        const char *outputs = options->verb->outputs;
        size_t length = strlen(format);

        if (options->output)
                return streq(options->output, format);
        return strcspn(outputs, "|") == length && starts_with(outputs, format);
}

bool output_is_data(const Options *options)
{
        return output_is(options, "json") || output_is(options, "yaml");
}

void print_data(const Options *options, json_t *json)
{
        autofree char *text = output_is(options, "yaml") ? yaml_text(json) : json_text(json);

        fputs(text, stdout);
        json_decref(json);
}

void print_layouts(char *const *names)
{
        autofree char *list = strv_join(names, ", ");
        autofree char *line = xasprintf("Layout%s: %s", strv_length(names) > 1 ? "s" : "", list);

        if (list[0])
                text_line(line);
}

bool print_recovery(const TxnOutcome *recovery)
{
        if (!recovery->finished && !recovery->undone)
                return false;
        autofree char *line = xasprintf("interrupted transaction %s: %s",
                recovery->id ? recovery->id : "without id",
                recovery->finished ? "had been committed, finished now"
                                   : "had not been committed, undone now");
        text_line(line);
        for (size_t i = 0; i < recovery->n_conflicts; i++) {
                const TxnConflict *conflict = &recovery->conflicts[i];
                autofree char *what = xasprintf("%s was written by somebody else: %s%s%s",
                        conflict->path, conflict->adopted ? "it stays" : "replaced with its pair",
                        conflict->displaced ? ", the bytes are kept in " : "",
                        conflict->displaced ? conflict->displaced : "");

                text_line(what);
        }
        return true;
}

/* The last word on a component counts; what is left is told with the ledger. */
static void print_results(const RestartReport *report)
{
        for (size_t i = 0; report && i < report->n; i++) {
                const RestartResult *result = &report->results[i];
                autofree char *line = NULL;

                if (restart_result_find(report, result->component) != result ||
                        result->outcome == RESTART_LEFT)
                        continue;
                line = xasprintf("%s: %s%s%s", result->component,
                        restart_outcome_text(result->outcome), result->text ? ": " : "",
                        result->text ? result->text : "");
                text_line(line);
        }
}

static char *debt_text(const Owed *owed)
{
        size_t n = strv_length(owed->paths);
        const char *plural = n == 1 ? "" : "s";

        return owed->renews ? xasprintf(", to renew %zu certificate%s", n, plural)
                            : xasprintf(", for %zu new file%s", n, plural);
}

void print_settled(const Pass *pass)
{
        print_results(pass->restarts);
        for (size_t i = 0; pass->owed && i < pass->owed->n; i++) {
                const Owed *entry = &pass->owed->entries[i];
                const RestartResult *result = restart_result_find(pass->restarts, entry->component);
                const char *why = result && result->outcome == RESTART_LEFT ? result->text : NULL;
                char date[DATE_TEXT_SIZE];
                const bool is_secret = publish_debt_is(&pass->config->layout, entry->component);
                autofree char *what = debt_text(entry);
                autofree char *line = xasprintf("%s%s is owed since %s%s%s%s",
                        is_secret ? "" : "restart of ", entry->component,
                        text_date(entry->since, date), entry->paths || !is_secret ? what : "",
                        why ? ": " : "", why ? why : "");

                text_line(line);
        }
}

/* A descriptor below 3 that is closed would be the next file we open, and our first complaint would
 * be written into it. */
static void occupy_standard_descriptors(void)
{
        int fd;

        for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_NOCTTY) < 0)
                        abort();
}

/* By this variable, which a shell may have for a browser, GnuTLS and libcurl would write down the
 * secrets of our connections. */
static void ignore_key_log(void)
{
        (void)unsetenv("SSLKEYLOGFILE");
}

static int finish_verb(const Options *options, int status)
{
        log_status_end();
        if (options->verb->writes && interrupt_is_pending())
                complain("interrupted; what had been begun was brought to its end first");
        return status;
}

static int run_verb(const Options *options, const Verb *verbs)
{
        if (options->version) {
                printf("%s\n", PACKAGE_STRING);
                return EXIT_DONE;
        }
        if (options->help) {
                help_print(options->verb, verbs);
                return EXIT_DONE;
        }
        /* A reader of our messages that goes away must not stop us between two files. */
        if (options->verb->writes) {
                signal(SIGPIPE, SIG_IGN);
                interrupt_announce();
        }
        return finish_verb(options, options->verb->run(options));
}

int command_main(int argc, char **argv, const Verb *verbs)
{
        Options options;
        Error error = {};
        int r, status;

        memory_protect();

        /* Dates are UTC: without the leap seconds of a host that has zoneinfo's "right" as its
         * zone.
         */
        setenv("TZ", "UTC0", 1);
        occupy_standard_descriptors();
        ignore_key_log();
        setlocale(LC_CTYPE, "");
        r = options_parse(argc, argv, verbs, &options, &error);
        is_plugin = options.verb && options.verb->judges && options.output &&
                    streq(options.output, "nagios");
        if (r < 0)
                return command_fail(&options, EXIT_USAGE, &error);
        status = run_verb(&options, verbs);
        errno = 0;
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        /* Who reads only the first lines has what was asked for. */
        if (errno == EPIPE)
                return status;
        /* An earlier write may have failed, and only the flag of it is left. */
        error_errno(&error, errno > 0 ? -errno : -EIO, "cannot write to standard output");
        return command_fail(&options, status ? status : EXIT_FAILED, &error);
}

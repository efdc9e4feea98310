/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "cli/help.h"
#include "cli/table.h"
#include "cli/verb.h"

#include <assert.h>
#include <getopt.h>

#define ARGUMENTS_MAX 32

/* A verb of each kind. */
static const Verb verbs[] = {
        {"check", NULL, "[NAME...]", "", .outputs = "table|json|nagios",
                .options = OPTIONS_TABLE | OPTIONS_MONITORING, .max_names = ANY_NUMBER,
                .judges = true},
        {"run", NULL, "", "", .writes = true},
        {"restore", NULL, "ID", "", .options = OPTIONS_DRY_RUN | OPTIONS_FORCE, .min_names = 1,
                .max_names = 1, .writes = true},
        {"init", NULL, "", "", .options = OPTIONS_INIT | OPTIONS_ALL, .writes = true},
        {},
};

static char *first_column(const void *row)
{
        return xstrdup(row);
}

static const Column columns[] = {
        {"CERTIFICATE", COLUMN_TREE, first_column},
        {"STATUS", COLUMN_STATE | COLUMN_SPARE, first_column},
        {"PATH", COLUMN_WIDE, first_column},
};

static bool is_one_of(const char *word, const char *words)
{
        autofree char *all = xasprintf("|%s|", words), *one = xasprintf("|%s|", word);

        return strstr(all, one);
}

static void check_range(const Range *range)
{
        if (!range->is_set)
                return;
        assert(range->start <= range->end);
        assert(range_alerts(range, range->start) == range->is_inside);
        assert(range_alerts(range, range->end) == range->is_inside);
}

static void check_columns(const char *wanted)
{
        autoptr(Table) table = NULL;
        Error error = {};

        if (table_new(columns, ELEMENTSOF(columns), wanted, &table, &error) < 0)
                assert(!table && error.text[0]);
}

static void check(const Options *options)
{
        const Verb *verb = options->verb;

        if (options->help || options->version)
                return;
        assert(verb && options->n_names >= verb->min_names && options->n_names <= verb->max_names);
        for (size_t i = 0; i < options->n_names; i++)
                assert(options->names[i]);
        assert(!options->names[options->n_names]);
        assert(!options->output || is_one_of(options->output, verb->outputs));
        assert(!options->root || options->root[strspn(options->root, "/")]);
        assert(!options->at || !verb->writes || options->root);
        assert(options->validity >= 0 && options->ca_validity >= 0);
        check_range(&options->warning);
        check_range(&options->critical);
        if (options->columns)
                check_columns(options->columns);
}

/* The command line, a word a line, each in memory of its own. Whatever is refused says why. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        autofree char *text = xstrndup((const char *)data, size);
        autostrv words = NULL;
        Options options;
        Error error = {};
        size_t n = 1;

        strv_add(&words, "kube-renewd");
        for (const char *p = text; *p && n < ARGUMENTS_MAX; n++, p += *p == '\n') {
                size_t length = strcspn(p, "\n");

                strv_take(&words, xstrndup(p, length));
                p += length;
        }
        autofree char **argv = xreallocarray(NULL, n + 1, sizeof(*argv));

        memcpy(argv, words, (n + 1) * sizeof(*argv));
        optind = 0;
        if (options_parse((int)n, argv, verbs, &options, &error) < 0)
                assert(error.text[0]);
        else
                check(&options);
        return 0;
}

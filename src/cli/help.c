/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/help.h"

static void print_options(const Verb *verb, unsigned groups, const char *heading)
{
        autofree OptionHelp *lines = options_help(verb, groups);

        if (lines[0].left[0])
                printf("\n%s:\n", heading);
        for (const OptionHelp *line = lines; line->left[0]; line++)
                printf("  %-24s %s\n", line->left, line->right);
}

static void print_verb(const Verb *verb)
{
        unsigned own = verb->options | (verb->outputs ? OPTIONS_OUTPUT : 0);

        printf("Usage: kube-renewd %s [OPTION...]%s%s\n\n%s.\n", verb->name,
                verb->synopsis[0] ? " " : "", verb->synopsis, verb->description);
        print_options(verb, own, "Options");
        print_options(verb, OPTIONS_COMMON, "Common options");
        if (verb->judges)
                printf("\nExit status: 0 all fine, 1 warning, 2 critical, 3 unknown.\n");
        else
                printf("\nExit status: 0 done or nothing to do, 1 failed, 2 usage,\n"
                       "75 unfinished (try again), 78 configuration.\n");
}

void help_print(const Verb *verb, const Verb *verbs)
{
        if (verb) {
                print_verb(verb);
                return;
        }
        printf("Usage: kube-renewd [OPTION...] VERB [NAME...]\n\n"
               "Renews the certificates of a Kubernetes control-plane host.\n\nVerbs:\n");
        for (verb = verbs; verb->name; verb++)
                printf("  %-8s %-19s %s\n", verb->name, verb->synopsis, verb->description);
        print_options(NULL, OPTIONS_COMMON, "Options");
        printf("\n'kube-renewd VERB --help' lists what else a verb takes.\n");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/options.h"

#include "base/nearest-word.h"
#include "base/time-util.h"
#include "cli/verb.h"

#include <getopt.h>

typedef enum OptionKind {
        OPTION_FLAG,
        OPTION_TEXT,
        OPTION_LIST, /* may be given again */
        OPTION_TIME,
        OPTION_SPAN,
        OPTION_RANGE,
} OptionKind;

typedef struct OptionInfo {
        const char *name;
        const char *value; /* what its value is called, NULL for a flag */
        OptionKind kind;
        size_t offset; /* in Options */
        char letter;   /* 0: it has none */
        unsigned group;
        const char *help;
} OptionInfo;

#define OPTION(value, kind, member, letter) value, kind, offsetof(Options, member), letter
#define FLAG(member)                        OPTION(NULL, OPTION_FLAG, member, 0)
#define HELP(member)                        OPTION(NULL, OPTION_FLAG, member, 'h')
#define TEXT(value, member)                 OPTION(value, OPTION_TEXT, member, 0)
#define LIST(value, member)                 OPTION(value, OPTION_LIST, member, 0)
#define TIME(value, member)                 OPTION(value, OPTION_TIME, member, 0)
#define SPAN(value, member)                 OPTION(value, OPTION_SPAN, member, 0)
#define RANGE(letter, member)               OPTION("RANGE", OPTION_RANGE, member, letter)

#define FIRST_WORD 0x100 /* what getopt_long() returns for the first of the table: no letter */

static const OptionInfo table[] = {
        {"output", TEXT("FORMAT", output), OPTIONS_OUTPUT, NULL /* the verb's formats */},
        {"columns", TEXT("LIST", columns), OPTIONS_TABLE, "columns, separated by commas, or 'all'"},
        {"no-headings", FLAG(no_headings), OPTIONS_TABLE, "no line with names of columns"},
        {"no-legend", FLAG(no_legend), OPTIONS_TABLE, "no text below the table"},
        {"cached", FLAG(cached), OPTIONS_MONITORING, "what the last pass saw; needs no root"},
        {"warning", RANGE('w', warning), OPTIONS_MONITORING,
                "warn unless so many days are left: 15:"},
        {"critical", RANGE('c', critical), OPTIONS_MONITORING,
                "the same for critical, as 3: or 72h:"},
        {"all", FLAG(all), OPTIONS_ALL, "everything that can be renewed, due or not"},
        {"dry-run", FLAG(dry_run), OPTIONS_DRY_RUN, "everything up to the first write"},
        {"kubelet", FLAG(kubelet), OPTIONS_KUBELET, "the kubelet's own, and nothing else"},
        {"user", TEXT("NAME", user), OPTIONS_KUBECONFIG, "whose it is: the common name"},
        {"group", LIST("NAME", groups), OPTIONS_KUBECONFIG, "one of the user's; may be repeated"},
        {"server", TEXT("URL", server), OPTIONS_KUBECONFIG, "of the API server"},
        {"ca", TEXT("ID", ca), OPTIONS_KUBECONFIG | OPTIONS_ROTATE,
                "which CA (rotate-ca: several with commas, or 'all')"},
        {"phase", TEXT("PHASE", phase), OPTIONS_ROTATE, "not the next one: see below, or 'all'"},
        {"status", FLAG(status), OPTIONS_ROTATE, "where each CA is"},
        {"yes", FLAG(yes), OPTIONS_ROTATE, "do it, and not only say it"},
        {"certificate", TEXT("FILE", certificate), OPTIONS_ROTATE, "a new CA of your own"},
        {"key", TEXT("FILE", key), OPTIONS_ROTATE | OPTIONS_INSTALL, "and its key"},
        {"no-cross", FLAG(no_cross), OPTIONS_ROTATE, "the new CA never vouches for the old one"},
        {"new-key", FLAG(new_key), OPTIONS_CSR, "not that of a request which is there"},
        {"output-dir", TEXT("DIR", output_dir), OPTIONS_CSR, "a file there for each, NAME.csr"},
        {"force", FLAG(force), OPTIONS_FORCE, "also what is refused to be safe"},
        {"shelved", FLAG(shelved), OPTIONS_SHELVED, "also what Shelve= keeps quiet"},
        {"trust-clock", FLAG(trust_clock), OPTIONS_TRUST_CLOCK,
                "it is right, whatever earlier passes left"},
        {"drop-in", FLAG(drop_in), OPTIONS_DROP_IN, "what the units need for it, for systemd"},
        {"node-name", TEXT("NAME", node_name), OPTIONS_INIT, "this node (the host's name)"},
        {"advertise-address", TEXT("IP", advertise_address), OPTIONS_INIT, "of the API server"},
        {"service-address", TEXT("IP", service_address), OPTIONS_INIT, "of the service kubernetes"},
        {"dns-domain", TEXT("DOMAIN", dns_domain), OPTIONS_INIT, "of the cluster (cluster.local)"},
        {"validity", SPAN("TIME", validity), OPTIONS_INIT | OPTIONS_KUBECONFIG,
                "lifetime of certificates, as 365d"},
        {"ca-validity", SPAN("TIME", ca_validity), OPTIONS_INIT | OPTIONS_ROTATE,
                "lifetime of CAs, as 10y"},
        {"key-algorithm", TEXT("KIND", key_algorithm),
                OPTIONS_INIT | OPTIONS_KUBECONFIG | OPTIONS_ROTATE, "as RSA-2048, ECDSA-P256"},
        {"root", TEXT("DIR", root), OPTIONS_COMMON, "every path is below this directory"},
        {"config", TEXT("FILE", config), OPTIONS_COMMON, "instead of main file and drop-ins"},
        {"layout", TEXT("NAME", layout), OPTIONS_COMMON, "kind of control plane, not detected"},
        {"at", TIME("TIME", at), OPTIONS_COMMON, "judge as of then, as 2027-11-11T23:26:00Z"},
        {"help", HELP(help), OPTIONS_COMMON, "print this"},
        {"version", FLAG(version), OPTIONS_COMMON, "print the version"},
};

static void *member_of(Options *options, const OptionInfo *info)
{
        return (char *)options + info->offset;
}

static int usage(Error *reterr, const char *what, const char *verb)
{
        return error_set(reterr, -EINVAL, "%s ('kube-renewd %s%s--help' lists what there is)", what,
                verb ? verb : "", verb ? " " : "");
}

/* The list ends with NULL, as all of it was at first. */
static int store_in_list(
        const char **list, const OptionInfo *info, const char *value, Error *reterr)
{
        size_t n = 0;

        while (list[n])
                n++;
        if (n == GROUPS_MAX)
                return error_set(reterr, -EINVAL, "--%s= is given more than %d times", info->name,
                        GROUPS_MAX);
        list[n] = value;
        return 0;
}

static int store(Options *options, const OptionInfo *info, const char *value, Error *reterr)
{
        void *member = member_of(options, info);

        if (info->kind == OPTION_FLAG) {
                *(bool *)member = true;
                return 0;
        }
        if (!value[0])
                return error_set(reterr, -EINVAL, "--%s= is empty; give it as --%s=%s", info->name,
                        info->name, info->value);
        if (info->kind == OPTION_TEXT) {
                *(const char **)member = value;
                return 0;
        }
        if (info->kind == OPTION_LIST)
                return store_in_list(member, info, value, reterr);
        if (info->kind == OPTION_TIME && time_parse(value, member) < 0)
                return error_set(reterr, -EINVAL,
                        "--%s='%s' is no time; write it as 2027-11-11T23:26:00Z or 2027-11-11",
                        info->name, value);
        if (info->kind == OPTION_SPAN && (span_parse(value, member) < 0 || *(int64_t *)member <= 0))
                return error_set(reterr, -EINVAL,
                        "--%s='%s' is no span of time; write it as 365d or 8760h", info->name,
                        value);
        if (info->kind == OPTION_RANGE && range_parse(value, member, reterr) < 0)
                return error_prefix(reterr, -EINVAL, "--%s='%s' is no range", info->name, value);
        return 0;
}

/* A word that begins no option, or more than one. */
static int refuse_word(const char *word, Error *reterr)
{
        const char *names[ELEMENTSOF(table) + 1] = {}, *near;
        bool begins = false;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                names[i] = table[i].name;
                begins |= starts_with(names[i], word);
        }
        near = nearest_word(word, names);
        autofree char *what =
                begins ? xasprintf("option '--%s' is ambiguous", word)
                : near ? xasprintf("unknown option '--%s', did you mean '--%s'?", word, near)
                       : xasprintf("unknown option '--%s'", word);
        return usage(reterr, what, NULL);
}

/* The option of this letter, or of a value that getopt_long() returns for its word. NULL: none. */
static const OptionInfo *find_option(int c)
{
        if (c >= FIRST_WORD)
                return &table[c - FIRST_WORD];
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (table[i].letter && table[i].letter == c)
                        return &table[i];
        return NULL;
}

/* What getopt_long() did not like: optopt is 0 for a word, a letter (a char, which may be
 * negative), or one of our values. Only behind a word is `given` what it is about: letters may be
 * several. */
static int refuse(char **argv, int c, Error *reterr)
{
        const OptionInfo *info = find_option(optopt);
        const char *given = argv[optind - 1];

        if (c == ':')
                return error_set(reterr, -EINVAL, "%s needs a value; give it as --%s=%s", given,
                        info->name, info->value);
        if (info)
                return error_set(reterr, -EINVAL, "--%s takes no value", info->name);
        if (optopt != 0)
                return error_set(reterr, -EINVAL,
                        "unknown option '-%c'; only -w, -c and -h have one letter, all others "
                        "begin with --",
                        optopt);
        autofree char *word = xstrndup(given + 2, strcspn(given + 2, "="));
        return refuse_word(word, reterr);
}

/* The table as getopt_long() wants it: words, and letters (at most two bytes each, and a NUL). */
static void describe(struct option long_options[], char *letters)
{
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                long_options[i] = (struct option){.name = table[i].name,
                        .has_arg = table[i].value ? required_argument : no_argument,
                        .val = FIRST_WORD + (int)i};
                if (!table[i].letter)
                        continue;
                *letters++ = table[i].letter;
                if (table[i].value)
                        *letters++ = ':';
        }
}

/* 1. Options, wherever they stand; getopt_long() moves the rest to the end. The first error is
 * kept: which verb it is about, and so the exit status, is only known after the last argument. */
static int read_options(int argc, char **argv, Options *options, uint64_t *ret_seen, Error *reterr)
{
        struct option long_options[ELEMENTSOF(table) + 1] = {};
        char letters[2 * ELEMENTSOF(table) + 2] = ":";
        int r = 0, c;

        describe(long_options, letters + 1);
        opterr = 0;
        while ((c = getopt_long(argc, argv, letters, long_options, NULL)) >= 0) {
                const OptionInfo *info = find_option(c);
                Error error = {};
                int q;

                if (info) {
                        *ret_seen |= UINT64_C(1) << (info - table);
                        q = store(options, info, optarg, &error);
                } else {
                        q = refuse(argv, c, &error);
                }
                if (q < 0 && r == 0)
                        r = error_set(reterr, q, "%s", error.text);
        }
        return r;
}

static int find_verb(const char *name, const Verb *verbs, const Verb **ret, Error *reterr)
{
        const char *names[32] = {}, *near;
        size_t n = 0;

        for (const Verb *verb = verbs; verb->name; verb++) {
                if (streq(name, verb->name)) {
                        *ret = verb;
                        return 0;
                }
                if (n < ELEMENTSOF(names) - 1)
                        names[n++] = verb->name;
        }
        near = nearest_word(name, names);
        autofree char *what = near ? xasprintf("unknown verb '%s', did you mean '%s'?", name, near)
                                   : xasprintf("unknown verb '%s'", name);
        return usage(reterr, what, NULL);
}

/* Turns the verb's "a|b" into the format that was asked for. The words of `outputs` are constant,
 * but not terminated: so options->output stays argv's where it was given. */
static int check_output(Options *options, Error *reterr)
{
        const char *outputs = options->verb->outputs;

        if (!options->output || !outputs)
                return 0;
        for (const char *word = outputs; *word; word += strcspn(word, "|"), word += *word == '|') {
                size_t length = strcspn(word, "|");

                if (length == strlen(options->output) &&
                        strncmp(word, options->output, length) == 0)
                        return 0;
        }
        return error_set(reterr, -EINVAL, "'%s' has no --output='%s'; it is one of %s",
                options->verb->name, options->output, outputs);
}

/* 3. Only what this verb takes. A bit of `seen` for each row of the table. */
static int check_options(Options *options, uint64_t seen, Error *reterr)
{
        _Static_assert(ELEMENTSOF(table) <= 64, "seen");
        const Verb *verb = options->verb;
        unsigned groups = verb->options | OPTIONS_COMMON | (verb->outputs ? OPTIONS_OUTPUT : 0);

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                if (!(seen & UINT64_C(1) << i) || table[i].group & groups)
                        continue;
                autofree char *what =
                        xasprintf("'%s' takes no option '--%s'", verb->name, table[i].name);
                return usage(reterr, what, verb->name);
        }
        if (options->at && verb->writes && !options->root)
                return error_set(reterr, -EINVAL,
                        "'%s' writes: it takes --at= only together with --root=; 'plan' and "
                        "'check' "
                        "judge this host at any time",
                        verb->name);
        return check_output(options, reterr);
}

static int check_names(const Options *options, Error *reterr)
{
        const Verb *verb = options->verb;

        if (options->n_names >= verb->min_names && options->n_names <= verb->max_names)
                return 0;
        if (verb->max_names == 0)
                return error_set(reterr, -EINVAL, "'%s' takes no names, but '%s' was given",
                        verb->name, options->names[0]);
        if (options->n_names < verb->min_names)
                return error_set(reterr, -EINVAL,
                        "'%s' lacks what it is about; write 'kube-renewd %s %s'", verb->name,
                        verb->name, verb->synopsis);
        return error_set(reterr, -EINVAL, "'%s' does not take '%s' too; write 'kube-renewd %s %s'",
                verb->name, options->names[verb->max_names], verb->name, verb->synopsis);
}

int options_parse(int argc, char **argv, const Verb *verbs, Options *ret, Error *reterr)
{
        Error first = {};
        uint64_t seen = 0;
        int r, q;

        *ret = (Options){};
        r = read_options(argc, argv, ret, &seen, &first);

        /* 2. The verb, and what it is about. */
        if (optind < argc) {
                q = find_verb(argv[optind], verbs, &ret->verb, reterr);
                if (q < 0)
                        return q;
                ret->names = argv + optind + 1;
                ret->n_names = (size_t)(argc - optind - 1);
        }
        if (r < 0)
                return error_set(reterr, r, "%s", first.text);
        if (ret->help || ret->version)
                return 0;
        if (!ret->verb)
                return usage(reterr, "no verb was given", NULL);
        /* --root=/ is this host, and its clock is the only one it is renewed by. */
        if (ret->root && ret->root[strspn(ret->root, "/")] == 0)
                ret->root = NULL;
        r = check_options(ret, seen, reterr);
        return r < 0 ? r : check_names(ret, reterr);
}

OptionHelp *options_help(const Verb *verb, unsigned groups)
{
        OptionHelp *lines = xcalloc(ELEMENTSOF(table) + 1, sizeof(*lines));
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                const OptionInfo *info = &table[i];

                if (!(info->group & groups))
                        continue;
                const char letter[] = {'-', info->letter, ',', ' ', 0};

                snprintf(lines[n].left, sizeof(lines[n].left), "%s--%s%s%s",
                        info->letter ? letter : "", info->name, info->value ? "=" : "",
                        info->value ? info->value : "");
                lines[n++].right = info->help ? info->help : verb->outputs;
        }
        return lines;
}

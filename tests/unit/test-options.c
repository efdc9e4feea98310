/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/verb.h"

#include <getopt.h>

static int nothing(const Options *options)
{
        return 0;
}

static const Verb verbs[] = {
        {"check", nothing, "[NAME...]", "", .outputs = "table|json",
                .options = OPTIONS_TABLE | OPTIONS_MONITORING, .max_names = ANY_NUMBER,
                .judges = true},
        {"renew", nothing, "[NAME...]", "", .options = OPTIONS_ALL, .max_names = ANY_NUMBER,
                .writes = true},
        {"restore", nothing, "ID", "", .min_names = 1, .max_names = 1, .writes = true},
        {"init", nothing, "", "", .options = OPTIONS_INIT | OPTIONS_KUBECONFIG, .writes = true},
        {},
};

/* Parses "a b c"; the words stay alive as long as `line`. */
static int parse(char *line, Options *options, Error *error)
{
        static char *argv[16];
        static char program[] = "kube-renewd";
        char *word;
        int argc = 0;

        argv[argc++] = program;
        while ((word = strsep(&line, " ")))
                argv[argc++] = word;
        argv[argc] = NULL;
        optind = 0; /* glibc: start again */
        return options_parse(argc, argv, verbs, options, error);
}

static void test_options_before_and_after_the_verb(void **state)
{
        Options options;
        Error error = {};
        char line[] = "--root=/x check --at=2027-11-11T23:26:00Z a --layout kubeadm b --no-legend";

        assert_int_equal(parse(line, &options, &error), 0);
        assert_ptr_equal(options.verb, &verbs[0]);
        assert_string_equal(options.root, "/x");
        assert_string_equal(options.layout, "kubeadm");
        assert_int_equal(options.at, 1825975560);
        assert_true(options.no_legend);
        assert_false(options.no_headings);
        assert_null(options.output);
        assert_int_equal(options.n_names, 2);
        assert_string_equal(options.names[0], "a");
        assert_string_equal(options.names[1], "b");
        assert_null(options.names[2]);
}

static void test_groups_are_a_list(void **state)
{
        Options options;
        Error error = {};
        char line[] = "init --group=a --group b --group=a";
        char empty[] = "init --group=";

        assert_int_equal(parse(line, &options, &error), 0);
        assert_string_equal(options.groups[0], "a");
        assert_string_equal(options.groups[1], "b");
        assert_string_equal(options.groups[2], "a");
        assert_null(options.groups[3]);
        assert_int_equal(parse(empty, &options, &error), -EINVAL);
}

static void test_spans_are_seconds(void **state)
{
        Options options;
        Error error = {};
        char line[] = "init --validity=20d --ca-validity=1y --node-name=cp-1";

        assert_int_equal(parse(line, &options, &error), 0);
        assert_int_equal(options.validity, 20 * 86400);
        assert_int_equal(options.ca_validity, 365 * 86400);
        assert_string_equal(options.node_name, "cp-1");
}

static void test_letters_and_words_are_the_same(void **state)
{
        static const char *const lines[] = {
                "check --warning=15d: --critical=3 --cached apiserver",
                "check --warning 15: --critical 0:3d --cached apiserver",
                "check apiserver -w15: -c 3 --cached",
                "-w 360h: -c 0:72h --cached check apiserver",
        };

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                autofree char *line = xstrdup(lines[i]);
                Options options;
                Error error = {};

                assert_int_equal(parse(line, &options, &error), 0);
                assert_true(options.warning.is_set && options.critical.is_set && options.cached);
                assert_int_equal(options.warning.start, 15 * 86400);
                assert_int_equal(options.critical.end, 3 * 86400);
                assert_int_equal(options.n_names, 1);
        }
}

static void test_slash_is_no_other_root(void **state)
{
        Options options;
        Error error = {};
        char line[] = "--root=// check";
        char at[] = "--root=/ renew --at=2027-11-11";

        assert_int_equal(parse(line, &options, &error), 0);
        assert_null(options.root);
        assert_int_equal(parse(at, &options, &error), -EINVAL);
}

static void test_help_needs_no_verb_and_no_names(void **state)
{
        Options options;
        Error error = {};
        char alone[] = "--help", verb[] = "restore -h", version[] = "--version";

        assert_int_equal(parse(alone, &options, &error), 0);
        assert_true(options.help);
        assert_null(options.verb);
        assert_int_equal(parse(verb, &options, &error), 0);
        assert_true(options.help);
        assert_ptr_equal(options.verb, &verbs[2]);
        assert_int_equal(parse(version, &options, &error), 0);
        assert_true(options.version);
}

/* What is refused, the verb that is known nevertheless (its exit status counts), and why. */
static const struct {
        const char *line, *verb, *text;
} refused[] = {
        {"", NULL, "unknown verb ''"},
        {"--root=/x", NULL, "no verb was given"},
        {"initt", NULL, "unknown verb 'initt', did you mean 'init'?"},
        {"frobnicate", NULL, "unknown verb 'frobnicate' ("},
        {"check --rooot=/x", "check", "unknown option '--rooot', did you mean '--root'?"},
        {"--frobnicate check", "check", "unknown option '--frobnicate'"},
        {"check --no", "check", "option '--no' is ambiguous"},
        {"check -x", "check", "unknown option '-x'"},
        {"check -\xc3\xa4", "check", "unknown option '-\\xc3'"},
        {"check -w", "check", "-w needs a value; give it as --warning=RANGE"},
        {"check --critical", "check", "--critical needs a value; give it as --critical=RANGE"},
        {"check -w 15x:", "check", "--warning='15x:' is no range: '15x' at character 1"},
        {"check --critical=9:8", "check", "--critical='9:8' is no range: its start '9'"},
        {"check --warning=", "check", "--warning= is empty"},
        {"check --cached=yes", "check", "--cached takes no value"},
        {"renew -c 3:", "renew", "'renew' takes no option '--critical'"},
        {"check --root", "check", "--root needs a value"},
        {"check --root=", "check", "--root= is empty"},
        {"check --no-legend=1", "check", "--no-legend takes no value"},
        {"check --at=tomorrow", "check", "--at='tomorrow' is no time"},
        {"init --validity=long", "init", "--validity='long' is no span"},
        {"init --validity=-1d", "init", "--validity='-1d' is no span"},
        {"init --validity=0", "init", "--validity='0' is no span"},
        {"check --output=yaml", "check", "it is one of table|json"},
        {"check --output=tab", "check", "it is one of table|json"},
        {"check --all", "check", "'check' takes no option '--all'"},
        {"renew --output=json", "renew", "'renew' takes no option '--output'"},
        {"renew --at=2027-11-11", "renew", "only together with --root="},
        {"restore", "restore", "'restore' lacks what it is about; write 'kube-renewd restore ID'"},
        {"restore a b", "restore", "'restore' does not take 'b' too; write 'kube-renewd re"},
        {"init now", "init", "takes no names, but 'now' was given"},
};

static void test_usage_errors_say_what_would_be_right(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
                autofree char *line = xstrdup(refused[i].line);
                Options options;
                Error error = {};

                print_message("# %s\n", refused[i].line);
                assert_int_equal(parse(line, &options, &error), -EINVAL);
                assert_non_null(strstr(error.text, refused[i].text));
                if (!refused[i].verb)
                        assert_null(options.verb);
                else
                        assert_string_equal(options.verb->name, refused[i].verb);
        }
}

static void test_at_is_for_writers_below_a_root(void **state)
{
        Options options;
        Error error = {};
        char line[] = "renew --root=/x --at=@1825975560";

        assert_int_equal(parse(line, &options, &error), 0);
        assert_int_equal(options.at, 1825975560);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options_before_and_after_the_verb),
                cmocka_unit_test(test_groups_are_a_list),
                cmocka_unit_test(test_spans_are_seconds),
                cmocka_unit_test(test_letters_and_words_are_the_same),
                cmocka_unit_test(test_slash_is_no_other_root),
                cmocka_unit_test(test_help_needs_no_verb_and_no_names),
                cmocka_unit_test(test_usage_errors_say_what_would_be_right),
                cmocka_unit_test(test_at_is_for_writers_below_a_root),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

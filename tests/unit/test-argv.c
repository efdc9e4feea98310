/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "renew/config/argv.h"

static void test_words(void **state)
{
        static const struct {
                const char *text;
                const char *words[5];
        } table[] = {
                {"/a", {"/a"}},
                {"  /a \t b  ", {"/a", "b"}},
                {"/a 'b c' \"d e\"", {"/a", "b c", "d e"}},
                {"/a '' \"\"", {"/a", "", ""}},
                {"/a b'c 'd\" e\"f", {"/a", "bc d ef"}},
                {"/a 'it''s' \"it's\" 'say \"x\"'", {"/a", "its", "it's", "say \"x\""}},
                {"/a b\\ c \\\"d\\' \\\\", {"/a", "b c", "\"d'", "\\"}},
                {"/a \"\\\"\\\\x\" '\\x'", {"/a", "\"\\x", "\\x"}},
                {"/a $HOME ~ * `b` | > %n", {"/a", "$HOME", "~", "*", "`b`"}},
                {"\"/a b\" c", {"/a b", "c"}},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autostrv argv = NULL;
                size_t n = 0;

                if (argv_parse(table[i].text, &argv) < 0)
                        fail_msg("refused: %s", table[i].text);
                for (; n < ELEMENTSOF(table[i].words) && table[i].words[n]; n++)
                        assert_string_equal(argv[n], table[i].words[n]);
                if (n < ELEMENTSOF(table[i].words))
                        assert_null(argv[n]);
        }
}

static void test_what_is_no_command_is_refused(void **state)
{
        static const char *const table[] = {"", "  ", "a", "./a", "'' /a", "/a 'b", "/a \"b",
                "/a b\\", "/a \"b\\\"", "/a \"b\\", "'/a", "'"};

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char **argv = NULL;

                if (argv_parse(table[i], &argv) != -EINVAL || argv)
                        fail_msg("accepted: %s", table[i]);
        }
}

/* Words come back as they are, and no line of them has a comment in it. */
static void test_what_is_written_can_be_read(void **state)
{
        static const char *const words[] = {"", "b", "b c", " b ", "'", "\"", "\\", "'\"\\", "#",
                ";", " #b", " ; b", "$HOME", "b\\ c", "ü", "\t", "b=c", "--b=c d"};
        autostrv argv = NULL;
        autostrv back = NULL;
        autofree char *text = NULL;

        strv_add(&argv, "/a b");
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                strv_add(&argv, words[i]);
        text = argv_format(argv);
        assert_null(strstr(text, " #"));
        assert_null(strstr(text, " ;"));
        assert_int_equal(argv_parse(text, &back), 0);
        assert_int_equal(strv_length(back), strv_length(argv));
        for (size_t i = 0; argv[i]; i++)
                assert_string_equal(back[i], argv[i]);
}

static void test_plain_words_are_written_plainly(void **state)
{
        static char *argv[] = {"/usr/bin/a", "--b=c,d", "e f", NULL}, *none[] = {NULL};
        autofree char *text = argv_format(argv), *empty = argv_format(none),
                      *null = argv_format(NULL);

        assert_string_equal(text, "/usr/bin/a --b=c,d \"e f\"");
        assert_string_equal(empty, "");
        assert_string_equal(null, "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words),
                cmocka_unit_test(test_what_is_no_command_is_refused),
                cmocka_unit_test(test_what_is_written_can_be_read),
                cmocka_unit_test(test_plain_words_are_written_plainly),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

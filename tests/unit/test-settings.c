/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/fs.h"
#include "renew/config/settings.h"
#include "tree.h"

static void assert_setting(const Setting *s, const char *section, const char *name, const char *key,
        const char *value, unsigned line)
{
        assert_string_equal(s->section, section);
        assert_string_equal(s->name, name);
        assert_string_equal(s->key, key);
        assert_string_equal(s->value, value);
        assert_string_equal(s->file, "f.conf");
        assert_int_equal(s->line, line);
}

static Settings *parse(const char *text)
{
        Settings *settings = settings_new();
        Error error = {};

        if (settings_parse(settings, "f.conf", text, strlen(text), &error) < 0)
                fail_msg("'%s': %s", text, error.text);
        return settings;
}

/* Everything that is allowed, in one file with the line ends of another system. */
static void test_the_grammar(void **state)
{
        autoptr(Settings) settings = parse("\xef\xbb\xbf# comment\r\n"
                                           "; comment\r\n"
                                           "  # comment behind blanks\r\n"
                                           "\r\n"
                                           "[renewal]\r\n"
                                           "RenewBefore=15d\r\n"
                                           "Validity = 1y 2d  # why\r\n"
                                           "[certificate apiserver] ; why\r\n"
                                           "SANs=DNS:a\tIP:::1\r\n"
                                           "Key=pkcs11:token=a;object=b?x#y\r\n"
                                           "Empty=\r\n"
                                           "Empty= # why\r\n"
                                           "[ca  x@1.y_z-]\r\n"
                                           "Name=\xc3\xbc == [x]");

        assert_int_equal(settings->n, 7);
        assert_setting(&settings->items[0], "renewal", "", "RenewBefore", "15d", 6);
        assert_setting(&settings->items[1], "renewal", "", "Validity", "1y 2d", 7);
        assert_setting(&settings->items[2], "certificate", "apiserver", "SANs", "DNS:a\tIP:::1", 9);
        assert_setting(&settings->items[3], "certificate", "apiserver", "Key",
                "pkcs11:token=a;object=b?x#y", 10);
        assert_setting(&settings->items[4], "certificate", "apiserver", "Empty", "", 11);
        assert_setting(&settings->items[5], "certificate", "apiserver", "Empty", "", 12);
        assert_setting(&settings->items[6], "ca", "x@1.y_z-", "Name", "\xc3\xbc == [x]", 14);
}

static void test_nothing_is_nothing(void **state)
{
        static const char *const texts[] = {"", "\n\n", "\xef\xbb\xbf", "# x", "[agent]\n"};

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                autoptr(Settings) settings = parse(texts[i]);

                assert_int_equal(settings->n, 0);
        }
}

static const struct Refusal {
        const char *text, *error;
} refusals[] = {
        {"\nKey=1\n", "f.conf:2: 'Key=1' stands before the first section; write [section] "
                      "above"},
        {"[agent]\n  Key=1\n",
                "f.conf:2: the line begins with a blank; write it without, or as a comment "
                "with '#'"},
        {"[agent]\nKey=1\n\tmore\n",
                "f.conf:3: the line begins with a blank; write it without, or as a comment "
                "with '#'"},
        {"[agent]\n=1\n", "f.conf:2: '=1' has no key in front of '='; write Key=Value"},
        {"[agent]\nKey 1\n", "f.conf:2: 'Key 1' is neither [section] nor Key=Value"},
        {"[agent]\nKey: 1\n", "f.conf:2: 'Key: 1' is neither [section] nor Key=Value"},
        {"[agent]\nKey:a=1\n",
                "f.conf:2: 'Key:a=1' has no key in front of '='; a key is up to 48 letters "
                "and digits"},
        {"[agent]\nMy Key=1\n", "f.conf:2: 'My Key=1' has no key in front of '='; a key is "
                                "up to 48 letters "
                                "and digits"},
        {"[agent]\nKey=a \\\nb\n",
                "f.conf:2: 'Key=a \\' ends in '\\', but a line cannot be continued; a list "
                "may go on with the same key on the next line"},
        {"[agent\n", "f.conf:1: '[agent' lacks its ']'; write [section] or [section name]"},
        {"[c]junk\n", "f.conf:1: '[c]junk' has text behind ']'; write it on a line of its own"},
        {"[c]Key=1\n", "f.conf:1: '[c]Key=1' has text behind ']'; write it on a line of its own"},
        {"[]\n", "f.conf:1: '[]' is no section; write [section] or [section name], each of "
                 "letters, digits, '.', '_', '@', ':' and '-'"},
        {"[ agent]\n", "f.conf:1: '[ agent]' is no section; write [section] or [section name], "
                       "each of letters, digits, '.', '_', '@', ':' and '-'"},
        {"[ca a b]\n", "f.conf:1: '[ca a b]' is no section; write [section] or [section name], "
                       "each of letters, digits, '.', '_', '@', ':' and '-'"},
        {"[ca ]\n", "f.conf:1: '[ca ]' is no section; write [section] or [section name], "
                    "each of letters, digits, '.', '_', '@', ':' and '-'"},
        {"[ca a/b]\n", "f.conf:1: '[ca a/b]' is no section; write [section] or [section name], "
                       "each of letters, digits, '.', '_', '@', ':' and '-'"},
        {"[certificate "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\n",
                "f.conf:1: '[certificate aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…' is "
                "longer "
                "than 128 characters; choose a shorter name"},
        {"[agent]\nKey=\033[2J\n",
                "f.conf:2: the line holds a control character or is not UTF-8; this must "
                "be a text file"},
        {"[agent]\nKey=\xff\n",
                "f.conf:2: the line holds a control character or is not UTF-8; this must "
                "be a text file"},
        {"[agent]\nKey=1\rKey=2\n",
                "f.conf:2: the line holds a control character or is not UTF-8; this must "
                "be a text file"},
};

static void test_odd_lines_are_refused(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++) {
                autoptr(Settings) settings = settings_new();
                Error error = {};
                int r = settings_parse(
                        settings, "f.conf", refusals[i].text, strlen(refusals[i].text), &error);

                assert_string_equal(error.text, refusals[i].error);
                assert_int_equal(r, -EBADMSG);
        }
}

static void test_a_nul_is_refused(void **state)
{
        static const char text[] = "[agent]\nKey=1\0 2\n";
        autoptr(Settings) settings = settings_new();
        Error error = {};

        assert_int_equal(
                settings_parse(settings, "f.conf", text, sizeof(text) - 1, &error), -EBADMSG);
        assert_string_equal(error.text, "f.conf:2: the line holds a control character or is not "
                                        "UTF-8; this must be a text file");
}

/* The name is 49 bytes with its section: the longest that inih does not cut. */
static void test_the_longest_section(void **state)
{
        autoptr(Settings) settings =
                parse("[certificate aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab]\nKey=1\n");

        assert_setting(&settings->items[0], "certificate", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
                "Key", "1", 2);
}

/* inih would cut it. */
static void test_a_full_name_of_two_long_ones(void **state)
{
        autoptr(Settings) settings = parse(
                "[certificate made-up-distribution:apiserver-kubelet-client]\nKey=1\n[b]\nKey=2\n");

        assert_setting(&settings->items[0], "certificate",
                "made-up-distribution:apiserver-kubelet-client", "Key", "1", 2);
        assert_setting(&settings->items[1], "b", "", "Key", "2", 4);
}

/* Values of every length around the size of inih's buffer, with blanks at every possible cut. */
static void test_long_values_arrive_whole(void **state)
{
        for (size_t n = 1; n < 1200; n += n < 150 || n > 250 ? 29 : 1) {
                autofree char *value = xmalloc(n + 1);

                for (size_t i = 0; i < n; i++)
                        value[i] = "ab;cd #ef  g=h"[i % 14];
                for (size_t i = 1; i < n; i++)
                        if (value[i - 1] == ' ' && value[i] == '#')
                                value[i] = '.';
                value[n] = 0;
                if (value[n - 1] == ' ')
                        value[n - 1] = 'x';
                autofree char *text = xasprintf("[agent]\nFirst=%s\nSecond=x\n", value);
                autoptr(Settings) settings = parse(text);

                assert_int_equal(settings->n, 2);
                assert_setting(&settings->items[0], "agent", "", "First", value, 2);
                assert_setting(&settings->items[1], "agent", "", "Second", "x", 3);
        }
}

static void test_lines_have_a_limit(void **state)
{
        char text[5000] = "[agent]\nKey=";
        autoptr(Settings) settings = settings_new();
        Error error = {};

        memset(text + 12, 'a', 4092);
        text[8 + 4096] = '\n';
        assert_int_equal(settings_parse(settings, "f.conf", text, 8 + 4097, NULL), 0);
        assert_int_equal(strlen(settings->items[0].value), 4092);
        text[8 + 4096] = 'a';
        assert_int_equal(settings_parse(settings, "f.conf", text, 8 + 4097, &error), -EBADMSG);
        assert_string_equal(error.text, "f.conf:2: the line is longer than 4096 bytes; a list may "
                                        "go on with the same key on the next line");

        /* A run of blanks that no piece can end before. */
        memset(text + 13, ' ', 1000);
        assert_int_equal(settings_parse(settings, "f.conf", text, 2000, &error), -EBADMSG);
        assert_string_equal(error.text, "f.conf:2: the line is too long; write shorter ones");
}

static void test_the_number_of_settings_has_a_limit(void **state)
{
        size_t n = 131073;
        autofree char *text = xmalloc(8 + n * 4);
        autoptr(Settings) settings = settings_new();
        Error error = {};

        memcpy(text, "[agent]\n", 8);
        for (size_t i = 0; i < n; i++)
                memcpy(text + 8 + i * 4, "K=1\n", 4);
        assert_int_equal(settings_parse(settings, "f.conf", text, 8 + n * 4, &error), -E2BIG);
        assert_string_equal(error.text, "f.conf:131074: more than 131072 settings");
}

static void test_the_last_setting(void **state)
{
        autoptr(Settings) settings = parse("[a x]\nK=1\n[a y]\nK=2\n[a x]\nK=3\n[b x]\nK=4\n");
        autofree char *origin = setting_origin(settings_last(settings, "a", "x", "K"));
        Setting option = {.file = (char[]){"--layout"}};
        autofree char *named = setting_origin(&option);

        assert_string_equal(origin, "f.conf:6");
        assert_string_equal(named, "--layout");
        assert_null(settings_last(settings, "a", "", "K"));
        assert_null(settings_last(settings, "a", "x", "k"));
}

static void test_an_index_finds_the_same(void **state)
{
        autoptr(Settings) settings = parse("[a x]\nK=1\n[a y]\nK=2\n[a x]\nK=3\n[b x]\nK=4\n");
        static const char *const wanted[][3] = {{"a", "x", "K"}, {"a", "y", "K"}, {"b", "x", "K"},
                {"a", "", "K"}, {"a", "x", "k"}, {"c", "x", "K"}};
        const Setting *found[ELEMENTSOF(wanted)];
        Setting *fresh;

        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                found[i] = settings_last(settings, wanted[i][0], wanted[i][1], wanted[i][2]);
        settings_index(settings);
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                assert_ptr_equal(settings_last(settings, wanted[i][0], wanted[i][1], wanted[i][2]),
                        found[i]);

        /* What comes later is found, too. */
        fresh = settings_append(settings);
        *fresh = (Setting){.section = shared_text_new("a"),
                .name = shared_text_new("x"),
                .key = shared_text_new("K")};
        assert_ptr_equal(settings_last(settings, "a", "x", "K"), fresh);
}

/* Whichever list goes first. */
static void test_words_that_come_back_are_kept_once(void **state)
{
        Settings *settings = parse("[a x]\nK=1\nL=2\n[a y]\nL=3\nK=4\n");
        autoptr(Settings) other = settings_new();
        const Setting *s = settings->items;

        assert_ptr_equal(s[0].section, s[3].section);
        assert_ptr_equal(s[0].file, s[3].file);
        assert_ptr_equal(s[0].name, s[1].name);
        assert_ptr_equal(s[0].key, s[3].key);
        assert_ptr_equal(s[1].key, s[2].key);
        assert_string_equal(s[2].name, "y");

        *settings_append(other) = settings->items[--settings->n];
        settings_free(settings);
        assert_string_equal(other->items[0].section, "a");
        assert_string_equal(other->items[0].name, "y");
        assert_string_equal(other->items[0].key, "K");
        assert_string_equal(other->items[0].value, "4");
        assert_string_equal(other->items[0].file, "f.conf");
}

static void test_reading_files(void **state)
{
        char *root = tree_new();
        autofree char *directory = xasprintf("%s/d.conf", root), *fifo = xasprintf("%s/fifo", root),
                      *file = xasprintf("%s/f.conf", root);
        autofd int root_fd = fs_open_root(root, NULL);
        autoptr(Settings) settings = settings_new();

        tree_write_text(root, "/f.conf", "[agent]\nK=1\n");
        assert_int_equal(settings_read(settings, root_fd, "/f.conf", NULL), 0);
        assert_string_equal(settings->items[0].file, "/f.conf");
        assert_int_equal(settings_read(settings, root_fd, "/none.conf", NULL), -ENOENT);
        assert_int_equal(mkdir(directory, 0700), 0);
        assert_int_equal(settings_read(settings, root_fd, "/d.conf", NULL), -EISDIR);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        assert_int_equal(settings_read(settings, root_fd, "/fifo", NULL), -EINVAL);
        assert_int_equal(truncate(file, 1 << 30), 0);
        assert_int_equal(settings_read(settings, root_fd, "/f.conf", NULL), -EFBIG);
        assert_int_equal(settings->n, 1);
        tree_free(root);
}

static void test_excerpts_end_at_a_character(void **state)
{
        autofree char *text = xasprintf("%.59d\xc3\xbc.", 0);
        autofree char *cut = settings_excerpt(text);
        autofree char *expected = xasprintf("%.59d…", 0);
        autofree char *whole = settings_excerpt("x");

        assert_string_equal(cut, expected);
        assert_string_equal(whole, "x");
}

static void test_excerpts_tell_no_pin(void **state)
{
        autofree char *text = settings_excerpt("pkcs11:token=ca?pin-value=4711&module-name=x");
        autofree char *far_on = xasprintf("pkcs11:token=%.60d?pin-value=4711", 0);
        autofree char *cut = settings_excerpt(far_on);

        assert_string_equal(text, "pkcs11:token=ca?pin-value=…");
        assert_null(strstr(cut, "4711"));
}

/* For who needs one setting of a file in which something else is wrong. */
static void test_bad_lines_are_skipped_where_that_is_asked_for(void **state)
{
        static const char text[] = "early=1\n[agent]\nnonsense\nA=1\n indented=2\n=3\n[bad\n"
                                   "B=of nobody\n[agent]\n\x01\nC=4\\\nX=5";
        autoptr(Settings) settings = settings_new();

        settings->skip_bad_lines = true;
        assert_int_equal(settings_parse(settings, "f.conf", text, strlen(text), NULL), 0);
        assert_int_equal(settings->n, 2);
        assert_setting(&settings->items[0], "agent", "", "A", "1", 4);
        assert_setting(&settings->items[1], "agent", "", "X", "5", 12);
}

static void test_one_section_alone_is_kept_and_all_are_judged(void **state)
{
        static const char text[] = "[layout]\nA=1\n[ca x]\nB=2\n[layout x]\nC=3\n[layout]\nE=4\n";
        autoptr(Settings) settings = settings_new();
        Error error;

        settings->only_section = "layout";
        assert_int_equal(settings_parse(settings, "f.conf", text, strlen(text), NULL), 0);
        assert_int_equal(settings->n, 2);
        assert_setting(&settings->items[0], "layout", "", "A", "1", 2);
        assert_setting(&settings->items[1], "layout", "", "E", "4", 8);
        assert_int_equal(settings_parse(settings, "f.conf", "[ca x]\n=v\n", 10, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "f.conf:2: "));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_grammar),
                cmocka_unit_test(test_nothing_is_nothing),
                cmocka_unit_test(test_odd_lines_are_refused),
                cmocka_unit_test(test_a_nul_is_refused),
                cmocka_unit_test(test_the_longest_section),
                cmocka_unit_test(test_a_full_name_of_two_long_ones),
                cmocka_unit_test(test_long_values_arrive_whole),
                cmocka_unit_test(test_lines_have_a_limit),
                cmocka_unit_test(test_the_number_of_settings_has_a_limit),
                cmocka_unit_test(test_the_last_setting),
                cmocka_unit_test(test_an_index_finds_the_same),
                cmocka_unit_test(test_words_that_come_back_are_kept_once),
                cmocka_unit_test(test_reading_files),
                cmocka_unit_test(test_excerpts_end_at_a_character),
                cmocka_unit_test(test_excerpts_tell_no_pin),
                cmocka_unit_test(test_bad_lines_are_skipped_where_that_is_asked_for),
                cmocka_unit_test(test_one_section_alone_is_kept_and_all_are_judged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/escape.h"

static void test_table(void **state)
{
        static const struct {
                const char *text, *expected;
        } table[] = {
                {"", ""},
                {"kube-apiserver", "kube-apiserver"},
                {"O=system:masters, CN=\xc3\xa9", "O=system:masters, CN=\xc3\xa9"},
                {"\xe2\x82\xac \xf0\x9f\x94\x91", "\xe2\x82\xac \xf0\x9f\x94\x91"},
                {"a\033[2Jb\n\r\t\x7f", "a\\x1b[2Jb\\x0a\\x0d\\x09\\x7f"},
                {"C1 \xc2\x9b"
                 "2J",
                        "C1 \\xc2\\x9b2J"},
                {"Latin-1 \xe9", "Latin-1 \\xe9"},
                {"cut \xe2\x82", "cut \\xe2\\x82"},
                {"overlong \xc0\xaf", "overlong \\xc0\\xaf"},
                {"overlong \xe0\x80\xaf", "overlong \\xe0\\x80\\xaf"},
                {"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
                {"beyond \xf4\x90\x80\x80", "beyond \\xf4\\x90\\x80\\x80"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *escaped = escape_text(table[i].text);

                assert_string_equal(escaped, table[i].expected);
        }
        assert_null(escape_text(NULL));
}

/* What is escaped once is plain text: escaping it again changes nothing. */
static void test_every_byte(void **state)
{
        for (int c = 1; c < 256; c++) {
                char text[] = {(char)c, 'x', 0};
                autofree char *once = escape_text(text);
                autofree char *twice = escape_text(once);

                assert_string_equal(once, twice);
                assert_int_equal(strlen(once), c < 0x20 || c >= 0x7f ? 5 : 2);
        }
}

static void test_file_names(void **state)
{
        static const struct {
                const char *text, *expected;
        } table[] = {
                {"kube-apiserver", "kube-apiserver"},
                {"", ""},
                {"ca#2", "ca#2"},
                {"../../etc/shadow", "%2E.%2F..%2Fetc%2Fshadow"},
                {"50%", "50%25"},
                {"a%2Fb", "a%252Fb"},
                {"a@b c~", "a%40b%20c%7E"},
                {"\xc3\xa9\n", "%C3%A9%5Cx0a"},
                {"\xff", "%5Cxff"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *name = escape_file_name(table[i].text);

                assert_string_equal(name, table[i].expected);
        }
}

static void test_long_file_names(void **state)
{
        for (size_t length = 40; length < 200; length++) {
                autofree char *a = xcalloc(1, length + 1);
                autofree char *b = xcalloc(1, length + 1);

                memset(a, '/', length);
                memset(b, '/', length);
                b[length - 1] = 'x';
                autofree char *name_a = escape_file_name(a);
                autofree char *name_b = escape_file_name(b);
                assert_string_not_equal(name_a, name_b);
                assert_true(strlen(name_a) < 200);
                assert_true((strchr(name_a, '~') != NULL) == (3 * length > 160));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_every_byte),
                cmocka_unit_test(test_file_names),
                cmocka_unit_test(test_long_file_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

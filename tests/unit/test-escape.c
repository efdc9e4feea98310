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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_every_byte),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

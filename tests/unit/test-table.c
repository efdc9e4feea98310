/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/table.h"
#include "printed.h"

typedef struct Line {
        const char *name, *state, *path, *serial;
        size_t parent;
        int severity;
} Line;

MEMBER_CELL(cell_name, Line, name)
MEMBER_CELL(cell_state, Line, state)
MEMBER_CELL(cell_path, Line, path)
MEMBER_CELL(cell_serial, Line, serial)

static const Column columns[] = {
        {"NAME", COLUMN_TREE, cell_name},
        {"STATE", COLUMN_STATE | COLUMN_FLAT, cell_state},
        {"PATH", COLUMN_WIDE, cell_path},
        {"SERIAL", COLUMN_ASKED | COLUMN_RIGHT, cell_serial},
};

/* A child before its parent, and text that wants to be more than text. */
static const Line lines[] = {
        {"apiserver", "OK", "/pki/apiserver.crt", "7", 1, 0},
        {"ca", "EXPIRED", "/pki/ca.crt", "12", NO_PARENT, 2},
        {"e\033[2Jvil\n", "", NULL, "", NO_PARENT, 1},
};

typedef struct Request {
        const char *columns;
        const char *width;
        bool tree, headings, colors;
} Request;

static void print(const void *data)
{
        const Request *request = data;
        autoptr(Table) table = NULL;
        Error error = {};

        setenv("COLUMNS", request->width, 1);
        setenv("SYSTEMD_COLORS", request->colors ? "1" : "0", 1);
        assert_int_equal(
                table_new(columns, ELEMENTSOF(columns), request->columns, &table, &error), 0);
        for (size_t i = 0; i < ELEMENTSOF(lines); i++)
                table_add(table, &lines[i], request->tree ? lines[i].parent : NO_PARENT,
                        lines[i].severity);
        table_print(table, request->headings);
}

static const struct {
        Request request;
        const char *expected;
} cases[] = {
        {{NULL, "30", false, true, false}, "NAME            STATE\n"
                                           "apiserver       OK\n"
                                           "ca              EXPIRED\n"
                                           "e\\x1b[2Jvil\\x0a -\n"},
        {{NULL, "80", false, true, false}, "NAME            STATE   PATH\n"
                                           "apiserver       OK      /pki/apiserver.crt\n"
                                           "ca              EXPIRED /pki/ca.crt\n"
                                           "e\\x1b[2Jvil\\x0a -       -\n"},
        {{"serial,NAME", "80", false, false, false}, "     7 apiserver\n"
                                                     "    12 ca\n"
                                                     "     - e\\x1b[2Jvil\\x0a\n"},
        {{"name", "80", true, false, false}, "ca\n"
                                             "`-apiserver\n"
                                             "e\\x1b[2Jvil\\x0a\n"},
        {{"state", "80", false, false, true}, "\033[32mOK\033[0m\n"
                                              "\033[31mEXPIRED\033[0m\n"
                                              "\033[33m-\033[0m\n"},
};

static void test_tables(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                autofree char *text = printed(print, &cases[i].request);

                assert_string_equal(text, cases[i].expected);
        }
}

static void test_all_columns(void **state)
{
        Request request = {"all", "10", false, true, false};
        autofree char *text = printed(print, &request);

        assert_true(starts_with(text, "NAME            STATE   PATH               SERIAL\n"));
}

static void test_unknown_column(void **state)
{
        autoptr(Table) table = NULL;
        Error error = {};

        assert_int_equal(
                table_new(columns, ELEMENTSOF(columns), "name,bogus", &table, &error), -EINVAL);
        assert_string_equal(
                error.text, "no column 'bogus'; there are NAME,STATE,PATH,SERIAL, and 'all'");
        assert_null(table);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tables),
                cmocka_unit_test(test_all_columns),
                cmocka_unit_test(test_unknown_column),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

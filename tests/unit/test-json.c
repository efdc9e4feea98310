/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/json.h"
#include "scratch.h"

static void test_text_is_sorted_and_ends_in_a_newline(void **state)
{
        autoptr(json_t) json = json_pack("{s:i, s:[s], s:{}}", "b", 1, "a", "x", "c");
        autofree char *text = json_text(json);

        assert_string_equal(text, "{\n  \"a\": [\n    \"x\"\n  ],\n  \"b\": 1,\n  \"c\": {}\n}\n");
}

static void test_escaped(void **state)
{
        static const struct {
                const char *text, *expected;
        } table[] = {
                {"plain", "\"plain\"\n"},
                {"\xc3\xa9 \"", "\"\xc3\xa9 \\\"\"\n"},
                {"a\nb\xff", "\"a\\\\x0ab\\\\xff\"\n"},
                {NULL, "null\n"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(json_t) json = json_escaped(table[i].text);
                autofree char *text = json_text(json);

                assert_string_equal(text, table[i].expected);
        }
}

static void test_strv(void **state)
{
        char *strings[] = {(char *)"a", (char *)"b\n", NULL};
        autoptr(json_t) array = json_strv(strings);
        autoptr(json_t) empty = json_strv(NULL);
        autoptr(json_t) mixed = json_pack("[s, i]", "a", 1);
        autoptr(json_t) object = json_object();
        autostrv strv = NULL;
        autostrv none = NULL;

        assert_int_equal(json_get_strv(array, &strv), 0);
        assert_int_equal(strv_length(strv), 2);
        assert_string_equal(strv[1], "b\\x0a");
        assert_int_equal(json_get_strv(empty, &none), 0);
        assert_null(none);
        assert_int_equal(json_get_strv(mixed, &none), -EINVAL);
        assert_int_equal(json_get_strv(object, &none), -EINVAL);
        assert_int_equal(json_get_strv(NULL, &none), -EINVAL);
        assert_null(none);
}

static void test_time(void **state)
{
        autoptr(json_t) some = json_time(1825975560);
        autoptr(json_t) none = json_time(0);
        autoptr(json_t) number = json_integer(1825975560);
        autoptr(json_t) junk = json_string("soon");
        int64_t t = 4711;

        assert_string_equal(json_string_value(some), "2027-11-11T23:26:00Z");
        assert_true(json_is_null(none));
        assert_int_equal(json_get_time(number, &t), -EINVAL);
        assert_int_equal(json_get_time(junk, &t), -EINVAL);
        assert_int_equal(json_get_time(NULL, &t), -EINVAL);
        assert_int_equal(t, 4711);
        assert_int_equal(json_get_time(some, &t), 0);
        assert_int_equal(t, 1825975560);
        assert_int_equal(json_get_time(none, &t), 0);
        assert_int_equal(t, 0);
}

static void test_read(void **state)
{
        static const struct {
                const char *data;
                size_t size;                /* 0: strlen() */
                const char *expected_error; /* NULL: none */
        } table[] = {
                {"{\"a\": [1, null]}", 0, NULL},
                {"  []\n", 0, NULL},
                {"", 0, "line 1, column 0"},
                {"{\n  \"a\": 1,\n  \"a\": 2\n}", 0, "line 3"},
                {"{} {}", 0, "line 1, column"},
                {"{\"a\": \"\xff\"}", 0, "line 1"},
                {"[1]\0junk", 8, "line 1"},
                {"[\"\\u0000\"]", 0, "line 1"},
                {"\"text\"", 0, "line 1"},
                {"{\"\033[2J", 0, "line 1"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                size_t size = table[i].size > 0 ? table[i].size : strlen(table[i].data);
                autoptr(json_t) json = NULL;
                Error error = {};
                int r = json_read(table[i].data, size, &json, &error);

                assert_int_equal(r, table[i].expected_error ? -EBADMSG : 0);
                assert_true((json != NULL) == (r == 0));
                if (r < 0 && !strstr(error.text, table[i].expected_error))
                        fail_msg("'%s' lacks '%s'", error.text, table[i].expected_error);
                assert_null(strchr(error.text, '\033'));
        }
}

/* Nesting must not exhaust the stack. */
static void test_deep_nesting(void **state)
{
        size_t size = 1000000;
        autofree char *data = xmalloc(size);
        json_t *json = NULL;

        memset(data, '[', size);
        assert_int_equal(json_read(data, size, &json, NULL), -EBADMSG);
        assert_null(json);
}

static void test_too_long(void **state)
{
        json_t *json = NULL;

        assert_int_equal(json_read("", JSON_FILE_SIZE_MAX + 1, &json, NULL), -EFBIG);
}

static void test_file(void **state)
{
        autoptr(json_t) json = json_pack("{s:s}", "type", "expiring");
        autoptr(json_t) again = NULL;
        json_t *missing = NULL;
        Error error = {};
        struct stat st;

        assert_int_equal(json_write_file(root_fd, "/a.json", json, 0640, &error), 0);
        assert_int_equal(stat("a.json", &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        assert_content("/a.json", "{\n  \"type\": \"expiring\"\n}\n");
        assert_int_equal(json_read_file(root_fd, "/a.json", &again, &error), 0);
        assert_true(json_equal(json, again));
        assert_int_equal(json_read_file(root_fd, "/b.json", &missing, &error), -ENOENT);
        put("b.json", "{");
        assert_int_equal(json_read_file(root_fd, "/b.json", &missing, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "'/b.json'"));
}

static void test_private_file(void **state)
{
        autoptr(json_t) json = json_pack("{s:s}", "component", "etcd");
        Error error = {};
        struct stat st;

        for (int again = 0; again < 2; again++) {
                assert_int_equal(
                        json_write_private(root_fd, "/state/owed/a.json", json, &error), 0);
                assert_int_equal(stat("state/owed/a.json", &st), 0);
                assert_int_equal(st.st_mode & 07777, 0600);
                assert_int_equal(stat("state/owed", &st), 0);
                assert_int_equal(st.st_mode & 07777, 0700);
        }
        put("file", "");
        assert_int_equal(json_write_private(root_fd, "/file/a.json", json, &error), -ENOTDIR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text_is_sorted_and_ends_in_a_newline),
                cmocka_unit_test(test_escaped),
                cmocka_unit_test(test_strv),
                cmocka_unit_test(test_time),
                cmocka_unit_test(test_read),
                cmocka_unit_test(test_deep_nesting),
                cmocka_unit_test(test_too_long),
                SCRATCH_TEST(test_file),
                SCRATCH_TEST(test_private_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

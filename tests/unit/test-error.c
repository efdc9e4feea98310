/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/error.h"
#include "base/secret.h"

static void test_set_and_prefix(void **state)
{
        Error error = {};

        assert_int_equal(error_set(&error, -ENOKEY, "'%s' has no key", "/a"), -ENOKEY);
        assert_string_equal(error.text, "'/a' has no key");
        assert_int_equal(error_prefix(&error, -ENOKEY, "cannot renew '%s'", "apiserver"), -ENOKEY);
        assert_string_equal(error.text, "cannot renew 'apiserver': '/a' has no key");
        assert_int_equal(error_errno(&error, -ENOENT, "cannot open '%s'", "/b"), -ENOENT);
        assert_string_equal(error.text, "cannot open '/b': No such file or directory");
}

static void test_null_is_allowed(void **state)
{
        assert_int_equal(error_set(NULL, -EIO, "%s", "x"), -EIO);
        assert_int_equal(error_prefix(NULL, -EIO, "%s", "x"), -EIO);
}

static void test_prefix_of_nothing(void **state)
{
        Error error = {};

        error_prefix(&error, -EIO, "while reading");
        assert_string_equal(error.text, "while reading");
}

static void test_control_characters_are_escaped(void **state)
{
        Error error = {};

        error_set(&error, -EINVAL, "'%s'", "a\033[2Jb\nc\x7f");
        assert_string_equal(error.text, "'a\\x1b[2Jb\\x0ac\\x7f'");
}

static void test_long_text_is_cut(void **state)
{
        Error error = {};
        char text[4096];

        memset(text, '\n', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        error_set(&error, -EINVAL, "%s", text);
        assert_int_equal(strlen(error.text) % 4, 0);
        assert_true(strlen(error.text) > sizeof(error.text) - 8);
}

static void test_transient(void **state)
{
        assert_true(error_is_transient(-EAGAIN));
        assert_false(error_is_transient(-ENOENT));
}

static int taken_value(void)
{
        int fd = 7, other = TAKE(fd);

        assert_int_equal(fd, -1);
        return other;
}

static void test_take(void **state)
{
        autofree char *a = xstrdup("x");
        autofree char *b = TAKE(a);

        assert_null(a);
        assert_string_equal(b, "x");
        assert_int_equal(taken_value(), 7);
}

static void test_strv(void **state)
{
        autostrv v = NULL;

        strv_add(&v, "a");
        strv_add(&v, "b");
        assert_int_equal(strv_length(v), 2);
        assert_true(strv_contains(v, "b"));
        assert_false(strv_contains(v, "c"));

        autofree char *joined = strv_join(v, ", ");
        autofree char *nothing = strv_join(NULL, ", ");
        assert_string_equal(joined, "a, b");
        assert_string_equal(nothing, "");
}

static void test_secret(void **state)
{
        autoptr(Secret) secret = secret_new("abc", 3);

        assert_memory_equal(secret->data, "abc", 3);
        secret_free(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_set_and_prefix),
                cmocka_unit_test(test_null_is_allowed),
                cmocka_unit_test(test_prefix_of_nothing),
                cmocka_unit_test(test_control_characters_are_escaped),
                cmocka_unit_test(test_long_text_is_cut),
                cmocka_unit_test(test_transient),
                cmocka_unit_test(test_take),
                cmocka_unit_test(test_strv),
                cmocka_unit_test(test_secret),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

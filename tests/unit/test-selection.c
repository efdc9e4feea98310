/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "cli/selection.h"

static char *const row_names[] = {
        "ca", "ca#2", "cache", "admin.conf", "admin.conf/ops", "apiserver"};

/* The names of the rows that these names select, joined by spaces. */
static int select_names(char *const *names, char text[128], Error *error)
{
        Row rows[ELEMENTSOF(row_names)] = {};
        Rows all = {.rows = rows, .n = ELEMENTSOF(rows)};
        autoptr(Selection) selection = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(row_names); i++)
                rows[i].name = row_names[i];
        r = selection_make(&all, names, &selection, error);
        if (r < 0)
                return r;
        text[0] = 0;
        for (size_t i = 0; i < selection->view.n; i++) {
                assert_ptr_equal(selection->view.rows[i].name, row_names[selection->index[i]]);
                strcat(strcat(text, i > 0 ? " " : ""), selection->view.rows[i].name);
        }
        return 0;
}

static const struct {
        char *names[4];
        const char *selected;
} cases[] = {
        {{NULL}, "ca ca#2 cache admin.conf admin.conf/ops apiserver"},
        {{"ca"}, "ca ca#2"},
        {{"ca#2"}, "ca#2"},
        {{"admin.conf"}, "admin.conf admin.conf/ops"},
        {{"admin.conf/ops"}, "admin.conf/ops"},
        {{"apiserver", "cache", "apiserver"}, "cache apiserver"},
};

static void test_a_name_takes_what_hangs_on_it(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                char text[128];
                Error error = {};

                assert_int_equal(select_names(cases[i].names, text, &error), 0);
                assert_string_equal(text, cases[i].selected);
        }
}

static void test_an_unknown_name_is_answered_with_the_nearest(void **state)
{
        char *near[] = {"apisrever", NULL}, *far[] = {"x", NULL}, text[128];
        Error error = {};

        assert_int_equal(select_names(near, text, &error), -EINVAL);
        assert_non_null(strstr(error.text, "did you mean 'apiserver'?"));
        assert_int_equal(select_names(far, text, &error), -EINVAL);
        assert_non_null(strstr(error.text, "'kube-renewd check' lists"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_name_takes_what_hangs_on_it),
                cmocka_unit_test(test_an_unknown_name_is_answered_with_the_nearest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

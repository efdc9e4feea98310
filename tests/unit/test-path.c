/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/path.h"

static void test_normalize(void **state)
{
        static const struct {
                const char *path, *normal;
        } table[] = {
                {"/etc/kubernetes/pki/ca.crt", "/etc/kubernetes/pki/ca.crt"},
                {"//etc///kubernetes/", "/etc/kubernetes"},
                {"/etc/./kubernetes/.", "/etc/kubernetes"},
                {"/etc/kubernetes/../kubernetes/pki/..", "/etc/kubernetes"},
                {"/..", "/"},
                {"/../../etc", "/etc"},
                {"/a/b/../../..", "/"},
                {"/...", "/..."},
                {"/.hidden/..x", "/.hidden/..x"},
                {"/", "/"},
                {"", "/"},
                {"etc", "/etc"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *normal = path_normalize(table[i].path);

                assert_string_equal(normal, table[i].normal);
        }
}

static void test_join(void **state)
{
        static const struct {
                const char *directory, *path, *joined;
        } table[] = {
                {"/etc/kubernetes", "pki/ca.crt", "/etc/kubernetes/pki/ca.crt"},
                {"/etc/kubernetes", "./pki//ca.crt", "/etc/kubernetes/pki/ca.crt"},
                {"/etc/kubernetes", "../ssl/ca.crt", "/etc/ssl/ca.crt"},
                {"/etc/kubernetes", "/ca.crt", "/ca.crt"},
                {"/", "ca.crt", "/ca.crt"},
                {"", "ca.crt", "/ca.crt"},
                {"/a", "../../../b", "/b"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *joined = path_join(table[i].directory, table[i].path);

                assert_string_equal(joined, table[i].joined);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_normalize),
                cmocka_unit_test(test_join),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/group.h"
#include "tree.h"

#include <grp.h>

static void test_group_of_another_root(void **state)
{
        static const struct {
                const char *file, *name;
                int r;
                gid_t gid;
        } table[] = {
                {NULL, "readers", -ENOENT, 0},
                {"", "readers", -ENOENT, 0},
                {"root:x:0:\nreaders:x:4711:ann,bob\n", "readers", 0, 4711},
                {"root:x:0:\nreaders:x:4711:", "readers", 0, 4711},
                {"readers2:x:1:\n# readers:x:2:\nreaders:x:3:\n", "readers", 0, 3},
                {"garbage\n::::\nreaders:x:nine:\nreaders:x:5:\n", "readers", 0, 5},
                {"readers\n", "readers", -ENOENT, 0},
                {"readers:x:7:\n", "reader", -ENOENT, 0},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                char *root = tree_new();
                autofd int root_fd = fs_open_root(root, NULL);
                gid_t gid = 0;

                if (table[i].file)
                        tree_write_text(root, "/etc/group", table[i].file);
                assert_int_equal(group_find(root_fd, table[i].name, &gid, NULL), table[i].r);
                assert_int_equal(gid, table[i].gid);
                tree_free(root);
        }
}

static void test_group_of_this_host(void **state)
{
        autofd int root_fd = fs_open_root("/", NULL);
        struct group *own = getgrgid(0);
        Error error = {};
        gid_t gid = 1;

        if (own) {
                autofree char *name = xstrdup(own->gr_name);

                assert_int_equal(group_find(root_fd, name, &gid, NULL), 0);
                assert_int_equal(gid, 0);
        }
        assert_int_equal(group_find(root_fd, "no-such-group-here", &gid, &error), -ENOENT);
        assert_string_equal(error.text, "there is no group 'no-such-group-here'");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_group_of_another_root),
                cmocka_unit_test(test_group_of_this_host),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/fs.h"
#include "renew/report/readers.h"
#include "renew/state/reported.h"
#include "tree.h"

/* A group that we may give: for root any, else our own. */
static gid_t some_group(void)
{
        return geteuid() == 0 ? 4711 : getegid();
}

static void assert_access(const char *root, const char *path, mode_t mode, gid_t group)
{
        autofree char *full = xasprintf("%s%s", root, path);
        struct stat st;

        assert_int_equal(stat(full, &st), 0);
        assert_int_equal(st.st_mode & 07777, mode);
        assert_int_equal(st.st_gid, group);
}

static void set_mode(const char *root, const char *path, mode_t mode)
{
        autofree char *full = xasprintf("%s%s", root, path);

        assert_int_equal(chmod(full, mode), 0);
}

static void admit(const char *root, char *group, gid_t gid)
{
        autofd int root_fd = fs_open_root(root, NULL);
        const Config config = {
                .state_directory = (char *)"/state", .reader_group = group, .reader_gid = gid};
        Error error = {};

        if (readers_admit(root_fd, &config, &error) < 0)
                fail_msg("%s", error.text);
}

static void test_a_group_and_everybody_again(void **state)
{
        char *root = tree_new(), *readers = (char *)"readers";
        gid_t group = some_group(), own = getegid();

        /* 1. From the beginning, and both places. */
        admit(root, readers, group);
        assert_access(root, "/state/public", 0750, group);
        tree_write_text(root, REPORTED_FALLBACK "/x", "");
        admit(root, readers, group);
        assert_access(root, REPORTED_FALLBACK, 0750, group);

        /* 2. What somebody has opened meanwhile is closed again. */
        set_mode(root, "/state/public", 0777);
        admit(root, readers, group);
        assert_access(root, "/state/public", 0750, group);

        /* 3. Nobody could tell which group it is: those who could read still can, others cannot. */
        admit(root, readers, GROUP_UNKNOWN);
        assert_access(root, "/state/public", 0750, group);
        set_mode(root, "/state/public", 0755);
        admit(root, readers, GROUP_UNKNOWN);
        assert_access(root, "/state/public", 0750, group);
        set_mode(root, "/state/public", 0700);
        admit(root, readers, GROUP_UNKNOWN);
        assert_access(root, "/state/public", 0700, group);

        /* 4. For everybody. */
        set_mode(root, "/state/public", 0750);
        admit(root, NULL, GROUP_UNKNOWN);
        assert_access(root, "/state/public", 0755, own);
        assert_access(root, REPORTED_FALLBACK, 0755, own);
        tree_free(root);
}

static void test_closed_from_the_beginning(void **state)
{
        char *root = tree_new();

        admit(root, (char *)"readers", GROUP_UNKNOWN);
        assert_access(root, "/state/public", 0750, getegid());
        tree_free(root);
}

static void test_other_modes_are_not_ours(void **state)
{
        static const mode_t modes[] = {0700, 0711, 0755, 0770, 02755};
        char *root = tree_new();

        admit(root, NULL, GROUP_UNKNOWN);
        assert_access(root, "/state/public", 0755, getegid());
        for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
                set_mode(root, "/state/public", modes[i]);
                admit(root, NULL, GROUP_UNKNOWN);
                assert_access(root, "/state/public", modes[i], getegid());
        }
        tree_free(root);
}

static void test_what_cannot_be_changed_is_said(void **state)
{
        char *root = tree_new();
        autofd int root_fd = fs_open_root(root, NULL);
        const Config config = {.state_directory = (char *)"/state"};
        Error error = {};

        tree_write_text(root, "/state/public", "a file");
        assert_true(readers_admit(root_fd, &config, &error) < 0);
        assert_non_null(strstr(error.text, "/state/public"));
        tree_free(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_group_and_everybody_again),
                cmocka_unit_test(test_closed_from_the_beginning),
                cmocka_unit_test(test_other_modes_are_not_ours),
                cmocka_unit_test(test_what_cannot_be_changed_is_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

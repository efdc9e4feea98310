/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "acl.h"
#include "scratch.h"

#define THEIRS 1234 /* user and group */

/* /a/b/file, or what a row makes of one of them; "" is the root. Only root can act for two users.
 */
static void test_whose_hands(void **state)
{
        static const struct {
                const char *path;
                uid_t owner;
                gid_t group;
                mode_t mode;
                const char *in_our_hands, *in_its_owners; /* what is told; NULL: fine */
        } table[] = {
                {"a/b/file", 0, 0, 0600, NULL, NULL}, {"a/b/file", 0, THEIRS, 0640, NULL, NULL},
                {"a/b/file", 0, 0, 0660, NULL, NULL},
                {"a/b/file", THEIRS, THEIRS, 0600, "'/a/b/file' belongs to user 1234", NULL},
                {"a/b/file", THEIRS, THEIRS, 0660, "'/a/b/file' belongs to user 1234", NULL},
                {"a/b/file", THEIRS, THEIRS, 0606, "'/a/b/file' belongs to user 1234",
                        "'/a/b/file' can be written by others"},
                {"a/b/file", 0, THEIRS, 0660, "'/a/b/file' can be written by others",
                        "'/a/b/file' can be written by others"},
                {"a/b/file", 0, 0, 0666, "'/a/b/file' can be written by others",
                        "'/a/b/file' can be written by others"},
                {"a/b", 0, THEIRS, 0750, NULL, NULL},
                {"a/b", THEIRS, 0, 0755, "'/a/b' belongs to user 1234", NULL},
                {"a/b", THEIRS, 0, 0775, "'/a/b' belongs to user 1234", NULL},
                {"a/b", 0, THEIRS, 0775, "'/a/b' can be written by others",
                        "'/a/b' can be written by others"},
                {"a/b", 0, 0, 0757, "'/a/b' can be written by others",
                        "'/a/b' can be written by others"},
                {"a/b", 0, 0, 01777, NULL, NULL},
                {"a", THEIRS, 0, 01755, "'/a' belongs to user 1234", NULL},
                {"a", 0, 0, 0777, "'/a' can be written by others", "'/a' can be written by others"},
                {".", 0, 0, 0777, "'/' can be written by others", "'/' can be written by others"},
                {".", THEIRS, THEIRS, 0775, NULL, NULL}, /* a whole tree of somebody's */
        };

        for (size_t i = 0; geteuid() == 0 && i < 2 * ELEMENTSOF(table); i++) {
                bool by_owner = i % 2 == 1;
                const char *expected =
                        by_owner ? table[i / 2].in_its_owners : table[i / 2].in_our_hands;
                Error error = {};

                assert_int_equal(fs_make_directories(root_fd, "/a/b", 0755, NULL), 0);
                put("a/b/file", "x");
                assert_int_equal(
                        chown(table[i / 2].path, table[i / 2].owner, table[i / 2].group), 0);
                assert_int_equal(chmod(table[i / 2].path, table[i / 2].mode), 0);
                int r = fs_check_place(
                        root_fd, "/a/b/file", by_owner ? FS_OWN_HANDS : FS_OUR_HANDS, &error);
                if (r != (expected ? -EPERM : 0) || !streq(error.text, expected ? expected : ""))
                        fail_msg("row %zu, %d: %d, '%s'", i / 2, by_owner, r, error.text);
                assert_int_equal(fs_remove_tree(root_fd, "/a", NULL), 0);
                assert_int_equal(chown(".", 0, 0), 0);
                assert_int_equal(chmod(".", 0700), 0);
        }
}

/* The last one is not covered by its bit: in it, others could make what is not there yet. */
static void test_sticky_directory_itself(void **state)
{
        assert_int_equal(mkdir("sticky", 0755), 0);
        assert_int_equal(chmod("sticky", 01777), 0);
        assert_int_equal(fs_check_place(root_fd, "/sticky", FS_OUR_HANDS, NULL), -EPERM);
        assert_int_equal(fs_check_place(root_fd, "/sticky/new", FS_OUR_HANDS, NULL), 0);
}

static void test_a_link_leads_through_other_hands(void **state)
{
        Error error = {};

        assert_int_equal(fs_make_directories(root_fd, "/theirs/ours", 0755, NULL), 0);
        assert_int_equal(chmod("theirs", 0777), 0);
        assert_int_equal(symlink("theirs/ours", "place"), 0);
        assert_int_equal(fs_check_place(root_fd, "/place", FS_OUR_HANDS, &error), -EPERM);
        assert_string_equal(error.text, "'/theirs' can be written by others");
        assert_int_equal(chmod("theirs", 0755), 0);
        assert_int_equal(fs_check_place(root_fd, "/place", FS_OUR_HANDS, NULL), 0);
}

static void test_a_link_in_other_hands_is_not_followed(void **state)
{
        static const struct {
                const char *path;
                mode_t theirs;
                int result;
        } table[] = {
                {"/theirs/file", 0777, 0},
                {"/theirs/link", 0777, -EPERM},
                {"/theirs/way/secret", 0777, -EPERM},
                {"/theirs/link", 0755, 0},
                {"/theirs/way/secret", 0755, 0},
        };

        assert_int_equal(fs_make_directories(root_fd, "/theirs", 0755, NULL), 0);
        assert_int_equal(fs_make_directories(root_fd, "/ours", 0755, NULL), 0);
        put("ours/secret", "x");
        put("theirs/file", "x");
        assert_int_equal(symlink("../ours/secret", "theirs/link"), 0);
        assert_int_equal(symlink("../ours", "theirs/way"), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(FileImage) image = NULL;

                assert_int_equal(fs_read_file(root_fd, table[i].path, 10, &image, NULL), 0);
                assert_int_equal(chmod("theirs", table[i].theirs), 0);
                if (fs_check_link(root_fd, image, NULL) != table[i].result)
                        fail_msg("row %zu", i);
        }
}

static void test_what_cannot_be_looked_at_is_not_judged(void **state)
{
        static const char *const paths[] = {"/missing", "/file/below", "/loop", "relative"};

        put("file", "x");
        assert_int_equal(symlink("loop", "loop"), 0);
        for (size_t i = 0; i < ELEMENTSOF(paths); i++)
                assert_int_equal(fs_check_place(root_fd, paths[i], FS_OUR_HANDS, NULL), 0);
}

/* The mode alone says that root's group may write; in truth it is the user that the ACL names. */
static void test_acl_that_names_somebody(void **state)
{
        Acl acl = acl_for_somebody(ACL_READ | ACL_WRITE);
        Error error = {};

        put("file", "x");
        if (setxattr("file", ACL_NAME, &acl, sizeof(acl), 0) < 0) {
                assert_int_equal(errno, EOPNOTSUPP);
                print_message("# no ACLs on this file system, not tested\n");
                return;
        }
        assert_int_equal(fs_check_place(root_fd, "/file", FS_OUR_HANDS, &error), -EPERM);
        assert_string_equal(error.text, "'/file' can be written by others");

        /* May read only. */
        acl = acl_for_somebody(ACL_READ);
        assert_int_equal(setxattr("file", ACL_NAME, &acl, sizeof(acl), 0), 0);
        assert_int_equal(fs_check_place(root_fd, "/file", FS_OUR_HANDS, NULL), 0);

        /* Could write, were it not for the mask. */
        acl.entries[1].e_perm = ACL_READ | ACL_WRITE;
        acl.entries[3].e_perm = ACL_READ;
        assert_int_equal(setxattr("file", ACL_NAME, &acl, sizeof(acl), 0), 0);
        assert_int_equal(fs_check_place(root_fd, "/file", FS_OUR_HANDS, NULL), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_whose_hands),
                SCRATCH_TEST(test_sticky_directory_itself),
                SCRATCH_TEST(test_a_link_leads_through_other_hands),
                SCRATCH_TEST(test_a_link_in_other_hands_is_not_followed),
                SCRATCH_TEST(test_what_cannot_be_looked_at_is_not_judged),
                SCRATCH_TEST(test_acl_that_names_somebody),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

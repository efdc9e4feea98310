/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/remote.h"
#include "scratch.h"

#define LINE(point, type) "36 35 98:0 / " point " rw,noatime shared:1 - " type " src rw\n"

static void assert_way(const Remote *remote, const char *path, const char *expected)
{
        autofree char *point = NULL;
        bool is_on_way = remote_is_on_way(remote, path, &point);

        if (is_on_way != (expected != NULL) || (expected && !streq(point, expected)))
                fail_msg("%s: %s", path, point);
}

static void test_types(void **state)
{
        static const struct {
                const char *type;
                bool is_remote;
        } table[] = {
                {"ext4", false},
                {"xfs", false},
                {"tmpfs", false},
                {"fuseblk", false},
                {"overlay", false},
                {"nfs", true},
                {"nfs4", true},
                {"nfsd", false},
                {"cifs", true},
                {"fuse", true},
                {"fuse.sshfs", true},
                {"autofs", true},
                {"ceph", true},
                {"9p", true},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *text = xasprintf(LINE("/home", "%s"), table[i].type);
                autoptr(Remote) remote = remote_parse(root_fd, "/", text);

                assert_way(remote, "/home/A", table[i].is_remote ? "/home" : NULL);
        }
}

static void test_table(void **state)
{
        static const char text[] = LINE("/", "ext4") LINE("/home", "nfs4") LINE("/srv", "nfs")
                LINE("/srv", "ext4") LINE("/a\\040b", "nfs") LINE("/local", "ext4")
                        LINE("/local/far", "cifs") "garbage\n\n36 35 / /x - nfs\n"
                                                   "1 2 3 4 /no-type rw\n" LINE("/last", "nfs");
        autoptr(Remote) remote = remote_parse(root_fd, "/", text);
        static const struct {
                const char *path, *point;
        } table[] = {
                {"/home", "/home"},
                {"/home/A/.kube/config", "/home"},
                {"/homes/a", NULL},
                {"/srv/x", NULL}, /* covered by a local one */
                {"/a b/c", "/a b"},
                {"/local/near", NULL},
                {"/local/far/x", "/local/far"},
                {"/local/far/../near", "/local/far"},
                {"/local/../home", "/home"},
                {"/x", NULL},
                {"/no-type/x", NULL},
                {"/last", "/last"},
                {"/", NULL},
                {"", NULL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_way(remote, table[i].path, table[i].point);
}

static void test_another_root(void **state)
{
        autoptr(Remote) remote = remote_parse(root_fd, "/srv/host",
                LINE("/home", "nfs") LINE("/srv/host", "nfs") LINE("/srv/host/net", "nfs")
                        LINE("/srv/hosts/x", "nfs"));

        assert_way(remote, "/home/A", NULL);
        assert_way(remote, "/net/a", "/net");
        assert_way(remote, "/x", NULL);
}

/* Each link is read where it is, and none is followed to what is not to be looked at. */
static void test_links(void **state)
{
        autoptr(Remote) remote = remote_parse(root_fd, "/", LINE("/net", "nfs"));
        static const struct {
                const char *path, *point;
        } table[] = {
                {"/home/NEAR/x", NULL},
                {"/home/FAR/.kube/config", "/net"},
                {"/home/ABSOLUTE/x", "/net"},
                {"/home/TWICE/x", "/net"},
                {"/home/BESIDE/x", "/net"},
                {"/home/ROUND/x", NULL},
                {"/home/NOWHERE/x", NULL},
        };

        assert_int_equal(mkdir("home", 0755) | mkdir("home/NEAR", 0755) | mkdir("local", 0755), 0);
        assert_int_equal(symlink("../net/far", "home/FAR"), 0);
        assert_int_equal(symlink("/net/far", "home/ABSOLUTE"), 0);
        assert_int_equal(symlink("ABSOLUTE", "home/TWICE"), 0);
        assert_int_equal(symlink("NEAR/../../local/../net", "home/BESIDE"), 0);
        assert_int_equal(symlink("ROUND", "home/ROUND"), 0);
        assert_int_equal(symlink("/gone/x", "home/NOWHERE"), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_way(remote, table[i].path, table[i].point);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_types),
                SCRATCH_TEST(test_table),
                SCRATCH_TEST(test_another_root),
                SCRATCH_TEST(test_links),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

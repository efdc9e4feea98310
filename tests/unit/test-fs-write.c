/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include <sys/mount.h> /* glibc 2.35 wants it before <linux/fs.h> */

#include "scratch.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void test_write_file_replaces_as_one(void **state)
{
        autostrv names = NULL;
        autofd int old_fd = -1;
        struct stat st;
        char text[8] = {};
        mode_t mask = umask(0077);

        assert_int_equal(mkdir("state", 0700), 0);
        put("state/file", "old");
        old_fd = open("state/file", O_RDONLY);
        put("state/.file.new", "what a crash left behind");
        assert_int_equal(fs_write_file(root_fd, "/state/file", "new", 3, 0644, NULL), 0);
        umask(mask);

        assert_content("/state/file", "new");
        assert_int_equal(read(old_fd, text, sizeof(text)), 3);
        assert_string_equal(text, "old");
        assert_int_equal(stat("state/file", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0644);
        assert_int_equal(fs_list(root_fd, "/state", &names, NULL), 0);
        assert_int_equal(strv_length(names), 1);
        assert_int_equal(fs_write_file(root_fd, "/none/file", "x", 1, 0600, NULL), -ENOENT);
}

static void test_failed_write_leaves_nothing(void **state)
{
        autostrv names = NULL;
        Error error = {};

        assert_int_equal(mkdir("state", 0700), 0);
        assert_int_equal(mkdir("state/file", 0700), 0);
        assert_int_equal(fs_write_file(root_fd, "/state/file", "x", 1, 0600, &error), -EISDIR);
        assert_string_equal(error.text, "cannot write '/state/file': Is a directory");
        assert_int_equal(fs_list(root_fd, "/state", &names, NULL), 0);
        assert_int_equal(strv_length(names), 1);
}

static void test_write_file_replaces_a_link(void **state)
{
        struct stat st;

        put("precious", "precious");
        assert_int_equal(symlink("precious", "file"), 0);
        assert_int_equal(fs_write_file(root_fd, "/file", "new", 3, 0600, NULL), 0);
        assert_content("/precious", "precious");
        assert_int_equal(lstat("file", &st), 0);
        assert_true(S_ISREG(st.st_mode));
}

static void test_remove_file(void **state)
{
        put("precious", "precious");
        assert_int_equal(symlink("precious", "link"), 0);
        assert_int_equal(fs_remove_file(root_fd, "/link", NULL), 0);
        assert_int_equal(fs_remove_file(root_fd, "/link", NULL), 0);
        assert_int_equal(fs_remove_file(root_fd, "/none/file", NULL), 0);
        assert_content("/precious", "precious");
        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(fs_remove_file(root_fd, "/directory", NULL), -EISDIR);
}

static void test_remove_tree_follows_no_link(void **state)
{
        assert_int_equal(mkdir("keep", 0700), 0);
        put("keep/precious", "precious");
        assert_int_equal(fs_make_directories(root_fd, "/tree/a/b", 0700, NULL), 0);
        put("tree/a/b/file", "x");
        put("tree/file", "x");
        assert_int_equal(symlink("/keep", "tree/a/directory-link"), 0);
        assert_int_equal(symlink("../keep/precious", "tree/file-link"), 0);
        assert_int_equal(symlink("keep", "tree-link"), 0);

        assert_int_equal(fs_remove_tree(root_fd, "/tree", NULL), 0);
        assert_int_equal(fs_remove_tree(root_fd, "/tree-link", NULL), 0);
        assert_int_equal(fs_remove_tree(root_fd, "/tree", NULL), 0);
        assert_int_equal(fs_remove_tree(root_fd, "/none/tree", NULL), 0);
        assert_int_equal(fs_remove_tree(root_fd, "/", NULL), -EINVAL);
        assert_false(fs_exists(root_fd, "/tree"));
        assert_false(fs_exists(root_fd, "/tree-link"));
        assert_content("/keep/precious", "precious");
}

static void test_make_directories(void **state)
{
        struct stat st;
        mode_t mask = umask(0077);

        assert_int_equal(mkdir("a", 0700), 0);
        assert_int_equal(symlink("a", "link"), 0);
        assert_int_equal(fs_make_directories(root_fd, "/link/b//c/", 0755, NULL), 0);
        umask(mask);
        assert_int_equal(stat("a", &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0700);
        assert_int_equal(stat("a/b", &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0755);
        assert_int_equal(stat("a/b/c", &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0755);
        put("a/file", "x");
        assert_int_equal(fs_make_directories(root_fd, "/a/file/x", 0755, NULL), -ENOTDIR);
        assert_int_equal(fs_make_directories(root_fd, "/a/file", 0755, NULL), -ENOTDIR);
}

static void test_writable(void **state)
{
        static const struct {
                const char *path;
                int r;
        } table[] = {
                {"/d/file", 0},
                {"/d/missing", 0},
                {"/link", 0},
                {"/none/file", -ENOENT},
                {"/d/directory", -EISDIR},
                {"/d/fifo", -EINVAL},
        };

        assert_int_equal(mkdir("d", 0700), 0);
        assert_int_equal(mkdir("d/directory", 0700), 0);
        assert_int_equal(mkfifo("d/fifo", 0600), 0);
        put("d/file", "x");
        assert_int_equal(symlink("d/file", "link"), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                assert_int_equal(fs_test_writable(root_fd, table[i].path, NULL), table[i].r);
        assert_content("/d/file", "x");
}

static void test_writable_names_attributes(void **state)
{
        static const struct {
                const char *marked;
                int flag;
                const char *text;
        } table[] = {
                {"d/file", FS_IMMUTABLE_FL, "'/d/file' is immutable, 'chattr -i' would allow it"},
                {"d/file", FS_APPEND_FL, "'/d/file' is append-only, 'chattr -a' would allow it"},
                {"d", FS_IMMUTABLE_FL,
                        "cannot replace '/link': '/d' is immutable, 'chattr -i' would allow it"},
        };

        assert_int_equal(mkdir("d", 0700), 0);
        put("d/file", "x");
        assert_int_equal(symlink("d/file", "link"), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                bool is_directory = streq(table[i].marked, "d");
                Error error = {};
                int r;

                if (!set_attribute(table[i].marked, table[i].flag, true)) {
                        print_message("# no attributes on this file system, "
                                      "the read-only mount is tested instead\n");
                        return;
                }
                r = fs_test_writable(root_fd, is_directory ? "/link" : "/d/file", &error);
                assert_true(set_attribute(table[i].marked, table[i].flag, false));
                assert_int_equal(r, -EPERM);
                assert_string_equal(error.text, table[i].text);
        }
}

/* Runs a test in a child with mounts of its own. 0, or 1 where a check failed, 77 where the kernel
 * does not let us. */
static int in_own_mounts(int (*body)(void))
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
                        _exit(77);
                /* The old descriptor leads to the mounts of before. */
                root_fd = fs_open_root(".", NULL);
                _exit(body());
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int read_only_mount(void)
{
        Error error = {};
        int r;

        if (mount("d", "d", NULL, MS_BIND, NULL) < 0 ||
                mount(NULL, "d", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
                return 77;
        r = fs_test_writable(root_fd, "/d/file", &error);
        return r == -EROFS && strstr(error.text, "'/d' is read-only here") ? 0 : 1;
}

static int file_mounted_alone(void)
{
        Error error = {};
        int r;

        if (mount("d/file", "d/file", NULL, MS_BIND, NULL) < 0)
                return 77;
        r = fs_test_writable(root_fd, "/d/file", &error);
        return r == -EPERM && strstr(error.text, "'ReadWritePaths=/d'") ? 0 : 1;
}

/* The owner of the directory and of some files in it, and no capability left. */
static int without_rights(void)
{
        static const struct {
                const char *path;
                int r;
        } table[] = {
                {"/d/file", -EPERM},
                {"/d/own", 0},
                {"/d/group", -EPERM},
                {"/other/file", -EACCES},
        };

        if (chown("d", 12345, 12345) < 0 || chown("d/own", 12345, getgid()) < 0 ||
                chown("d/group", 12345, 12346) < 0 || chmod(".", 0755) < 0 || setuid(12345) < 0)
                return 77;
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                Error error = {};
                int r = fs_test_writable(root_fd, table[i].path, &error);

                if (r != table[i].r || (r == -EPERM && !strstr(error.text, "CAP_CHOWN")))
                        return 1;
        }
        return 0;
}

/* It may be given back to its owner, but then the mode of it is his. */
static int without_fowner(void)
{
        struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
        Error error = {};
        int r;

        if (chown("d/file", 12345, 12345) < 0 || syscall(SYS_capget, &header, sets) < 0)
                return 77;
        sets[CAP_TO_INDEX(CAP_FOWNER)].effective &= ~CAP_TO_MASK(CAP_FOWNER);
        if (syscall(SYS_capset, &header, sets) < 0)
                return 77;
        r = fs_test_writable(root_fd, "/d/file", &error);
        return r == -EPERM && strstr(error.text, "CAP_FOWNER") ? 0 : 1;
}

static void test_writable_names_the_sandbox(void **state)
{
        static int (*const table[])(void) = {
                read_only_mount, file_mounted_alone, without_rights, without_fowner};

        assert_int_equal(mkdir("d", 0755), 0);
        assert_int_equal(mkdir("other", 0755), 0);
        put("d/file", "x");
        put("d/own", "x");
        put("d/group", "x");
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                int status = in_own_mounts(table[i]);

                if (status == 77)
                        print_message("# mounts and users of our own need root, not tested\n");
                else
                        assert_int_equal(status, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_write_file_replaces_as_one),
                SCRATCH_TEST(test_failed_write_leaves_nothing),
                SCRATCH_TEST(test_write_file_replaces_a_link),
                SCRATCH_TEST(test_remove_file),
                SCRATCH_TEST(test_remove_tree_follows_no_link),
                SCRATCH_TEST(test_make_directories),
                SCRATCH_TEST(test_writable),
                SCRATCH_TEST(test_writable_names_attributes),
                SCRATCH_TEST(test_writable_names_the_sandbox),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "scratch.h"

#include <sys/socket.h>
#include <sys/un.h>

static void test_read_file(void **state)
{
        autoptr(FileImage) file = NULL;
        Digest digest = digest_of("hello", 5);

        put("a", "hello");
        assert_int_equal(chmod("a", 0640), 0);
        assert_int_equal(fs_read_file(root_fd, "/a", 5, &file, NULL), 0);
        assert_string_equal(file->path, "/a");
        assert_int_equal(file->size, 5);
        assert_string_equal((char *)file->data, "hello");
        assert_true(digest_equal(&file->digest, &digest));
        assert_int_equal(file->st.st_mode, S_IFREG | 0640);
        assert_int_equal(file->st.st_uid, geteuid());
        file_image_free(NULL);
}

static void test_t07_what_is_no_regular_file_is_one_error(void **state)
{
        static const struct {
                const char *path;
                int r;
                const char *text;
        } table[] = {
                {"/fifo", -EINVAL, "'/fifo' is not a regular file"},
                {"/fifo-link", -EINVAL, "'/fifo-link' is not a regular file"},
                {"/socket", -EINVAL, "'/socket' is not a regular file"},
                {"/directory", -EISDIR, "'/directory' is a directory"},
                {"/", -EISDIR, "'/' is a directory"},
                {"/sparse", -EFBIG, "'/sparse' is larger than 4194304 bytes"},
                {"/missing", -ENOENT, "cannot open '/missing': No such file or directory"},
                {"/dangling", -ENOENT, "cannot open '/dangling': No such file or directory"},
                {"/loop", -ELOOP, "cannot open '/loop': Too many levels of symbolic links"},
                {"/a/b", -ENOTDIR, "cannot open '/a/b': Not a directory"},
                {"relative", -EINVAL, "'relative' is not an absolute path"},
        };
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
        autofd int socket_fd = socket(AF_UNIX, SOCK_STREAM, 0);

        put("a", "a");
        put("sparse", "");
        assert_int_equal(truncate("sparse", (off_t)1 << 30), 0);
        assert_int_equal(mkfifo("fifo", 0600), 0);
        assert_int_equal(mkdir("directory", 0700), 0);
        assert_int_equal(bind(socket_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(symlink("fifo", "fifo-link"), 0);
        assert_int_equal(symlink("nowhere", "dangling"), 0);
        assert_int_equal(symlink("loop", "loop"), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                FileImage *file = NULL;
                Error error = {};

                assert_int_equal(fs_read_file(root_fd, table[i].path, FS_SIZE_MAX, &file, &error),
                        table[i].r);
                assert_string_equal(error.text, table[i].text);
                assert_null(file);
        }
}

static void test_t07_device_is_refused_unopened(void **state)
{
        autofd int host_fd = fs_open_root("/", NULL);
        FileImage *file = NULL;

        assert_int_equal(fs_read_file(host_fd, "/dev/zero", FS_SIZE_MAX, &file, NULL), -EINVAL);
}

static void test_t07_empty_file_is_read(void **state)
{
        autoptr(FileImage) file = NULL;

        put("empty", "");
        assert_int_equal(fs_read_file(root_fd, "/empty", 0, &file, NULL), 0);
        assert_int_equal(file->size, 0);
        assert_int_equal(file->data[0], 0);
}

/* Files of /proc say that they are empty: the reader must go to the end, and keep to the bound. */
static void test_read_goes_to_the_end(void **state)
{
        autofd int host_fd = fs_open_root("/", NULL);
        autoptr(FileImage) file = NULL;
        FileImage *none = NULL;

        assert_int_equal(fs_read_file(host_fd, "/proc/self/maps", FS_SIZE_MAX, &file, NULL), 0);
        assert_int_equal(file->st.st_size, 0);
        assert_true(file->size > 100);
        assert_int_equal(fs_read_file(host_fd, "/proc/self/maps", 100, &none, NULL), -EFBIG);
        put("a", "hello");
        assert_int_equal(fs_read_file(root_fd, "/a", 4, &none, NULL), -EFBIG);
}

static void test_links_stay_inside_the_root(void **state)
{
        assert_int_equal(mkdir("etc", 0700), 0);
        put("etc/passwd", "inside");
        assert_int_equal(symlink("/etc/passwd", "absolute"), 0);
        assert_int_equal(symlink("../../../../../../../etc/passwd", "upward"), 0);
        assert_int_equal(symlink("/proc/self/root/etc/passwd", "magic"), 0);
        assert_content("/absolute", "inside");
        assert_content("/upward", "inside");
        assert_content("/../../etc/passwd", "inside");
        assert_false(fs_exists(root_fd, "/magic"));
        assert_true(fs_exists(root_fd, "/absolute"));
}

static void test_open_parent(void **state)
{
        static const struct {
                const char *path, *probe;
                int r;
                const char *name;
        } table[] = {
                {"/real/file", "mark-real", 0, "file"},
                {"/real/missing", "mark-real", 0, "missing"},
                {"/by-directory/file", "mark-real", 0, "file"},
                {"/other/by-file", "mark-real", 0, "file"},
                {"/other/by-absolute", "mark-real", 0, "file"},
                {"/other/dangling", "mark-real", 0, "missing"},
                {"/other/beside", "mark-other", 0, "target"},
                {"/other/up", "mark-real", 0, "file"},
                {"/top", "real", 0, "top"},
                {"/other/to-a-link", NULL, -ELOOP, NULL},
                {"/other/into-nowhere", NULL, -ENOENT, NULL},
                {"/other/to-a-directory", NULL, -EINVAL, NULL},
                {"/nowhere/file", NULL, -ENOENT, NULL},
                {"/real/file/x", NULL, -ENOTDIR, NULL},
                {"/real/", NULL, -EINVAL, NULL},
                {"/real/..", NULL, -EINVAL, NULL},
                {"/", NULL, -EINVAL, NULL},
                {"real/file", NULL, -EINVAL, NULL},
        };
        static const struct {
                const char *target, *path;
        } links[] = {
                {"real", "by-directory"},
                {"../real/file", "other/by-file"},
                {"/real/file", "other/by-absolute"},
                {"../real/missing", "other/dangling"},
                {"target", "other/beside"},
                {"../../../by-directory/file", "other/up"},
                {"by-file", "other/to-a-link"},
                {"../nowhere/file", "other/into-nowhere"},
                {"../real/", "other/to-a-directory"},
        };

        assert_int_equal(mkdir("real", 0700), 0);
        assert_int_equal(mkdir("other", 0700), 0);
        put("real/file", "x");
        put("real/mark-real", "x");
        put("other/mark-other", "x");
        for (size_t i = 0; i < ELEMENTSOF(links); i++)
                assert_int_equal(symlink(links[i].target, links[i].path), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *name = NULL;
                Error error = {};
                autofd int fd = fs_open_parent(root_fd, table[i].path, &name, &error);

                if ((table[i].r == 0) != (fd >= 0) || (fd < 0 && fd != table[i].r))
                        fail_msg("'%s': %d, %s", table[i].path, fd, error.text);
                if (fd < 0)
                        continue;
                assert_string_equal(name, table[i].name);
                assert_int_equal(faccessat(fd, table[i].probe, F_OK, 0), 0);
        }
}

/* Only root can make links for others. */
static void test_a_link_leads_only_where_its_owner_may_write(void **state)
{
        static const struct {
                const char *path;
                int r;
        } table[] = {
                {"/etc/his-file", -EPERM},
                {"/etc/his-missing", -EPERM},
                {"/his-directory/file", -EPERM},
                {"/his-directory/missing", -EPERM},
                {"/his-home/file", 0},
                {"/etc/our-file", 0},
                {"/our-directory/file", 0},
                {"/way-by-his/file", -EPERM},
                {"/etc/file-by-his", -EPERM},
                {"/way-by-his-home/file", 0},
                {"/round/file", -ELOOP},
        };
        static const struct {
                const char *target, *path;
                uid_t owner;
        } links[] = {
                {"../ours/file", "etc/his-file", 1234},
                {"../ours/missing", "etc/his-missing", 1234},
                {"ours", "his-directory", 1234},
                {"his", "his-home", 1234},
                {"../ours/file", "etc/our-file", 0},
                {"ours", "our-directory", 0},
                {"../ours", "his/way", 1234},
                {"his/way", "way-by-his", 0},
                {"/his/way/file", "etc/file-by-his", 0},
                {"his-home", "way-by-his-home", 0},
                {"round", "round", 0},
        };

        if (geteuid() != 0)
                return;
        assert_int_equal(mkdir("etc", 0700), 0);
        assert_int_equal(mkdir("ours", 0700), 0);
        assert_int_equal(mkdir("his", 0700), 0);
        assert_int_equal(chown("his", 1234, 1234), 0);
        put("ours/file", "x");
        for (size_t i = 0; i < ELEMENTSOF(links); i++) {
                assert_int_equal(symlink(links[i].target, links[i].path), 0);
                assert_int_equal(lchown(links[i].path, links[i].owner, links[i].owner), 0);
        }
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *name = NULL;
                Error error = {};
                autofd int fd = fs_open_parent(root_fd, table[i].path, &name, &error);

                if ((table[i].r == 0) != (fd >= 0) || (fd < 0 && fd != table[i].r))
                        fail_msg("'%s': %d, %s", table[i].path, fd, error.text);
        }
}

static void test_list_is_sorted(void **state)
{
        static const char *const sorted[] = {".hidden", "B", "a", "b10", "b2"};
        autostrv names = NULL;
        autostrv none = NULL;

        assert_int_equal(mkdir("d", 0700), 0);
        put("d/b2", "");
        put("d/a", "");
        put("d/.hidden", "");
        put("d/b10", "");
        put("d/B", "");
        assert_int_equal(fs_list(root_fd, "/d", &names, NULL), 0);
        assert_int_equal(strv_length(names), ELEMENTSOF(sorted));
        for (size_t i = 0; i < ELEMENTSOF(sorted); i++)
                assert_string_equal(names[i], sorted[i]);
        assert_int_equal(fs_list(root_fd, "/missing", &none, NULL), -ENOENT);
        assert_int_equal(fs_list(root_fd, "/d/a", &none, NULL), -ENOTDIR);
        assert_int_equal(mkdir("empty", 0700), 0);
        assert_int_equal(fs_list(root_fd, "/empty", &none, NULL), 0);
        assert_non_null(none);
        assert_null(none[0]);
}

static void test_basename(void **state)
{
        assert_string_equal(fs_basename("/a/b"), "b");
        assert_string_equal(fs_basename("b"), "b");
        assert_string_equal(fs_basename("/a/"), "");
}

static void test_root_must_be_a_directory(void **state)
{
        Error error = {};

        put("a", "x");
        assert_int_equal(fs_open_root("a", &error), -ENOTDIR);
        assert_string_equal(error.text, "cannot open root directory 'a': Not a directory");
}

static void test_same_place(void **state)
{
        static const struct {
                const char *a, *b;
                bool same;
        } table[] = {
                {"/real/file", "/real/file", true},
                {"/real/file", "/real/other", false},
                {"/real/file", "/linked/file", true},
                {"/real/file", "/link", true},
                {"/real/missing", "/dangling", true},
                {"/real/file", "/real/hard", false},
                {"/real/file", "/nowhere/file", false},
                {"/nowhere/file", "/nowhere/file", false},
        };

        assert_int_equal(mkdir("real", 0700), 0);
        put("real/file", "x");
        assert_int_equal(link("real/file", "real/hard"), 0);
        assert_int_equal(symlink("real", "linked"), 0);
        assert_int_equal(symlink("/real/file", "link"), 0);
        assert_int_equal(symlink("real/missing", "dangling"), 0);
        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (fs_same_place(root_fd, table[i].a, table[i].b) != table[i].same)
                        fail_msg("%s %s", table[i].a, table[i].b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_read_file),
                SCRATCH_TEST(test_t07_what_is_no_regular_file_is_one_error),
                SCRATCH_TEST(test_t07_device_is_refused_unopened),
                SCRATCH_TEST(test_t07_empty_file_is_read),
                SCRATCH_TEST(test_read_goes_to_the_end),
                SCRATCH_TEST(test_links_stay_inside_the_root),
                SCRATCH_TEST(test_same_place),
                SCRATCH_TEST(test_open_parent),
                SCRATCH_TEST(test_a_link_leads_only_where_its_owner_may_write),
                SCRATCH_TEST(test_list_is_sorted),
                SCRATCH_TEST(test_basename),
                SCRATCH_TEST(test_root_must_be_a_directory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

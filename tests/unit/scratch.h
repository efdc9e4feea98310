/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A scratch directory for one test: it is the root of what is tested (root_fd), and the working
 * directory, so that a test itself writes relative paths and the module under test gets absolute
 * ones. */

#include "base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

static char scratch[PATH_MAX];
static int root_fd = -1;

static int scratch_set_up(void **state)
{
        const char *temporary = getenv("TMPDIR");

        snprintf(scratch, sizeof(scratch), "%s/kube-renewd-XXXXXX", temporary ? temporary : "/tmp");
        if (!mkdtemp(scratch) || chdir(scratch) < 0)
                return -1;
        root_fd = fs_open_root(scratch, NULL);
        return root_fd < 0 ? -1 : 0;
}

static int scratch_tear_down(void **state)
{
        autofd int host_fd = fs_open_root("/", NULL);

        close(root_fd);
        return chdir("/") < 0 || fs_remove_tree(host_fd, scratch, NULL) < 0 ? -1 : 0;
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_set_up, scratch_tear_down)

static inline void put(const char *path, const char *text)
{
        autofd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
}

static inline void assert_content(const char *path, const char *text)
{
        autoptr(FileImage) file = NULL;
        Error error = {};

        if (fs_read_file(root_fd, path, FS_SIZE_MAX, &file, &error) < 0)
                fail_msg("%s", error.text);
        assert_string_equal((char *)file->data, text);
}

/* Returns false where the file system or our rights do not know attributes. */
static inline bool set_attribute(const char *path, int flag, bool on)
{
        autofd int fd = open(path, O_RDONLY);
        int flags = 0;

        if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return false;
        flags = on ? flags | flag : flags & ~flag;
        return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

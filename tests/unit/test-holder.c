/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "host/holder.h"
#include "scratch.h"

#include <fcntl.h>
#include <sys/file.h>

/* The root whose /proc is the kernel's. */
static char *ask(const char *name)
{
        autofd int host_fd = fs_open_root("/", NULL);
        autofree char *here = xcheck(getcwd(NULL, 0));
        autofree char *path = xasprintf("%s/%s", here, name);

        return holder_of_lock(host_fd, path);
}

static void test_the_kernel_knows_who_holds_a_lock(void **state)
{
        autofree char *us = xasprintf("process %d (", (int)getpid());

        put("lock", "4711\n"); /* whoever had it before */
        put("other", "");
        autofd int fd = open("lock", O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);

        autofree char *holder = ask("lock");
        assert_non_null(holder);
        assert_memory_equal(holder, us, strlen(us));
        assert_string_equal(strchr(holder, '('), "(test-holder)");
        assert_null(ask("other"));
        assert_null(ask("nowhere"));
        flock(fd, LOCK_UN);
        assert_null(ask("lock"));
}

/* Below another root there is no /proc, and what is called so says nothing. */
static void test_another_root_knows_nothing(void **state)
{
        put("lock", "4711\n");
        assert_null(holder_of_lock(root_fd, "/lock"));
        mkdir("proc", 0755);
        put("proc/locks", "1: FLOCK  ADVISORY  WRITE 1 00:00:1\nFLOCK\n1: FLOCK\n\xff\n");
        assert_null(holder_of_lock(root_fd, "/lock"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_the_kernel_knows_who_holds_a_lock),
                SCRATCH_TEST(test_another_root_knows_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/sync-batch.h"
#include "tree.h"

#include <fcntl.h>

#define N (3 * SYNC_BATCH_MAX + 1)

typedef struct Failures {
        size_t numbers[N];
        size_t n;
} Failures;

static void note(void *userdata, size_t number, int error)
{
        Failures *failures = userdata;

        assert_int_equal(error, -EINVAL);
        failures->numbers[failures->n++] = number;
}

static int new_file(const char *root, unsigned i)
{
        autofree char *path = xasprintf("%s/%u", root, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        return fd;
}

/* What cannot be synced. */
static int new_pipe(void)
{
        int fds[2];

        assert_int_equal(pipe(fds), 0);
        close(fds[1]);
        return fds[0];
}

static void test_all_are_synced_and_closed(void **state)
{
        char *root = tree_new();
        Failures failures = {};
        SyncBatch batch = {.fail = note, .userdata = &failures};
        int first = new_file(root, N);

        close(first);
        for (unsigned i = 0; i < N; i++)
                sync_batch_add(&batch, new_file(root, i), i);
        sync_batch_flush(&batch);
        assert_int_equal(failures.n, 0);
        assert_int_equal(new_file(root, N), first); /* the lowest that is free */
        close(first);
        sync_batch_flush(&batch);
        tree_free(root);
}

static void test_each_failure_is_told_and_ends_nothing(void **state)
{
        char *root = tree_new();
        Failures failures = {};
        SyncBatch batch = {.fail = note, .userdata = &failures};

        for (unsigned i = 0; i < N; i++)
                sync_batch_add(&batch, i % 10 == 3 ? new_pipe() : new_file(root, i), i);
        sync_batch_flush(&batch);
        assert_int_equal(failures.n, (N + 6) / 10);
        for (size_t i = 0; i < failures.n; i++)
                assert_int_equal(failures.numbers[i], 10 * i + 3);
        tree_free(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_are_synced_and_closed),
                cmocka_unit_test(test_each_failure_is_told_and_ends_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "txn-fixture.h"

#include "mounts.h"

/* "/pki/b.crt" leads to "/real/b.crt", which is on a disk of its own. */
static const struct {
        const char *options; /* of the file system */
        bool read_only;
        int error;
        const char *text;
} disks[] = {
        {"size=4k", false, -ENOSPC,
                "cannot stage '/pki/b.crt': cannot write: No space left on device"},
        {"size=1m,nr_inodes=2", false, -ENOSPC,
                "cannot stage '/pki/b.crt': cannot create a file beside it: No space left on "
                "device"},
        {"size=1m", true, -EROFS,
                "cannot stage '/pki/b.crt': cannot create a file beside it: Read-only file "
                "system"},
};

static void remount(const char *directory, unsigned long flags)
{
        assert_int_equal(mount(NULL, directory, NULL, MS_REMOUNT | flags, NULL), 0);
}

/* Everything but the pair of b. */
static void begin_without_b(Txn *txn)
{
        assert_int_equal(txn_begin(txn, ID, BACKUP, "test", NOW, NULL), 0);
        for (size_t i = 0; i < N_FILES; i++) {
                autofree char *content = content_of(i, "new");

                if (files[i].pair != 2)
                        add_file(txn, &files[i], content);
        }
}

static void test_one_directory_at_fault(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(disks); i++) {
                const TxnFault *faults;
                Error error = {};

                mounts_move("real", disks[i].options);
                if (disks[i].read_only)
                        remount("real", MS_RDONLY);
                {
                        autoptr(Txn) txn = open_txn();

                        /* 1. It is named, and nothing is left. */
                        begin_all(txn);
                        assert_int_equal(txn_prepare(txn, &error), disks[i].error);
                        assert_string_equal(error.text, disks[i].text);
                        assert_int_equal(txn_faults(txn, &faults), 1);
                        assert_string_equal(faults[0].path, "/pki/b.crt");
                        assert_int_equal(faults[0].error, disks[i].error);
                        assert_string_equal(faults[0].text, disks[i].text);
                        assert_words(OLD_WORDS);
                        assert_missing(BACKUP);
                        assert_clean();

                        /* 2. Without it the others can go on. */
                        begin_without_b(txn);
                        assert_int_equal(txn_faults(txn, &faults), 0);
                        assert_int_equal(txn_prepare(txn, NULL), 0);
                        commit(txn);
                }
                assert_words((const char *const[]){"new", "new", "new", "new", "old", "old"});
                assert_clean();
                assert_int_equal(umount("real"), 0);
                assert_int_equal(unlink("conf/fresh.conf"), 0);
                assert_int_equal(fs_remove_tree(root_fd, BACKUP, NULL), 0);
                write_files("old");
        }
}

/* All of them are told at once, each once. */
static void test_every_target_at_fault_is_told(void **state)
{
        autoptr(Txn) txn = open_txn();
        const TxnFault *faults;

        mounts_move("pki", "size=20k");
        begin_all(txn);
        assert_int_equal(txn_prepare(txn, NULL), -ENOSPC);
        assert_int_equal(txn_faults(txn, &faults), 3);
        assert_string_equal(faults[0].path, "/pki/a.crt");
        assert_string_equal(faults[1].path, "/pki/a.key");
        assert_string_equal(faults[2].path, "/pki/b.key");
        assert_words(OLD_WORDS);
        assert_clean();
        assert_int_equal(umount("pki"), 0);
}

static size_t count_leftovers(void)
{
        autostrv names = NULL;
        size_t n = 0;

        assert_int_equal(fs_list(root_fd, STATE, &names, NULL), 0);
        for (char **name = names; *name; name++)
                n += starts_with(*name, "transaction.leftover-");
        return n;
}

/* What the first start after the repair finds and removes. */
static void assert_left_and_removed(const char *directory)
{
        TxnOutcome outcome = {};
        Txn *txn = open_txn();

        assert_int_equal(count_leftovers(), 1);
        assert_false(txn_is_unfinished(root_fd, STATE));

        /* 1. Not yet; nothing else waits for it. */
        assert_int_equal(txn_recover(txn, &judge, &outcome, NULL), 0);
        assert_null(outcome.id);
        assert_int_equal(count_leftovers(), 1);

        /* 2. Now. */
        remount(directory, 0);
        assert_int_equal(txn_recover(txn, &judge, &outcome, NULL), 0);
        assert_null(outcome.id);
        assert_clean();
        txn_free(txn);
        assert_int_equal(umount(directory), 0);
}

/* A disk that fails under us is read-only from then on, also for removing what is staged there. */
static void test_directory_closed_behind_what_is_staged(void **state)
{
        Txn *txn;

        mounts_move("real", "size=1m");
        txn = prepare_all();
        remount("real", MS_RDONLY);
        txn_free(txn);
        assert_words(OLD_WORDS);
        assert_missing(BACKUP);
        assert_left_and_removed("real");
}

static void test_directory_closed_before_the_swap(void **state)
{
        TxnOutcome outcome = {};
        Txn *txn;

        mounts_move("real", "size=1m");
        txn = prepare_all();
        remount("real", MS_RDONLY);
        assert_int_equal(txn_commit(txn, &judge, &outcome, NULL), 0);
        txn_free(txn);
        assert_int_equal(outcome.n_conflicts, 1);
        assert_string_equal(outcome.conflicts[0].path, "/pki/b.crt");
        assert_string_equal(
                outcome.conflicts[0].text, "it cannot be replaced: Read-only file system");
        txn_outcome_done(&outcome);
        assert_words((const char *const[]){"new", "new", "new", "new", "old", "old"});
        assert_left_and_removed("real");
}

/* Without a record or a backup nothing can be replaced at all: no target is at fault. */
static void test_state_directory_at_fault(void **state)
{
        static const char *const places[] = {"state", "backups"};

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                autoptr(Txn) txn = open_txn();
                const TxnFault *faults;

                txn_free(TAKE(txn));
                mounts_move(places[i], "size=4k");
                if (i == 1)
                        put("backups/filler", "filler");
                txn = open_txn();
                begin_all(txn);
                assert_int_equal(txn_prepare(txn, NULL), -ENOSPC);
                assert_int_equal(txn_faults(txn, &faults), 0);
                assert_words(OLD_WORDS);
                assert_clean();
                txn_free(TAKE(txn));
                assert_int_equal(umount(places[i]), 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_one_directory_at_fault),
                FIXTURE_TEST(test_every_target_at_fault_is_told),
                FIXTURE_TEST(test_directory_closed_behind_what_is_staged),
                FIXTURE_TEST(test_directory_closed_before_the_swap),
                FIXTURE_TEST(test_state_directory_at_fault),
        };

        if (!mounts_own())
                return unit_skip_all("no file system can be mounted here");
        return cmocka_run_group_tests(tests, NULL, NULL);
}

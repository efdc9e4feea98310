/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "txn-fixture.h"

#include <sys/wait.h>

#define PREPARED  "state/transaction.prepared"
#define COMMITTED "state/transaction.committed"
#define ALL       N_FILES

/* A process that was killed when everything was prepared. The other states are made of this one. */
static void crash_after_prepare(void)
{
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                prepare_all();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void swap_by_hand(size_t i)
{
        autofree char *temporary = temporary_of(i);

        assert_int_equal(renameat2(AT_FDCWD, temporary, AT_FDCWD, files[i].real + 1,
                                 files[i].is_new ? RENAME_NOREPLACE : RENAME_EXCHANGE),
                0);
}

static void unlink_temporary(size_t i)
{
        autofree char *temporary = temporary_of(i);

        assert_true(unlink(temporary) == 0 || errno == ENOENT);
}

static void commit_by_hand(size_t n_swapped)
{
        assert_int_equal(rename(PREPARED, COMMITTED), 0);
        for (size_t i = 0; i < n_swapped; i++)
                swap_by_hand(i);
}

typedef enum Backup { BACKUP_NONE, BACKUP_HALF, BACKUP_WHOLE } Backup;

static void cut_backup(Backup backup)
{
        if (backup == BACKUP_WHOLE)
                return;
        assert_int_equal(unlink("backups/b-1/manifest.json"), 0);
        assert_int_equal(unlink("backups/b-1/5-b.key"), 0);
        assert_int_equal(truncate("backups/b-1/4-b.crt", 3), 0);
        if (backup == BACKUP_NONE)
                assert_int_equal(fs_remove_tree(root_fd, BACKUP, NULL), 0);
}

static TxnOutcome recover(void)
{
        autoptr(Txn) txn = open_txn();
        TxnOutcome outcome = {};
        Error error = {};

        if (txn_recover(txn, &judge, &outcome, &error) < 0)
                fail_msg("%s", error.text);
        return outcome;
}

/* Recovering again finds nothing and changes nothing. */
static void assert_recovered(const char *const words[N_FILES])
{
        for (unsigned i = 0; i < 2; i++) {
                TxnOutcome outcome;

                assert_words(words);
                assert_clean();
                outcome = recover();
                assert_null(outcome.id);
                assert_false(outcome.finished || outcome.undone || outcome.n_conflicts > 0);
        }
}

static void assert_access_kept(void)
{
        struct stat st;

        assert_int_equal(stat("pki/a.key", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0604);
        assert_int_equal(st.st_nlink, 1);
}

/* The states that a crash can leave behind, in the order in which they come to be. */
static const struct {
        const char *name;
        size_t staged_from, staged_to; /* temporary files that are there */
        bool torn;                     /* the last of them is incomplete */
        Backup backup;
        bool committed;
        size_t swapped;
        bool is_new;
} crashes[] = {
        {"record written", 0, 0, false, BACKUP_NONE, false, 0, false},
        {"first file torn", 0, 1, true, BACKUP_NONE, false, 0, false},
        {"first file staged", 0, 1, false, BACKUP_NONE, false, 0, false},
        {"fourth file torn", 0, 4, true, BACKUP_NONE, false, 0, false},
        {"all staged", 0, ALL, false, BACKUP_NONE, false, 0, false},
        {"backup half made", 0, ALL, false, BACKUP_HALF, false, 0, false},
        {"prepared", 0, ALL, false, BACKUP_WHOLE, false, 0, false},
        {"undo begun", 2, ALL, false, BACKUP_WHOLE, false, 0, false},
        {"undo: none staged", 0, 0, false, BACKUP_WHOLE, false, 0, false},
        {"undo: backup half gone", 0, 0, false, BACKUP_HALF, false, 0, false},
        {"committed", 0, ALL, false, BACKUP_WHOLE, true, 0, true},
        {"1 swapped", 0, ALL, false, BACKUP_WHOLE, true, 1, true},
        {"2 swapped", 0, ALL, false, BACKUP_WHOLE, true, 2, true},
        {"3 swapped, a pair in two", 0, ALL, false, BACKUP_WHOLE, true, 3, true},
        {"4 swapped", 0, ALL, false, BACKUP_WHOLE, true, 4, true},
        {"5 swapped, a pair in two", 0, ALL, false, BACKUP_WHOLE, true, 5, true},
        {"all swapped", 0, ALL, false, BACKUP_WHOLE, true, ALL, true},
        {"clean-up begun", 1, ALL, false, BACKUP_WHOLE, true, ALL, true},
        {"clean-up in a pair", 3, ALL, false, BACKUP_WHOLE, true, ALL, true},
        {"all displaced gone", 0, 0, false, BACKUP_WHOLE, true, ALL, true},
        {"commit lost, swaps not", 0, ALL, false, BACKUP_WHOLE, false, 3, true},
};

static void make_crash(size_t i)
{
        write_files("old");
        (void)unlink("conf/fresh.conf");
        crash_after_prepare();
        for (size_t k = 0; k < crashes[i].swapped; k++)
                swap_by_hand(k);
        for (size_t k = 0; k < N_FILES; k++)
                if (k < crashes[i].staged_from || k >= crashes[i].staged_to)
                        unlink_temporary(k);
        if (crashes[i].torn) {
                autofree char *temporary = temporary_of(crashes[i].staged_to - 1);

                assert_int_equal(truncate(temporary, 2), 0);
                assert_int_equal(chmod(temporary, 0600), 0);
        }
        cut_backup(crashes[i].backup);
        if (crashes[i].committed)
                assert_int_equal(rename(PREPARED, COMMITTED), 0);
}

static void test_t36_recovery_after_a_crash_anywhere(void **state)
{
        assert_int_equal(chmod("pki/a.key", 0604), 0);
        for (size_t i = 0; i < ELEMENTSOF(crashes); i++) {
                TxnOutcome outcome;

                print_message("# %s\n", crashes[i].name);
                make_crash(i);
                assert_true(txn_is_unfinished(root_fd, STATE));
                outcome = recover();
                assert_string_equal(outcome.id, ID);
                assert_int_equal(outcome.finished, crashes[i].is_new);
                assert_int_equal(outcome.undone, !crashes[i].is_new);
                assert_int_equal(outcome.n_conflicts, 0);
                txn_outcome_done(&outcome);

                assert_recovered(crashes[i].is_new ? NEW_WORDS : OLD_WORDS);
                assert_access_kept();
                assert_int_equal(fs_exists(root_fd, BACKUP), crashes[i].is_new);
                assert_int_equal(fs_remove_tree(root_fd, BACKUP, NULL), 0);
        }
}

static void test_begin_waits_for_recovery(void **state)
{
        autoptr(Txn) txn = NULL;
        TxnOutcome outcome = {};

        crash_after_prepare();
        txn = open_txn();
        assert_int_equal(txn_begin(txn, "t-2", "/backups/b-2", "x", NOW, NULL), -EINPROGRESS);
        assert_int_equal(txn_recover(txn, &judge, &outcome, NULL), 0);
        txn_outcome_done(&outcome);
        assert_int_equal(txn_begin(txn, "t-2", "/backups/b-2", "x", NOW, NULL), 0);
}

/* A write of somebody else, after a crash with so many files swapped. */
typedef struct Write {
        const char *path, *content; /* content NULL: removed */
} Write;

#define TEMPORARY_OF_A_CRT "pki/.kube-renewd-" ID "-2"
#define TEMPORARY_OF_A_KEY "pki/.kube-renewd-" ID "-3"

static const struct {
        const char *name;
        size_t swapped;
        bool cleaned; /* the displaced files are gone */
        Write writes[3];
        const char *words[N_FILES];
        const char *conflicts[3]; /* "adopted PATH" or "returned PATH" */
        const char *saved;        /* content that must be in the backup */
} foreigners[] = {
        {"a whole pair before the swaps", 0, false,
                {{"pki/a.crt", "theirs a.crt"}, {"pki/a.key", "theirs a.key"}},
                {"new", "new", "theirs", "theirs", "new", "new"},
                {"adopted /pki/a.crt", "adopted /pki/a.key"}, NULL},
        {"half a pair before the swaps", 0, false, {{"pki/a.crt", "theirs a.crt"}},
                {"new", "new", "new", "new", "new", "new"}, {"returned /pki/a.crt"},
                "theirs a.crt"},
        {"a broken pair before the swaps", 0, false,
                {{"pki/a.crt", "half a.crt"}, {"pki/a.key", "half a.key"}},
                {"new", "new", "new", "new", "new", "new"},
                {"returned /pki/a.crt", "returned /pki/a.key"}, "half a.key"},
        {"one file that stands alone", 0, false, {{"conf/admin.conf", "theirs admin.conf"}},
                {"theirs", "new", "new", "new", "new", "new"}, {"adopted /conf/admin.conf"}, NULL},
        {"one broken file that stands alone", 0, false, {{"conf/admin.conf", "half admin.conf"}},
                {"new", "new", "new", "new", "new", "new"}, {"returned /conf/admin.conf"},
                "half admin.conf"},
        {"a whole file where there was none", 0, false, {{"conf/fresh.conf", "theirs fresh.conf"}},
                {"new", "theirs", "new", "new", "new", "new"}, {"adopted /conf/fresh.conf"}, NULL},
        {"a broken file where there was none", 0, false, {{"conf/fresh.conf", "half fresh.conf"}},
                {"new", "new", "new", "new", "new", "new"}, {"returned /conf/fresh.conf"},
                "half fresh.conf"},
        {"a file removed", 0, false, {{"pki/a.key", NULL}},
                {"new", "new", "new", "new", "new", "new"}, {"returned /pki/a.key"}, NULL},
        {"a whole pair behind a link", 0, false,
                {{"real/b.crt", "theirs b.crt"}, {"pki/b.key", "theirs b.key"}},
                {"new", "new", "new", "new", "theirs", "theirs"},
                {"adopted /pki/b.crt", "adopted /pki/b.key"}, NULL},
        {"a whole pair around a swap", 3, false,
                {{TEMPORARY_OF_A_CRT, "theirs a.crt"}, {"pki/a.key", "theirs a.key"}},
                {"new", "new", "theirs", "theirs", "new", "new"},
                {"adopted /pki/a.crt", "adopted /pki/a.key"}, NULL},
        {"a whole pair displaced", 4, false,
                {{TEMPORARY_OF_A_CRT, "theirs a.crt"}, {TEMPORARY_OF_A_KEY, "theirs a.key"}},
                {"new", "new", "theirs", "theirs", "new", "new"},
                {"adopted /pki/a.crt", "adopted /pki/a.key"}, NULL},
        {"half a pair displaced", 3, false, {{TEMPORARY_OF_A_CRT, "theirs a.crt"}},
                {"new", "new", "new", "new", "new", "new"}, {"returned /pki/a.crt"},
                "theirs a.crt"},
        {"a whole pair after the swaps", ALL, false,
                {{"pki/a.crt", "theirs a.crt"}, {"pki/a.key", "theirs a.key"}},
                {"new", "new", "theirs", "theirs", "new", "new"},
                {"adopted /pki/a.crt", "adopted /pki/a.key"}, NULL},
        {"half a pair after the swaps", ALL, false, {{"pki/a.crt", "theirs a.crt"}},
                {"new", "new", "old", "old", "new", "new"}, {"returned /pki/a.crt"},
                "theirs a.crt"},
        {"half a pair after the clean-up", ALL, true, {{"pki/a.crt", "theirs a.crt"}},
                {"new", "new", "old", "old", "new", "new"}, {"returned /pki/a.crt"},
                "theirs a.crt"},
        {"a broken new file after the clean-up", ALL, true,
                {{"conf/fresh.conf", "half fresh.conf"}}, {"new", NULL, "new", "new", "new", "new"},
                {"returned /conf/fresh.conf"}, "half fresh.conf"},
        {"a file removed after the clean-up", ALL, true, {{"pki/a.crt", NULL}},
                {"new", "new", "old", "old", "new", "new"}, {"returned /pki/a.crt"}, NULL},
        {"a staged file removed", 0, false, {{TEMPORARY_OF_A_KEY, NULL}},
                {"new", "new", "old", "old", "new", "new"}, {"returned /pki/a.key"}, NULL},
        {"a staged file removed between the swaps", 3, false, {{TEMPORARY_OF_A_KEY, NULL}},
                {"new", "new", "old", "old", "new", "new"}, {"returned /pki/a.key"}, NULL},
};

static void write_foreign(const Write *write)
{
        if (write->path && write->content)
                put(write->path, write->content);
        else if (write->path)
                assert_int_equal(unlink(write->path), 0);
}

static void assert_conflicts(const TxnOutcome *outcome, const char *const expected[3])
{
        for (size_t i = 0; i < outcome->n_conflicts; i++) {
                const TxnConflict *conflict = &outcome->conflicts[i];
                autofree char *text = xasprintf(
                        "%s %s", conflict->adopted ? "adopted" : "returned", conflict->path);

                assert_true(i < 3);
                assert_non_null(expected[i]);
                autoptr(FileImage) present = NULL;

                assert_string_equal(text, expected[i]);
                assert_non_null(conflict->text);
                autofree char *ours = xasprintf("new %s", fs_basename(conflict->path));
                (void)!fs_read_file(root_fd, conflict->path, FS_SIZE_MAX, &present, NULL);
                assert_int_equal(
                        conflict->replaced, present && streq((const char *)present->data, ours));
        }
        assert_true(outcome->n_conflicts == 3 || !expected[outcome->n_conflicts]);
}

static void assert_saved(const TxnOutcome *outcome, const char *content)
{
        const char *path = NULL;

        for (size_t i = 0; i < outcome->n_conflicts; i++)
                if (outcome->conflicts[i].displaced)
                        path = outcome->conflicts[i].displaced;
        if (content) {
                struct stat st;

                assert_non_null(path);
                assert_true(starts_with(path, BACKUP "/displaced/"));
                assert_content(path, content);
                assert_int_equal(stat(path + 1, &st), 0);
                assert_int_equal(st.st_mode, S_IFREG | 0600);
        } else {
                assert_null(path);
        }
}

static void test_t19_foreign_writes_are_never_mixed_and_never_lost(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(foreigners); i++) {
                TxnOutcome outcome;

                print_message("# %s\n", foreigners[i].name);
                write_files("old");
                (void)unlink("conf/fresh.conf");
                crash_after_prepare();
                commit_by_hand(foreigners[i].swapped);
                for (size_t k = 0; foreigners[i].cleaned && k < N_FILES; k++)
                        unlink_temporary(k);
                for (size_t k = 0; k < 3; k++)
                        write_foreign(&foreigners[i].writes[k]);

                outcome = recover();
                assert_true(outcome.finished);
                assert_conflicts(&outcome, foreigners[i].conflicts);
                assert_saved(&outcome, foreigners[i].saved);
                txn_outcome_done(&outcome);
                assert_recovered(foreigners[i].words);
                assert_int_equal(fs_remove_tree(root_fd, BACKUP, NULL), 0);
        }
}

/* The same between prepare and commit, where nothing has crashed. */
static void test_t19_foreign_writes_during_the_commit(void **state)
{
        for (size_t i = 0; i < ELEMENTSOF(foreigners); i++) {
                autoptr(Txn) txn = NULL;
                TxnOutcome outcome = {};

                if (foreigners[i].swapped > 0)
                        continue;
                write_files("old");
                (void)unlink("conf/fresh.conf");
                txn = prepare_all();
                for (size_t k = 0; k < 3; k++)
                        write_foreign(&foreigners[i].writes[k]);
                assert_int_equal(txn_commit(txn, &judge, &outcome, NULL), 0);
                assert_conflicts(&outcome, foreigners[i].conflicts);
                assert_saved(&outcome, foreigners[i].saved);
                txn_outcome_done(&outcome);
                assert_words(foreigners[i].words);
                assert_clean();
                assert_int_equal(fs_remove_tree(root_fd, BACKUP, NULL), 0);
        }
}

static void test_foreign_write_before_the_commit_point_stays(void **state)
{
        TxnOutcome outcome;

        crash_after_prepare();
        put("pki/a.crt", "half a.crt");
        outcome = recover();
        assert_true(outcome.undone);
        assert_int_equal(outcome.n_conflicts, 0);
        txn_outcome_done(&outcome);
        assert_recovered((const char *const[]){"old", NULL, "half", "old", "old", "old"});
}

/* Somebody adds an intermediate to our new certificate: it still fits our new key. */
static void test_amended_new_file_is_adopted(void **state)
{
        TxnOutcome outcome;

        crash_after_prepare();
        commit_by_hand(ALL);
        put("pki/a.crt", "new a.crt and chain");
        outcome = recover();
        assert_conflicts(&outcome, (const char *const[3]){"adopted /pki/a.crt"});
        txn_outcome_done(&outcome);
        assert_content("/pki/a.crt", "new a.crt and chain");
        assert_content("/pki/a.key", "new a.key");
        assert_clean();
}

static void test_without_a_judge_nothing_foreign_is_whole(void **state)
{
        autoptr(Txn) txn = prepare_all();
        TxnOutcome outcome = {};

        put("conf/admin.conf", "theirs admin.conf");
        assert_int_equal(txn_commit(txn, NULL, &outcome, NULL), 0);
        assert_conflicts(&outcome, (const char *const[3]){"returned /conf/admin.conf"});
        assert_saved(&outcome, "theirs admin.conf");
        txn_outcome_done(&outcome);
        assert_words(NEW_WORDS);
}

static void test_directory_of_a_target_is_gone(void **state)
{
        TxnOutcome outcome;

        crash_after_prepare();
        commit_by_hand(0);
        assert_int_equal(rename("real", "moved"), 0);
        outcome = recover();
        assert_conflicts(&outcome, (const char *const[3]){"returned /pki/b.crt"});
        txn_outcome_done(&outcome);
        assert_recovered((const char *const[]){"new", "new", "new", "new", NULL, "old"});
}

static void test_target_is_no_file_any_more(void **state)
{
        TxnOutcome outcome;
        struct stat st;

        crash_after_prepare();
        commit_by_hand(3);
        assert_int_equal(unlink("pki/a.key"), 0);
        assert_int_equal(mkfifo("pki/a.key", 0600), 0);
        outcome = recover();
        assert_conflicts(&outcome, (const char *const[3]){"returned /pki/a.key"});
        txn_outcome_done(&outcome);
        assert_content("/pki/a.crt", "old a.crt");
        assert_content("/pki/b.crt", "new b.crt");
        assert_int_equal(stat("pki/a.key", &st), 0);
        assert_true(S_ISFIFO(st.st_mode));
        assert_clean();
}

/* Neither new nor old can be had: better what is there than what nobody knows. */
static void test_damaged_backup_is_not_put_back(void **state)
{
        TxnOutcome outcome;

        crash_after_prepare();
        commit_by_hand(ALL);
        for (size_t i = 0; i < N_FILES; i++)
                unlink_temporary(i);
        put("conf/admin.conf", "half admin.conf");
        put("backups/b-1/0-admin.conf", "damaged");
        outcome = recover();
        assert_conflicts(&outcome, (const char *const[3]){"adopted /conf/admin.conf"});
        txn_outcome_done(&outcome);
        assert_recovered((const char *const[]){"half", "new", "new", "new", "new", "new"});
}

static void test_unreadable_record_is_set_aside_once(void **state)
{
        static const char *const records[] = {"", "{}", "not json", "{\"schema_version\": 2}"};
        autoptr(Txn) txn = open_txn();

        for (size_t i = 0; i < ELEMENTSOF(records); i++) {
                autofree char *path = xasprintf("/state/transaction.bad-%zu", i + 1);
                TxnOutcome outcome = {};
                Error error = {};

                put(i % 2 ? COMMITTED : PREPARED, records[i]);
                assert_int_equal(txn_recover(txn, &judge, &outcome, &error), -EBADMSG);
                assert_non_null(strstr(error.text, path));
                assert_content(path, records[i]);
                assert_false(txn_is_unfinished(root_fd, STATE));
                assert_int_equal(txn_recover(txn, &judge, &outcome, &error), 0);
                assert_null(outcome.id);
        }
        assert_int_equal(mkdir(PREPARED, 0700), 0);
        assert_int_equal(txn_recover(txn, &judge, &(TxnOutcome){}, NULL), -EBADMSG);
        put(PREPARED, "");
        assert_int_equal(truncate(PREPARED, (1 << 20) + 1), 0);
        assert_int_equal(txn_recover(txn, &judge, &(TxnOutcome){}, NULL), -EBADMSG);
        assert_int_equal(txn_recover(txn, &judge, &(TxnOutcome){}, NULL), 0);
        assert_words(OLD_WORDS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_t36_recovery_after_a_crash_anywhere),
                FIXTURE_TEST(test_begin_waits_for_recovery),
                FIXTURE_TEST(test_t19_foreign_writes_are_never_mixed_and_never_lost),
                FIXTURE_TEST(test_t19_foreign_writes_during_the_commit),
                FIXTURE_TEST(test_foreign_write_before_the_commit_point_stays),
                FIXTURE_TEST(test_amended_new_file_is_adopted),
                FIXTURE_TEST(test_without_a_judge_nothing_foreign_is_whole),
                FIXTURE_TEST(test_directory_of_a_target_is_gone),
                FIXTURE_TEST(test_target_is_no_file_any_more),
                FIXTURE_TEST(test_damaged_backup_is_not_put_back),
                FIXTURE_TEST(test_unreadable_record_is_set_aside_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

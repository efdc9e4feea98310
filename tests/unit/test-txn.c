/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"

#include "base/json.h"
#include "txn-fixture.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void test_t34_commit_replaces_all_and_nothing_else(void **state)
{
        autoptr(Txn) txn = prepare_all();

        assert_words(OLD_WORDS);
        assert_true(txn_is_unfinished(root_fd, STATE));
        commit(txn);
        assert_words(NEW_WORDS);
        assert_clean();
        assert_int_equal(txn_size(txn), 0);
}

static void test_t33_backup_holds_the_old_content(void **state)
{
        static const char *const names[] = {
                "0-admin.conf", "2-a.crt", "3-a.key", "4-b.crt", "5-b.key", "manifest.json"};
        autostrv found = NULL;
        autoptr(json_t) manifest = NULL;
        autoptr(Txn) txn = NULL;
        mode_t mask = umask(0);
        struct stat st;
        json_t *file;
        int uid, gid;
        const char *mode;

        assert_int_equal(chmod("conf/admin.conf", 0604), 0);
        txn = prepare_all();
        commit(txn);
        umask(mask);

        assert_int_equal(stat("backups/b-1", &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0700);
        assert_int_equal(fs_list(root_fd, BACKUP, &found, NULL), 0);
        assert_int_equal(strv_length(found), ELEMENTSOF(names));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                autofree char *path = xasprintf("backups/b-1/%s", names[i]);

                assert_string_equal(found[i], names[i]);
                assert_int_equal(stat(path, &st), 0);
                assert_int_equal(st.st_mode, S_IFREG | 0600);
                assert_int_equal(st.st_nlink, 1);
        }
        assert_content(BACKUP "/0-admin.conf", "old admin.conf");
        assert_content(BACKUP "/4-b.crt", "old b.crt");

        assert_int_equal(json_read_file(root_fd, BACKUP "/manifest.json", &manifest, NULL), 0);
        assert_string_equal(json_string_value(json_object_get(manifest, "reason")), "test");
        assert_string_equal(json_string_value(json_object_get(manifest, "id")), ID);
        assert_string_equal(
                json_string_value(json_object_get(manifest, "time")), "2026-11-28T23:26:00Z");
        assert_int_equal(json_array_size(json_object_get(manifest, "files")), N_FILES);
        file = json_array_get(json_object_get(manifest, "files"), 0);
        assert_int_equal(
                json_unpack(file, "{s:i, s:i, s:s}", "uid", &uid, "gid", &gid, "mode", &mode), 0);
        assert_int_equal(uid, geteuid());
        assert_string_equal(mode, "0604");
        assert_string_equal(json_string_value(json_object_get(file, "path")), "/conf/admin.conf");
        assert_int_equal(
                strlen(json_string_value(json_object_get(file, "sha256"))), DIGEST_HEX_SIZE - 1);
        file = json_array_get(json_object_get(manifest, "files"), 1);
        assert_true(json_is_false(json_object_get(file, "existed")));
        assert_int_equal(json_object_size(file), 2);
}

static void test_link_is_followed_once_and_kept(void **state)
{
        autoptr(Txn) txn = prepare_all();
        struct stat st;

        commit(txn);
        assert_int_equal(lstat("pki/b.crt", &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_content("/real/b.crt", "new b.crt");
}

static void test_prepare_refuses_two_paths_to_one_file(void **state)
{
        const FixtureFile alias = {"/real/b.crt", "/real/b.crt", 0, false};
        autoptr(Txn) txn = open_txn();
        Error error = {};

        begin_all(txn);
        add_file(txn, &alias, "x");
        assert_int_equal(txn_prepare(txn, &error), -EEXIST);
        assert_string_equal(error.text, "'/pki/b.crt' is in the transaction twice");
        assert_words(OLD_WORDS);
        assert_clean();
}

static void test_free_undoes_what_was_prepared(void **state)
{
        txn_free(prepare_all());
        assert_words(OLD_WORDS);
        assert_clean();
        assert_missing(BACKUP);
        txn_free(NULL);
}

static void test_prepare_finds_foreign_writes(void **state)
{
        static const struct {
                const char *path, *content, *text; /* content NULL: removed */
        } table[] = {
                {"pki/a.key", "theirs a.key", "'/pki/a.key' was changed by somebody else"},
                {"pki/a.key", NULL, "'/pki/a.key' has disappeared"},
                {"real/b.crt", "theirs b.crt", "'/pki/b.crt' was changed by somebody else"},
                {"conf/fresh.conf", "theirs fresh.conf",
                        "cannot stage '/conf/fresh.conf': somebody else has put another file "
                        "there"},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autofree char *absolute = xasprintf("/%s", table[i].path);
                autoptr(Txn) txn = open_txn();
                const TxnFault *faults;
                Error error = {};

                begin_all(txn);
                if (table[i].content)
                        put(table[i].path, table[i].content);
                else
                        assert_int_equal(unlink(table[i].path), 0);
                assert_int_equal(txn_prepare(txn, &error), -ESTALE);
                assert_string_equal(error.text, table[i].text);
                assert_int_equal(txn_faults(txn, &faults), 1);
                assert_int_equal(faults[0].error, -ESTALE);
                assert_string_equal(faults[0].text, table[i].text);
                if (table[i].content)
                        assert_content(absolute, table[i].content);
                assert_missing(BACKUP);
                assert_clean();

                /* The same transaction can be tried again. */
                assert_int_equal(unlink(table[i].path), table[i].content ? 0 : -1);
                write_files("old");
                begin_all(txn);
                assert_int_equal(txn_prepare(txn, NULL), 0);
        }
}

static void test_failed_prepare_leaves_nothing(void **state)
{
        static const struct {
                const char *path, *backup;
                int r;
        } table[] = {
                {"/conf/other.conf", "/pki/unknown/b-1", -ENOTDIR},
                {"/nowhere/file", BACKUP, -ENOENT},
                {"/pki", BACKUP, -ESTALE},
                {"/pki/", BACKUP, -EINVAL},
        };

        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                autoptr(Txn) txn = open_txn();
                TxnChange change = {.path = table[i].path, .data = "x", .size = 1};

                assert_int_equal(txn_begin(txn, ID, table[i].backup, "test", NOW, NULL), 0);
                add_file(txn, &files[0], "new admin.conf");
                assert_int_equal(txn_add(txn, &change, NULL), 0);
                assert_int_equal(txn_prepare(txn, NULL), table[i].r);
                assert_words(OLD_WORDS);
                assert_clean();
                assert_missing(BACKUP);
        }
}

static void test_begin_and_add_refuse_nonsense(void **state)
{
        static const struct {
                const char *id, *backup;
                int r;
        } begins[] = {
                {"", BACKUP, -EINVAL},
                {"a/b", BACKUP, -EINVAL},
                {"a.b", BACKUP, -EINVAL},
                {"01234567890123456789012345678901234567890123456789012345678901234", BACKUP,
                        -EINVAL},
                {ID, "backups", -EINVAL},
                {ID, "/backups/../etc", -EINVAL},
                {ID, "/backups", -EEXIST},
        };
        static const struct {
                TxnChange change;
                int r;
        } adds[] = {
                {{.path = "relative"}, -EINVAL},
                {{.path = "/a/../b"}, -EINVAL},
                {{.path = "/a/."}, -EINVAL},
                {{.path = "/a", .size = FS_SIZE_MAX + 1}, -EFBIG},
                {{.path = "/once"}, 0},
                {{.path = "/once"}, -EEXIST},
        };
        autoptr(Txn) txn = open_txn();

        for (size_t i = 0; i < ELEMENTSOF(begins); i++)
                assert_int_equal(txn_begin(txn, begins[i].id, begins[i].backup, "x", NOW, NULL),
                        begins[i].r);
        assert_int_equal(txn_begin(txn, ID, BACKUP, "x", NOW, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(adds); i++)
                assert_int_equal(txn_add(txn, &adds[i].change, NULL), adds[i].r);
}

static void test_path_that_is_no_text_is_refused(void **state)
{
        autoptr(Txn) txn = open_txn();
        Error error = {};

        assert_int_equal(txn_begin(txn, ID, BACKUP, "x", NOW, NULL), 0);
        assert_int_equal(txn_add(txn, &(TxnChange){.path = "/conf/\xff"}, NULL), 0);
        assert_int_equal(txn_prepare(txn, &error), -EILSEQ);
        assert_clean();
        assert_int_equal(txn_begin(txn, ID, "/backups/\xff", "x", NOW, NULL), 0);
        assert_int_equal(txn_add(txn, &(TxnChange){.path = "/conf/a"}, NULL), 0);
        assert_int_equal(txn_prepare(txn, &error), -EILSEQ);
        assert_clean();
}

/* Others are 1234; only root can act for them. */
static void test_a_state_directory_that_others_may_write_is_refused(void **state)
{
        static const struct {
                uid_t owner;
                gid_t group;
                mode_t mode;
                int r, r_of_parent;
        } table[] = {
                {0, 0, 0711, 0, 0},
                {0, 0, 0775, 0, 0},
                {0, 1234, 0755, 0, 0},
                {1234, 0, 0700, -EPERM, -EPERM},
                {0, 1234, 0775, -EPERM, -EPERM},
                {0, 0, 0757, -EPERM, -EPERM},
                {0, 0, 01777, -EPERM, 0},
        };

        for (size_t i = 0; geteuid() == 0 && i < 2 * ELEMENTSOF(table); i++) {
                bool parent = i % 2 == 1;
                int expected = parent ? table[i / 2].r_of_parent : table[i / 2].r;
                autofree char *directory = xasprintf("%s%s", STATE, parent ? "/below" : "");
                autoptr(Txn) txn = NULL;
                Error error = {};

                assert_true(mkdir(&STATE[1], 0700) == 0 || errno == EEXIST);
                assert_int_equal(chown(&STATE[1], table[i / 2].owner, table[i / 2].group), 0);
                assert_int_equal(chmod(&STATE[1], table[i / 2].mode), 0);
                if (txn_open(root_fd, directory, &txn, &error) != expected)
                        fail_msg("row %zu%s: '%s'", i / 2, parent ? ", parent" : "", error.text);
        }
}

static void test_t19_second_process_is_told_who_has_the_lock(void **state)
{
        autoptr(Txn) txn = NULL;
        autofree char *text = NULL;
        Error error = {};
        Txn *other = NULL;
        int ready[2], status;
        pid_t pid;
        char byte;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                other = open_txn();
                if (write(ready[1], "x", 1) != 1)
                        _exit(1);
                pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        text = xasprintf("another kube-renewd with PID %d holds the lock '/state/lock'", pid);
        assert_int_equal(txn_open(root_fd, STATE, &other, &error), -EBUSY);
        assert_string_equal(error.text, text);

        /* The kernel gives it back, however its holder ends. */
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        txn = open_txn();
        close(ready[0]);
        close(ready[1]);
}

/* The pair of a file that cannot be swapped stays old as a whole; the others go on. */
static void test_file_that_cannot_be_swapped(void **state)
{
        autoptr(Txn) txn = prepare_all();
        TxnOutcome outcome = {};
        int r;

        if (!set_attribute("pki/a.key", FS_IMMUTABLE_FL, true)) {
                print_message("# no attributes on this file system, not tested\n");
                return;
        }
        r = txn_commit(txn, &judge, &outcome, NULL);
        assert_true(set_attribute("pki/a.key", FS_IMMUTABLE_FL, false));
        assert_int_equal(r, 0);
        assert_int_equal(outcome.n_conflicts, 1);
        assert_string_equal(outcome.conflicts[0].path, "/pki/a.key");
        assert_string_equal(
                outcome.conflicts[0].text, "it cannot be replaced: Operation not permitted");
        assert_false(outcome.conflicts[0].adopted);
        assert_null(outcome.conflicts[0].displaced);
        txn_outcome_done(&outcome);
        assert_words((const char *const[]){"new", "new", "old", "old", "new", "new"});
        assert_clean();
}

/* From here on, a system call fails if its argument number `argument` is not 0. */
static bool refuse(unsigned number, size_t argument, unsigned error)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[argument])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = {.len = ELEMENTSOF(code), .filter = code};

        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Runs it in a process of its own, which does not clean up. Returns what it returns; 77 where the
 * kernel lets us refuse nothing. */
static int in_process(int (*body)(void))
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(body());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 77)
                print_message("# no seccomp here, not tested\n");
        return WEXITSTATUS(status);
}

static int commit_by_plain_rename(void)
{
        TxnOutcome outcome = {};
        Txn *txn = prepare_all();

        put("pki/a.crt", "half a.crt");
        if (!refuse(SYS_renameat2, 4, EINVAL))
                return 77;
        return txn_commit(txn, &judge, &outcome, NULL) < 0 || outcome.n_conflicts != 1 ||
               !outcome.conflicts[0].displaced;
}

static void test_plain_rename_where_nothing_else_is(void **state)
{
        int status = in_process(commit_by_plain_rename);

        if (status == 77)
                return;
        assert_int_equal(status, 0);
        assert_words(NEW_WORDS);
        assert_clean();
}

static int commit_without_sync(void)
{
        Txn *txn = prepare_all();

        if (!refuse(SYS_fsync, 0, EIO))
                return 77;
        return txn_commit(txn, &judge, &(TxnOutcome){}, NULL) != -EIO;
}

/* Nobody knows what is on the disk then: in memory the commit must be taken back. */
static void test_failed_sync_at_the_commit_point_commits_nothing(void **state)
{
        int status = in_process(commit_without_sync);
        autoptr(Txn) txn = NULL;
        TxnOutcome outcome = {};

        if (status == 77)
                return;
        assert_int_equal(status, 0);
        assert_true(fs_exists(root_fd, STATE "/transaction.prepared"));
        assert_false(fs_exists(root_fd, STATE "/transaction.committed"));
        txn = open_txn();
        assert_int_equal(txn_recover(txn, &judge, &outcome, NULL), 0);
        assert_true(outcome.undone);
        txn_outcome_done(&outcome);
        assert_words(OLD_WORDS);
        assert_clean();
}

/* I2: whoever reads while we swap finds a file, and a complete one. */
static void test_reader_never_finds_a_name_missing(void **state)
{
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                for (;;) {
                        autofd int fd = open("pki/a.crt", O_RDONLY);
                        char text[16] = {};

                        if (fd < 0 || read(fd, text, sizeof(text)) != 9)
                                _exit(1);
                        if (!streq(text, "new a.crt") && !streq(text, "old a.crt"))
                                _exit(2);
                }
        }
        for (unsigned i = 0; i < 30; i++) {
                autofree char *backup = xasprintf("/backups/n-%u", i);
                autoptr(Txn) txn = open_txn();

                assert_int_equal(txn_begin(txn, ID, backup, "x", NOW, NULL), 0);
                add_file(txn, &files[2], i % 2 ? "old a.crt" : "new a.crt");
                assert_int_equal(txn_prepare(txn, NULL), 0);
                commit(txn);
        }
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void test_state_directory_is_open_its_files_are_not(void **state)
{
        mode_t mask = umask(0);
        autoptr(Txn) txn = prepare_all();
        struct stat st;

        umask(mask);
        assert_int_equal(txn_size(txn), N_FILES);
        assert_int_equal(stat("state", &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0755);
        assert_int_equal(stat("state/lock", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
        assert_int_equal(stat("state/transaction.prepared", &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_t34_commit_replaces_all_and_nothing_else),
                FIXTURE_TEST(test_t33_backup_holds_the_old_content),
                FIXTURE_TEST(test_link_is_followed_once_and_kept),
                FIXTURE_TEST(test_prepare_refuses_two_paths_to_one_file),
                FIXTURE_TEST(test_free_undoes_what_was_prepared),
                FIXTURE_TEST(test_prepare_finds_foreign_writes),
                FIXTURE_TEST(test_failed_prepare_leaves_nothing),
                FIXTURE_TEST(test_begin_and_add_refuse_nonsense),
                FIXTURE_TEST(test_path_that_is_no_text_is_refused),
                FIXTURE_TEST(test_a_state_directory_that_others_may_write_is_refused),
                FIXTURE_TEST(test_t19_second_process_is_told_who_has_the_lock),
                FIXTURE_TEST(test_file_that_cannot_be_swapped),
                FIXTURE_TEST(test_plain_rename_where_nothing_else_is),
                FIXTURE_TEST(test_failed_sync_at_the_commit_point_commits_nothing),
                FIXTURE_TEST(test_reader_never_finds_a_name_missing),
                FIXTURE_TEST(test_state_directory_is_open_its_files_are_not),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

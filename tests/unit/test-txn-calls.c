/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transaction, where every system call that it makes fails, one by one: tests/crash does that
 * to the whole program, this to one module, in no time. */
#include "unit.h"

#include "failing-calls.h"
#include "txn-fixture.h"

#define LABEL "user.label"

/* EEXIST: somebody was quicker. EINVAL: a file system that does not know the call. */
static const Faults rows[] = {
        {.error = EIO},
        {.error = EIO, .for_ever = true},
        {.error = EEXIST},
        {.error = EINVAL, .for_ever = true},
        {.error = EIO, .for_ever = true, .only = "fsync"},
        {.error = EIO, .for_ever = true, .only = "unlinkat"},
};

/* What one process works with, and what it made. */
typedef struct Work {
        const char *id, *backup;
        FileImage *old[N_FILES];
        TxnOutcome outcome;
        Error error;
} Work;

static void work_begin(Work *work)
{
        *work = (Work){.id = ID, .backup = BACKUP};
        for (size_t i = 0; i < N_FILES; i++) {
                int r = fs_read_file(root_fd, files[i].path, FS_SIZE_MAX, &work->old[i], NULL);

                assert_true(r == 0 || r == -ENOENT);
        }
}

static void work_end(Work *work)
{
        for (size_t i = 0; i < N_FILES; i++)
                file_image_free(work->old[i]);
        txn_outcome_done(&work->outcome);
}

static int add_all(Txn *txn, Work *work)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < N_FILES; i++) {
                autofree char *content = content_of(i, "new");
                struct stat like = {.st_uid = geteuid(), .st_gid = getegid()};

                r = txn_add(txn,
                        &(TxnChange){.path = files[i].path,
                                .data = content,
                                .size = strlen(content),
                                .old = work->old[i],
                                .mode = 0640,
                                .like = &like,
                                .pair = files[i].pair},
                        &work->error);
        }
        return r;
}

static int commit_all(Work *work)
{
        autoptr(Txn) txn = NULL;
        int r;

        r = txn_open(root_fd, STATE, &txn, &work->error);
        if (r >= 0)
                r = txn_begin(txn, work->id, work->backup, "test", NOW, &work->error);
        if (r >= 0)
                r = add_all(txn, work);
        if (r >= 0)
                r = txn_prepare(txn, &work->error);
        return r < 0 ? r : txn_commit(txn, &judge, &work->outcome, &work->error);
}

static int recover_all(Work *work)
{
        autoptr(Txn) txn = NULL;
        int r;

        r = txn_open(root_fd, STATE, &txn, &work->error);
        return r < 0 ? r : txn_recover(txn, &judge, &work->outcome, &work->error);
}

/* The first word of a file, which says who wrote it; NULL if there is none. */
static char *word_of(size_t i)
{
        autoptr(FileImage) image = NULL;

        if (fs_read_file(root_fd, files[i].path, FS_SIZE_MAX, &image, NULL) < 0)
                return NULL;
        return xstrndup((char *)image->data, strcspn((char *)image->data, " "));
}

/* What a crash has left: the record, and who wrote each file. */
static char *state_of_all(void)
{
        char *text = xstrdup(fs_exists(root_fd, STATE "/transaction.committed")  ? "committed:"
                             : fs_exists(root_fd, STATE "/transaction.prepared") ? "prepared:"
                                                                                 : "nothing:");

        for (size_t i = 0; i < N_FILES; i++) {
                autofree char *word = word_of(i), *before = text;

                text = xasprintf("%s %s", before, word ?: "-");
        }
        return text;
}

/* I1: no pair is mixed. */
static void assert_whole_pairs(const char *where)
{
        for (size_t i = 0; i < N_FILES; i++) {
                autofree char *word = word_of(i), *partner = NULL;

                if (!word ? !files[i].is_new : !streq(word, "old") && !streq(word, "new"))
                        fail_msg("%s: '%s' was written by '%s'", where, files[i].path, word ?: "");
                if (files[i].pair == 0 || i + 1 == N_FILES || files[i + 1].pair != files[i].pair)
                        continue;
                partner = word_of(i + 1);
                if (!partner || !streq(word, partner))
                        fail_msg("%s: '%s' and '%s' are mixed", where, files[i].path,
                                files[i + 1].path);
        }
}

/* Recovery, and the next commit: what a fault has left of our own is used up by then. */
static void go_on_in_peace(const char *where)
{
        Work work = {};

        if (recover_all(&work) < 0)
                fail_msg("%s: %s", where, work.error.text);
        work_end(&work);
        assert_whole_pairs(where);

        work_begin(&work);
        work.id = "t-2";
        work.backup = "/backups/b-2";
        if (commit_all(&work) < 0)
                fail_msg("%s: %s", where, work.error.text);
        assert_int_equal(work.outcome.n_conflicts, 0);
        work_end(&work);
        assert_words(NEW_WORDS);
        assert_clean();
}

static void start_again(void **state)
{
        assert_int_equal(scratch_tear_down(state), 0);
        assert_int_equal(fixture_set_up(state), 0);
        (void)!setxattr("pki/a.key", LABEL, "a", 1, 0);
        if (geteuid() == 0)
                assert_int_equal(chown("pki/b.key", 12345, 12345), 0);
}

static unsigned gone_at;
static bool was_gone;

static void remove_directory(const char *call)
{
        if (faults.n != gone_at)
                return;
        assert_int_equal(rename("real", "gone"), 0);
        was_gone = true;
}

static void bring_directory_back(void)
{
        if (access("gone", F_OK) < 0)
                return;
        (void)!rmdir("real");
        assert_int_equal(rename("gone", "real"), 0);
}

/* A commit with that fault, and all that must be true of it. False: there are no more calls. */
static bool try_commit(const Faults *with)
{
        unsigned n;
        Work work;
        int r;

        work_begin(&work);
        faults = *with;
        r = commit_all(&work);
        n = faults_end();
        bring_directory_back();
        if (r < 0 && !work.error.text[0])
                fail_msg("call %u: %d without a word", with->at, r);
        if (r >= 0 && work.outcome.n_conflicts == 0)
                assert_words(NEW_WORDS);
        work_end(&work);
        return with->at <= n;
}

static unsigned fail_commit(void **state, Faults with)
{
        bool more = true;

        while (more) {
                autofree char *where = xasprintf("%s%s at %s %u of a commit",
                        strerrorname_np(with.error), with.for_ever ? " from then on" : "",
                        with.only ?: "call", ++with.at);

                start_again(state);
                more = try_commit(&with);
                go_on_in_peace(where);
        }
        return with.at;
}

static void test_t36_each_call_of_a_commit_fails(void **state)
{
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                n += fail_commit(state, rows[i]);
        print_message("# %u points\n", n);
        assert_true(n > 100);
}

/* As whoever restores a host may do. */
static void test_t36_directory_that_is_gone_for_a_while(void **state)
{
        for (gone_at = 1; gone_at == 1 || was_gone; gone_at++) {
                autofree char *where = xasprintf("a directory gone at call %u", gone_at);

                start_again(state);
                was_gone = false;
                try_commit(&(Faults){.before = remove_directory});
                go_on_in_peace(where);
        }
        assert_true(gone_at > 100);
}

/* A host on which the commit has died at that call. False: it has not. */
static bool leave_unfinished(void **state, unsigned at)
{
        start_again(state);
        return try_commit(&(Faults){.at = at, .error = EIO, .for_ever = true});
}

/* Whoever writes in place, as an editor does. */
static void write_one_of_a_pair(void)
{
        put("pki/a.crt", "half a.crt");
}

/* The new content is nowhere then. */
static void write_both_names(void)
{
        autofree char *temporary = temporary_of(2);

        put("pki/a.crt", "half a.crt");
        put(temporary, "junk a.crt");
}

/* Of what the disk had in its cache, it has lost the rename of the record alone. */
static void lose_the_rename(void)
{
        assert_int_equal(rename("state/transaction.committed", "state/transaction.prepared"), 0);
}

/* What a crash leaves, and what happens before the recovery. */
static const struct {
        const char *left;
        void (*then)(void);
} crashes[] = {
        {"prepared: old - old old old old", NULL},
        {"committed: new new new old old old", NULL},
        {"committed: new new new old old old", lose_the_rename},
        {"committed: new new new old old old", write_one_of_a_pair},
        {"committed: old - old old old old", write_both_names},
};

static bool is_told(const Work *work, const char *text)
{
        for (size_t i = 0; i < work->outcome.n_conflicts; i++)
                if (starts_with(work->outcome.conflicts[i].text, text))
                        return true;
        return false;
}

/* A pair that cannot be replaced stays as somebody else has left it, and is told. */
static void repair_what_is_told(const Work *work)
{
        autofree char *word = word_of(2);

        if (word && streq(word, "half") && is_told(work, "it cannot be replaced"))
                put("pki/a.crt", "old a.crt");
}

static unsigned fail_recovery(void **state, unsigned crash, void (*then)(void))
{
        unsigned at = 0, n;

        do {
                autofree char *where = xasprintf(
                        "call %u of a recovery, after a crash at call %u of a commit", ++at, crash);
                Work work = {};

                leave_unfinished(state, crash);
                if (then)
                        then();
                faults = (Faults){.at = at, .error = EIO};
                int r = recover_all(&work);
                n = faults_end();
                if (r < 0 && !work.error.text[0])
                        fail_msg("%s: %d without a word", where, r);
                repair_what_is_told(&work);
                work_end(&work);
                go_on_in_peace(where);
        } while (at <= n);
        return at;
}

static void test_t36_each_call_of_a_recovery_fails(void **state)
{
        unsigned last[ELEMENTSOF(crashes)] = {}, n = 0;

        /* 1. After which call of a commit has it left which state? */
        for (unsigned at = 1; leave_unfinished(state, at); at++) {
                autofree char *now = state_of_all();

                for (size_t i = 0; i < ELEMENTSOF(crashes); i++)
                        if (streq(now, crashes[i].left))
                                last[i] = at;
        }

        /* 2. From each. */
        for (size_t i = 0; i < ELEMENTSOF(crashes); i++) {
                assert_int_not_equal(last[i], 0);
                n += fail_recovery(state, last[i], crashes[i].then);
        }
        print_message("# %u points\n", n);
        assert_true(n > 100);
}

/* Where a file system has no attributes there are none to keep. */
static void test_no_attributes(void **state)
{
        Work work;

        work_begin(&work);
        faults = (Faults){.only = "flistxattr", .at = 1, .for_ever = true, .error = EOPNOTSUPP};
        assert_int_equal(commit_all(&work), 0);
        assert_true(faults_end() > 0);
        work_end(&work);
        assert_words(NEW_WORDS);
}

/* It would be wrong for the new bytes. */
static void test_digest_of_the_old_content_is_not_kept(void **state)
{
        Work work;

        if (setxattr("pki/a.crt", "security.ima", "a", 1, 0) < 0) {
                print_message("# nobody may set such an attribute here, not tested\n");
                return;
        }
        work_begin(&work);
        assert_int_equal(commit_all(&work), 0);
        work_end(&work);
        assert_words(NEW_WORDS);
        assert_int_equal(getxattr("pki/a.crt", "security.ima", NULL, 0), -1);
        assert_int_equal(errno, ENODATA);
}

/* As security modules do: the new file has its label before anybody sets it. */
static void label(const char *call)
{
        autofree char *temporary = temporary_of(3);

        if (streq(call, "fgetxattr") && access(temporary, F_OK) == 0)
                assert_int_equal(setxattr(temporary, LABEL, "a", 1, 0), 0);
        assert_string_not_equal(call, "fsetxattr");
}

static void test_label_that_the_directory_gives_is_not_set(void **state)
{
        char value[2] = "";
        Work work;

        if (setxattr("pki/a.key", LABEL, "a", 1, 0) < 0) {
                print_message("# no attributes on this file system, not tested\n");
                return;
        }
        work_begin(&work);
        faults = (Faults){.before = label};
        assert_int_equal(commit_all(&work), 0);
        faults_end();
        work_end(&work);
        assert_int_equal(getxattr("pki/a.key", LABEL, value, sizeof(value)), 1);
        assert_string_equal(value, "a");
}

/* Gone between the list of names and the look at it. */
static void unlabel(const char *call)
{
        if (streq(call, "fgetxattr"))
                (void)!removexattr("pki/a.key", LABEL);
}

static void test_label_that_somebody_removes_is_not_missed(void **state)
{
        Work work;

        if (setxattr("pki/a.key", LABEL, "a", 1, 0) < 0) {
                print_message("# no attributes on this file system, not tested\n");
                return;
        }
        work_begin(&work);
        faults = (Faults){.before = unlabel};
        assert_int_equal(commit_all(&work), 0);
        faults_end();
        work_end(&work);
        assert_words(NEW_WORDS);
}

/* Does not want what is there, twice, and once it is gone wants it back. */
static bool judge_fickly(void *userdata, const TxnMember *members, size_t n_members)
{
        unsigned *n = userdata;

        return ++*n % 3 == 0;
}

/* There is an end to looking again, and the record stays for a better time. */
static void test_files_that_do_not_come_to_rest(void **state)
{
        autoptr(Txn) txn = prepare_all();
        TxnOutcome outcome = {};
        Error error = {};
        unsigned n = 0;
        const TxnJudge fickle = {.is_whole = judge_fickly, .userdata = &n};

        put("pki/a.crt", "half a.crt");
        assert_int_equal(txn_commit(txn, &fickle, &outcome, &error), -EAGAIN);
        assert_string_equal(error.text, "the files of transaction '" ID "' do not come to rest");
        assert_true(txn_is_unfinished(root_fd, STATE));
        txn_free(TAKE(txn));
        go_on_in_peace("when there is rest");
}

/* No name is free to keep it under: it stays where it is, and that is said. */
static void test_unreadable_record_after_a_thousand_others(void **state)
{
        autoptr(Txn) txn = open_txn();
        Error error = {};

        for (unsigned i = 1; i <= 1000; i++) {
                autofree char *path = xasprintf("state/transaction.bad-%u", i);

                put(path, "bad");
        }
        put("state/transaction.prepared", "worse");
        assert_int_equal(txn_recover(txn, &judge, &(TxnOutcome){}, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "there are 1000 already"));
        assert_content(STATE "/transaction.prepared", "worse");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FIXTURE_TEST(test_t36_each_call_of_a_commit_fails),
                FIXTURE_TEST(test_t36_each_call_of_a_recovery_fails),
                FIXTURE_TEST(test_t36_directory_that_is_gone_for_a_while),
                FIXTURE_TEST(test_no_attributes),
                FIXTURE_TEST(test_digest_of_the_old_content_is_not_kept),
                FIXTURE_TEST(test_label_that_the_directory_gives_is_not_set),
                FIXTURE_TEST(test_label_that_somebody_removes_is_not_missed),
                FIXTURE_TEST(test_files_that_do_not_come_to_rest),
                FIXTURE_TEST(test_unreadable_record_after_a_thousand_others),
        };

        /* What is tested are calls, not a disk. */
        if (access("/dev/shm", W_OK) == 0)
                setenv("TMPDIR", "/dev/shm", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}

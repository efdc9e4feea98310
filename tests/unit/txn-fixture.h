/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A small set of files to replace: what is in a file says who wrote it ("old", "new", or any other
 * word) and which file it is, so that a pair is whole if its members begin with the same word. */

#include "scratch.h"

#include "base/txn.h"

#define STATE  "/state"
#define BACKUP "/backups/b-1"
#define ID     "t-1"
#define NOW    1795908360 /* 2026-11-28T23:26:00Z */

typedef struct FixtureFile {
        const char *path; /* below the root; + 1 is relative */
        const char *real; /* where a link leads to */
        unsigned pair;
        bool is_new;
} FixtureFile;

/* In the order of the record. */
static const FixtureFile files[] = {
        {"/conf/admin.conf", "/conf/admin.conf", 0, false},
        {"/conf/fresh.conf", "/conf/fresh.conf", 0, true},
        {"/pki/a.crt", "/pki/a.crt", 1, false},
        {"/pki/a.key", "/pki/a.key", 1, false},
        {"/pki/b.crt", "/real/b.crt", 2, false},
        {"/pki/b.key", "/pki/b.key", 2, false},
};
#define N_FILES ELEMENTSOF(files)

static inline char *content_of(size_t i, const char *word)
{
        return xasprintf("%s %s", word, fs_basename(files[i].path));
}

static inline void write_files(const char *word)
{
        for (size_t i = 0; i < N_FILES; i++) {
                autofree char *content = content_of(i, word);

                if (!files[i].is_new || !streq(word, "old"))
                        put(files[i].real + 1, content);
        }
}

static inline int fixture_set_up(void **state)
{
        static const char *const directories[] = {"conf", "pki", "real", "backups"};

        if (scratch_set_up(state) < 0)
                return -1;
        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                assert_int_equal(mkdir(directories[i], 0755), 0);
        write_files("old");
        put("pki/unknown", "unknown");
        put("pki/.kube-renewd-unknown", "unknown");
        return symlink("../real/b.crt", "pki/b.crt");
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, scratch_tear_down)

static inline size_t word_length(const TxnMember *member)
{
        return strcspn(member->data, " ");
}

static inline bool judge_words(void *userdata, const TxnMember *members, size_t n_members)
{
        for (size_t i = 0; i < n_members; i++)
                if (!members[i].data || starts_with(members[i].data, "half ") ||
                        word_length(&members[i]) != word_length(&members[0]) ||
                        memcmp(members[i].data, members[0].data, word_length(&members[0])) != 0)
                        return false;
        return true;
}

static const TxnJudge judge = {.is_whole = judge_words};

static inline Txn *open_txn(void)
{
        Error error = {};
        Txn *txn = NULL;

        if (txn_open(root_fd, STATE, &txn, &error) < 0)
                fail_msg("%s", error.text);
        return txn;
}

static inline void add_file(Txn *txn, const FixtureFile *file, const char *content)
{
        autoptr(FileImage) old = NULL;
        Error error = {};

        if (!file->is_new)
                assert_int_equal(fs_read_file(root_fd, file->path, FS_SIZE_MAX, &old, NULL), 0);
        if (txn_add(txn,
                    &(TxnChange){.path = file->path,
                            .data = content,
                            .size = strlen(content),
                            .old = old,
                            .mode = 0640,
                            .pair = file->pair},
                    &error) < 0)
                fail_msg("%s", error.text);
}

/* Added in the reverse order: the record has its own. */
static inline void begin_all(Txn *txn)
{
        assert_int_equal(txn_begin(txn, ID, BACKUP, "test", NOW, NULL), 0);
        for (size_t i = N_FILES; i-- > 0;) {
                autofree char *content = content_of(i, "new");

                add_file(txn, &files[i], content);
        }
        assert_int_equal(txn_size(txn), N_FILES);
}

static inline Txn *prepare_all(void)
{
        Txn *txn = open_txn();
        Error error = {};

        begin_all(txn);
        if (txn_prepare(txn, &error) < 0)
                fail_msg("%s", error.text);
        return txn;
}

/* Nobody interferes. */
static inline void commit(Txn *txn)
{
        TxnOutcome outcome = {};
        Error error = {};

        if (txn_commit(txn, &judge, &outcome, &error) < 0)
                fail_msg("%s", error.text);
        assert_int_equal(outcome.n_conflicts, 0);
        txn_outcome_done(&outcome);
}

static inline char *temporary_of(size_t i)
{
        const char *slash = strrchr(files[i].real, '/');

        return xasprintf("%.*s/.kube-renewd-" ID "-%zu", (int)(slash - files[i].real - 1),
                files[i].real + 1, i);
}

static inline void assert_missing(const char *path)
{
        if (fs_exists(root_fd, path))
                fail_msg("'%s' exists", path);
}

/* All files were written by the one that `words` (one each, NULL for none) names. */
static inline void assert_words(const char *const words[N_FILES])
{
        for (size_t i = 0; i < N_FILES; i++) {
                autofree char *content = words[i] ? content_of(i, words[i]) : NULL;

                if (content)
                        assert_content(files[i].path, content);
                else
                        assert_missing(files[i].path);
        }
}

#define OLD_WORDS                                                                                  \
        (const char *const[])                                                                      \
        {                                                                                          \
                "old", NULL, "old", "old", "old", "old"                                            \
        }
#define NEW_WORDS                                                                                  \
        (const char *const[])                                                                      \
        {                                                                                          \
                "new", "new", "new", "new", "new", "new"                                           \
        }

/* No temporary file is left, no record, the link is a link, and what is not ours is as it was. */
static inline void assert_clean(void)
{
        autostrv names = NULL;
        struct stat st;

        for (size_t i = 0; i < N_FILES; i++) {
                autofree char *temporary = temporary_of(i);

                assert_int_equal(access(temporary, F_OK), -1);
        }
        assert_int_equal(fs_list(root_fd, STATE, &names, NULL), 0);
        assert_int_equal(strv_length(names), 1);
        assert_string_equal(names[0], "lock");
        assert_false(txn_is_unfinished(root_fd, STATE));
        assert_content("/pki/unknown", "unknown");
        assert_content("/pki/.kube-renewd-unknown", "unknown");
        assert_int_equal(lstat("pki/b.crt", &st), 0);
        assert_true(S_ISLNK(st.st_mode));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/txn-record.h"
#include "base/txn.h"
#include "scratch.h"

#include <assert.h>
#include <time.h>

#define STATE "/state"

/* The files that the record of the seeds replaces, in its order, and what they were and become. A
 * file of the last pair is new. */
#define BACKUP       "/state/backups/b-1/"
#define TEMPORARY(n) ".kube-renewd-t-1-" #n

static const struct {
        const char *path, *temporary, *copy, *old, *new;
} members[] = {
        {"/pki/a.crt", "/pki/" TEMPORARY(0), BACKUP "0-a.crt", "old a.crt", "new a.crt"},
        {"/pki/a.key", "/pki/" TEMPORARY(1), BACKUP "1-a.key", "old a.key", "new a.key"},
        {"/pki/b.conf", "/pki/" TEMPORARY(2), BACKUP "2-b.conf", "old b.conf", "new b.conf"},
        {"/conf/c.conf", "/conf/" TEMPORARY(3), BACKUP "3-c.conf", NULL, "new c.conf"},
};

/* What a hostile record would like to see gone, or changed. */
static const char *const others[] = {"/pki/ca.key", "/pki/.kube-renewd-other", "/conf/other",
        "/state/paused", "/manifest.json", "/state/backups/b-0/manifest.json"};

/* The disk syncs nothing, and nobody needs to be waited for. */
int __wrap_fsync(int fd);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *rest);

int __wrap_fsync(int fd)
{
        return 0;
}

int __wrap_nanosleep(const struct timespec *duration, struct timespec *rest)
{
        return 0;
}

static const char *word_of(const TxnMember *member)
{
        return !member->data ? "" : starts_with(member->data, "old ") ? "old" : "new";
}

/* Whole is what says the same word, as the unit tests have it. */
static bool is_whole(void *userdata, const TxnMember *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!list[i].data || !streq(word_of(&list[i]), word_of(&list[0])))
                        return false;
        return true;
}

static void clear(int root_fd)
{
        static const char *const directories[] = {"/state", "/pki", "/conf"};

        for (size_t i = 0; i < ELEMENTSOF(directories); i++)
                if (fs_remove_tree(root_fd, directories[i], NULL) < 0)
                        abort();
}

static void put(const char *path, const char *text)
{
        scratch_write(scratch_get(), path, text, strlen(text));
}

/* 0: nothing there, 1: old, 2: new, 3: somebody else's. */
static void put_state(const char *path, unsigned state, size_t i)
{
        const char *const texts[] = {NULL, members[i].old, members[i].new, "foreign"};

        if (texts[state % 4])
                put(path, texts[state % 4]);
}

/* A byte for each member: two bits of its target, of its temporary name, of its copy. */
static void put_all(const unsigned char *states)
{
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                put(others[i], "other");
        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                put_state(members[i].path, states[i], i);
                put_state(members[i].temporary, states[i] >> 2, i);
                put_state(members[i].copy, states[i] >> 4, i);
        }
}

static char *content_of(const char *path)
{
        autoptr(FileImage) image = NULL;

        if (fs_read_file(scratch_get()->root_fd, path, FS_SIZE_MAX, &image, NULL) < 0)
                return NULL;
        return xstrdup((char *)image->data);
}

/* Does the record, if it is one, name this file, or a backup that it would be the manifest of? */
static bool is_named(const TxnRecord *record, const char *path)
{
        autofree char *manifest = record ? xasprintf("%s/manifest.json", record->backup) : NULL;

        if (manifest && fs_same_place(scratch_get()->root_fd, manifest, path))
                return true;
        for (size_t i = 0; record && i < record->n_files; i++) {
                autofree char *name =
                        xasprintf("%s/%s", record->files[i].directory, record->files[i].name);

                if (fs_same_place(scratch_get()->root_fd, name, path))
                        return true;
        }
        return false;
}

static void check_others(const TxnRecord *record)
{
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                autofree char *content = content_of(others[i]);

                assert(is_named(record, others[i]) || (content && streq(content, "other")));
        }
}

static int recover(bool is_first)
{
        const TxnJudge judge = {.is_whole = is_whole};
        autoptr(Txn) txn = NULL;
        TxnOutcome outcome = {};
        Error error = {};
        int r;

        assert(txn_open(scratch_get()->root_fd, STATE, &txn, &error) == 0);
        r = txn_recover(txn, &judge, &outcome, &error);
        assert(r == 0 || error.text[0]);
        assert(is_first || r < 0 || (!outcome.id && outcome.n_conflicts == 0));
        txn_outcome_done(&outcome);
        return r;
}

/* The first four bytes say what is on disk, the fifth whether the transaction had been committed,
 * the rest is its record. Whatever it is, nothing is touched that it does not name; and where it is
 * one, recovery comes to an end. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        const char *path = STATE "/transaction.prepared";
        autoptr(TxnRecord) record = NULL;
        int r;

        if (size < ELEMENTSOF(members) + 1)
                return 0;
        clear(scratch_get()->root_fd);
        put_all(data);
        data += ELEMENTSOF(members);
        size -= ELEMENTSOF(members);
        if (data[0] % 2)
                path = STATE "/transaction.committed";
        scratch_write(scratch_get(), path, data + 1, size - 1);
        (void)!txn_record_parse(data + 1, size - 1, &record, NULL);
        r = recover(true);
        check_others(record);
        /* Twice is as good as once, and what is no record is no obstacle for ever. */
        if (r == 0 || r == -EBADMSG)
                assert(recover(false) == 0);
        assert(r != 0 || !txn_is_unfinished(scratch_get()->root_fd, STATE));
        return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "base/path.h"
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

/* Whole is what begins with the same word, as the unit tests have it. */
static bool same_word(const char *a, const char *b)
{
        size_t length = strcspn(a, " ");

        return strcspn(b, " ") == length && strncmp(a, b, length) == 0;
}

static bool is_whole(void *userdata, const TxnMember *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!list[i].data || !same_word(list[i].data, list[0].data))
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

typedef enum State { NOTHING, OLD, NEW, FOREIGN, N_STATES } State;

static State state_of(unsigned char states, unsigned place)
{
        return (State)((states >> 2 * place) % N_STATES);
}

static void put_state(const char *path, State state, size_t i)
{
        autofree char *foreign = xasprintf("foreign %s", path);
        const char *const texts[] = {NULL, members[i].old, members[i].new, foreign};

        if (texts[state])
                put(path, texts[state]);
}

/* A byte for each member: two bits of its target, of its temporary name, of its copy. */
static void put_all(const unsigned char *states)
{
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                put(others[i], "other");
        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                put_state(members[i].path, state_of(states[i], 0), i);
                put_state(members[i].temporary, state_of(states[i], 1), i);
                put_state(members[i].copy, state_of(states[i], 2), i);
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
        autofree char *manifest = record ? path_join(record->backup, "manifest.json") : NULL;

        if (manifest && streq(manifest, path))
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

/* Is it the record of these members, as they were and will be? */
static bool is_genuine(const TxnRecord *record)
{
        if (!record || !streq(record->id, "t-1") || record->n_files != ELEMENTSOF(members) ||
                !streq(record->backup, "/state/backups/b-1"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                const TxnFile *file = &record->files[i];
                autofree char *path = xasprintf("%s/%s", file->directory, file->name);
                Digest old = digest_of(members[i].old ? members[i].old : "",
                        members[i].old ? strlen(members[i].old) : 0);
                Digest new = digest_of(members[i].new, strlen(members[i].new));

                if (!streq(path, members[i].path) || file->existed != !!members[i].old ||
                        (file->existed && !digest_equal(&file->old_digest, &old)) ||
                        !digest_equal(&file->new_digest, &new))
                        return false;
        }
        return record->files[0].pair == record->files[1].pair &&
               record->files[1].pair != record->files[2].pair &&
               record->files[2].pair != record->files[3].pair;
}

static bool has(unsigned char states, State state, unsigned n_places)
{
        for (unsigned place = 0; place < n_places; place++)
                if (state_of(states, place) == state)
                        return true;
        return false;
}

/* Somebody else's bytes are in their place, or were saved. */
static void check_kept(const char *path, const char *target)
{
        static const char displaced[] = BACKUP "displaced";
        autofree char *wanted = xasprintf("foreign %s", path), *there = content_of(target);
        autostrv names = NULL;

        if (there && streq(there, wanted))
                return;
        assert(fs_list(scratch_get()->root_fd, displaced, &names, NULL) == 0);
        for (char **name = names; *name; name++) {
                autofree char *saved_path = xasprintf("%s/%s", displaced, *name);
                autofree char *saved = content_of(saved_path);

                if (saved && streq(saved, wanted))
                        return;
        }
        abort();
}

/* What was committed: where the old or the new bytes of both members of the pair were to be had,
 * they are of one kind now. Nothing is left beside the targets, and nothing of others is lost. */
static void check_committed(const unsigned char *states)
{
        autofree char *first = content_of(members[0].path), *second = content_of(members[1].path);

        if ((has(states[0], NEW, 2) && has(states[1], NEW, 2)) ||
                (has(states[0], OLD, 3) && has(states[1], OLD, 3)))
                assert(first && second && same_word(first, second));
        for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                autofree char *temporary = content_of(members[i].temporary);

                assert(!temporary);
                if (state_of(states[i], 0) == FOREIGN)
                        check_kept(members[i].path, members[i].path);
                if (state_of(states[i], 1) == FOREIGN)
                        check_kept(members[i].temporary, members[i].path);
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
 * the rest is its record. Whatever it is, nothing is touched that it does not name; where it is
 * one, recovery comes to an end; and where it is that of these files, the pair is whole. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        const char *path = STATE "/transaction.prepared";
        const unsigned char *states = data;
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
        if (r == 0 && data[0] % 2 && is_genuine(record))
                check_committed(states);
        /* Twice is as good as once, and what is no record is no obstacle for ever. */
        if (r == 0 || r == -EBADMSG)
                assert(recover(false) == 0);
        assert(r != 0 || !txn_is_unfinished(scratch_get()->root_fd, STATE));
        return 0;
}

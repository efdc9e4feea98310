/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/txn-internal.h"

#include <fcntl.h>
#include <time.h>

/* Somebody who changes the files faster than we look at them this often is left alone for now. */
#define ROUNDS_MAX 8
/* Whoever has written one file of a pair has certainly written the other after this. */
static const struct timespec writer_time = {.tv_nsec = 100 * 1000 * 1000};

int txn_mark_committed(const Txn *txn, Error *reterr)
{
        if (renameat(txn->state_fd, TXN_PREPARED, txn->state_fd, TXN_COMMITTED) < 0)
                return error_errno(reterr, -errno, "cannot commit in '%s'", txn->state_directory);
        if (fsync(txn->state_fd) < 0)
                return error_errno(
                        reterr, -errno, "cannot sync directory '%s'", txn->state_directory);
        return 0;
}

/* The last step. What cannot be removed from a directory that nobody can write any more holds up no
 * other: the record that names it waits aside. */
static int remove_record(Txn *txn, const char *name, bool all_removed, Error *reterr)
{
        autofree char *path = txn_state_path(txn, name);

        return all_removed ? fs_remove_file(txn->root_fd, path, reterr)
                           : txn_set_aside_leftover(txn, name, reterr);
}

int txn_undo(Txn *txn, const TxnRecord *record, Error *reterr)
{
        bool all_removed;
        int r;

        /* 1. Should the commit have failed half-way, a crash in here must not finish it. */
        if (renameat(txn->state_fd, TXN_COMMITTED, txn->state_fd, TXN_PREPARED) == 0)
                r = fsync(txn->state_fd) < 0 ? -errno : 0;
        else
                r = errno == ENOENT ? 0 : -errno;
        if (r < 0)
                return error_errno(reterr, r, "cannot undo in '%s'", txn->state_directory);

        /* 2. Live files were never touched; what was put beside them goes. */
        all_removed = txn_remove_temporaries(record);

        /* 3. A backup of nothing would only push out a good one. */
        r = txn_backup_remove(txn->root_fd, record, reterr);

        /* 4. The record last: it is how a crash in here is found. */
        return r < 0 ? r : remove_record(txn, TXN_PREPARED, all_removed, reterr);
}

/* One look and one step for every pair. A pair that fails does not stop the others. */
static int settle_all(const TxnPair *base, const TxnRecord *record, bool *ret_acted, Error *reterr)
{
        int first_error = 0;
        size_t end;

        for (size_t i = 0; i < record->n_files; i = end) {
                TxnPair pair = *base;
                int r;

                end = i + 1;
                while (record->files[i].pair != 0 && end < record->n_files &&
                        record->files[end].pair == record->files[i].pair)
                        end++;
                pair.files = &record->files[i];
                pair.n_files = end - i;
                r = txn_settle_pair(&pair, ret_acted, first_error < 0 ? NULL : reterr);
                if (first_error == 0)
                        first_error = r;
        }
        return first_error;
}

/* After a swap the displaced files are looked at again: a round that finds nothing to do is the
 * proof that everything is in its place and nothing of somebody else's was lost. */
static int settle(const TxnPair *base, const TxnRecord *record, Error *reterr)
{
        bool waited = false;

        for (unsigned round = 0; round < ROUNDS_MAX; round++) {
                bool acted = round == 0;
                int r = settle_all(base, record, &acted, reterr);

                if (r >= 0 && acted)
                        r = txn_sync_directories(record, reterr);
                if (r < 0)
                        return r;
                if (!acted && (waited || base->outcome->n_conflicts == 0))
                        return 0;
                if (!waited && base->outcome->n_conflicts > 0) {
                        nanosleep(&writer_time, NULL);
                        waited = true;
                }
        }
        return error_set(
                reterr, -EAGAIN, "the files of transaction '%s' do not come to rest", record->id);
}

int txn_finish(Txn *txn, const TxnRecord *record, const TxnJudge *judge, TxnOutcome *outcome,
        Error *reterr)
{
        const TxnPair base = {
                .root_fd = txn->root_fd, .record = record, .judge = judge, .outcome = outcome};
        int r;

        /* 1. Every pair to its place, seen onto the disk. */
        r = settle(&base, record, reterr);

        if (r < 0)
                return r;

        /* 2. Only then the displaced files go, and only then the record. */
        return remove_record(txn, TXN_COMMITTED, txn_remove_temporaries(record), reterr);
}

static int recover(
        Txn *txn, const char *name, const TxnJudge *judge, TxnOutcome *outcome, Error *reterr)
{
        autoptr(TxnRecord) record = NULL;
        int r;

        /* 1. Is there a record? */
        r = txn_record_read(txn, name, &record, reterr);
        if (r == -ENOENT)
                return 0;
        if (r == -EBADMSG)
                return txn_set_aside_bad(txn, name, reterr);
        if (r >= 0)
                r = txn_open_directories(txn->root_fd, record, reterr);
        if (r < 0)
                return r;
        free(outcome->id);
        outcome->id = xstrdup(record->id);

        /* 2. Not committed: undo, unless the files themselves say that swaps had begun. */
        if (streq(name, TXN_PREPARED)) {
                r = txn_was_swapped(record, reterr);
                if (r < 0)
                        return r;
                if (r == 0) {
                        outcome->undone = true;
                        return txn_undo(txn, record, reterr);
                }
                r = txn_mark_committed(txn, reterr);
                if (r < 0)
                        return r;
        }

        /* 3. Committed: finish. */
        outcome->finished = true;
        return txn_finish(txn, record, judge, outcome, reterr);
}

int txn_recover(Txn *txn, const TxnJudge *judge, TxnOutcome *ret_outcome, Error *reterr)
{
        static const char *const names[] = {TXN_COMMITTED, TXN_PREPARED};
        TxnOutcome outcome = {};

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                int r = recover(txn, names[i], judge, &outcome, reterr);

                if (r < 0) {
                        txn_outcome_done(&outcome);
                        return r;
                }
        }
        txn_remove_leftovers(txn);
        *ret_outcome = outcome;
        return 0;
}

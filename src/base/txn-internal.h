/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of base/txn share.
 *
 *     txn.c          the calls, in the order of the manual
 *     txn-record.c   the record's format
 *     txn-stage.c    directories and new files beside their targets
 *     txn-backup.c   old content, its manifest, foreign bytes
 *     txn-settle.c   one pair: what is there, what shall be there, how to get there
 *     txn-recover.c  finishes or undoes what a record names
 *     txn-aside.c    records that wait: unreadable ones, and those of files that could not be
 * removed
 *
 * Undoing and finishing work from the record and the disk alone, so that the ordinary end of a
 * commit and the recovery after a crash are the same code. */

#include "base/txn-record.h"
#include "base/txn.h"

#define TXN_PREPARED  "transaction.prepared"
#define TXN_COMMITTED "transaction.committed"

struct Txn {
        int root_fd; /* the caller's */
        char *state_directory;
        int state_fd;
        int lock_fd;
        TxnRecord *record; /* NULL: none was begun */
        char *reason;
        int64_t now;
        bool prepared;
        TxnFault *faults; /* of the last txn_prepare() */
        size_t n_faults;
};

/* The path of a file in the state directory. */
char *txn_state_path(const Txn *txn, const char *name);

/* Notes that this target cannot be written, and why. */
void txn_note_fault(Txn *txn, const TxnFile *file, int error, const Error *reason);

/* Opens the real directory of one file, or finds it open. What is gone keeps -1. */
int txn_open_directory(int root_fd, TxnRecord *record, TxnFile *file, Error *reterr) MUST_USE;

/* Opens each real directory of the record once. What is gone keeps -1. */
int txn_open_directories(int root_fd, TxnRecord *record, Error *reterr) MUST_USE;
int txn_sync_directories(const TxnRecord *record, Error *reterr) MUST_USE;

/* Writes the temporary file with owner, mode, ACL and label of the target, or with file->mode if
 * there is no target, and leaves it to the caller to sync it: a descriptor. as_seen: -ESTALE if
 * that is another file than the inventory saw. */
int txn_stage_unsynced(
        const TxnFile *file, const void *data, size_t size, bool as_seen, Error *reterr) MUST_USE;

#define TXN_CANNOT_SYNC "cannot stage '%s': cannot sync" /* and why */

/* The same, and syncs it. */
int txn_stage_file(
        const TxnFile *file, const void *data, size_t size, bool as_seen, Error *reterr) MUST_USE;

/* Unlinks every temporary name that is there and syncs the directories. False if one of them may
 * still be there. */
bool txn_remove_temporaries(const TxnRecord *record) MUST_USE;

/* Compares every target with the record (-ESTALE) and copies it to the new backup, with manifest.
 * A target that cannot be read is noted as a fault. */
int txn_backup_write(Txn *txn, Error *reterr) MUST_USE;

/* The old content, if the backup still has exactly that; NULL otherwise. */
FileImage *txn_backup_load(int root_fd, const TxnRecord *record, const TxnFile *file);

/* Keeps bytes that somebody else wrote; saving them twice is fine. */
int txn_backup_displaced(int root_fd, const TxnRecord *record, const TxnFile *file,
        const FileImage *image, char **ret_path, Error *reterr) MUST_USE;

/* Removes what txn_backup_write() may have made, and nothing else. */
int txn_backup_remove(int root_fd, const TxnRecord *record, Error *reterr) MUST_USE;

/* One look at the n files of a pair and one step towards what it shall be. *ret_acted becomes true
 * if another look is needed. */
typedef struct TxnPair {
        int root_fd;
        const TxnRecord *record;
        TxnFile *files;
        size_t n_files;
        const TxnJudge *judge;
        TxnOutcome *outcome;
} TxnPair;
int txn_settle_pair(const TxnPair *pair, bool *ret_acted, Error *reterr) MUST_USE;

/* 1 if some target has its new content while the old one is at the temporary name, which only our
 * own swap can have done; else 0. */
int txn_was_swapped(const TxnRecord *record, Error *reterr) MUST_USE;

/* The commit point: one rename makes all of the new files count, the directory's sync makes that
 * last. */
int txn_mark_committed(const Txn *txn, Error *reterr) MUST_USE;

/* The record in this file of the state directory. -ENOENT if there is none, -EBADMSG if it is none.
 */
int txn_record_read(const Txn *txn, const char *name, TxnRecord **ret, Error *reterr) MUST_USE;

/* Keeps a record that says nothing to us, for people. -EBADMSG, with where it is before the error's
 * text. */
int txn_set_aside_bad(const Txn *txn, const char *name, Error *reterr) MUST_USE;

/* Keeps a record of which nothing is left to do but to remove temporary files, where that cannot be
 * done now; and tries again for all that were kept. */
int txn_set_aside_leftover(const Txn *txn, const char *name, Error *reterr) MUST_USE;
void txn_remove_leftovers(const Txn *txn);

/* Removes all traces of a record that was not committed. Its directories must be open. */
int txn_undo(Txn *txn, const TxnRecord *record, Error *reterr) MUST_USE;

/* From the commit point to the end. Its directories must be open. */
int txn_finish(Txn *txn, const TxnRecord *record, const TxnJudge *judge, TxnOutcome *outcome,
        Error *reterr) MUST_USE;

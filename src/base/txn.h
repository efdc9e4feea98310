/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Replaces a set of files as one, so that a crash leaves either all of the old or all of the new.
 *
 *     r = txn_open(root_fd, state_directory, &txn, reterr);   takes the lock
 *     r = txn_recover(txn, &judge, &outcome, reterr);         always first: an earlier crash
 *     r = txn_begin(txn, id, backup_path, reason, now, reterr);
 *     r = txn_add(txn, &change, reterr);                      once per file, memory only
 *     r = txn_prepare(txn, reterr);                           everything that can fail
 *     n = txn_faults(txn, &faults);                           if it did: which targets are why
 *     r = txn_commit(txn, &judge, &outcome, reterr);          the commit point, then the swaps
 *     txn_free(txn);                                          undoes what was not committed
 *
 * Never unlinks a live name, never leaves one empty, never follows a final link when it stages.
 * Knows nothing of certificates: files that belong together (key and certificate) carry the same
 * pair number, and a judge decides about a pair that somebody else has written. */

#include "base/fs.h"

typedef struct Txn Txn;

/* One file of the transaction. Strings and bytes are copied by txn_add(). */
typedef struct TxnChange {
        const char *path; /* below the root; its directory exists */
        const void *data;
        size_t size;
        /* What the inventory saw; NULL: there was no file and there must be none. */
        const FileImage *old;
        mode_t mode; /* for a new file only; an old file's owner, mode, ACL and label are kept */
        const struct stat *like; /* for a new file only: whose owner it gets; NULL: ours */
        unsigned pair;           /* files with the same number are one credential; 0 stands alone */
} TxnChange;

/* The bytes that are on disk for the members of one pair, for a judge. A missing file has data
 * NULL. */
typedef struct TxnMember {
        const char *path;
        const void *data;
        size_t size;
} TxnMember;

/* Says whether these files, which somebody else wrote at least in part, are whole: parse, belong
 * together, chain. Must not fail: whatever cannot be judged is not whole. */
typedef struct TxnJudge {
        bool (*is_whole)(void *userdata, const TxnMember *members, size_t n_members);
        void *userdata;
} TxnJudge;

/* A file that was not as the record says. */
typedef struct TxnConflict {
        char *path;
        char *text;      /* what happened, half a sentence for people */
        bool adopted;    /* true: the foreign pair stands; false: it was returned to new or old */
        bool replaced;   /* the new content is in place all the same */
        char *displaced; /* where the foreign bytes were saved, or NULL */
} TxnConflict;

/* A target that cannot be written where it is, whatever becomes of the others. */
typedef struct TxnFault {
        char *path;
        int error; /* negative errno */
        char *text;
} TxnFault;

/* What recovery, or a commit, had to do. All zero: nothing was unfinished. */
typedef struct TxnOutcome {
        char *id;      /* of the transaction that was finished or undone, NULL if none */
        bool finished; /* it had been committed: now complete */
        bool undone;   /* it had not: what was staged is removed */
        size_t n_conflicts;
        TxnConflict *conflicts;
} TxnOutcome;

void txn_outcome_done(TxnOutcome *outcome);

/* Records say which file takes the place of which: who may write them, or put another directory in
 * the place of theirs, may do all that we may. -EPERM, with the remedy, if that is anybody but us,
 * root, and the owner of the root directory; what does not exist is fine. */
int txn_check_place(int root_fd, const char *state_directory, Error *reterr) MUST_USE;

/* Creates state_directory (0755) if needed, takes its lock (flock, released by the kernel if we
 * die). -EBUSY if another process has it, with its PID in the error where it can be read, -EPERM as
 * txn_check_place(). */
int txn_open(int root_fd, const char *state_directory, Txn **ret, Error *reterr) MUST_USE;

/* Finishes or undoes an interrupted transaction. Idempotent, also when it is interrupted itself.
 * -EBADMSG if a record cannot be read (it is then kept aside under another name, nothing is
 * touched, and the error says so). */
int txn_recover(Txn *txn, const TxnJudge *judge, TxnOutcome *ret_outcome, Error *reterr) MUST_USE;

/* True if a transaction is unfinished, without taking the lock. For `check`. */
bool txn_is_unfinished(int root_fd, const char *state_directory);

/* Starts an empty transaction. id: [A-Za-z0-9-]{1,64}, unique. backup_path: a directory that does
 * not exist yet, created 0700 with the old files (0600) and manifest.json in it:
 *
 *     {"schema_version": 1, "id": …, "reason": …, "time": now in RFC 3339, "version": our own,
 *      "files": [{"path": …, "existed": true, "file": the copy's name in the directory,
 *                 "uid": 0, "gid": 0, "mode": "0600", "sha256": …}, …]}
 *
 * A file that did not exist has only its path and "existed": false. -EINPROGRESS if an unfinished
 * transaction waits for txn_recover(), -EEXIST if the backup exists, -EINVAL for a bad id or path.
 */
int txn_begin(Txn *txn, const char *id, const char *backup_path, const char *reason, int64_t now,
        Error *reterr) MUST_USE;

/* Notes one change. Touches no file. -EEXIST if the path is in the transaction already. */
int txn_add(Txn *txn, const TxnChange *change, Error *reterr) MUST_USE;

size_t txn_size(const Txn *txn);

/* Everything that can fail: writes the record, stages each file beside its target, checks that
 * every target is still what the inventory saw (-ESTALE if not, naming it), copies the old content
 * to the backup, syncs all. On failure everything staged and the backup are removed again. */
int txn_prepare(Txn *txn, Error *reterr) MUST_USE;

/* The targets that the last txn_prepare() could not reach, read, or stage, each once: all of them
 * are tried. It failed with the first one's error; without them, and what belongs to them, it may
 * be tried again. None if it failed for another reason (the record, the backup). Valid until the
 * next txn_begin(). */
size_t txn_faults(const Txn *txn, const TxnFault **ret_faults);

/* Instead of txn_prepare(), and with nothing to follow: makes the backup alone and replaces
 * nothing. What the changes would have put there does not matter. Errors as txn_prepare(); a crash
 * leaves a backup without manifest. */
int txn_save(Txn *txn, Error *reterr) MUST_USE;

/* The commit point (one rename of the record), the swaps, the clean-up. Fails before the commit
 * point with everything undone, or returns 0: a write of somebody else between prepare and swap, or
 * a file that cannot be swapped, becomes a conflict in *ret_outcome and the rest goes on. A
 * negative return after the commit point
 * (-EIO, …) means that the record is kept and txn_recover() will finish. */
int txn_commit(Txn *txn, const TxnJudge *judge, TxnOutcome *ret_outcome, Error *reterr) MUST_USE;

/* Undoes a transaction that was not committed, releases the lock. NULL is fine. */
void txn_free(Txn *txn);
DEFINE_AUTOPTR(Txn, txn_free)

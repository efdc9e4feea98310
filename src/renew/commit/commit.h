/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Puts an issuance on disk as one transaction.
 *
 *     r = commit_run(&input, &outcome, reterr);
 *
 * What changed since the inventory saw it, or cannot be written where it is, is left out, with its
 * partner, and its result becomes FAILED: one file that somebody edits, or one full directory,
 * never stops the others. Restarts are entered as owed before the commit point. No CA file is ever
 * in a change, but in those of a phase of `rotate-ca`, which says so; and that one is all or
 * nothing. */

#include "renew/commit/judge.h"
#include "renew/issue/issue.h"

/* How the reason begins of a phase of a CA rotation. Only the phase before is a way back from it.
 */
#define COMMIT_ROTATES "rotate-ca"

typedef struct CommitInput {
        int root_fd;
        Txn *txn; /* open and recovered */
        PairJudge *judge;
        const Config *config;
        const char *pass_id;
        int64_t now;
        const char *reason; /* for the backup's manifest: "run", "renew" */
        bool rotates;       /* a phase of a CA rotation: files of CAs are among them, and no file is
                               left out (-ESTALE names the one that somebody has changed) */
} CommitInput;

/* Returns how many files were replaced; 0 if nothing was left to write. Results of pairs that were
 * not written become FAILED. Errors as txn_prepare() and txn_commit(). */
int commit_run(const CommitInput *input, Issuance *issuance, TxnOutcome *ret_outcome,
        Error *reterr) MUST_USE;

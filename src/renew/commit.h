/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Puts an issuance on disk as one transaction, and judges pairs that somebody else has written.
 *
 *     autoptr(PairJudge) judge = pair_judge_new(root_fd, config);
 *     r = txn_recover(txn, pair_judge_txn(judge), &outcome, reterr);
 *     r = commit_run(&input, &outcome, reterr);
 *
 * What changed since the inventory saw it is left out, with its partner, and its result becomes
 * FAILED: one file that somebody edits never stops the others. Restarts are entered as owed before
 * the commit point. No CA file is ever in a change. */

#include "renew/issue.h"

typedef struct PairJudge PairJudge;

/* Reads the CA files of the layout when it is first asked. */
PairJudge *pair_judge_new(int root_fd, const Config *config);
void pair_judge_free(PairJudge *judge);
DEFINE_AUTOPTR(PairJudge, pair_judge_free)

/* Whole: every certificate parses, has its key among the members, and chains to one of our CAs. */
const TxnJudge *pair_judge_txn(const PairJudge *judge);

typedef struct CommitInput {
        int root_fd;
        Txn *txn; /* open and recovered */
        const Config *config;
        const PairJudge *judge;
        Issuance *issuance; /* results of pairs that cannot be written become FAILED */
        const char *pass_id;
        int64_t now;
        const char *reason; /* for the backup's manifest: "run", "renew --all" */
} CommitInput;

/* Returns how many files were replaced; 0 if nothing was left to write. Errors as txn_prepare() and
 * txn_commit(). */
int commit_run(const CommitInput *input, TxnOutcome *ret_outcome, Error *reterr) MUST_USE;

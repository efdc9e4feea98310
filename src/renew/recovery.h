/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lock, and the end of whatever was interrupted, for those who act without a pass: `restore`,
 * `init`, `recover`.
 *
 *     const Recovery recovery = {root_fd, config, judge, pass_id, now};
 *     r = recovery_run(&recovery, &txn, &outcome, reterr);
 *
 * What was found is told here, in the journal and as alarms: no later pass would find it again. */

#include "renew/commit/judge.h"

typedef struct Recovery {
        int root_fd;
        const Config *config;
        PairJudge *judge;
        const char *pass_id;
        int64_t now;
} Recovery;

/* *ret_txn is set as soon as the lock is held, also if the rest fails. ret_outcome may be NULL.
 * Errors as txn_open() and txn_recover(), and of an alarm that cannot be written. */
int recovery_run(
        const Recovery *recovery, Txn **ret_txn, TxnOutcome *ret_outcome, Error *reterr) MUST_USE;

/* The same for a pass, which has the lock and tells by itself what a transaction left: finishes or
 * undoes it, and the rotation of the kubelet's certificate, and puts back every manifest that is
 * out of the kubelet's sight, whatever becomes of the rest. Errors as txn_recover(). */
int recovery_finish(int root_fd, const Config *config, PairJudge *judge, Txn *txn,
        TxnOutcome *ret_outcome, Error *reterr) MUST_USE;

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The lock, and the end of whatever was interrupted, for those who act without a pass: `restore`,
 * `init`, `recover`.
 *
 *     const Recovery recovery = {root_fd, config, judge, pass_id, now};
 *     r = recovery_run(&recovery, &txn, &outcome, reterr);
 *
 * What was found is told here, in the journal and as alarms: no later pass would find it again. */

#include "renew/judge.h"

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

/* Puts back every manifest that a crash has left out of the kubelet's sight, and tells the journal.
 * With the lock held. */
int recovery_of_manifests(int root_fd, const Config *config, Error *reterr) MUST_USE;

/* Finishes or undoes the rotation of the kubelet's certificate, and tells the journal; what cannot
 * be done now is left for the next time. With the lock held. */
void recovery_of_rotation(int root_fd, const Config *config);

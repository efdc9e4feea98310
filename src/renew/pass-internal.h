/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pieces of a pass that `run` and `restore` have in common; for renew/pass*.c only.
 *
 *     r = pass_settle(pass, nightly, reterr);                     new files are in place
 *     status = pass_exit_status(pass, r);
 *     status = pass_finish(pass, status, r, &failure, reterr);    whatever became of it */

#include "renew/pass.h"

/* What was judged last: of what is on disk now. */
Assessment *pass_latest(const Pass *pass);

/* Only the root of this host has processes that can be asked. */
bool pass_is_live(const Pass *pass);

/* Makes pass->running, unless it is there already. */
void pass_make_running(Pass *pass);

/* What is owed, and what was rolled back. */
int pass_read_ledgers(Pass *pass, Error *reterr) MUST_USE;

/* The lock, and the end of whatever was interrupted. Errors and ret_outcome as recovery_run(). */
int pass_lock(Pass *pass, TxnOutcome *ret_outcome, Error *reterr) MUST_USE;

/* The lock, the end of whatever was interrupted, may we act, and what is there: for who acts on
 * request. A dry run only looks. */
int pass_begin(Pass *pass, bool dry_run, Error *reterr) MUST_USE;

/* commit_run() with what the pass has. */
int pass_commit(
        Pass *pass, Issuance *issuance, const char *reason, bool rotates, Error *reterr) MUST_USE;

/* Commits pass->issuance: Deploy= is owed, copies and renewals are noted, pass->committed says
 * whether anything was written. `rotates` as in renew/commit/commit.h. */
int pass_replace_files(Pass *pass, const char *reason, bool rotates, Error *reterr) MUST_USE;

/* The kubelet's own certificate, of its CA as it is now: a transaction after that of all others,
 * because a link leads to it. Nothing where there is no kubelet. -ECANCELED if none could be made,
 * others as plan_make() and commit_run(). */
int pass_renew_kubelet(Pass *pass, const char *reason, Error *reterr) MUST_USE;

/* Reads and judges what is on disk now, into pass->after. */
int pass_look_again(Pass *pass, Error *reterr) MUST_USE;

/* Writes what the next pass must know of what this one has written. Returns r, or the first
 * failure.
 */
int pass_remember(const Pass *pass, int r, Error *reterr);

/* From new files to processes that use them. */
int pass_settle(Pass *pass, bool nightly, Error *reterr) MUST_USE;

/* Somebody else is at work: it is not ours to report. */
bool pass_lock_is_held(const Pass *pass, int r);

/* Our state is where others may write: it is told in the default place, or by stderr alone where
 * that is no better. */
void pass_tell_elsewhere(Pass *pass);

/* Everything due is new and proven: 0. Something failed: 1. Something is still owed, or asked for:
 * 75. */
int pass_exit_status(const Pass *pass, int r);

/* The report of what was done since the lock was taken. r: what the stages came to. Returns the
 * exit status. */
int pass_finish(Pass *pass, int status, int r, const Error *failure, Error *reterr);

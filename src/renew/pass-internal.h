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

/* The other process reports, and clears. But a `run` that is postponed is told, and is an alarm if
 * little time is left. Reads without the lock. */
void pass_tell_lock_is_held(Pass *pass, const char *failure);

/* Right before the first write: -EAGAIN if the clock has been set since the pass began. Then
 * nothing is left of what was judged by it. */
int pass_guard_clock_set(Pass *pass, Error *reterr) MUST_USE;

/* True if somebody is at work on this control plane and all that the plan has can wait:
 * pass->guards says who. Without a plan everything can. */
bool pass_guard_upgrade(Pass *pass);

/* Instead of the stages from issue on: reads what is owed, for the report. -EAGAIN, and why, if
 * there is anything that waits. */
int pass_stand_by(Pass *pass, Error *reterr) MUST_USE;

/* Makes pass->running, unless it is there already. */
void pass_make_running(Pass *pass);

/* What is owed, and what was rolled back. */
int pass_read_ledgers(Pass *pass, Error *reterr) MUST_USE;

/* The lock, and the end of whatever was interrupted. Errors and ret_outcome as recovery_run(). */
int pass_lock(Pass *pass, TxnOutcome *ret_outcome, Error *reterr) MUST_USE;

/* The lock, the end of whatever was interrupted, may we act, and what is there: for who acts on
 * request. A dry run only looks. */
int pass_begin(Pass *pass, bool dry_run, Error *reterr) MUST_USE;

/* Asks those who sign elsewhere, into pass->acquisition, and waits for them: pass->now goes on. */
int pass_acquire(Pass *pass, const PlanRequest *request, Error *reterr) MUST_USE;

/* Requests that have come to their end leave nothing behind. */
int pass_tidy_requests(Pass *pass, Error *reterr) MUST_USE;

/* Before the commit: of what was asked for by a file it is noted what answers it. What cannot be
 * noted would be renewed every night, and fails. */
void pass_note_requested(Pass *pass);

/* Each file that asks for what is in its place now becomes a receipt, and each one that asks for
 * what nobody here will ever renew; pass->is_asked_again where somebody has asked since we looked.
 */
void pass_answer_requested(Pass *pass);

/* What somebody else has put in place of a pair that was good is owed what we owe for ours: Deploy=
 * and PostRenew=, and a restart, or proof, of who uses it. Once, as the pair is remembered then. */
int pass_owe_changed(const Pass *pass, Error *reterr) MUST_USE;

/* Keeps the pairs that somebody else writes in place, while they are good. Returns r, or the first
 * failure. */
int pass_remember_good(const Pass *pass, int r, Error *reterr);

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

/* Is there anything that a component is to renew by being started? */
bool pass_has_renewals(const Pass *pass);

/* Owes these components a restart, and remembers that for a day. */
int pass_owe_renewals(Pass *pass, Error *reterr) MUST_USE;

/* Those that were restarted get the time to renew what they are to; looks again. */
int pass_await_renewals(Pass *pass, Error *reterr) MUST_USE;

/* What became of it, into pass->issuance and pass->plan: after the ledgers were read. */
void pass_judge_renewals(Pass *pass);

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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What somebody else makes, as the pass sees it: certificates that are signed elsewhere, and pairs
 * that others put in place. For renew/pass*.c only.
 *
 *     r = pass_owe_changed(pass, reterr);                 before anything is planned
 *     r = pass_acquire(pass, &request, reterr);           instead of a signature of ours
 *     r = pass_tidy_requests(pass, reterr);               once their files are in place
 *     r = pass_remember_good(pass, r, reterr);            at the end, whatever became of it */

#include "renew/pass.h"

/* Asks those who sign elsewhere, into pass->acquisition, and waits for them: pass->now goes on. */
int pass_acquire(Pass *pass, const PlanRequest *request, Error *reterr) MUST_USE;

/* Requests that have come to their end leave nothing behind. */
int pass_tidy_requests(Pass *pass, Error *reterr) MUST_USE;

/* What somebody else has put in place of a pair that was good is owed what we owe for ours: Deploy=
 * and PostRenew=, and a restart, or proof, of who uses it. Once, as the pair is remembered then. */
int pass_owe_changed(const Pass *pass, Error *reterr) MUST_USE;

/* Keeps the pairs that somebody else writes in place, while they are good. Returns r, or the first
 * failure. */
int pass_remember_good(const Pass *pass, int r, Error *reterr);

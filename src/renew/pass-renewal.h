/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates that their component renews when it is started (RenewedBy=). For renew/pass*.c only.
 *
 *     if (pass_has_renewals(pass)) ...
 *     r = pass_owe_renewals(pass, reterr);                before anything is restarted
 *     r = pass_await_renewals(pass, reterr);              after the restarts
 *     pass_judge_renewals(pass);                          when the ledgers have been read again */

#include "renew/pass.h"

/* Is there anything that a component is to renew by being started? */
bool pass_has_renewals(const Pass *pass);

/* Owes these components a restart, and remembers that for a day. */
int pass_owe_renewals(Pass *pass, Error *reterr) MUST_USE;

/* Those that were restarted get the time to renew what they are to; looks again. */
int pass_await_renewals(Pass *pass, Error *reterr) MUST_USE;

/* What became of it, into pass->issuance and pass->plan: after the ledgers were read. */
void pass_judge_renewals(Pass *pass);

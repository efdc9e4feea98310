/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of a judgement share; for renew/assess*.c only.
 *
 *     assess.c            the certificate and its files
 *     assess-issuer.c     what others have made of it */

#include "renew/assess.h"

/* Faults are noted gravest first: the first one is the state, and no reason is lost. */
void verdict_note(Verdict *verdict, State state, const char *format, ...) PRINTF_LIKE(3, 4);

/* A pair that is another one than that in place: taken over, or why not. */
void assess_source(const Item *item, int64_t now, Verdict *verdict);

/* A request that is under way. */
void assess_pending(const Item *item, Verdict *verdict);

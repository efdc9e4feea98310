/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the parts of a judgement share; for renew/assess/assess*.c only.
 *
 *     assess.c            the certificate and its files
 *     assess-issuer.c     what others have made of it
 *     assess-fetch.c      what they have published */

#include "renew/assess/assess.h"

/* Faults are noted gravest first: the first one is the state, and no reason is lost. */
void verdict_note(Verdict *verdict, State state, const char *format, ...) PRINTF_LIKE(3, 4);

/* May a pass renew it at all? */
bool assess_is_renewable(const Item *item, const Verdict *verdict);

/* A pair that is another one than that in place: taken over, or why not. */
void assess_source(const Item *item, int64_t now, Verdict *verdict);

/* A request that is under way. */
void assess_pending(const Item *item, Verdict *verdict);

/* Asked for, or there already and not in its place. What was refused waits until it is due. */
bool assess_is_awaited(const Item *item);

/* DUE_REQUESTED if somebody has asked for what is not due otherwise, else `reason`. */
DueReason assess_request(const Item *item, Verdict *verdict, DueReason reason);

/* Each Secret as a whole. */
void assess_fetches(Assessment *assessment);
void assess_fetches_free(Assessment *assessment);

/* How long before its end a certificate is renewed here, if nobody brings the next one. Seconds. */
int64_t assess_own_span(const Assessment *assessment, const Item *item);

/* Then what it has for one certificate. is_broken: anything sound is better than what is in place.
 */
void assess_fetched(
        const Assessment *assessment, const Item *item, bool is_broken, Verdict *verdict);

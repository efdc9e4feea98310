/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A pair that somebody else has made, to take the place of the one that is there: that of
 * SourceCertificate= and SourceKey=, or the last good one of files that are written in place.
 *
 *     problem = source_problem(item->source, now);       NULL: it can be taken over as it is
 *
 * Pure: filled in by the inventory. */

#include "base/secret.h"
#include "pki/key.h"
#include "renew/config/config.h"

typedef struct PairSource {
        const SecretEntry *fetch; /* it is in the Secret of that [fetch], judged with all that is
                                     there: renew/assess/assess.h; NULL */
        bool is_last_good; /* what renew/state/last-good.h remembers: taken when it is asked for */
        char *place;       /* where it is, for people: path of the certificate, or of the record */
        Secret *certificate, *key; /* bytes of both files; NULL where one cannot be read */
        const CertList *chain;     /* leaf first; NULL: see problem */
        char *problem;             /* dates aside: why it cannot be taken over; NULL */
        bool is_in_place;          /* both files hold the same bytes */
} PairSource;

void source_free(PairSource *source);
DEFINE_AUTOPTR(PairSource, source_free)

/* Is it for somebody whom that certificate is for, too, by a SAN or the common name? */
bool source_shares_name(const PairSource *source, const Cert *cert);

/* Why it cannot take the place of what is there at `now`, one sentence; NULL if it can. The caller
 * frees. */
char *source_problem(const PairSource *source, int64_t now);

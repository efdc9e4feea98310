/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Key and request of a certificate that somebody else is to sign: those that are on disk already,
 * as long as they say what is wanted now, or new ones.
 *
 *     const RequestInput input = {root_fd, config, step, "csr", now};
 *     r = request_take(&input, &request, reterr);      on disk when it returns; nobody was asked
 * yet
 *     ...
 *     r = request_check(request.pending, item, answer, now, reterr);      what came back
 *     request_done(&request);
 *
 * The step need not be one of a plan: it says which certificate is made anew, or created. */

#include "renew/inventory/pending.h"
#include "renew/plan/plan.h"

typedef struct RequestInput {
        int root_fd;
        const Config *config;
        const Step *step;
        const char *issuer; /* Pending.issuer */
        int64_t now;
        bool new_key;   /* whatever is on disk */
        const Key *key; /* somebody's own, for which there is no request on disk; NULL */
} RequestInput;

typedef struct Request {
        Pending *pending;
        Pending *dropped; /* that it has taken the place of; NULL */
} Request;

void request_done(Request *request);

/* -EOPNOTSUPP where nothing can be asked for that says the same; others as writing files. */
int request_take(const RequestInput *input, Request *ret, Error *reterr) MUST_USE;

/* The same for input->key, in memory only. */
int request_make(const RequestInput *input, Pending **ret, Error *reterr) MUST_USE;

/* Is that what was asked for, and does it lead to CA=? Errors as csr_check_answer(), and -ENOKEY
 * where nobody can tell. */
int request_check(const Pending *pending, const Item *item, const CertList *answer, int64_t now,
        Error *reterr) MUST_USE;

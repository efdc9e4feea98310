/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Certificates that somebody else signs: asked for, waited for, judged. Between plan and issue.
 *
 *     acquisition = acquire_run(&input, plan);           writes STATE/pending, asks, waits
 *     issuance = issue_run(root_fd, plan, acquisition, config, now);
 *     ...commit...
 *     r = acquire_clean_up(&input, inventory_after, reterr);
 *
 * All that are asked for are asked side by side, one round every ten seconds, each as long as its
 * RequestTimeout= allows; what has not come then is PENDING, and the next pass goes on with the
 * same key and request. Nobody is asked in a dry run. */

#include "renew/issue/issuer.h"
#include "renew/plan/plan.h"

typedef struct AcquireInput {
        int root_fd;
        const Config *config;
        const Inventory *inventory;
        Running *running;
        int64_t now;
        bool clock_is_read; /* `now` is the clock's: it goes on while we wait */
        bool is_named; /* somebody has asked for it by name: now, whatever was refused before */
} AcquireInput;

typedef struct AcquireResult {
        const Step *step;
        Outcome outcome;  /* RENEWED: it is there; PENDING, FAILED: why not, in text */
        CertList *certs;  /* leaf first; NULL unless RENEWED */
        Pending *pending; /* key and request; NULL where none could be made */
        char *text;
} AcquireResult;

typedef struct Acquisition {
        AcquireResult *results; /* of the steps whose issuer takes requests */
        size_t n;
} Acquisition;

void acquisition_free(Acquisition *acquisition);
DEFINE_AUTOPTR(Acquisition, acquisition_free)

/* NULL if nobody was asked for that step. */
const AcquireResult *acquisition_find(const Acquisition *acquisition, const Step *step);

/* Cannot fail as a whole: each step has its own result. */
Acquisition *acquire_run(const AcquireInput *input, const Plan *plan);

/* A result of a certificate that was brought by somebody: for `install`. Takes both over. */
void acquisition_add(Acquisition *acquisition, const Step *step, CertList *certs, Pending *pending);

/* What is in its place needs no request any more, and leaves nothing behind at its issuer; nor does
 * what nobody wants any longer. By input->inventory, of what is on disk now: what was issued and
 * could not be put there stays. */
int acquire_clean_up(const AcquireInput *input, Error *reterr) MUST_USE;

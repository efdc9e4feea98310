/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The certificate that a step will issue, decided before there is a key: what `plan` promises and
 * issue_run() signs.
 *
 *     template = template_make(step, config, now);
 *     if (template->outcome != OUTCOME_RENEWED) ... template->problem
 *     r = ca_renew(template->ca->ca, item->cert, key, &template->terms, &cert, reterr);
 *
 * Only the serial number and the key are open; where somebody else signs, what he decides too.
 * Pure: no file, no clock, no log. Not for steps that issue nothing (step_issues()). */

#include "renew/inventory/identity.h"
#include "renew/plan/plan.h"

typedef struct Template {
        Outcome outcome;       /* RENEWED: it can be issued; FAILED, CA_LIMITED: it cannot, and the
                                  rest below may be empty */
        char *problem;         /* why not, one sentence; or NULL */
        const InventoryCa *ca; /* that signs; NULL: who does is no CA of this host */
        char *issuer;          /* RFC 4514 text, or who is asked, in words */
        bool is_requested;     /* somebody else signs: not_after is 0, not_before too */
        LeafTerms terms;
        bool keeps_key;            /* ReuseKey= */
        KeyKind key_kind;          /* of the new key, NONE if the old one stays */
        const char *key_algorithm; /* what that kind is called, the old one's too */
        Identity *identity;        /* STEP_CREATE: who it is for; NULL: who the old one was for */
        char *subject;             /* RFC 4514 text */
        char **sans, **usages;     /* as Cert has them */
        char **added_sans;         /* those of `sans` that the old one has not */
} Template;

/* The CA that signs for this one, NULL if the layout names none: the one that signed the old
 * certificate, so that a split server CA stays one; else the layout's. */
const InventoryCa *template_signing_ca(const Item *item);

Template *template_make(const Step *step, const Config *config, int64_t now);

/* The same for a request to somebody else, whatever Issuer= says. */
Template *template_of_request(const Step *step, const Config *config, int64_t now);
void template_free(Template *template);
DEFINE_AUTOPTR(Template, template_free)

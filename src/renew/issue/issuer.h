/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whoever signs elsewhere, asked by a pass: what renew/issue/acquire.c and each issuer have to say
 * to each other.
 *
 *     answer = issuer_csr_ask(&input, pending);      hands the request over, or asks what became of
 * it if (answer.verdict == ISSUER_ISSUED) ... answer.certificate_pem issuer_answer_done(&answer);
 *
 * One call is one question, and waits no longer than a neighbour takes to answer it: who waits for
 * the signature is the caller. Whoever asks changes pending->handle only; the caller writes the
 * pending request before the first call and after each, so that a handle which must be on disk
 * before it is used is set and answered with ISSUER_NEW_REQUEST. What comes back is not believed
 * here: the caller compares it with the request. */

#include "renew/inventory/pending.h"
#include "renew/unit/running.h"

typedef enum IssuerVerdict {
        ISSUER_ISSUED,
        ISSUER_WAIT,         /* it has the request */
        ISSUER_REJECTED,     /* a new key and request, after a while */
        ISSUER_UNREACHABLE,  /* the same again, later */
        ISSUER_UNCONFIGURED, /* somebody must change something here */
        ISSUER_NEW_REQUEST,  /* the handle is another one now: it is written, and asked again at
                                once, for the same key */
        ISSUER_NEW_KEY,      /* a new key and request, at once */
} IssuerVerdict;

typedef struct IssuerAnswer {
        IssuerVerdict verdict;
        char *certificate_pem; /* leaf first; ISSUER_ISSUED only */
        unsigned wait;         /* seconds until it should be asked again; 0: 10 */
        char *text;            /* one sentence; NULL */
} IssuerAnswer;

static inline void issuer_answer_done(IssuerAnswer *answer)
{
        free(answer->certificate_pem);
        free(answer->text);
        *answer = (IssuerAnswer){};
}

typedef struct IssuerInput {
        int root_fd;
        const Config *config;
        const CredentialEntry *entry;
        const Inventory *inventory;
        const Item *item; /* whose certificate it will be; item->cert is the old one, or NULL */
        Running *running; /* nobody is asked where it is not live */
        int64_t now;
} IssuerInput;

/* A CertificateSigningRequest; the same question after a kill makes no second one. */
IssuerAnswer issuer_csr_ask(const IssuerInput *input, Pending *pending);

/* The request is not wanted any more: deletes its object. Best effort. */
void issuer_csr_withdraw(const IssuerInput *input, const Pending *pending);

/* Deletes own objects of the certificate (Pending.name) but the one that is pending (NULL: none
 * is). Best effort. */
void issuer_csr_clean_up(const IssuerInput *input, const char *name, const Pending *pending);

/* IssuerCommand=, by certmonger's protocol. */
IssuerAnswer issuer_command_ask(const IssuerInput *input, Pending *pending);

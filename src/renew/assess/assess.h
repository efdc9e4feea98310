/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Judges the inventory at one moment: the state of every certificate, and whether it is due. Pure:
 * no file, no clock, no log.
 *
 *     assessment = assess(inventory, config, history, now);
 *     assessment->verdicts[i] belongs to inventory->items[i]
 *
 * A verdict may point into the history, which must outlive it.
 *
 * Due is strictly less than RenewBefore= left, bounded to a third of the lifetime; or past
 * RenewAt=; or expired; or a configured SAN is absent; or mismatched for the second time; or
 * missing and RecreateMissing=. CAs, watched and external certificates are never due, nor is an
 * identity that somebody else than root may have put there. What a component renews when it is
 * started (Issuer=restart) is due by its dates only, or missing. */

#include "renew/assess/copy.h"

/* STATES OF A CERTIFICATE of kube-renewd(8). Order of precedence where several hold: MISSING,
 * INVALID, MISMATCH, EXPIRED, NOT YET VALID, UNTRUSTED, EXPIRING, DRIFTED, OK. */
typedef enum State {
        STATE_OK,
        STATE_EXPIRING, /* inside its threshold; a CA: inside CAExpiringBefore= */
        STATE_EXPIRED,
        STATE_NOT_YET_VALID,
        STATE_MISSING,   /* expected here, and its certificate is not */
        STATE_INVALID,   /* certificate or key cannot be read, or a CA file holds no CA */
        STATE_MISMATCH,  /* the key does not belong, or is missing */
        STATE_UNTRUSTED, /* its issuer is by name a CA of ours, but it does not lead to the layout's
                            CA: that file was swapped, or the leaf is another CA's */
        STATE_DRIFTED,   /* a configured SAN is absent; CA data lacks a root */
        STATE_NOT_LOADED, /* set by renew/restart/verify.h: disk is new, the process is not */
        N_STATES,
} State;

/* "OK", "NOT YET VALID", … */
const char *state_name(State state);

/* 0 fine, 1 warning, 2 critical, as a monitoring plugin counts (EXPIRING, DRIFTED: warning; others:
 * critical). */
int state_severity(State state);

typedef enum DueReason {
        DUE_NOT,
        DUE_EXPIRING,
        DUE_EXPIRED,
        DUE_MISSING_SAN,
        DUE_MISMATCH,
        DUE_MISSING,
        DUE_SOURCE,    /* somebody has put another pair where SourceCertificate= says */
        DUE_PENDING,   /* a request is under way */
        DUE_REQUESTED, /* by a file (renew/state/renew-request.h); or named on the command line, or
                          --all: set by plan */
} DueReason;

/* "expires in 9d, inside RenewBefore=15d", … is Verdict.text; this is the word for JSON:
 * "expiring", "" for DUE_NOT. */
const char *due_reason_name(DueReason reason);

/* Does the process that uses it have what is on disk? */
typedef enum Loaded { LOADED_UNKNOWN, LOADED_YES, LOADED_NO } Loaded;

typedef struct Verdict {
        State state;
        State covered; /* what NOT LOADED took the place of: OK, or a warning about the file */
        Loaded loaded; /* set by renew/restart/verify.h, where the pass has looked */
        bool external; /* the issuer is by name none of our CAs (then nobody is asked whether it is
                          trusted), or its CA's key is elsewhere */
        const char *why_external; /* half a sentence; NULL */
        bool takes_source; /* Item.source is another pair than the one in place, and a good one */
        char *source_problem; /* it is another one and cannot be taken over, one sentence; NULL */
        bool waits_for_fetch; /* a [fetch] brings the next one, and there is time: until
                                 PostponeLimit= nobody renews it here */
        bool unproven; /* anybody could have put this identity there: nobody signs it again unless
                          it is named */
        bool due;      /* a pass would renew or re-create it */
        DueReason reason;
        const Hold *hold;   /* it was rolled back and is left alone: due, and nothing is done unless
                               it is named or its end is near; NULL otherwise */
        int64_t loop_until; /* it was renewed over and over: no pass renews it before this moment
                               unless it is named; 0 otherwise */
        int64_t restarted_at; /* when a restart was asked for that was to renew it, at most a day
                                 ago: no pass asks for another one, unless it is named; 0: none */
        bool is_dispensable; /* the certificate of another CA about a root that is trusted here: its
                                dates are nobody's concern */
        bool repair_ca_data; /* the kubeconfig's CA data lacks a root of the CA file: append it */
        char **missing_sans; /* configured and absent */
        char *text;          /* one sentence: what is wrong, or why it is due; NULL if nothing is */
        int64_t residual;    /* seconds left, negative when past; 0 if there is no certificate */
        int64_t due_at;      /* when it will be due; 0 if never */
} Verdict;

/* What a pass makes of a Secret that it has asked for. */
typedef struct FetchVerdict {
        const SecretEntry *entry;
        bool is_silent; /* it is not known what it holds */
        char *problem;  /* why nothing of it is taken, one sentence; NULL */
} FetchVerdict;

typedef struct Assessment {
        const Inventory *inventory;
        const Config *config;
        int64_t now;
        Verdict *verdicts; /* parallel to inventory->items */
        size_t n;
        size_t n_due;
        CopyVerdict *copies; /* parallel to inventory->copies */
        size_t n_copies;
        FetchVerdict *fetches; /* parallel to inventory->fetched */
        size_t n_fetches;
} Assessment;

void assessment_free(Assessment *assessment);
DEFINE_AUTOPTR(Assessment, assessment_free)

Assessment *assess(
        const Inventory *inventory, const Config *config, const History *history, int64_t now);

/* What the next pass must remember. */
History *assess_history(const Assessment *assessment);

/* RenewBefore= as it applies to this certificate: bounded to a third of its lifetime; by RenewAt=
 * where that is set. Seconds before notAfter. */
int64_t due_span(const Policy *policy, const Cert *cert);

/* The same for any certificate that lives so many seconds. */
int64_t due_span_of(const Policy *policy, int64_t lifetime);

/* When the next certificate will be due, or was; 0 if none ever will. */
int64_t assess_next_due(const Assessment *assessment);

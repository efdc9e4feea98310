/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a verdict, and what follows from one. */
#include "renew/assess/assess-internal.h"

#include "base/time-util.h"

static const struct {
        const char *name;
        int severity;
} states[N_STATES] = {
        [STATE_OK] = {"OK", 0},
        [STATE_EXPIRING] = {"EXPIRING", 1},
        [STATE_EXPIRED] = {"EXPIRED", 2},
        [STATE_NOT_YET_VALID] = {"NOT YET VALID", 2},
        [STATE_MISSING] = {"MISSING", 2},
        [STATE_INVALID] = {"INVALID", 2},
        [STATE_MISMATCH] = {"MISMATCH", 2},
        [STATE_UNTRUSTED] = {"UNTRUSTED", 2},
        [STATE_DRIFTED] = {"DRIFTED", 1},
        [STATE_NOT_LOADED] = {"NOT LOADED", 2},
};

static const char *const due_reason_names[] = {
        [DUE_NOT] = "",
        [DUE_EXPIRING] = "expiring",
        [DUE_EXPIRED] = "expired",
        [DUE_MISSING_SAN] = "missing-san",
        [DUE_MISMATCH] = "mismatch",
        [DUE_MISSING] = "missing",
        [DUE_SOURCE] = "source",
        [DUE_PENDING] = "pending",
        [DUE_REQUESTED] = "requested",
};

const char *state_name(State state)
{
        return states[state].name;
}

int state_severity(State state)
{
        return states[state].severity;
}

const char *due_reason_name(DueReason reason)
{
        return due_reason_names[reason];
}

void verdict_note(Verdict *verdict, State state, const char *format, ...)
{
        autofree char *before = verdict->text;
        va_list args;

        va_start(args, format);
        autofree char *sentence = xvasprintf(format, args);
        va_end(args);
        verdict->text = before ? xasprintf("%s; %s", before, sentence) : xstrdup(sentence);
        if (verdict->state == STATE_OK)
                verdict->state = state;
}

int64_t due_span_of(const Policy *policy, int64_t lifetime)
{
        int64_t left_when_new = lifetime - BACKDATE;
        int64_t span = policy->renew_before, most = left_when_new / 2;

        if (policy->renew_at > 0) {
                span = lifetime * (100 - policy->renew_at) / 100;
                most = span < left_when_new ? span : most;
        } else if (span > lifetime / 3) {
                span = lifetime / 3;
        }

        /* Of a life of minutes the back-dating is the greater part: a certificate just issued must
         * not be due. */
        return left_when_new > 0 && span > most ? most : span;
}

int64_t due_span(const Policy *policy, const Cert *cert)
{
        return due_span_of(policy, cert->not_after - cert->not_before);
}

bool assess_is_renewable(const Item *item, const Verdict *verdict)
{
        return item_is_leaf(item) && !item->entry->watch && !verdict->external && !item->renewed_as;
}

int64_t assess_next_due(const Assessment *assessment)
{
        int64_t next = 0;

        for (size_t i = 0; assessment && i < assessment->n; i++) {
                int64_t due_at = assessment->verdicts[i].due_at;

                if (due_at != 0 && (next == 0 || due_at < next))
                        next = due_at;
        }
        return next;
}

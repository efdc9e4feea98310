/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/time-util.h"
#include "renew/assess/assess-internal.h"

void assess_source(const Item *item, int64_t now, Verdict *verdict)
{
        const PairSource *source = item->source;

        if (!source || source->fetch || source->is_in_place)
                return;
        verdict->source_problem = source_problem(source, now);
        verdict->takes_source = !verdict->source_problem;
        if (source->is_last_good && verdict->takes_source && state_severity(verdict->state) == 2)
                verdict_note(verdict, verdict->state,
                        "the last good pair is kept: 'kube-renewd renew %s' puts it back",
                        item->name);
        else if (!source->is_last_good && verdict->takes_source)
                verdict_note(
                        verdict, verdict->state, "there is another pair in '%s'", source->place);
        else if (!source->is_last_good)
                verdict_note(verdict, STATE_DRIFTED, "the pair at its source is not taken over: %s",
                        verdict->source_problem);
}

void assess_pending(const Item *item, Verdict *verdict)
{
        const Pending *pending = item->pending;
        char since[TIME_TEXT_SIZE];

        if (!pending)
                return;
        time_format(pending->asked_at ? pending->asked_at : pending->created_at, since);
        verdict_note(verdict, verdict->state, "%s since %s%s%s",
                pending->asked_at ? "its issuer is asked for it" : "there is a request for it",
                since, pending->text ? ": " : "", pending->text ? pending->text : "");
}

bool assess_is_awaited(const Item *item)
{
        const Pending *pending = item->pending;

        return item->cert && pending && issuer_takes_requests(item->entry) &&
               pending->refusals == 0 && (pending->asked_at || pending->certificate_pem);
}

DueReason assess_request(const Item *item, Verdict *verdict, DueReason reason)
{
        if (reason != DUE_NOT || item->request.state != RENEW_REQUEST_OPEN || !item->cert ||
                !assess_is_renewable(item, verdict) || verdict->unproven)
                return reason;
        verdict_note(verdict, verdict->state, "its renewal was requested");
        return DUE_REQUESTED;
}

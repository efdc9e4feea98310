/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/report-secret.h"

#include "base/time-util.h"
#include "renew/commit/publish.h"

#define PUBLISH_ACTION                                                                             \
        "Remove what the reason names (the API server of Kubeconfig=, its rights, the Secret), "   \
        "then run 'kube-renewd run'; nothing has to be done by hand."

#define FETCH_ACTION                                                                               \
        "Look at what the reason names, and at the host that publishes it ([publish] there); "     \
        "then "                                                                                    \
        "run 'kube-renewd run'."

static void set_words(Finding *finding, const char *text, const char *repair_action)
{
        const AlarmTypeInfo *info = alarm_type_info(ALARM_TYPE_STALE_COPY);

        *finding = (Finding){info->severity, xstrdup(text), repair_action, NULL};
}

static Evidence look_at_publication(
        const ReportInput *input, const SecretEntry *entry, Finding *finding)
{
        autofree char *name = publish_debt_name(entry), *place = secret_place_text(entry);
        const RestartResult *result = restart_result_find(input->restarts, name);
        const Owed *owed = owed_find(input->owed, name);
        char since[TIME_TEXT_SIZE];

        set_words(finding, "A Secret does not hold the files of this host.", PUBLISH_ACTION);
        if (!input->owed)
                return EVIDENCE_NONE;
        if (!owed)
                return EVIDENCE_GONE;
        finding->reason = xasprintf("%s is owed them since %s%s%s", place,
                owed->since ? time_format(owed->since, since) : "a time that is not known",
                result && result->text ? "; " : "", result && result->text ? result->text : "");
        return EVIDENCE_FAULT;
}

static Evidence look_at_fetch(const ReportInput *input, const SecretEntry *entry, Finding *finding)
{
        const Assessment *after = input->after;
        autofree char *place = secret_place_text(entry);

        set_words(finding, "Nothing can be taken from a Secret.", FETCH_ACTION);
        for (size_t i = 0; after && i < after->n_fetches; i++) {
                const FetchVerdict *verdict = &after->fetches[i];

                if (verdict->entry != entry)
                        continue;
                if (!verdict->problem)
                        return EVIDENCE_GONE;
                finding->reason = xasprintf("%s: %s", place, verdict->problem);
                return EVIDENCE_FAULT;
        }
        return entry->n_parts == 0 ? EVIDENCE_GONE : EVIDENCE_NONE;
}

typedef Evidence (*LookAtSecret)(const ReportInput *, const SecretEntry *, Finding *);

/* Takes the name. */
static void raise_for(AlarmBoard *board, LookAtSecret look, const SecretEntry *entry, char *name)
{
        Finding finding;

        if (look(board->input, entry, &finding) == EVIDENCE_FAULT)
                alarm_board_raise(board, ALARM_TYPE_STALE_COPY, name, &finding);
        finding_done(&finding);
        free(name);
}

void report_raise_for_secrets(AlarmBoard *board)
{
        const Layout *layout = &board->input->config->layout;

        for (size_t i = 0; i < layout->n_publications; i++)
                raise_for(board, look_at_publication, &layout->publications[i],
                        publish_debt_name(&layout->publications[i]));
        for (size_t i = 0; i < layout->n_fetches; i++)
                raise_for(board, look_at_fetch, &layout->fetches[i],
                        fetch_alarm_name(&layout->fetches[i]));
}

bool report_secret_is_gone(const ReportInput *input, const char *resource, bool *ret_known)
{
        const SecretEntry *publication = publish_find_debt(&input->config->layout, resource);
        const SecretEntry *fetch = fetch_find_alarm(&input->config->layout, resource);
        Evidence evidence = EVIDENCE_NONE;
        Finding finding = {};

        *ret_known = publication || fetch;
        if (publication)
                evidence = look_at_publication(input, publication, &finding);
        else if (fetch)
                evidence = look_at_fetch(input, fetch, &finding);
        finding_done(&finding);
        return evidence == EVIDENCE_GONE;
}

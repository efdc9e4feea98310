/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/evidence.h"

#include "renew/inventory/rotation.h"

#define REPAIR_BY_ITSELF                                                                           \
        "Look into the journal of the component that renews it when it is started, and renew it "  \
        "by the tools of that product."

/* A certificate of the CA file that somebody has put behind a leaf: the alarm is that file's. */
static bool is_told_elsewhere(const Item *item)
{
        const CertList *bundle = item->expected_ca ? item->expected_ca->bundle : NULL;

        return item->kind == ITEM_CHAIN && bundle && cert_list_contains(bundle, item->cert);
}

static bool is_watched(const Item *item)
{
        return item->entry && item->entry->watch;
}

/* The text of this outcome where the pass had it for this certificate, else NULL. */
static const char *outcome_text(const Look *look, Outcome outcome)
{
        const Issuance *issuance = look->input->issuance;
        const Plan *plan = look->input->plan;

        for (size_t i = 0; issuance && i < issuance->n; i++)
                if (issuance->results[i].outcome == outcome &&
                        streq(issuance->results[i].step->item->name, look->item->name))
                        return issuance->results[i].text ? issuance->results[i].text : "";
        for (size_t i = 0; plan && i < plan->n_skips; i++)
                if (plan->skips[i].outcome == outcome &&
                        streq(plan->skips[i].item->name, look->item->name))
                        return plan->skips[i].text ? plan->skips[i].text : "";
        return NULL;
}

/* Nothing is to be done about it any more, and that can be seen. */
static Evidence settled(const Look *look)
{
        return look->item->cert && !look->verdict->due && !look->verdict->repair_ca_data
                       ? EVIDENCE_GONE
                       : EVIDENCE_NONE;
}

static Evidence fault(Finding *finding, char *reason)
{
        finding->reason = reason;
        return EVIDENCE_FAULT;
}

void finding_done(Finding *finding)
{
        free(finding->text);
        free(finding->reason);
        *finding = (Finding){};
}

/* Takes the text. */
static void set_text(Finding *finding, char *text)
{
        free(finding->text);
        finding->text = text;
}

static char *end_reason(const Look *look, const char *verb, const char *why)
{
        char end[TIME_TEXT_SIZE];

        return xasprintf("%s %s%s%s", verb, time_format(look->item->cert->not_after, end),
                why ? "; " : "", why ? why : "");
}

/* It ends soon; why nobody has renewed it is told where it is known. */
static Evidence expires(const Look *look, Finding *finding, const char *why)
{
        set_text(finding, alarm_text_expiring(look->item->name, look->item->cert->not_after));
        return fault(finding, end_reason(look, "expires", why));
}

/* Its component was started anew for it, and it is due all the same. While that restart is owed,
 * nothing has failed yet. */
static bool was_restarted_in_vain(const Look *look)
{
        const OwedList *owed = look->input->owed;

        return look->verdict->restarted_at && look->verdict->due && owed &&
               !owed_find(owed, look->item->entry->issuer.renewed_by);
}

static char *vain_restart_text(const Look *look)
{
        char at[TIME_TEXT_SIZE];

        return xasprintf("'%s' was restarted %s to renew it, and it is due all the same: %s",
                look->item->entry->issuer.renewed_by, time_format(look->verdict->restarted_at, at),
                look->verdict->text);
}

/* What failed because certificate or key cannot be read is the alarm "invalid". */
static Evidence look_renewal_failed(const Look *look, Finding *finding)
{
        const char *text = outcome_text(look, OUTCOME_FAILED);

        if (look->verdict->state == STATE_INVALID && !look->verdict->due)
                return EVIDENCE_NONE;
        if (was_restarted_in_vain(look)) {
                finding->repair_action = REPAIR_BY_ITSELF;
                return fault(finding, vain_restart_text(look));
        }
        if (text && look->item->cert)
                return fault(finding, xstrdup(text));
        return settled(look);
}

static Evidence look_ca_limited(const Look *look, Finding *finding)
{
        const char *text = outcome_text(look, OUTCOME_CA_LIMITED);

        return text ? fault(finding, xstrdup(text)) : settled(look);
}

static Evidence look_postponed(const Look *look, Finding *finding)
{
        const char *text = outcome_text(look, OUTCOME_POSTPONED);

        if (text && look->item->cert &&
                look->verdict->residual < look->input->config->postpone_limit)
                return fault(finding, xstrdup(text));
        return settled(look);
}

/* Somebody has it in hands; whether he does anything about it is not ours to see. */
static Evidence look_pending(const Look *look, Finding *finding)
{
        const PendingList *list = look->input->pendings;
        const Pending *pending = pending_find(list, look->item->name);
        char since[TIME_TEXT_SIZE];

        if (!list)
                return EVIDENCE_NONE;
        if (!pending || !pending->asked_at ||
                streq(pending->issuer, issuer_kind_name(ISSUER_KIND_EXTERNAL)))
                return EVIDENCE_GONE;
        if (look->item->cert && look->verdict->residual < look->input->config->postpone_limit)
                finding->severity = ALARM_MAJOR;
        return fault(
                finding, xasprintf("asked for since %s%s%s", time_format(pending->asked_at, since),
                                 pending->text ? ": " : "", pending->text ? pending->text : ""));
}

/* The alarm outlives the day, so that a fight with another program is one alarm and not many. */
static Evidence look_renewal_loop(const Look *look, Finding *finding)
{
        if (look->verdict->loop_until && look->verdict->due)
                return fault(finding, plan_loop_text(look->verdict));
        return look->verdict->loop_until ? EVIDENCE_NONE : settled(look);
}

/* Dates are judged by the certificate, not by the state, which another fault may cover. */
static Evidence look_past_end(const Look *look, Finding *finding, bool authority)
{
        if (!look->item->cert)
                return EVIDENCE_NONE;
        if (item_is_authority(look->item) != authority || look->verdict->residual >= 0 ||
                look->verdict->is_dispensable || is_told_elsewhere(look->item))
                return EVIDENCE_GONE;
        set_text(finding, alarm_text_expired(look->item->name));
        return fault(finding, end_reason(look, "expired", NULL));
}

static Evidence look_expired(const Look *look, Finding *finding)
{
        return look_past_end(look, finding, false);
}

static Evidence look_ca_expired(const Look *look, Finding *finding)
{
        return look_past_end(look, finding, true);
}

static Evidence look_ca_expiring(const Look *look, Finding *finding)
{
        const Config *config = look->input->config;
        int64_t residual = look->verdict->residual;

        if (!look->item->cert)
                return EVIDENCE_NONE;
        if (!item_is_authority(look->item) || residual < 0 ||
                residual >= config->ca_expiring_before || look->verdict->is_dispensable ||
                is_told_elsewhere(look->item))
                return EVIDENCE_GONE;
        if (residual < config->ca_critical_before)
                finding->severity = ALARM_CRITICAL;
        return expires(look, finding, NULL);
}

/* Inside the threshold, outside it, or covered by a graver state. What a process has loaded says
 * nothing about the file. */
static Evidence look_threshold(const Look *look)
{
        const Verdict *verdict = look->verdict;

        switch (verdict->state == STATE_NOT_LOADED ? verdict->covered : verdict->state) {
        case STATE_EXPIRING:
                return EVIDENCE_FAULT;
        case STATE_OK:
        case STATE_EXPIRED: /* another alarm takes its place */
        case STATE_DRIFTED:
                return EVIDENCE_GONE;
        default:
                return EVIDENCE_NONE;
        }
}

static Evidence look_externally_managed(const Look *look, Finding *finding)
{
        Evidence evidence = look_threshold(look);

        if (item_is_authority(look->item) || is_watched(look->item) || !look->verdict->external ||
                look->verdict->waits_for_fetch)
                return look->item->cert ? EVIDENCE_GONE : EVIDENCE_NONE;
        return evidence == EVIDENCE_FAULT ? expires(look, finding, NULL) : evidence;
}

/* A kubelet renews its certificate when at least a tenth of its life is left (client-go: after 70
 * to 90 %), and others who renew something do it no later. */
static bool is_past_its_renewal(const Look *look)
{
        const Cert *cert = look->item->cert;

        return look->verdict->residual < (cert->not_after - cert->not_before) / 10;
}

/* Why automatic renewal is overdue (two nightly passes have passed it over), NULL while it is not.
 */
static const char *why_overdue(const Look *look)
{
        const Cert *cert = look->item->cert;
        int64_t due_at = look->verdict->due_at, now = look->input->now, margin;
        const char *text;

        if (is_watched(look->item))
                return is_past_its_renewal(look) ? "who renews it has not done so" : NULL;
        if (look->item->renewed_as)
                return NULL;
        text = outcome_text(look, OUTCOME_FAILED);
        if (!text)
                text = outcome_text(look, OUTCOME_CA_LIMITED);
        if (text)
                return text;
        if (due_at == 0)
                return "no pass would renew it";
        margin = (cert->not_after - due_at) / 2;
        if (margin > TWO_NIGHTS)
                margin = TWO_NIGHTS;
        if (now < due_at + margin)
                return NULL;
        text = outcome_text(look, OUTCOME_PENDING);
        if (text)
                return text;
        return look->input->guards && look->input->guards->upgrade
                       ? look->input->guards->upgrade
                       : "no pass has renewed it since it was due";
}

/* Quiet while automatic renewal is not overdue; but what was raised then goes only by renewal. What
 * a kubelet has not renewed is an alarm of its own. */
static Evidence look_expiring(const Look *look, Finding *finding)
{
        Evidence evidence = look_threshold(look);
        const char *why;

        if (!look->item->cert)
                return EVIDENCE_NONE;
        if (item_is_authority(look->item) || (look->verdict->external && !is_watched(look->item)) ||
                rotation_is_stored(look->item))
                return EVIDENCE_GONE;
        if (evidence != EVIDENCE_FAULT)
                return evidence;
        why = why_overdue(look);
        return why ? expires(look, finding, why) : EVIDENCE_NONE;
}

static Evidence look_invalid(const Look *look, Finding *finding)
{
        static const char *const texts[N_STATES] = {
                [STATE_MISSING] = "The certificate is missing.",
                [STATE_INVALID] = "The certificate or its key cannot be read.",
                [STATE_MISMATCH] = "The key does not belong to the certificate.",
                [STATE_UNTRUSTED] = "The certificate does not verify against its CA.",
                [STATE_NOT_YET_VALID] = "The certificate is not valid yet.",
        };
        const char *text = texts[look->verdict->state];

        if (!text && look->verdict->source_problem)
                text = "The pair at the source of the certificate cannot be taken over.";
        if (look->verdict->state == STATE_EXPIRED)
                return EVIDENCE_NONE; /* it covers what else may be wrong */
        if (!text)
                return EVIDENCE_GONE;
        set_text(finding, xstrdup(text));
        return fault(finding, xstrdup(look->verdict->text ? look->verdict->text : ""));
}

static bool is_path_of(const Item *item, const char *path)
{
        return streq(item->path, path) || (item->key_path && streq(item->key_path, path));
}

const Item *evidence_item_of_path(const Assessment *assessment, const char *path)
{
        for (size_t i = 0; assessment && i < assessment->n; i++)
                if (is_path_of(&assessment->inventory->items[i], path))
                        return &assessment->inventory->items[i];
        return NULL;
}

char *evidence_conflict_text(const TxnConflict *conflict)
{
        return xasprintf("'%s': %s%s%s", conflict->path, conflict->text,
                conflict->displaced ? "; what was displaced is saved in " : "",
                conflict->displaced ? conflict->displaced : "");
}

/* The conflicts of a pair are one alarm, of the first certificate that has one of its files. */
static Evidence look_foreign_change(const Look *look, Finding *finding)
{
        const TxnOutcome *const outcomes[] = {look->input->recovery, look->input->commit};

        for (size_t k = 0; k < ELEMENTSOF(outcomes); k++)
                for (size_t i = 0; outcomes[k] && i < outcomes[k]->n_conflicts; i++) {
                        const TxnConflict *conflict = &outcomes[k]->conflicts[i];

                        if (evidence_item_of_path(look->input->after, conflict->path) == look->item)
                                return fault(finding, evidence_conflict_text(conflict));
                }
        return look->item->cert && look->verdict->state != STATE_MISMATCH &&
                               look->verdict->state != STATE_INVALID
                       ? EVIDENCE_GONE
                       : EVIDENCE_NONE;
}

/* Of a client certificate there are two items: this is the one that the kubelet uses. */
static bool is_used_by_kubelet(const Look *look)
{
        const Assessment *assessment = look->input->after;

        if (!rotation_is_stored(look->item) || rotation_is_kept(look->item))
                return rotation_is_kept(look->item);
        for (size_t i = 0; assessment && i < assessment->n; i++) {
                const Item *other = &assessment->inventory->items[i];

                if (rotation_is_kept(other) && streq(other->path, look->item->path))
                        return false;
        }
        return true;
}

static bool is_serving(const Item *item)
{
        return item->cert && item->cert->usage & CERT_USAGE_SERVER;
}

/* When and why the kubelet renews it no more; NULL if it still can. The API server does not listen
 * to who has expired, and the kubelet's certificate store refuses to replace what is no link. */
static char *why_stuck(const Look *look)
{
        autofree char *no_link =
                look->item->is_link ? NULL
                                    : xasprintf("'%s' is a file, and no link to the newest one",
                                              look->item->path);

        if (look->verdict->residual < 0)
                return end_reason(look, "expired", no_link);
        if (is_past_its_renewal(look))
                return end_reason(
                        look, "expires", no_link ? no_link : "the kubelet has not renewed it");
        return TAKE(no_link);
}

static Evidence look_kubelet_rotation(const Look *look, Finding *finding)
{
        autofree char *why = NULL;

        if (!look->item->cert)
                return EVIDENCE_NONE;
        if (!is_used_by_kubelet(look))
                return EVIDENCE_GONE;
        why = why_stuck(look);
        if (!why)
                return EVIDENCE_GONE;
        if (look->verdict->residual < 0)
                finding->severity = ALARM_CRITICAL;
        if (is_serving(look->item))
                set_text(finding, xstrdup("The kubelet cannot renew its serving certificate."));
        return fault(finding, TAKE(why));
}

static Evidence (*const looks[N_ALARM_TYPES])(const Look *look, Finding *finding) = {
        [ALARM_TYPE_RENEWAL_FAILED] = look_renewal_failed,
        [ALARM_TYPE_RENEWAL_LOOP] = look_renewal_loop,
        [ALARM_TYPE_EXPIRING] = look_expiring,
        [ALARM_TYPE_EXPIRED] = look_expired,
        [ALARM_TYPE_CA_EXPIRING] = look_ca_expiring,
        [ALARM_TYPE_CA_EXPIRED] = look_ca_expired,
        [ALARM_TYPE_CA_LIMITED] = look_ca_limited,
        [ALARM_TYPE_EXTERNALLY_MANAGED_EXPIRING] = look_externally_managed,
        [ALARM_TYPE_INVALID] = look_invalid,
        [ALARM_TYPE_FOREIGN_CHANGE] = look_foreign_change,
        [ALARM_TYPE_POSTPONED] = look_postponed,
        [ALARM_TYPE_PENDING_CSR] = look_pending,
        [ALARM_TYPE_KUBELET_ROTATION_STUCK] = look_kubelet_rotation,
};

/* Nobody is told to renew with us what we never renew. */
static const char *repair_action(AlarmType type, const Look *look)
{
        if (type == ALARM_TYPE_KUBELET_ROTATION_STUCK && is_serving(look->item))
                return "See whether its request waits ('kubectl get csr') and approve it: nobody "
                       "approves serving certificates by himself. A file in the place of the link "
                       "is moved away, and the kubelet restarted.";
        if (type != ALARM_TYPE_EXPIRING && type != ALARM_TYPE_EXPIRED && type != ALARM_TYPE_INVALID)
                return alarm_type_info(type)->repair_action;
        if (is_watched(look->item))
                return "Have it renewed by the program that it belongs to; a kubelet renews its "
                       "own while it runs and reaches the API server.";
        if (look->verdict->external && !item_is_authority(look->item))
                type = ALARM_TYPE_EXTERNALLY_MANAGED_EXPIRING;
        return alarm_type_info(type)->repair_action;
}

bool evidence_is_of_item(AlarmType type)
{
        return looks[type];
}

Evidence evidence_look(AlarmType type, const Look *look, Finding *finding)
{
        const AlarmTypeInfo *info = alarm_type_info(type);

        *finding = (Finding){info->severity, xstrdup(info->text), repair_action(type, look), NULL};
        return looks[type](look, finding);
}

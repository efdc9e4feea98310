/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/assess/assess-internal.h"

#include "base/time-util.h"

/* What a judgement rests on. */
typedef struct Evidence {
        const Inventory *inventory;
        const Config *config;
        const History *history;
        int64_t now;
        const Assessment *assessment; /* as far as it has come */
} Evidence;

void assessment_free(Assessment *assessment)
{
        if (!assessment)
                return;
        for (size_t i = 0; i < assessment->n; i++) {
                strv_free(assessment->verdicts[i].missing_sans);
                free(assessment->verdicts[i].text);
                free(assessment->verdicts[i].source_problem);
        }
        assess_fetches_free(assessment);
        copies_verdicts_free(assessment->copies, assessment->n_copies);
        free(assessment->verdicts);
        free(assessment);
}

static bool is_subject_of(const CertList *bundle, const char *name)
{
        for (size_t i = 0; bundle && i < bundle->n; i++)
                if (streq(bundle->certs[i]->subject, name))
                        return true;
        return false;
}

/* True if the issuer is, by name, none of our CAs. One of ours whose signature is wrong is another
 * matter: the CA file was swapped by hand, and the certificate is UNTRUSTED. Nothing can be said
 * while a CA file that should be here cannot be read. */
static bool is_foreign(const Evidence *evidence, const Item *item)
{
        const InventoryCa *expected = item->expected_ca;

        if (item->ca || (expected && expected->expected && !expected->bundle))
                return false;
        for (size_t i = 0; i < evidence->inventory->n_cas; i++)
                if (is_subject_of(evidence->inventory->cas[i].bundle, item->cert->issuer))
                        return false;
        return true;
}

/* Does its issuer promise that it leads to CA=? */
static bool is_made_for_ca(const Item *item)
{
        const CredentialEntry *entry = item->entry;

        return issuer_takes_requests(entry) || (item->source && !item->source->fetch);
}

/* Why nobody on this host can sign it anew; NULL if somebody can. */
static const char *why_external(const Evidence *evidence, const Item *item)
{
        static const char *const foreign = "it was signed by none of the CAs of this host";
        static const char *const elsewhere[N_ISSUER_KINDS] = {
                [ISSUER_KIND_FILES] = "somebody else makes it (Issuer=files)",
                [ISSUER_KIND_EXTERNAL] = "its CA is asked by people: 'kube-renewd csr' writes a "
                                         "request, 'install' takes what was signed",
        };
        static const char *const no_key = "the key of its CA is not on this host";
        const InventoryCa *signer = item->ca && item->ca->ca ? item->ca : item->expected_ca;

        if (item->kind == ITEM_CA)
                return item->ca_file->key_error == -ENOENT ? "its key is not on this host" : NULL;
        if (!item_is_leaf(item))
                return NULL;
        /* What somebody else has put there in its place no start of the component renews. */
        if (issuer_restarts(item->entry))
                return item->cert && item->expected_ca && is_foreign(evidence, item) ? foreign
                                                                                     : NULL;
        if (!item->entry->watch && item->entry->issuer.kind != ISSUER_KIND_CA)
                return elsewhere[item->entry->issuer.kind];
        if (item->cert && is_foreign(evidence, item))
                return foreign;
        return signer && signer->key_error == -ENOENT ? no_key : NULL;
}

/* What is not there, or cannot be read, tells nothing about dates: never "expired". */
static void judge_absent(const Item *item, Verdict *verdict)
{
        if (item->error == -ENOENT)
                verdict_note(verdict, STATE_MISSING, "%s", item->problem);
        else
                verdict_note(verdict, STATE_INVALID, "%s", item->problem);
}

/* Of a CA file, the certificate that signs answers for the key. */
static void note_ca(const Item *item, Verdict *verdict)
{
        const InventoryCa *ca = item->ca_file;

        if (item->kind != ITEM_CA || item->cert != ca->signer)
                return;
        if (ca->key_error == -ENOKEY)
                verdict_note(verdict, STATE_MISMATCH, "%s", ca->key_problem);
        else if (ca->key_error < 0 && ca->key_error != -ENOENT)
                verdict_note(verdict, STATE_INVALID, "%s", ca->key_problem);
        if (!item->cert->is_ca)
                verdict_note(verdict, STATE_INVALID, "it is no CA certificate");
}

static void note_key(const Item *item, Verdict *verdict)
{
        if (!item_is_leaf(item))
                return;
        if (item->key_error < 0)
                verdict_note(verdict, item->key_error == -ENOENT ? STATE_MISMATCH : STATE_INVALID,
                        "%s", item->problem);
        else if (!item->key_matches)
                verdict_note(verdict, STATE_MISMATCH, "the key in '%s' does not belong to it",
                        item->key_path);
}

/* What only those need who do not trust the root beside it. */
static bool is_dispensable(const Item *item)
{
        return item->kind == ITEM_CHAIN && inventory_is_cross(item->expected_ca, item->cert);
}

static void note_dates(const Evidence *evidence, const Item *item, Verdict *verdict)
{
        char span[SPAN_TEXT_SIZE];

        if (verdict->is_dispensable)
                return;
        if (verdict->residual < 0)
                verdict_note(verdict, STATE_EXPIRED, "expired %s ago",
                        span_format(-verdict->residual, span));
        else if (evidence->now < item->cert->not_before)
                verdict_note(verdict, STATE_NOT_YET_VALID, "becomes valid in %s",
                        span_format(item->cert->not_before - evidence->now, span));
}

/* Does it fail to verify against the CA that the layout names, while that CA is here to tell? */
static bool is_distrusted(const Evidence *evidence, const Item *item)
{
        const InventoryCa *expected = item->expected_ca;

        return item_is_leaf(item) && expected && expected->bundle && !item->trusted &&
               (is_made_for_ca(item) || !is_foreign(evidence, item));
}

static void note_trust(const Evidence *evidence, const Item *item, Verdict *verdict)
{
        if (is_distrusted(evidence, item))
                verdict_note(verdict, STATE_UNTRUSTED, "%s", item->trust_problem);
}

/* Which setting makes this span, for people. */
static char *span_text(const Policy *policy, int64_t span)
{
        char text[SPAN_TEXT_SIZE];

        span_format(span, text);
        if (policy->renew_at > 0)
                return xasprintf("past RenewAt=%u%% of its lifetime", policy->renew_at);
        if (span == policy->renew_before)
                return xasprintf("inside RenewBefore=%s", text);
        return xasprintf("inside the last third of its lifetime (%s)", text);
}

static void note_expiring(const Evidence *evidence, const Item *item, Verdict *verdict)
{
        int64_t span = item_is_authority(item) ? evidence->config->ca_expiring_before
                                               : due_span(&item->entry->policy, item->cert);
        char residual[SPAN_TEXT_SIZE], text[SPAN_TEXT_SIZE];

        if (verdict->residual < 0 || verdict->residual >= span || verdict->is_dispensable)
                return;
        autofree char *why = item_is_authority(item) ? xasprintf("inside CAExpiringBefore=%s",
                                                               span_format(span, text))
                                                     : span_text(&item->entry->policy, span);
        verdict_note(verdict, STATE_EXPIRING, "expires in %s, %s",
                span_format(verdict->residual, residual), why);
}

static void note_drift(const Item *item, Verdict *verdict)
{
        char **sans = item_is_leaf(item) ? item->entry->policy.extra_sans : NULL;

        for (; sans && *sans; sans++) {
                if (cert_has_san(item->cert, *sans))
                        continue;
                strv_add(&verdict->missing_sans, *sans);
                verdict_note(verdict, STATE_DRIFTED, "lacks the configured %s", *sans);
        }
        if (!item->ca_data_stale)
                return;
        if (item->ca_data_path)
                verdict_note(verdict, STATE_DRIFTED, "'%s', which it trusts, lacks a root of '%s'",
                        item->ca_data_path, item->expected_ca->entry->certificate);
        else
                verdict_note(verdict, STATE_DRIFTED, "its embedded CA data lacks a root of '%s'",
                        item->expected_ca->entry->certificate);
}

/* A renewal copies the identity that it finds. So it must not be one that whoever may write there
 * has forged, or has seen elsewhere. */
static void note_unproven(const Item *item, Verdict *verdict)
{
        bool is_anothers = item->ca && item->expected_ca && item->ca != item->expected_ca;

        if (!assess_is_renewable(item, verdict) || issuer_restarts(item->entry) ||
                item_is_proven(item) || (!item->others && !is_anothers))
                return;
        verdict->unproven = true;
        verdict_note(verdict, verdict->state,
                "%s, so it is renewed only when it is named: look whose it is first",
                item->others ? item->others : item->trust_problem);
}

/* Only what the layout itself describes: who the user of a kubeconfig is that names a missing file
 * is not known. */
static bool is_recreatable(const Item *item)
{
        return item->error == -ENOENT && !item->kubeconfig &&
               item->entry->policy.recreate_missing &&
               (item->entry->identity.common_name || issuer_restarts(item->entry));
}

static const Digest *key_digest(const Item *item)
{
        static const Digest none;

        return item->key_file ? &item->key_file->digest : &none;
}

/* Somebody may be in the middle of copying a pair: only the second sighting of the same two files
 * is a fault that a pass repairs. */
static bool was_mismatched(const Evidence *evidence, const Item *item)
{
        return evidence->history && history_saw_mismatch(evidence->history, item->name,
                                            &item->file->digest, key_digest(item));
}

static DueReason own_reason(const Evidence *evidence, const Item *item, const Verdict *verdict)
{
        bool by_dates = item_is_leaf(item) && issuer_restarts(item->entry);

        if (!assess_is_renewable(item, verdict))
                return DUE_NOT;
        if (!item->cert)
                return is_recreatable(item) ? DUE_MISSING : DUE_NOT;
        if (verdict->unproven)
                return DUE_NOT;
        if (verdict->residual < 0)
                return DUE_EXPIRED;

        /* A hand-swapped CA must not become a mass re-issue at midnight, a wrong clock neither. */
        if (is_distrusted(evidence, item) || evidence->now < item->cert->not_before ||
                verdict->state == STATE_INVALID)
                return DUE_NOT;
        if (verdict->state == STATE_MISMATCH && !by_dates)
                return was_mismatched(evidence, item) ? DUE_MISMATCH : DUE_NOT;
        if (verdict->waits_for_fetch)
                return DUE_NOT;
        if (verdict->residual < due_span(&item->entry->policy, item->cert))
                return DUE_EXPIRING;
        return verdict->missing_sans && !by_dates ? DUE_MISSING_SAN : DUE_NOT;
}

/* What others do about it comes on top: what they have made, and what they are at. */
static DueReason due_reason(const Evidence *evidence, const Item *item, const Verdict *verdict)
{
        DueReason reason = own_reason(evidence, item, verdict);

        if (verdict->takes_source && !item->source->is_last_good)
                return DUE_SOURCE;
        return reason == DUE_NOT && assess_is_awaited(item) ? DUE_PENDING : reason;
}

/* The first second at which a pass would renew it, as things are. */
static int64_t due_time(const Evidence *evidence, const Item *item, const Verdict *verdict)
{
        int64_t due_at;

        if (verdict->due && (verdict->reason != DUE_EXPIRING && verdict->reason != DUE_EXPIRED))
                return evidence->now;
        if (!item->cert || !assess_is_renewable(item, verdict) || verdict->unproven)
                return 0;
        if (verdict->state == STATE_MISMATCH && !issuer_restarts(item->entry))
                return evidence->now;
        due_at = item->cert->not_after - assess_own_span(evidence->assessment, item) + 1;

        /* What holds it back now (an unreadable key, a swapped CA) does so until it has expired. */
        return !verdict->due && due_at <= evidence->now ? item->cert->not_after + 1 : due_at;
}

/* What is sound is better than that, whenever it ends. */
static bool is_broken(const Evidence *evidence, const Item *item, const Verdict *verdict)
{
        return item_is_leaf(item) && verdict->state == STATE_MISMATCH &&
               was_mismatched(evidence, item);
}

/* The whole kubeconfig is another entry's, not only the files that it names. */
static bool is_alias(const Item *item)
{
        return item->renewed_as && item->embedded;
}

static void judge_item(const Evidence *evidence, const Item *item, Verdict *verdict)
{
        const char *external = why_external(evidence, item);

        /* 1. Every fault, gravest first. */
        verdict->external = external;
        verdict->why_external = external;
        verdict->is_dispensable = item->cert && is_dispensable(item);
        if (!item->cert) {
                judge_absent(item, verdict);
        } else {
                verdict->residual = item->cert->not_after - evidence->now;
                note_ca(item, verdict);
                note_key(item, verdict);
                note_dates(evidence, item, verdict);
                note_trust(evidence, item, verdict);
                note_expiring(evidence, item, verdict);
                note_drift(item, verdict);
                note_unproven(item, verdict);
        }

        /* 2. Who else must act. */
        if (verdict->state != STATE_OK && external)
                verdict_note(verdict, verdict->state, "%s", external);
        else if (verdict->state != STATE_OK && item->renewed_as)
                verdict_note(verdict, verdict->state, "it is renewed as '%s'", item->renewed_as);

        assess_source(item, evidence->now, verdict);
        assess_fetched(evidence->assessment, item, is_broken(evidence, item, verdict), verdict);
        assess_pending(item, verdict);

        /* 3. What was rolled back lately is not tried again every night, as long as there is time;
         * what was renewed over and over not before tomorrow. */
        if (evidence->history && verdict->residual >= evidence->config->postpone_limit)
                verdict->hold = hold_find_path(evidence->history->holds, item->path, evidence->now);

        if (evidence->history)
                verdict->loop_until =
                        history_loop_until(evidence->history, item->name, evidence->now);
        if (evidence->history && item_is_leaf(item) && issuer_restarts(item->entry))
                verdict->restarted_at =
                        history_restarted_at(evidence->history, item->name, evidence->now);

        /* 4. What a pass would do. */
        verdict->reason = assess_request(item, verdict, due_reason(evidence, item, verdict));
        verdict->due = verdict->reason != DUE_NOT;
        verdict->due_at = due_time(evidence, item, verdict);
        verdict->repair_ca_data = item->ca_data_stale && !item->ca_data_path &&
                                  !credential_is_only_read(item->entry) && !is_alias(item);
}

Assessment *assess(
        const Inventory *inventory, const Config *config, const History *history, int64_t now)
{
        Assessment *assessment = xcalloc(1, sizeof(*assessment));
        const Evidence evidence = {inventory, config, history, now, assessment};

        assessment->inventory = inventory;
        assessment->config = config;
        assessment->now = now;
        assess_fetches(assessment);
        assessment->n = inventory->n_items;
        assessment->verdicts = xcalloc(inventory->n_items, sizeof(Verdict));
        for (size_t i = 0; i < inventory->n_items; i++) {
                judge_item(&evidence, &inventory->items[i], &assessment->verdicts[i]);
                assessment->n_due += assessment->verdicts[i].due;
        }
        assessment->n_copies = inventory->n_copies;
        assessment->copies = copies_judge(inventory, history);
        return assessment;
}

History *assess_history(const Assessment *assessment)
{
        History *history = history_new();

        for (size_t i = 0; i < assessment->n; i++) {
                const Item *item = &assessment->inventory->items[i];

                if (item_is_leaf(item) && assessment->verdicts[i].state == STATE_MISMATCH)
                        history_add_mismatch(
                                history, item->name, &item->file->digest, key_digest(item));
        }
        copies_remember(history, assessment->inventory, assessment->copies);
        return history;
}

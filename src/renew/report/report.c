/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/report.h"

#include "base/log.h"
#include "renew/commit/publish.h"
#include "renew/event/events.h"

#define COUNT_TEXT_SIZE 24

static const char *count_text(size_t n, char text[COUNT_TEXT_SIZE])
{
        snprintf(text, COUNT_TEXT_SIZE, "%zu", n);
        return text;
}

/* The end of a certificate for a field; every field of a catalog entry has a value. */
static const char *end_text(const Cert *cert, char text[TIME_TEXT_SIZE])
{
        return cert ? time_format(cert->not_after, text) : "unknown";
}

static void log_conflicts(const TxnOutcome *outcome)
{
        for (size_t i = 0; outcome && i < outcome->n_conflicts; i++) {
                const TxnConflict *conflict = &outcome->conflicts[i];
                const LogField fields[] = {
                        {"PATH", conflict->path},
                        {"RESULT", conflict->text},
                        {"DISPLACED", conflict->displaced ? conflict->displaced : "nowhere"},
                        {},
                };

                log_event(LOG_WARNING, EVENT_FOREIGN_CHANGE, fields, "Conflict at '%s': %s.",
                        conflict->path, conflict->text);
        }
}

static void log_recovery(const TxnOutcome *recovery)
{
        const char *what;

        if (!recovery || !recovery->id)
                return;
        what = recovery->finished ? "finished" : "undone";
        const LogField fields[] = {{"TRANSACTION", recovery->id}, {"RECOVERY", what}, {}};

        log_event(LOG_WARNING, EVENT_TRANSACTION_RECOVERED, fields,
                "Transaction '%s', which was interrupted, was %s.", recovery->id, what);
        log_conflicts(recovery);
}

static void log_warnings(const Config *config)
{
        for (char **warning = config->warnings; warning && *warning; warning++) {
                const LogField fields[] = {{"REASON", *warning}, {}};

                log_event(LOG_WARNING, EVENT_CONFIG_WARNING, fields, "%s.", *warning);
        }
}

static void log_renewed(const IssueResult *result)
{
        const Item *item = result->step->item;
        bool repaired = result->step->kind == STEP_REPAIR_CA_DATA;
        char end[TIME_TEXT_SIZE];
        const LogField fields[] = {
                {"CERTIFICATE", item->name},
                {"PATH", item->path},
                {"NOT_AFTER", end_text(repaired ? item->cert : result->cert, end)},
                {},
        };

        if (repaired)
                log_event(LOG_NOTICE, EVENT_CA_DATA_REPAIRED, fields,
                        "Appended missing CA certificates to '%s'.", item->path);
        else
                log_event(LOG_NOTICE, EVENT_CERTIFICATE_RENEWED, fields,
                        "Renewed certificate '%s', valid until %s.", item->name, fields[2].value);
}

static void log_failed(const Item *item, const char *text)
{
        char end[TIME_TEXT_SIZE];
        const char *reason = text ? text : "no reason is known";
        const LogField fields[] = {
                {"CERTIFICATE", item->name},
                {"PATH", item->path},
                {"NOT_AFTER", end_text(item->cert, end)},
                {"REASON", reason},
                {},
        };

        log_event(LOG_ERR, EVENT_RENEWAL_FAILED, fields, "Cannot renew certificate '%s': %s.",
                item->name, reason);
}

static void log_pending(const Item *item, const char *text)
{
        char end[TIME_TEXT_SIZE];
        const LogField fields[] = {
                {"CERTIFICATE", item->name},
                {"PATH", item->path},
                {"NOT_AFTER", end_text(item->cert, end)},
                {"REASON", text},
                {},
        };

        log_event(LOG_NOTICE, EVENT_REQUEST_PENDING, fields,
                "Certificate '%s' was asked for, and is not there yet: %s.", item->name, text);
}

typedef struct Counts {
        size_t renewed, failed;
} Counts;

/* False where a roll-back, or somebody else, has taken the new certificate away again. */
static bool is_in_place(const ReportInput *input, const IssueResult *result)
{
        const Inventory *inventory = input->after ? input->after->inventory : NULL;

        for (size_t i = 0; inventory && result->cert && i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if (streq(item->name, result->step->item->name) && item->cert)
                        return digest_equal(&item->cert->sha256, &result->cert->sha256);
        }
        return true;
}

/* What was issued and is not on disk is neither: the pass failed as a whole, or its component was
 * rolled back, and each says so itself. */
static void log_results(const ReportInput *input, Counts *counts)
{
        for (size_t i = 0; input->issuance && i < input->issuance->n; i++) {
                const IssueResult *result = &input->issuance->results[i];

                if (result->outcome == OUTCOME_PENDING) {
                        log_pending(result->step->item, result->text);
                } else if (result->outcome != OUTCOME_RENEWED) {
                        log_failed(result->step->item, result->text);
                        counts->failed++;
                } else if ((input->committed || result->step->kind == STEP_RESTART) &&
                           is_in_place(input, result)) {
                        log_renewed(result);
                        counts->renewed++;
                }
        }
}

static bool is_current(const Assessment *assessment, const char *path)
{
        for (size_t i = 0; assessment && i < assessment->n_copies; i++)
                if (streq(assessment->inventory->copies[i].target->path, path))
                        return assessment->copies[i].state == COPY_CURRENT;
        return false;
}

static void log_copies(const ReportInput *input)
{
        const Issuance *issuance = input->committed ? input->issuance : NULL;

        for (size_t i = 0; issuance && i < issuance->n_changes; i++) {
                const FileChange *change = &issuance->changes[i];

                if (!change->copy || !is_current(input->after, change->path))
                        continue;
                const char *source = change->copy->copy->target->source->name;
                const LogField fields[] = {{"PATH", change->path}, {"CERTIFICATE", source}, {}};

                log_event(LOG_NOTICE, EVENT_COPY_REFRESHED, fields,
                        "Refreshed '%s', a copy of '%s'.", change->path, source);
        }
}

static void log_skips(const ReportInput *input, Counts *counts)
{
        for (size_t i = 0; input->plan && i < input->plan->n_skips; i++) {
                const Skip *skip = &input->plan->skips[i];

                if (skip->is_failure) {
                        log_failed(skip->item, skip->text);
                        counts->failed++;
                } else {
                        log_debug("not renewed: '%s': %s", skip->item->name, skip->text);
                }
        }
}

/* Entries of earlier passes were told by them, and have an alarm. */
static void log_new_restarts(const ReportInput *input)
{
        for (size_t i = 0; input->owed && i < input->owed->n; i++) {
                const Owed *owed = &input->owed->entries[i];
                autofree char *paths = strv_join(owed->paths, " ");
                const LogField fields[] = {
                        {"COMPONENT", owed->component},
                        {"PATHS", paths},
                        {},
                };

                if (streq(owed->pass_id, input->pass_id) &&
                        !publish_debt_is(&input->config->layout, owed->component))
                        log_event(LOG_WARNING, EVENT_RESTART_OWED, fields,
                                "'%s' is owed a restart, or proof that it uses its new "
                                "certificates.",
                                owed->component);
        }
}

static void log_fetches(const Assessment *after)
{
        for (size_t i = 0; after && i < after->n_fetches; i++) {
                const FetchVerdict *verdict = &after->fetches[i];
                autofree char *place = secret_place_text(verdict->entry);
                const LogField fields[] = {{"SECRET", place}, {"REASON", verdict->problem}, {}};

                if (verdict->problem)
                        log_event(LOG_WARNING, EVENT_FETCH_REFUSED, fields,
                                "Nothing is taken from %s ([fetch %s]): %s.", place,
                                verdict->entry->name, verdict->problem);
        }
}

static void log_failure(const ReportInput *input)
{
        const LogField fields[] = {{"REASON", input->failure}, {}};

        log_event(
                LOG_ERR, EVENT_PASS_FAILED, fields, "Certificate pass failed: %s.", input->failure);
}

static void log_config_failure(const ReportInput *input)
{
        const LogField fields[] = {{"REASON", input->config_failure}, {}};

        log_event(LOG_ERR, EVENT_CONFIG_INVALID, fields, "The configuration cannot be used: %s.",
                input->config_failure);
}

void report_postponed(const char *reason)
{
        const LogField fields[] = {{"REASON", reason}, {}};

        log_event(LOG_WARNING, EVENT_PASS_POSTPONED, fields, "Certificate pass postponed: %s.",
                reason);
}

static void log_summary(const ReportInput *input, const Counts *counts)
{
        char renewed[COUNT_TEXT_SIZE], failed[COUNT_TEXT_SIZE], restarts[COUNT_TEXT_SIZE];
        char due[TIME_TEXT_SIZE], status[COUNT_TEXT_SIZE];
        int64_t next = assess_next_due(input->after);
        size_t n = input->after ? input->after->n : 0, owed = input->owed ? input->owed->n : 0;
        const LogField fields[] = {
                {"RENEWED", count_text(counts->renewed, renewed)},
                {"FAILED", count_text(counts->failed, failed)},
                {"RESTARTS_OWED", count_text(owed, restarts)},
                {"NEXT_DUE", next != 0 ? time_format(next, due) : "never"},
                {"EXIT_STATUS", count_text((size_t)input->exit_status, status)},
                {},
        };

        log_event(counts->failed > 0 ? LOG_ERR : LOG_NOTICE, EVENT_PASS_SUMMARY, fields,
                "Certificate pass finished: %zu certificates, %s renewed, %s failed, %s restarts "
                "owed, %s %s.",
                n, renewed, failed, restarts,
                next != 0 && next < input->now ? "due since" : "next due", fields[3].value);
}

void report_outcomes(const ReportInput *input)
{
        Counts counts = {};

        /* 1. What was found on the way. */
        log_recovery(input->recovery);
        log_warnings(input->config);

        /* 2. Each certificate that something was to be done about, each restart. */
        log_results(input, &counts);
        log_skips(input, &counts);
        log_copies(input);
        log_conflicts(input->commit);
        log_new_restarts(input);
        log_fetches(input->after);

        /* 3. One line that stands for the pass. */
        if (input->guards && input->guards->clock)
                report_postponed(input->guards->clock);
        else if (input->guards && input->guards->upgrade)
                report_postponed(input->guards->upgrade);
        else if (input->failure)
                log_failure(input);
        else
                log_summary(input, &counts);
}

int report_incident(const ReportInput *input, Error *reterr)
{
        Error error = {};
        int r;

        log_recovery(input->recovery);
        if (input->failure)
                log_failure(input);
        if (input->config_failure)
                log_config_failure(input);
        r = report_incident_alarms(input, reterr);
        if (report_status_alarms(input, &error) < 0)
                log_line(LOG_WARNING, "Alarms are not shown in status and metrics: %s, ignoring",
                        error.text);
        return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report.h"

#include "base/escape.h"
#include "base/log.h"
#include "renew/events.h"
#include "renew/evidence.h"

#define HOST "host" /* the resource of a pass that failed as a whole */

/* The alarm files of one report; the first failure is kept, and everything else still done. */
typedef struct Board {
        const ReportInput *input;
        char *directory;
        int r;
        Error error;
} Board;

static void note_failure(Board *board, int r, const Error *error)
{
        if (r >= 0 || board->r < 0)
                return;
        board->r = r;
        board->error = *error;
}

static int event_priority(AlarmSeverity severity)
{
        static const int priorities[N_ALARM_SEVERITIES] = {
                [ALARM_WARNING] = LOG_WARNING,
                [ALARM_MINOR] = LOG_WARNING,
                [ALARM_MAJOR] = LOG_ERR,
                [ALARM_CRITICAL] = LOG_CRIT,
        };

        return priorities[severity];
}

static void log_raised(const Alarm *alarm)
{
        const LogField fields[] = {
                {"ALARM_TYPE", alarm->type},
                {"ALARM_RESOURCE", alarm->resource},
                {"ALARM_ID", *alarm->alarm_id ? alarm->alarm_id : NULL},
                {"SEVERITY", alarm_severity_name(alarm->severity)},
                {"REASON", alarm->reason},
                {"REPAIR_ACTION", alarm->repair_action},
                {},
        };

        log_event(event_priority(alarm->severity), EVENT_ALARM_RAISED, fields,
                "Alarm %s of '%s' (%s): %s Reason: %s.", alarm->type, alarm->resource,
                alarm_severity_name(alarm->severity), alarm->text, alarm->reason);
}

static void board_raise(Board *board, AlarmType type, const char *resource, const Finding *finding)
{
        const AlarmTypeInfo *info = alarm_type_info(type);
        const Alarm alarm = {
                .type = (char *)info->name,
                .resource = (char *)resource,
                .alarm_id = (char *)info->alarm_id,
                .severity = finding->severity,
                .event_type = (char *)info->event_type,
                .probable_cause = (char *)info->probable_cause,
                .text = finding->text,
                .reason = finding->reason,
                .repair_action = (char *)finding->repair_action,
                .service_affecting = info->service_affecting,
                .pass_id = (char *)board->input->pass_id,
        };
        Error error = {};
        int r;

        r = alarm_raise(board->input->root_fd, board->directory, &alarm, board->input->now, &error);
        if (r > 0)
                log_raised(&alarm);
        note_failure(board, r, &error);
}

/* Takes the reason. */
static void board_raise_plain(Board *board, AlarmType type, const char *resource, char *reason)
{
        const AlarmTypeInfo *info = alarm_type_info(type);
        Finding finding = {info->severity, xstrdup(info->text), info->repair_action, reason};

        board_raise(board, type, resource, &finding);
        finding_done(&finding);
}

static Look look_at(const ReportInput *input, const Item *item)
{
        const Assessment *after = input->after;

        return (Look){input, item, &after->verdicts[item - after->inventory->items]};
}

static void raise_for_item(Board *board, const Look *look)
{
        for (AlarmType type = 0; type < N_ALARM_TYPES; type++) {
                Finding finding;

                if (!evidence_is_of_item(type))
                        continue;
                if (evidence_look(type, look, &finding) == EVIDENCE_FAULT)
                        board_raise(board, type, look->item->name, &finding);
                finding_done(&finding);
        }
}

/* Files that belong to no certificate that is known now, or in a pass that saw none. */
static void raise_for_stray_conflicts(Board *board, const TxnOutcome *outcome)
{
        for (size_t i = 0; outcome && i < outcome->n_conflicts; i++) {
                const TxnConflict *conflict = &outcome->conflicts[i];

                if (!evidence_item_of_path(board->input->after, conflict->path))
                        board_raise_plain(board, ALARM_TYPE_FOREIGN_CHANGE, conflict->path,
                                evidence_conflict_text(conflict));
        }
}

/* What a component uses is not known then. It is on the host, so its manifest is in the inventory.
 */
static void raise_for_manifests(Board *board, const Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_components; i++) {
                const InventoryComponent *component = &inventory->components[i];

                if (component->error >= 0)
                        continue;
                Finding finding = {
                        .severity = ALARM_MAJOR,
                        .text = xstrdup("The manifest of a component cannot be read."),
                        .repair_action = "Put a manifest in place that the kubelet can read too.",
                        .reason = xasprintf("which files '%s' uses is not known: %s",
                                component->entry->name, component->problem),
                };

                board_raise(board, ALARM_TYPE_INVALID, component->entry->manifest, &finding);
                finding_done(&finding);
        }
}

static char *owed_text(const ReportInput *input, const Owed *owed)
{
        const RestartResult *result = restart_result_find(input->restarts, owed->component);
        autofree char *paths = strv_join(owed->paths, ", ");
        char since[TIME_TEXT_SIZE];

        if (owed->since == 0)
                return xstrdup("its entry in the ledger cannot be read");
        return xasprintf("owed since %s%s%s%s%s", time_format(owed->since, since),
                *paths ? " for " : "", paths, result && result->text ? "; " : "",
                result && result->text ? result->text : "");
}

static void raise_for_owed(Board *board)
{
        const OwedList *list = board->input->owed;

        for (size_t i = 0; list && i < list->n; i++)
                board_raise_plain(board, ALARM_TYPE_RESTART_OWED, list->entries[i].component,
                        owed_text(board->input, &list->entries[i]));
}

static void raise_for_holds(Board *board)
{
        const HoldList *list = board->input->holds;

        for (size_t i = 0; list && i < list->n; i++) {
                const Hold *hold = &list->holds[i];
                char since[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];

                board_raise_plain(board, ALARM_TYPE_ROLLED_BACK, hold->component,
                        xasprintf("rolled back %s, left alone until %s: %s",
                                time_format(hold->since, since), time_format(hold->until, until),
                                hold->reason));
        }
}

static const ComponentProof *find_proof(const ReportInput *input, const char *component)
{
        const Verification *verification = input->verification;

        for (size_t i = 0; verification && i < verification->n; i++)
                if (streq(verification->components[i].component->entry->name, component))
                        return &verification->components[i];
        return NULL;
}

static void raise_for_age(Board *board)
{
        const Verification *verification = board->input->verification;

        for (size_t i = 0; verification && i < verification->n; i++) {
                const ComponentProof *proof = &verification->components[i];
                char since[TIME_TEXT_SIZE];

                if (component_is_too_old(proof, board->input->now))
                        board_raise_plain(board, ALARM_TYPE_LOOPBACK_CERTIFICATE,
                                proof->component->entry->name,
                                xasprintf("its process runs since %s",
                                        time_format(component_started_at(proof), since)));
        }
}

static void raise_for_copies(Board *board)
{
        const Layout *layout = &board->input->config->layout;

        for (size_t i = 0; i < layout->n_copies; i++) {
                const CopyEntry *entry = &layout->copies[i];
                Finding finding;

                if (evidence_look_at_copy(board->input, entry, &finding) == EVIDENCE_FAULT)
                        board_raise(board, ALARM_TYPE_STALE_COPY, entry->name, &finding);
                finding_done(&finding);
        }
}

static void raise_all(Board *board)
{
        const ReportInput *input = board->input;

        for (size_t i = 0; input->after && i < input->after->n; i++) {
                const Look look = look_at(input, &input->after->inventory->items[i]);

                raise_for_item(board, &look);
        }
        if (input->after) {
                raise_for_manifests(board, input->after->inventory);
                raise_for_copies(board);
        }
        raise_for_stray_conflicts(board, input->recovery);
        raise_for_stray_conflicts(board, input->commit);
        raise_for_owed(board);
        raise_for_holds(board);
        raise_for_age(board);
        if (input->failure)
                board_raise_plain(board, ALARM_TYPE_RENEWAL_FAILED, HOST, xstrdup(input->failure));
}

/* A name as it stands in an alarm is escaped. */
static const Item *find_item(const Assessment *assessment, const char *name, size_t length)
{
        for (size_t i = 0; i < assessment->n; i++) {
                const Item *item = &assessment->inventory->items[i];
                autofree char *escaped = escape_text(item->name);

                if (strlen(escaped) == length && strncmp(escaped, name, length) == 0)
                        return item;
        }
        return NULL;
}

/* The certificate, or the file, that an alarm is about. */
static const Item *find_resource(const Assessment *assessment, const char *resource)
{
        const Item *item = find_item(assessment, resource, strlen(resource));

        return item ? item : evidence_item_of_path(assessment, resource);
}

/* Which optional files are expected is said by the manifests. */
static bool manifests_are_read(const Inventory *inventory)
{
        for (size_t i = 0; i < inventory->n_components; i++)
                if (inventory->components[i].error < 0)
                        return false;
        return true;
}

/* "admin.conf/USER" and "ca#2" are not listed while "admin.conf" or "ca" cannot be read; a
 * missing file of a component not while its manifest cannot. */
static bool is_hidden(const Assessment *assessment, const char *resource)
{
        const Item *item = find_item(assessment, resource, strcspn(resource, "/#"));

        return item ? !item->cert : !manifests_are_read(assessment->inventory);
}

static const char *why_item_fault_is_gone(
        const ReportInput *input, AlarmType type, const char *resource)
{
        const Item *item;
        Finding finding;
        Evidence evidence;
        Look look;

        if (!input->after)
                return NULL;
        item = find_resource(input->after, resource);
        if (!item)
                return is_hidden(input->after, resource) ? NULL
                                                         : "it is no longer in the inventory";
        look = look_at(input, item);
        evidence = evidence_look(type, &look, &finding);
        finding_done(&finding);
        return evidence == EVIDENCE_GONE ? "this pass has looked for it, and it is not there"
                                         : NULL;
}

/* An old process is gone when its component has been seen with a younger one. */
static const char *why_age_is_gone(const ReportInput *input, const char *component)
{
        const ComponentProof *proof = find_proof(input, component);

        return proof && proof->look.state == RUN_RUNNING && !component_is_too_old(proof, input->now)
                       ? "its process has been started anew"
                       : NULL;
}

static const char *why_copy_fault_is_gone(const ReportInput *input, const char *name)
{
        const CopyEntry *entry = layout_find_copy(&input->config->layout, name);
        Finding finding;
        Evidence evidence;

        if (!input->after)
                return NULL;
        if (!entry)
                return "it is no longer in the configuration";
        evidence = evidence_look_at_copy(input, entry, &finding);
        finding_done(&finding);
        return evidence == EVIDENCE_GONE ? "no file differs from its source" : NULL;
}

/* The evidence that clears an alarm, NULL if there is none. Types that are not in our table belong
 * to somebody else. */
static const char *why_gone(const ReportInput *input, const Alarm *alarm)
{
        AlarmType type = alarm_type_find(alarm->type);

        if (type == N_ALARM_TYPES)
                return NULL;
        if (type == ALARM_TYPE_RESTART_OWED)
                return input->owed && !owed_find(input->owed, alarm->resource)
                               ? "no restart is owed any more"
                               : NULL;
        if (type == ALARM_TYPE_ROLLED_BACK)
                return input->holds && !hold_find(input->holds, alarm->resource)
                               ? "it has been proven to use new files"
                               : NULL;
        if (type == ALARM_TYPE_LOOPBACK_CERTIFICATE)
                return why_age_is_gone(input, alarm->resource);
        if (type == ALARM_TYPE_RENEWAL_FAILED && streq(alarm->resource, HOST))
                return input->after && !input->failure ? "a pass came to its end" : NULL;
        if (type == ALARM_TYPE_STALE_COPY)
                return why_copy_fault_is_gone(input, alarm->resource);
        return why_item_fault_is_gone(input, type, alarm->resource);
}

static void board_clear(Board *board, const Alarm *alarm)
{
        const char *why = why_gone(board->input, alarm);
        Error error = {};
        int r;

        /* What this pass has raised it does not clear (a file that no certificate has). */
        if (!why || streq(alarm->pass_id, board->input->pass_id))
                return;
        const LogField fields[] = {
                {"ALARM_TYPE", alarm->type},
                {"ALARM_RESOURCE", alarm->resource},
                {"REASON", why},
                {},
        };

        r = alarm_clear(
                board->input->root_fd, board->directory, alarm->type, alarm->resource, &error);
        if (r > 0)
                log_event(LOG_NOTICE, EVENT_ALARM_CLEARED, fields, "Alarm %s of '%s' cleared: %s.",
                        alarm->type, alarm->resource, why);
        note_failure(board, r, &error);
}

static void clear_all(Board *board)
{
        autoptr(AlarmList) list = NULL;
        Error error = {};
        int r;

        r = alarm_list(board->input->root_fd, board->directory, &list, &error);
        note_failure(board, r, &error);
        for (size_t i = 0; list && i < list->n; i++)
                board_clear(board, &list->alarms[i]);
}

static char *alarms_directory(const Config *config)
{
        return xasprintf("%s/public/alarms", config->state_directory);
}

int report_alarms(const ReportInput *input, Error *reterr)
{
        autofree char *directory = alarms_directory(input->config);
        Board board = {.input = input, .directory = directory};

        /* 1. Raise before clearing: where one alarm takes the place of another there is no moment
         * without either. */
        raise_all(&board);

        /* 2. Clear what this pass has seen to be gone. */
        clear_all(&board);
        return board.r < 0 ? error_set(reterr, board.r, "%s", board.error.text) : 0;
}

int report_read_alarms(int root_fd, const Config *config, AlarmList **ret, Error *reterr)
{
        autofree char *directory = alarms_directory(config);

        return alarm_list(root_fd, directory, ret, reterr);
}

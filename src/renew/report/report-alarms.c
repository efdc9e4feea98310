/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/report.h"

#include "base/escape.h"
#include "base/log.h"
#include "base/time-util.h"
#include "renew/commit/hook-debt.h"
#include "renew/commit/publish.h"
#include "renew/report/alarm-board.h"
#include "renew/report/readers.h"
#include "renew/report/report-secret.h"

#define HOST "host" /* the resource of what is about no certificate and no component */

static const Item *find_item_named(const Assessment *assessment, const char *name)
{
        for (size_t i = 0; i < assessment->n; i++)
                if (streq(assessment->inventory->items[i].name, name))
                        return &assessment->inventory->items[i];
        return NULL;
}

static Look look_at(const ReportInput *input, const Item *item)
{
        const Assessment *after = input->after;

        return (Look){input, item, &after->verdicts[item - after->inventory->items]};
}

static void raise_for_item(AlarmBoard *board, const Look *look)
{
        for (AlarmType type = 0; type < N_ALARM_TYPES; type++) {
                Finding finding;

                if (!evidence_is_of_item(type))
                        continue;
                if (evidence_look(type, look, &finding) == EVIDENCE_FAULT)
                        alarm_board_raise(board, type, look->item->name, &finding);
                finding_done(&finding);
        }
}

/* Files that belong to no certificate that is known now, or in a pass that saw none. */
static void raise_for_stray_conflicts(AlarmBoard *board, const TxnOutcome *outcome)
{
        for (size_t i = 0; outcome && i < outcome->n_conflicts; i++) {
                const TxnConflict *conflict = &outcome->conflicts[i];

                if (!evidence_item_of_path(board->input->after, conflict->path))
                        alarm_board_raise_plain(board, ALARM_TYPE_FOREIGN_CHANGE, conflict->path,
                                evidence_conflict_text(conflict));
        }
}

/* What a component uses is not known then. It is on the host, so its manifest is in the inventory.
 */
static void raise_for_manifests(AlarmBoard *board, const Inventory *inventory)
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

                alarm_board_raise(board, ALARM_TYPE_INVALID, component->entry->manifest, &finding);
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

static void raise_for_owed(AlarmBoard *board)
{
        const OwedList *list = board->input->owed;

        for (size_t i = 0; list && i < list->n; i++) {
                const Owed *owed = &list->entries[i];

                if (!publish_debt_is(&board->input->config->layout, owed->component))
                        alarm_board_raise_plain(board, ALARM_TYPE_RESTART_OWED, owed->component,
                                owed_text(board->input, owed));
        }
}

static void raise_for_holds(AlarmBoard *board)
{
        const HoldList *list = board->input->holds;

        for (size_t i = 0; list && i < list->n; i++) {
                const Hold *hold = &list->holds[i];
                char since[TIME_TEXT_SIZE], until[TIME_TEXT_SIZE];

                alarm_board_raise_plain(board, ALARM_TYPE_ROLLED_BACK, hold->component,
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

static void raise_for_age(AlarmBoard *board)
{
        const Verification *verification = board->input->verification;

        for (size_t i = 0; verification && i < verification->n; i++) {
                const ComponentProof *proof = &verification->components[i];
                char since[TIME_TEXT_SIZE];

                if (component_is_too_old(proof, board->input->now))
                        alarm_board_raise_plain(board, ALARM_TYPE_LOOPBACK_CERTIFICATE,
                                proof->component->entry->name,
                                xasprintf("its process runs since %s",
                                        time_format(component_started_at(proof), since)));
        }
}

static void raise_for_copies(AlarmBoard *board)
{
        const Layout *layout = &board->input->config->layout;

        for (size_t i = 0; i < layout->n_copies; i++) {
                const CopyEntry *entry = &layout->copies[i];
                Finding finding;

                if (evidence_look_at_copy(board->input, entry, &finding) == EVIDENCE_FAULT)
                        alarm_board_raise(board, ALARM_TYPE_STALE_COPY, entry->name, &finding);
                finding_done(&finding);
        }
}

static void raise_for_rotations(AlarmBoard *board)
{
        const Layout *layout = &board->input->config->layout;

        for (size_t i = 0; i < layout->n_cas; i++) {
                const char *id = layout->cas[i].id;
                char *reason;

                if (evidence_look_at_rotation(board->input, id, &reason) == EVIDENCE_FAULT)
                        alarm_board_raise_plain(
                                board, ALARM_TYPE_CA_ROTATION_UNFINISHED, id, reason);
        }
}

static void raise_for_host(AlarmBoard *board)
{
        for (AlarmType type = 0; type < N_ALARM_TYPES; type++) {
                Finding finding;

                if (!evidence_is_of_host(type))
                        continue;
                if (evidence_look_at_host(type, board->input, &finding) == EVIDENCE_FAULT)
                        alarm_board_raise(board, type, HOST, &finding);
                finding_done(&finding);
        }
}

/* Who failed at it had seen it; at the last look it was not there. */
static void raise_for_vanished(AlarmBoard *board, const Item *item, const char *text)
{
        if (!find_item_named(board->input->after, item->name))
                alarm_board_raise_plain(board, ALARM_TYPE_RENEWAL_FAILED, item->name,
                        xstrdup(text ? text : "no reason is known"));
}

static void raise_for_all_vanished(AlarmBoard *board)
{
        const Issuance *issuance = board->input->issuance;
        const Plan *plan = board->input->plan;

        for (size_t i = 0; issuance && i < issuance->n; i++)
                if (issuance->results[i].outcome != OUTCOME_RENEWED)
                        raise_for_vanished(
                                board, issuance->results[i].step->item, issuance->results[i].text);
        for (size_t i = 0; plan && i < plan->n_skips; i++)
                if (plan->skips[i].is_failure)
                        raise_for_vanished(board, plan->skips[i].item, plan->skips[i].text);
}

static void raise_all(AlarmBoard *board)
{
        const ReportInput *input = board->input;

        for (size_t i = 0; input->after && i < input->after->n; i++) {
                const Look look = look_at(input, &input->after->inventory->items[i]);

                raise_for_item(board, &look);
        }
        if (input->after) {
                raise_for_manifests(board, input->after->inventory);
                raise_for_copies(board);
                raise_for_all_vanished(board);
        }
        raise_for_stray_conflicts(board, input->recovery);
        raise_for_stray_conflicts(board, input->commit);
        raise_for_owed(board);
        report_raise_for_secrets(board);
        raise_for_holds(board);
        raise_for_age(board);
        raise_for_rotations(board);
        raise_for_host(board);
        if (input->failure)
                alarm_board_raise_plain(
                        board, ALARM_TYPE_RENEWAL_FAILED, HOST, xstrdup(input->failure));
        if (input->config_failure)
                alarm_board_raise_plain(
                        board, ALARM_TYPE_CONFIG_INVALID, HOST, xstrdup(input->config_failure));
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
        bool is_secret;

        if (!input->after)
                return NULL;
        if (!entry && report_secret_is_gone(input, name, &is_secret))
                return "this pass has seen what the Secret holds";
        if (!entry && is_secret)
                return NULL;
        if (!entry)
                return "it is no longer in the configuration";
        evidence = evidence_look_at_copy(input, entry, &finding);
        finding_done(&finding);
        return evidence == EVIDENCE_GONE ? "no file differs from its source" : NULL;
}

static bool has_left(const ReportInput *input, const char *component)
{
        return input->after && !inventory_component(input->after->inventory, component) &&
               !hook_debt_is(component);
}

static const char *why_debt_is_gone(const ReportInput *input, const char *component)
{
        if (!input->owed || owed_find(input->owed, component))
                return NULL;
        return has_left(input, component) ? "it is no longer on this host"
                                          : "no restart is owed any more";
}

static const char *why_hold_is_gone(const ReportInput *input, const char *component)
{
        if (!input->holds || hold_find(input->holds, component))
                return NULL;
        return has_left(input, component) ? "it is no longer on this host"
                                          : "it has been proven to use new files";
}

static const char *why_failure_is_gone(const ReportInput *input, const char *resource)
{
        if (!streq(resource, HOST))
                return why_item_fault_is_gone(input, ALARM_TYPE_RENEWAL_FAILED, resource);
        return input->after && !input->failure ? "a pass came to its end" : NULL;
}

/* Another command may have been given another configuration. */
static const char *why_bad_config_is_gone(const ReportInput *input, const char *resource)
{
        return input->nightly && !input->config_failure ? "a pass could use it" : NULL;
}

static const char *why_rotation_is_gone(const ReportInput *input, const char *id)
{
        autofree char *reason = NULL;

        return evidence_look_at_rotation(input, id, &reason) == EVIDENCE_GONE
                       ? "it has come further, or to its end"
                       : NULL;
}

/* Types of certificates have none of their own: there it is the look that raises them. */
static const char *(*const why_gone[N_ALARM_TYPES])(const ReportInput *, const char *) = {
        [ALARM_TYPE_RENEWAL_FAILED] = why_failure_is_gone,
        [ALARM_TYPE_RESTART_OWED] = why_debt_is_gone,
        [ALARM_TYPE_ROLLED_BACK] = why_hold_is_gone,
        [ALARM_TYPE_LOOPBACK_CERTIFICATE] = why_age_is_gone,
        [ALARM_TYPE_STALE_COPY] = why_copy_fault_is_gone,
        [ALARM_TYPE_CONFIG_INVALID] = why_bad_config_is_gone,
        [ALARM_TYPE_CA_ROTATION_UNFINISHED] = why_rotation_is_gone,
};

static const char *why_host_fault_is_gone(const ReportInput *input, AlarmType type)
{
        Finding finding;
        Evidence evidence = evidence_look_at_host(type, input, &finding);

        finding_done(&finding);
        return evidence == EVIDENCE_GONE ? "this pass began in time, and could act" : NULL;
}

/* Clears it if there is evidence. Types that are not in our table belong to somebody else. */
static void clear_if_gone(AlarmBoard *board, const Alarm *alarm)
{
        AlarmType type = alarm_type_find(alarm->type);
        const char *why;

        /* What this pass has raised it does not clear (a file that no certificate has). */
        if (type == N_ALARM_TYPES || streq(alarm->pass_id, board->input->pass_id))
                return;
        if (evidence_is_of_host(type) && streq(alarm->resource, HOST))
                why = why_host_fault_is_gone(board->input, type);
        else
                why = why_gone[type] ? why_gone[type](board->input, alarm->resource)
                                     : why_item_fault_is_gone(board->input, type, alarm->resource);
        if (why)
                alarm_board_clear(board, alarm->type, alarm->resource, why);
}

static void clear_all(AlarmBoard *board)
{
        for (AlarmSide side = 0; side < N_ALARM_SIDES; side++) {
                autoptr(AlarmList) list = NULL;

                alarm_board_list(board, side, &list);
                for (size_t i = 0; list && i < list->n; i++)
                        clear_if_gone(board, &list->alarms[i]);
        }
}

/* A configuration that cannot be used cannot say where alarms go, either. */
static void clear_elsewhere(const ReportInput *input)
{
        const Config standard = {.state_directory = (char *)CONFIG_STATE_DIRECTORY};
        const AlarmTypeInfo *info = alarm_type_info(ALARM_TYPE_CONFIG_INVALID);
        const char *why = why_bad_config_is_gone(input, HOST);
        ReportInput elsewhere = *input;
        AlarmBoard board = {.input = &elsewhere};
        Error error = {};

        elsewhere.config = &standard;
        if (!why || streq(input->config->state_directory, standard.state_directory))
                return;
        alarm_board_clear(&board, info->name, HOST, why);
        if (report_status_alarms(&elsewhere, &error) < 0)
                log_debug("alarms below '%s': %s", standard.state_directory, error.text);
}

static int report_faults(AlarmBoard *board, Error *reterr)
{
        /* 1. Raise before clearing: where one alarm takes the place of another there is no moment
         * without either. */
        raise_all(board);

        /* 2. Clear what this pass has seen to be gone. */
        clear_all(board);
        clear_elsewhere(board->input);
        return board->r < 0 ? error_set(reterr, board->r, "%s", board->error.text) : 0;
}

int report_alarms(const ReportInput *input, Error *reterr)
{
        AlarmBoard board = {.input = input};
        int r, q;

        /* For whom the configuration wants, and each on the side that it wants. */
        r = readers_admit(input->root_fd, input->config, reterr);
        alarm_board_adopt(&board);
        alarm_board_sort(&board);
        q = report_faults(&board, r < 0 ? NULL : reterr);
        return r < 0 ? r : q;
}

int report_incident_alarms(const ReportInput *input, Error *reterr)
{
        AlarmBoard board = {.input = input};
        int r = 0, q;

        /* Closed if that is known to be wanted, never opened: the configuration may be unusable. */
        if (input->config->reader_group)
                r = readers_admit(input->root_fd, input->config, reterr);
        q = report_faults(&board, r < 0 ? NULL : reterr);
        return r < 0 ? r : q;
}

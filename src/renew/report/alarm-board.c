/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/alarm-board.h"

#include "base/escape.h"
#include "base/log.h"
#include "renew/event/events.h"
#include "renew/state/reported.h"

#include <fnmatch.h>

static char *side_directory(const Config *config, AlarmSide side)
{
        static const char *const names[N_ALARM_SIDES] = {
                [ALARMS_ACTIVE] = "alarms",
                [ALARMS_SHELVED] = "shelved",
        };

        return xasprintf("%s/public/%s", config->state_directory, names[side]);
}

static void note_failure(AlarmBoard *board, int r, const Error *error)
{
        if (r >= 0 || board->r < 0)
                return;
        board->r = r;
        board->error = *error;
}

bool alarm_is_shelved(const Config *config, const char *type, const char *resource)
{
        autofree char *name = escape_text(resource);

        for (char **pattern = config->shelve; pattern && *pattern; pattern++) {
                size_t length = strcspn(*pattern, "@");
                autofree char *of_type = xstrndup(*pattern, length);

                if (fnmatch(of_type, type, 0) == 0 && fnmatch(*pattern + length + 1, name, 0) == 0)
                        return true;
        }
        return false;
}

static AlarmSide side_of(const Config *config, const char *type, const char *resource)
{
        return alarm_is_shelved(config, type, resource) ? ALARMS_SHELVED : ALARMS_ACTIVE;
}

static int raised_priority(AlarmSeverity severity, AlarmSide side)
{
        static const int priorities[N_ALARM_SEVERITIES] = {
                [ALARM_WARNING] = LOG_WARNING,
                [ALARM_MINOR] = LOG_WARNING,
                [ALARM_MAJOR] = LOG_ERR,
                [ALARM_CRITICAL] = LOG_CRIT,
        };

        return side == ALARMS_SHELVED ? LOG_INFO : priorities[severity];
}

static void log_raised(const Alarm *alarm, AlarmSide side)
{
        const LogField fields[] = {
                {"ALARM_TYPE", alarm->type},
                {"ALARM_RESOURCE", alarm->resource},
                {"ALARM_ID", *alarm->alarm_id ? alarm->alarm_id : NULL},
                {"ALARM_SHELVED", side == ALARMS_SHELVED ? "yes" : "no"},
                {"SEVERITY", alarm_severity_name(alarm->severity)},
                {"REASON", alarm->reason},
                {"REPAIR_ACTION", alarm->repair_action},
                {},
        };

        log_event(raised_priority(alarm->severity, side), EVENT_ALARM_RAISED, fields,
                "%s %s of '%s' (%s): %s Reason: %s.",
                side == ALARMS_SHELVED ? "Shelved alarm" : "Alarm", alarm->type, alarm->resource,
                alarm_severity_name(alarm->severity), alarm->text, alarm->reason);
}

static void log_shelved(const Alarm *alarm)
{
        const LogField fields[] = {
                {"ALARM_TYPE", alarm->type},
                {"ALARM_RESOURCE", alarm->resource},
                {},
        };

        log_event(LOG_NOTICE, EVENT_ALARM_SHELVED, fields,
                "Alarm %s of '%s' is shelved by the configuration.", alarm->type, alarm->resource);
}

/* One alarm that is on this side. */
static void sort_alarm(AlarmBoard *board, const Alarm *alarm, AlarmSide side)
{
        AlarmSide right = side_of(board->input->config, alarm->type, alarm->resource);
        autofree char *from = side_directory(board->input->config, side);
        autofree char *to = side_directory(board->input->config, right);
        Error error = {};
        int r;

        if (right == side)
                return;
        r = alarm_move(board->input->root_fd, from, to, alarm->type, alarm->resource, &error);
        if (r > 0 && right == ALARMS_SHELVED)
                log_shelved(alarm);
        else if (r > 0)
                log_raised(alarm, right);
        note_failure(board, r, &error);
}

void alarm_board_sort(AlarmBoard *board)
{
        for (AlarmSide side = 0; side < N_ALARM_SIDES; side++) {
                autoptr(AlarmList) list = NULL;

                alarm_board_list(board, side, &list);
                for (size_t i = 0; list && i < list->n; i++)
                        sort_alarm(board, &list->alarms[i], side);
        }
}

void alarm_board_adopt(AlarmBoard *board)
{
        int root_fd = board->input->root_fd;
        autoptr(AlarmList) list = NULL;
        Error error = {};
        int r;

        r = alarm_list(root_fd, REPORTED_FALLBACK, &list, &error);
        note_failure(board, r, &error);
        for (size_t i = 0; list && i < list->n; i++) {
                const Alarm *alarm = &list->alarms[i];
                AlarmSide side = side_of(board->input->config, alarm->type, alarm->resource);
                autofree char *to = side_directory(board->input->config, side);

                r = alarm_move(
                        root_fd, REPORTED_FALLBACK, to, alarm->type, alarm->resource, &error);
                note_failure(board, r, &error);
        }
}

void alarm_board_raise(
        AlarmBoard *board, AlarmType type, const char *resource, const Finding *finding)
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
        AlarmSide side = side_of(board->input->config, info->name, resource);
        autofree char *directory = side_directory(board->input->config, side);
        Error error = {};
        int r;

        r = alarm_raise(board->input->root_fd, directory, &alarm, board->input->now, &error);
        if (r > 0)
                log_raised(&alarm, side);
        note_failure(board, r, &error);
}

void alarm_board_raise_plain(AlarmBoard *board, AlarmType type, const char *resource, char *reason)
{
        const AlarmTypeInfo *info = alarm_type_info(type);
        Finding finding = {info->severity, xstrdup(info->text), info->repair_action, reason};

        alarm_board_raise(board, type, resource, &finding);
        finding_done(&finding);
}

void alarm_board_clear(AlarmBoard *board, const char *type, const char *resource, const char *why)
{
        const LogField fields[] = {
                {"ALARM_TYPE", type},
                {"ALARM_RESOURCE", resource},
                {"REASON", why},
                {},
        };

        for (AlarmSide side = 0; side < N_ALARM_SIDES; side++) {
                autofree char *directory = side_directory(board->input->config, side);
                Error error = {};
                int r = alarm_clear(board->input->root_fd, directory, type, resource, &error);

                if (r > 0)
                        log_event(LOG_NOTICE, EVENT_ALARM_CLEARED, fields,
                                "Alarm %s of '%s' cleared: %s.", type, resource, why);
                note_failure(board, r, &error);
        }
}

void alarm_board_list(AlarmBoard *board, AlarmSide side, AlarmList **ret)
{
        Error error = {};
        int r = alarm_side_read(board->input->root_fd, board->input->config, side, ret, &error);

        note_failure(board, r, &error);
}

int alarm_side_read(
        int root_fd, const Config *config, AlarmSide side, AlarmList **ret, Error *reterr)
{
        autofree char *directory = side_directory(config, side);
        autoptr(AlarmList) list = NULL;
        autoptr(AlarmList) strays = NULL;
        int r;

        r = alarm_list(root_fd, directory, &list, reterr);
        if (r >= 0 && side == ALARMS_ACTIVE)
                r = alarm_list(root_fd, REPORTED_FALLBACK, &strays, reterr);
        if (r < 0)
                return r;
        if (strays)
                alarm_list_merge(list, strays);
        *ret = TAKE(list);
        return 0;
}

int report_read_alarms(int root_fd, const Config *config, AlarmList **ret, Error *reterr)
{
        return alarm_side_read(root_fd, config, ALARMS_ACTIVE, ret, reterr);
}

int report_read_shelved(int root_fd, const Config *config, AlarmList **ret, Error *reterr)
{
        return alarm_side_read(root_fd, config, ALARMS_SHELVED, ret, reterr);
}

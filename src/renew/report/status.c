/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/status.h"

#include "base/fs.h"
#include "host/clock.h"

/* A clock that was set back by more than this was wrong, now or then. */
#define CLOCK_TOLERANCE (5 * MINUTE)

#define LOOK_AT_UNITS                                                                              \
        "look at 'systemctl status kube-renewd.timer kube-renewd.service', or start the service"

void status_free(Status *status)
{
        if (!status)
                return;
        free(status->hostname);
        strv_free(status->layouts);
        free(status->pass_id);
        free(status->version);
        free(status->turn_holder);
        rows_free(status->rows);
        alarm_list_free(status->alarms);
        alarm_list_free(status->shelved);
        owed_list_free(status->owed);
        free(status);
}

static int wrong(const char *key, Error *reterr)
{
        return error_set(reterr, -EBADMSG, "its '%s' is missing or wrong", key);
}

static int read_times(const json_t *json, Status *status, Error *reterr)
{
        const struct {
                const char *key;
                int64_t *member;
        } times[] = {
                {"last_run", &status->last_run},
                {"last_success", &status->last_success},
                {"next_due", &status->next_due},
                {"valid_until", &status->valid_until},
        };

        for (size_t i = 0; i < ELEMENTSOF(times); i++)
                if (json_get_time(json_object_get(json, times[i].key), times[i].member) < 0)
                        return wrong(times[i].key, reterr);
        /* There is none if no clock could be believed yet; but then nothing was seen either. */
        return status->last_run || !status->valid_until ? 0 : wrong("last_run", reterr);
}

static int read_texts(const json_t *json, Status *status, Error *reterr)
{
        const struct {
                const char *key;
                char **member;
                bool is_optional;
        } texts[] = {
                {"hostname", &status->hostname, true}, /* null where it is not known */
                {"pass_id", &status->pass_id, false},
                {"version", &status->version, true},
                {"turn_holder", &status->turn_holder, true},
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                const json_t *value = json_object_get(json, texts[i].key);

                if (texts[i].is_optional && (!value || json_is_null(value)))
                        continue;
                if (!json_is_string(value))
                        return wrong(texts[i].key, reterr);
                *texts[i].member = xstrdup(json_string_value(value));
        }
        return 0;
}

static int read_numbers(const json_t *json, Status *status, Error *reterr)
{
        const json_t *generation = json_object_get(json, "generation");
        const json_t *exit_status = json_object_get(json, "exit_status");

        status->generation = json_integer_value(generation);
        if (status->generation < 1)
                return wrong("generation", reterr);
        if (!json_is_integer(exit_status) || json_integer_value(exit_status) < 0 ||
                json_integer_value(exit_status) > UINT8_MAX)
                return wrong("exit_status", reterr);
        status->exit_status = (int)json_integer_value(exit_status);
        return 0;
}

static int read_alarms(const json_t *json, const char *key, AlarmList **ret, Error *reterr)
{
        const json_t *array = json_object_get(json, key);
        AlarmList *list = *ret = xcalloc(1, sizeof(*list));
        int r;

        if (!json_is_array(array))
                return wrong(key, reterr);
        list->alarms = xcalloc(json_array_size(array), sizeof(Alarm));
        for (; list->n < json_array_size(array); list->n++) {
                r = alarm_from_json(json_array_get(array, list->n), &list->alarms[list->n], reterr);
                if (r < 0)
                        return error_prefix(reterr, r, "'%s', number %zu", key, list->n + 1);
        }
        return 0;
}

/* An older version did not say. */
static int read_layouts(const json_t *json, Status *status, Error *reterr)
{
        const json_t *array = json_object_get(json, "layouts");

        return array && json_get_strv(array, &status->layouts) < 0 ? wrong("layouts", reterr) : 0;
}

static int read_status(const json_t *json, Status *status, Error *reterr)
{
        int r;

        if (!json_is_object(json))
                return error_set(reterr, -EBADMSG, "it is no JSON object");
        r = read_numbers(json, status, reterr);
        if (r >= 0)
                r = read_times(json, status, reterr);
        if (r >= 0)
                r = read_texts(json, status, reterr);
        if (r >= 0)
                r = read_layouts(json, status, reterr);
        if (r >= 0)
                r = rows_from_json(json_object_get(json, "certificates"), &status->rows, reterr);
        if (r >= 0)
                r = read_alarms(json, "alarms", &status->alarms, reterr);
        if (r >= 0)
                r = read_alarms(json, "shelved", &status->shelved, reterr);
        if (r >= 0)
                r = owed_from_json(json_object_get(json, "restarts_owed"), &status->owed, reterr);
        return r;
}

int status_parse(const void *data, size_t size, Status **ret, Error *reterr)
{
        autoptr(Status) status = xcalloc(1, sizeof(*status));
        autoptr(json_t) json = NULL;
        int r;

        r = json_read(data, size, &json, reterr);
        if (r < 0)
                return r;
        r = read_status(json, status, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(status);
        return 0;
}

/* The states that say more than EXPIRED (renew/assess/assess.h): they stay. */
static bool outranks_expired(const char *status)
{
        return streq(status, state_name(STATE_MISSING)) ||
               streq(status, state_name(STATE_INVALID)) ||
               streq(status, state_name(STATE_MISMATCH));
}

static void set_text(char **member, char *text)
{
        free(*member);
        *member = text;
}

/* What the pass could not know yet. */
static void age_row(Row *row, int64_t now)
{
        char span[SPAN_TEXT_SIZE];

        if (!row->not_after)
                return;
        row->residual = row->not_after - now;
        if (row->residual >= 0 || outranks_expired(row->status))
                return;
        set_text(&row->status, xstrdup(state_name(STATE_EXPIRED)));
        set_text(&row->text, xasprintf("expired %s ago", span_format(-row->residual, span)));
        row->severity = state_severity(STATE_EXPIRED);
        if (row->due_reason[0])
                set_text(&row->due_reason, xstrdup(due_reason_name(DUE_EXPIRED)));
}

static int check_age(const Status *status, const char *path, int64_t now, Error *reterr)
{
        char last[TIME_TEXT_SIZE], end[TIME_TEXT_SIZE];

        time_format(status->last_run, last);
        if (!status->valid_until)
                return error_set(reterr, -ESTALE,
                        "'%s' says nothing: no pass has seen the certificates "
                        "yet%s%s; " LOOK_AT_UNITS,
                        path, status->last_run ? ", the last one was at " : "",
                        status->last_run ? last : "");
        if (now > status->valid_until)
                return error_set(reterr, -ESTALE,
                        "'%s' was valid until %s: no pass has seen the certificates since, the "
                        "last one was at %s; " LOOK_AT_UNITS,
                        path, time_format(status->valid_until, end), last);
        if (now + CLOCK_TOLERANCE < status->last_run)
                return error_set(reterr, -ESTALE,
                        "'%s' was written in the future, at %s: the clock is wrong, or was then; "
                        "set it, and start kube-renewd.service, or run 'kube-renewd run "
                        "--trust-clock'",
                        path, last);
        return 0;
}

int status_read(int root_fd, const char *state_directory, int64_t now, Status **ret, Error *reterr)
{
        autofree char *path = xasprintf("%s/public/status.json", state_directory);
        autoptr(FileImage) file = NULL;
        autoptr(Status) status = NULL;
        int r;

        /* 1. What was written. */
        r = fs_read_file(root_fd, path, JSON_FILE_SIZE_MAX, &file, reterr);
        if (r == -ENOENT)
                return error_set(reterr, r,
                        "'%s' is missing: no pass has reported on this host yet; " LOOK_AT_UNITS,
                        path);
        if (r < 0)
                return r;
        r = status_parse(file->data, file->size, &status, reterr);
        if (r < 0)
                return error_prefix(
                        reterr, r, "'%s' is no status (the next pass writes it anew)", path);

        /* 2. Does it still mean anything? */
        r = check_age(status, path, now, reterr);
        if (r < 0)
                return r;

        /* 3. As of now. */
        for (size_t i = 0; i < status->rows->n; i++)
                age_row(&status->rows->rows[i], now);
        *ret = TAKE(status);
        return 0;
}

int status_open(const char *root, const char *config_file, int64_t at, Status **ret, Error *reterr)
{
        autofd int root_fd = fs_open_root(root ? root : "/", reterr);
        autofree char *state_directory = NULL;
        int r;

        if (root_fd < 0)
                return root_fd;
        r = config_state_directory(root_fd, config_file, &state_directory, reterr);
        if (r < 0)
                return r;
        return status_read(root_fd, state_directory, at ? at : clock_now(), ret, reterr);
}

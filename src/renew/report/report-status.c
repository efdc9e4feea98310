/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/report.h"

#include "base/log.h"
#include "renew/report/status.h"

#include <config.h>
#include <fcntl.h>
#include <sys/file.h>

static char *status_path(const ReportInput *input)
{
        return xasprintf("%s/public/status.json", input->config->state_directory);
}

/* What only a status that is whole can hand on: lists in which somebody else has put what is no
 * entry would make the next one as unreadable, and without them it is not valid any longer. */
static const char *const of_whole_status[] = {
        "certificates", "next_due", "restarts_owed", "valid_until"};

/* The status before, as far as it makes sense; an empty object if there is none that can be read.
 */
static json_t *read_previous(int root_fd, const char *path)
{
        autoptr(FileImage) file = NULL;
        autoptr(Status) whole = NULL;
        json_t *previous = NULL;
        Error error = {};
        bool is_whole;

        if (fs_read_file(root_fd, path, JSON_FILE_SIZE_MAX, &file, &error) < 0 ||
                json_read(file->data, file->size, &previous, &error) < 0) {
                log_debug("no previous status: %s", error.text);
                return xcheck(json_object());
        }
        is_whole = status_parse(file->data, file->size, &whole, &error) >= 0;
        if (!is_whole)
                log_debug("no whole previous status: %s", error.text);
        for (size_t i = 0; !is_whole && i < ELEMENTSOF(of_whole_status); i++)
                json_object_del(previous, of_whole_status[i]);
        return previous;
}

static json_t *keep_array(const json_t *previous, const char *key)
{
        json_t *array = json_object_get(previous, key);

        return json_is_array(array) ? json_incref(array) : json_array();
}

static json_t *keep_time(const json_t *previous, const char *key)
{
        int64_t t = 0;

        return json_time(json_get_time(json_object_get(previous, key), &t) < 0 ? 0 : t);
}

static void set(json_t *status, const char *key, json_t *value)
{
        json_object_set_new(status, key, xcheck(value));
}

/* When a pass last ran whose clock could be believed: the next one compares its own with it. */
static json_t *last_run(const ReportInput *input, const json_t *previous)
{
        return input->guards && input->guards->clock ? keep_time(previous, "last_run")
                                                     : json_time(input->now);
}

/* What only a pass that has seen the certificates can say. */
static void set_certificates(json_t *status, const ReportInput *input, const json_t *previous)
{
        autoptr(Rows) rows = input->after ? rows_from_assessment(input->after) : NULL;

        if (rows) {
                set(status, "certificates", rows_to_json(rows));
                set(status, "next_due", json_time(assess_next_due(input->after)));
                set(status, "valid_until", json_time(input->now + TWO_NIGHTS));
        } else {
                set(status, "certificates", keep_array(previous, "certificates"));
                set(status, "next_due", keep_time(previous, "next_due"));
                set(status, "valid_until", keep_time(previous, "valid_until"));
        }
}

typedef int (*AlarmReader)(int root_fd, const Config *config, AlarmList **ret, Error *reterr);

static int set_alarms(
        json_t *status, const char *key, AlarmReader read, const ReportInput *input, Error *reterr)
{
        autoptr(AlarmList) list = NULL;
        json_t *alarms;
        int r;

        r = read(input->root_fd, input->config, &list, reterr);
        if (r < 0)
                return r;
        alarms = xcheck(json_array());
        for (size_t i = 0; i < list->n; i++)
                json_array_append_new(alarms, alarm_to_json(&list->alarms[i]));
        set(status, key, alarms);
        return 0;
}

static int set_alarm_lists(json_t *status, const ReportInput *input, Error *reterr)
{
        int r = set_alarms(status, "alarms", report_read_alarms, input, reterr);

        return r < 0 ? r : set_alarms(status, "shelved", report_read_shelved, input, reterr);
}

static void set_generation(json_t *status, const json_t *previous)
{
        json_int_t generation = json_integer_value(json_object_get(previous, "generation"));

        set(status, "generation", json_integer(generation < INT64_MAX ? generation + 1 : 1));
}

int report_status(const ReportInput *input, Error *reterr)
{
        autofree char *path = status_path(input);
        autoptr(json_t) status = xcheck(json_object());
        autoptr(json_t) previous = NULL;
        autofd int lock_fd = -1;
        int r;

        /* 1. The pass. */
        lock_fd = report_lock(input, reterr);
        if (lock_fd < 0)
                return lock_fd;
        previous = read_previous(input->root_fd, path);
        set_generation(status, previous);
        set(status, "version", json_string(PACKAGE_VERSION));
        set(status, "pass_id", json_escaped(input->pass_id));
        set(status, "hostname", json_escaped(input->config->host.node_name));
        set(status, "layouts", json_strv(input->config->layout.names));
        set(status, "exit_status", json_integer(input->exit_status));
        set(status, "last_run", last_run(input, previous));
        set(status, "last_success",
                input->exit_status == 0 ? json_time(input->now)
                                        : keep_time(previous, "last_success"));

        /* 2. What it found, and what is left to do. */
        set_certificates(status, input, previous);
        set(status, "restarts_owed",
                input->owed ? owed_to_json(input->owed) : keep_array(previous, "restarts_owed"));
        set(status, "turn_holder",
                json_escaped(input->restarts ? input->restarts->turn_holder : NULL));
        r = set_alarm_lists(status, input, reterr);
        if (r < 0)
                return r;

        /* 3. For everybody to read. */
        return json_write_file(input->root_fd, path, status, 0644, reterr);
}

/* What is there, if it is a status; else NULL: there is nothing that alarms could be put into. */
static json_t *read_whole(int root_fd, const char *path)
{
        autoptr(FileImage) file = NULL;
        autoptr(Status) known = NULL;
        json_t *status = NULL;
        Error error = {};

        if (fs_read_file(root_fd, path, JSON_FILE_SIZE_MAX, &file, &error) >= 0 &&
                status_parse(file->data, file->size, &known, &error) >= 0 &&
                json_read(file->data, file->size, &status, &error) >= 0)
                return status;
        log_debug("no status that could tell of alarms: %s", error.text);
        return NULL;
}

/* 1 if there was something to write. */
static int refresh_alarms(const ReportInput *input, const char *path, Error *reterr)
{
        autofd int lock_fd = report_lock(input, reterr);
        autoptr(json_t) previous = NULL;
        autoptr(json_t) status = NULL;
        int r;

        if (lock_fd < 0)
                return lock_fd;
        previous = read_whole(input->root_fd, path);
        if (!previous)
                return 0;
        status = xcheck(json_copy(previous));
        r = set_alarm_lists(status, input, reterr);
        if (r < 0)
                return r;
        if (json_equal(status, previous))
                return 0;
        set_generation(status, previous);
        r = json_write_file(input->root_fd, path, status, 0644, reterr);
        return r < 0 ? r : 1;
}

int report_status_alarms(const ReportInput *input, Error *reterr)
{
        autofree char *path = status_path(input);
        int r;

        if (!fs_exists(input->root_fd, path))
                return 0;
        r = refresh_alarms(input, path, reterr);
        return r > 0 ? report_metrics(input, reterr) : r;
}

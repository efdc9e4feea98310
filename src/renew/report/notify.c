/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/report/notify.h"

#include "base/log.h"
#include "host/clock.h"
#include "renew/report/alarm-board.h"
#include "renew/unit/patience.h"

/* One report to the site. */
typedef struct Notice {
        const ReportInput *input;
        NotifyTell tell;
        void *userdata;
        char *path;   /* of notified.json */
        json_t *told; /* "TYPE@RESOURCE": the alarm as it was told last */
        int64_t deadline;
        bool untold;
} Notice;

static void notice_done(Notice *notice)
{
        free(notice->path);
        json_decref(notice->told);
}

DEFINE_AUTOPTR(Notice, notice_done)
DEFINE_AUTOPTR(Alarm, alarm_done)

static char *alarm_key(const Alarm *alarm)
{
        return xasprintf("%s@%s", alarm->type, alarm->resource);
}

/* What was told under this key; false for what makes no sense, which was not told then. */
static bool told_alarm(const json_t *told, const char *key, Alarm *ret)
{
        autofree char *real = NULL;

        if (alarm_from_json(json_object_get(told, key), ret, NULL) < 0)
                return false;
        real = alarm_key(ret);
        if (streq(real, key))
                return true;
        alarm_done(ret);
        return false;
}

static json_t *read_told(int root_fd, const char *path)
{
        json_t *told = NULL;
        Error error = {};

        if (json_read_file(root_fd, path, &told, &error) >= 0 && json_is_object(told))
                return told;
        log_debug("nothing was told yet: %s", error.text);
        json_decref(told);
        return xcheck(json_object());
}

/* Tells of one alarm, and remembers it: what it is now, or NULL if it is no more. */
static int tell(
        Notice *notice, const char *state, const Alarm *alarm, const Alarm *now, Error *reterr)
{
        const ReportInput *input = notice->input;
        const HookContext context = {.pass_id = input->pass_id,
                .hostname = input->config->host.node_name,
                .alarm = alarm,
                .alarm_state = state};
        autofree char *key = alarm_key(alarm);

        if (!notice->tell || clock_monotonic() >= notice->deadline ||
                notice->tell(notice->userdata, &context, NULL) < 0) {
                notice->untold = true;
                return 0;
        }
        if (now)
                json_object_set_new(notice->told, key, alarm_to_json(now));
        else
                json_object_del(notice->told, key);
        return json_write_file(input->root_fd, notice->path, notice->told, 0600, reterr);
}

static int tell_active(Notice *notice, const Alarm *alarm, Error *reterr)
{
        autofree char *key = alarm_key(alarm);
        Alarm storage = {};
        autoptr(Alarm) before = &storage;

        if (!told_alarm(notice->told, key, before))
                return tell(notice, "raised", alarm, alarm, reterr);
        if (before->severity != alarm->severity || !streq(before->text, alarm->text))
                return tell(notice, "changed", alarm, alarm, reterr);
        return 0;
}

/* A file that is there and cannot be read may still be this alarm. */
static bool is_there(const AlarmList *active, const Alarm *alarm)
{
        autofree char *name = alarm_file_name(alarm->type, alarm->resource);

        for (size_t i = 0; i < active->n; i++)
                if (streq(active->alarms[i].type, alarm->type) &&
                        streq(active->alarms[i].resource, alarm->resource))
                        return true;
        return strv_contains(active->unreadable, name);
}

static int tell_cleared(Notice *notice, const AlarmList *active, const char *key, Error *reterr)
{
        Alarm storage = {};
        autoptr(Alarm) before = &storage;

        if (!told_alarm(notice->told, key, before) || is_there(active, before))
                return 0;
        return tell(notice, "cleared", before, NULL, reterr);
}

static char **keys_of(json_t *object)
{
        char **keys = NULL;
        const char *key;
        json_t *value;

        json_object_foreach(object, key, value) strv_add(&keys, key);
        return keys;
}

int notify_run(const ReportInput *input, NotifyTell tell_site, void *userdata, Error *reterr)
{
        Notice storage = {.input = input,
                .tell = tell_site,
                .userdata = userdata,
                .path = xasprintf("%s/notified.json", input->config->state_directory),
                .deadline = clock_monotonic() + PATIENCE_TELLING * 1000};
        autoptr(Notice) notice = &storage;
        autoptr(AlarmList) active = NULL;
        autostrv keys = NULL;
        int r;

        if (!hook_argv(input->config, HOOK_ON_ALARM))
                return 0;

        /* 1. What is, and what the site knows. */
        r = report_read_alarms(input->root_fd, input->config, &active, reterr);
        if (r < 0)
                return r;
        notice->told = read_told(input->root_fd, notice->path);

        /* 2. What is new, before what is gone: where one alarm takes the place of another there is
         * no moment without either. */
        for (size_t i = 0; r >= 0 && i < active->n; i++)
                r = tell_active(notice, &active->alarms[i], reterr);
        keys = keys_of(notice->told);
        for (char **key = keys; r >= 0 && key && *key; key++)
                r = tell_cleared(notice, active, *key, reterr);
        return r < 0 ? r : notice->untold;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/alarm.h"

#include "base/escape.h"
#include "base/fs.h"

#define SCHEMA_VERSION 1
#define TEXT_MAX       ((size_t)4096) /* of each, so that a file stays below ALARM_FILE_SIZE_MAX */

static const char *const severity_names[N_ALARM_SEVERITIES] = {
        [ALARM_WARNING] = "warning",
        [ALARM_MINOR] = "minor",
        [ALARM_MAJOR] = "major",
        [ALARM_CRITICAL] = "critical",
};

/* The members that are text, by their keys. */
static const struct {
        const char *key;
        size_t offset;
        bool is_news; /* time_changed moves with it */
} string_fields[] = {
        {"type", offsetof(Alarm, type), false},
        {"resource", offsetof(Alarm, resource), false},
        {"alarm_id", offsetof(Alarm, alarm_id), false},
        {"event_type", offsetof(Alarm, event_type), false},
        {"probable_cause", offsetof(Alarm, probable_cause), false},
        {"text", offsetof(Alarm, text), true},
        {"reason", offsetof(Alarm, reason), false},
        {"repair_action", offsetof(Alarm, repair_action), false},
        {"pass_id", offsetof(Alarm, pass_id), false},
};

static char **string_field(Alarm *alarm, size_t i)
{
        return (char **)((char *)alarm + string_fields[i].offset);
}

static const char *string_value(const Alarm *alarm, size_t i)
{
        const char *value = *(char *const *)((const char *)alarm + string_fields[i].offset);

        return value ? value : "";
}

const char *alarm_severity_name(AlarmSeverity severity)
{
        return severity_names[severity];
}

void alarm_done(Alarm *alarm)
{
        for (size_t i = 0; i < ELEMENTSOF(string_fields); i++)
                free(*string_field(alarm, i));
        *alarm = (Alarm){};
}

DEFINE_AUTOPTR(Alarm, alarm_done)

void alarm_list_free(AlarmList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++)
                alarm_done(&list->alarms[i]);
        free(list->alarms);
        strv_free(list->unreadable);
        free(list);
}

/* Escaped; what is too long ends in '~' and a digest, so that two resources stay two. */
static char *bounded_text(const char *text)
{
        autofree char *escaped = escape_text(text);
        size_t length = strlen(escaped), end = TEXT_MAX;
        char hex[DIGEST_HEX_SIZE];
        Digest digest;

        if (length <= TEXT_MAX)
                return TAKE(escaped);
        digest = digest_of(escaped, length);
        digest_format(&digest, hex);
        end -= 33;
        while (((unsigned char)escaped[end] & 0xc0) == 0x80)
                end--; /* not in the middle of a character */
        return xasprintf("%.*s~%.32s", (int)end, escaped, hex);
}

char *alarm_file_name(const char *type, const char *resource)
{
        autofree char *bounded = bounded_text(resource);
        autofree char *name = escape_file_name(bounded);

        return xasprintf("%s@%s.json", type, name);
}

json_t *alarm_to_json(const Alarm *alarm)
{
        json_t *json = json_pack("{s:i, s:s, s:b, s:o, s:o, s:I}", "schema_version", SCHEMA_VERSION,
                "severity", alarm_severity_name(alarm->severity), "service_affecting",
                alarm->service_affecting, "time_created", json_time(alarm->time_created),
                "time_changed", json_time(alarm->time_changed), "count", (json_int_t)alarm->count);

        xcheck(json);
        for (size_t i = 0; i < ELEMENTSOF(string_fields); i++) {
                autofree char *text = bounded_text(string_value(alarm, i));

                json_object_set_new(json, string_fields[i].key, xcheck(json_string(text)));
        }
        return json;
}

static int parse_severity(const json_t *json, AlarmSeverity *ret)
{
        const char *name = json_string_value(json);

        for (AlarmSeverity s = 0; name && s < N_ALARM_SEVERITIES; s++)
                if (streq(name, severity_names[s])) {
                        *ret = s;
                        return 0;
                }
        return -EBADMSG;
}

static bool is_type(const char *type)
{
        return *type && type[strspn(type, "abcdefghijklmnopqrstuvwxyz-")] == 0;
}

/* Everything but the strings. */
static int parse_values(const json_t *json, Alarm *alarm, Error *reterr)
{
        const json_t *affecting = json_object_get(json, "service_affecting");

        if (json_integer_value(json_object_get(json, "schema_version")) != SCHEMA_VERSION)
                return error_set(reterr, -EBADMSG, "schema_version is not %d", SCHEMA_VERSION);
        if (parse_severity(json_object_get(json, "severity"), &alarm->severity) < 0)
                return error_set(reterr, -EBADMSG, "severity is none");
        if (json_get_time(json_object_get(json, "time_created"), &alarm->time_created) < 0 ||
                json_get_time(json_object_get(json, "time_changed"), &alarm->time_changed) < 0)
                return error_set(reterr, -EBADMSG, "time_created or time_changed is no time");
        alarm->count = json_integer_value(json_object_get(json, "count"));
        if (alarm->count < 1)
                return error_set(reterr, -EBADMSG, "count is not positive");
        if (!json_is_boolean(affecting))
                return error_set(reterr, -EBADMSG, "service_affecting is no boolean");
        alarm->service_affecting = json_is_true(affecting);
        return 0;
}

int alarm_from_json(const json_t *json, Alarm *ret, Error *reterr)
{
        Alarm storage = {};
        autoptr(Alarm) alarm = &storage;
        int r;

        if (!json_is_object(json))
                return error_set(reterr, -EBADMSG, "no JSON object");
        r = parse_values(json, alarm, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(string_fields); i++) {
                const char *value = json_string_value(json_object_get(json, string_fields[i].key));

                if (!value)
                        return error_set(reterr, -EBADMSG, "%s is no string", string_fields[i].key);
                *string_field(alarm, i) = escape_text(value);
        }
        if (!is_type(alarm->type))
                return error_set(reterr, -EBADMSG, "'%s' is no type", alarm->type);
        *ret = storage;
        storage = (Alarm){};
        return 0;
}

int alarm_parse(const void *data, size_t size, Alarm *ret, Error *reterr)
{
        autoptr(json_t) json = NULL;
        int r;

        r = json_read(data, size, &json, reterr);
        return r < 0 ? r : alarm_from_json(json, ret, reterr);
}

static int alarm_read(int root_fd, const char *path, Alarm *ret, Error *reterr)
{
        autoptr(FileImage) file = NULL;
        int r;

        r = fs_read_file(root_fd, path, ALARM_FILE_SIZE_MAX, &file, reterr);
        if (r < 0)
                return r;
        r = alarm_parse(file->data, file->size, ret, reterr);
        return r < 0 ? error_prefix(reterr, r, "'%s' is no alarm", path) : 0;
}

static bool is_news(const Alarm *alarm, const Alarm *old)
{
        if (alarm->severity != old->severity)
                return true;
        for (size_t i = 0; i < ELEMENTSOF(string_fields); i++) {
                autofree char *value = bounded_text(string_value(alarm, i));

                if (string_fields[i].is_news && !streq(value, string_value(old, i)))
                        return true;
        }
        return false;
}

int alarm_raise(int root_fd, const char *directory, const Alarm *alarm, int64_t now, Error *reterr)
{
        autofree char *name = alarm_file_name(alarm->type, alarm->resource);
        autofree char *path = xasprintf("%s/%s", directory, name);
        Alarm next = *alarm, old = {};
        autoptr(json_t) json = NULL;
        bool known, news;
        int r;

        known = alarm_read(root_fd, path, &old, NULL) >= 0;
        news = !known || is_news(alarm, &old);
        next.time_created = known ? old.time_created : now;
        next.time_changed = news ? now : old.time_changed;
        next.count = !known ? 1 : old.count < INT64_MAX ? old.count + 1 : old.count;
        alarm_done(&old);

        r = fs_make_directories(root_fd, directory, 0755, reterr);
        if (r < 0)
                return r;
        json = alarm_to_json(&next);
        r = json_write_file(root_fd, path, json, 0644, reterr);
        return r < 0 ? r : news;
}

int alarm_clear(
        int root_fd, const char *directory, const char *type, const char *resource, Error *reterr)
{
        autofree char *name = alarm_file_name(type, resource);
        autofree char *path = xasprintf("%s/%s", directory, name);
        int r;

        if (!fs_exists(root_fd, path))
                return 0;
        r = fs_remove_file(root_fd, path, reterr);
        return r < 0 ? r : 1;
}

int alarm_move(int root_fd, const char *from, const char *to, const char *type,
        const char *resource, Error *reterr)
{
        autofree char *name = alarm_file_name(type, resource);
        autofree char *old_path = xasprintf("%s/%s", from, name);
        autofree char *new_path = xasprintf("%s/%s", to, name);
        autoptr(FileImage) file = NULL;
        int r;

        r = fs_read_file(root_fd, old_path, ALARM_FILE_SIZE_MAX, &file, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = fs_make_directories(root_fd, to, 0755, reterr);
        /* Who was killed between the two steps has left it in both. */
        if (r >= 0 && !fs_exists(root_fd, new_path))
                r = fs_write_file(root_fd, new_path, file->data, file->size, 0644, reterr);
        if (r >= 0)
                r = fs_remove_file(root_fd, old_path, reterr);
        return r < 0 ? r : 1;
}

static int compare_alarms(const void *a, const void *b)
{
        const Alarm *x = a, *y = b;
        int r = strcmp(x->type, y->type);

        return r != 0 ? r : strcmp(x->resource, y->resource);
}

/* -EBADMSG for an alarm under another's name: it would be cleared, or survive, with the wrong
 * fault. */
static int list_add(AlarmList *list, int root_fd, const char *directory, const char *name)
{
        autofree char *path = xasprintf("%s/%s", directory, name);
        Alarm alarm = {};
        int r;

        r = alarm_read(root_fd, path, &alarm, NULL);
        if (r < 0)
                return r;
        autofree char *expected = alarm_file_name(alarm.type, alarm.resource);
        if (!streq(name, expected)) {
                alarm_done(&alarm);
                return -EBADMSG;
        }
        list->alarms = xreallocarray(list->alarms, list->n + 1, sizeof(Alarm));
        list->alarms[list->n++] = alarm;
        return 0;
}

int alarm_list(int root_fd, const char *directory, AlarmList **ret, Error *reterr)
{
        autoptr(AlarmList) list = xcalloc(1, sizeof(*list));
        autostrv names = NULL;
        int r;

        r = fs_list(root_fd, directory, &names, reterr);
        if (r < 0 && r != -ENOENT)
                return r;
        for (size_t i = 0; names && names[i]; i++) {
                if (names[i][0] == '.')
                        continue; /* a temporary name: somebody is raising one, or died at it */
                r = list_add(list, root_fd, directory, names[i]);
                if (r < 0 && r != -ENOENT)
                        strv_add(&list->unreadable, names[i]);
        }
        if (list->n > 0)
                qsort(list->alarms, list->n, sizeof(Alarm), compare_alarms);
        *ret = TAKE(list);
        return 0;
}

void alarm_list_merge(AlarmList *list, AlarmList *more)
{
        size_t n = list->n;

        list->alarms = xreallocarray(list->alarms, n + more->n, sizeof(Alarm));
        for (size_t i = 0; i < more->n; i++)
                if (!bsearch(&more->alarms[i], list->alarms, n, sizeof(Alarm), compare_alarms)) {
                        list->alarms[list->n++] = more->alarms[i];
                        more->alarms[i] = (Alarm){};
                }
        qsort(list->alarms, list->n, sizeof(Alarm), compare_alarms);
        for (char **name = more->unreadable; name && *name; name++)
                strv_add(&list->unreadable, *name);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/commit/owed.h"

#include "base/escape.h"
#include "base/log.h"

#define SUFFIX ".json"

static void owed_done(Owed *owed)
{
        free(owed->component);
        free(owed->pass_id);
        free(owed->reason);
        strv_free(owed->paths);
        strv_free(owed->before);
        *owed = (Owed){};
}

DEFINE_AUTOPTR(Owed, owed_done)

void owed_list_free(OwedList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++)
                owed_done(&list->entries[i]);
        free(list->entries);
        free(list);
}

static json_t *entry_to_json(const Owed *owed)
{
        return xcheck(
                json_pack("{s:o, s:o, s:o, s:o, s:o}", "component", json_escaped(owed->component),
                        "since", json_time(owed->since), "pass_id", json_escaped(owed->pass_id),
                        "paths", json_strv(owed->paths), "reason", json_escaped(owed->reason)));
}

json_t *owed_to_json(const OwedList *list)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; list && i < list->n; i++)
                json_array_append_new(array, entry_to_json(&list->entries[i]));
        return array;
}

/* Has any file changed since the process was last known to have it? */
static bool is_due(int root_fd, const Owed *owed)
{
        for (size_t i = 0; owed->paths && owed->paths[i]; i++) {
                autofree char *now = fs_content(root_fd, owed->paths[i]);

                if (streq(now, FS_CONTENT_UNKNOWN) || !streq(now, owed->before[i]))
                        return true;
        }
        return !owed->paths || owed->renews;
}

/* Nobody knows what the process has. */
static void set_unknown(Owed *owed)
{
        strv_free(TAKE(owed->before));
        for (size_t i = strv_length(owed->paths); i > 0; i--)
                strv_add(&owed->before, FS_CONTENT_UNKNOWN);
}

static int entry_from_json(const json_t *json, Owed *ret)
{
        Owed storage = {};
        autoptr(Owed) owed = &storage;
        const char *component, *pass_id, *reason;

        component = json_string_value(json_object_get(json, "component"));
        pass_id = json_string_value(json_object_get(json, "pass_id"));
        if (!component || !pass_id ||
                json_get_time(json_object_get(json, "since"), &owed->since) < 0 ||
                json_get_strv(json_object_get(json, "paths"), &owed->paths) < 0)
                return -EBADMSG;
        if (json_get_strv(json_object_get(json, "before"), &owed->before) < 0 ||
                strv_length(owed->before) != strv_length(owed->paths))
                set_unknown(owed);
        if (json_get_time(json_object_get(json, "expires"), &owed->expires) < 0)
                owed->expires = 0; /* an entry of an earlier version, or of the status */
        reason = json_string_value(json_object_get(json, "reason"));
        owed->component = escape_text(component);
        owed->pass_id = escape_text(pass_id);
        owed->reason = reason ? escape_text(reason) : NULL;
        owed->renews = json_is_true(json_object_get(json, "renews"));
        *ret = storage;
        storage = (Owed){};
        return 0;
}

int owed_from_json(const json_t *array, OwedList **ret, Error *reterr)
{
        autoptr(OwedList) list = xcalloc(1, sizeof(*list));

        if (!json_is_array(array))
                return error_set(reterr, -EBADMSG, "its 'restarts_owed' is missing or wrong");
        list->entries = xcalloc(json_array_size(array), sizeof(Owed));
        for (; list->n < json_array_size(array); list->n++)
                if (entry_from_json(json_array_get(array, list->n), &list->entries[list->n]) < 0)
                        return error_set(reterr, -EBADMSG, "'restarts_owed', number %zu, is none",
                                list->n + 1);
        *ret = TAKE(list);
        return 0;
}

static int entry_read(int root_fd, const char *path, Owed *ret, Error *reterr)
{
        autoptr(json_t) json = NULL;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        r = entry_from_json(json, ret);
        return r < 0 ? error_set(reterr, r, "'%s' is no entry of the ledger", path) : 0;
}

/* Of a file that changes for the second time, nobody knows which content the process has. */
static void join_path(Owed *owed, const char *path, const char *before)
{
        for (size_t i = 0; owed->paths && owed->paths[i]; i++) {
                if (!streq(owed->paths[i], path))
                        continue;
                if (!streq(owed->before[i], before)) {
                        free(owed->before[i]);
                        owed->before[i] = xstrdup(FS_CONTENT_UNKNOWN);
                }
                return;
        }
        strv_add(&owed->paths, path);
        strv_add(&owed->before, before);
}

static char *entry_path(const char *state_directory, const char *component)
{
        autofree char *name = escape_file_name(component);

        return xasprintf("%s/owed/%s" SUFFIX, state_directory, name);
}

/* The entry that is there takes what the new one has; it keeps `since` while its debt stands, and
 * its pass where the new one has changed nothing. */
static int join(int root_fd, const char *state_directory, const Owed *entry, bool has_changed,
        Error *reterr)
{
        autofree char *path = entry_path(state_directory, entry->component);
        autoptr(json_t) json = NULL;
        Owed storage = {};
        autoptr(Owed) owed = &storage;
        int r;

        r = entry_read(root_fd, path, owed, NULL);
        if (r < 0 || !is_due(root_fd, owed)) {
                owed_done(owed);
                owed->since = entry->since;
        }
        if (entry->expires != 0 && (owed->expires == 0 || entry->expires < owed->expires))
                owed->expires = entry->expires;
        if (entry->renews && !owed->renews)
                owed->since = entry->since; /* what was begun before does not pay this debt */
        owed->renews |= entry->renews;
        free(owed->component);
        free(owed->reason);
        owed->component = xstrdup(entry->component);
        if (has_changed || !owed->pass_id) {
                free(owed->pass_id);
                owed->pass_id = xstrdup(entry->pass_id);
        }
        owed->reason = xstrdup(entry->reason);
        for (size_t i = 0; entry->paths && entry->paths[i]; i++)
                join_path(owed, entry->paths[i], entry->before[i]);
        if (r < 0 && r != -ENOENT)
                set_unknown(owed); /* what the lost entry owed, it still owes */
        json = entry_to_json(owed);
        json_object_set_new(json, "before", json_strv(owed->before));
        if (owed->expires != 0)
                json_object_set_new(json, "expires", json_time(owed->expires));
        if (owed->renews)
                json_object_set_new(json, "renews", json_true());
        return json_write_private(root_fd, path, json, reterr);
}

int owed_enter(int root_fd, const char *state_directory, const Owed *entry, Error *reterr)
{
        autostrv before = NULL;
        Owed known = *entry;

        for (char *const *path = entry->paths; path && *path; path++)
                strv_take(&before, fs_content(root_fd, *path));
        known.before = before;
        return join(root_fd, state_directory, &known, true, reterr);
}

/* The first end of what is replaced. */
static int64_t first_end(const Restart *restart)
{
        const Inventory *inventory = restart->component->inventory;
        int64_t end = 0;

        for (size_t i = 0; inventory && i < inventory->n_items; i++) {
                const Item *item = &inventory->items[i];

                if (item_is_leaf(item) && item->cert && strv_contains(restart->paths, item->path) &&
                        (end == 0 || item->cert->not_after < end))
                        end = item->cert->not_after;
        }
        return end;
}

int owed_add(int root_fd, const char *state_directory, const Restart *restarts, size_t n_restarts,
        const char *pass_id, int64_t now, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n_restarts; i++) {
                const Restart *restart = &restarts[i];

                r = owed_enter(root_fd, state_directory,
                        &(Owed){.component = restart->component->entry->name,
                                .since = now,
                                .expires = first_end(restart),
                                .pass_id = (char *)pass_id,
                                .paths = restart->paths,
                                .reason = restart->text,
                                .renews = restart->renews},
                        reterr);
        }
        return r;
}

int owed_note(int root_fd, const char *state_directory, const Owed *entry, Error *reterr)
{
        autostrv before = NULL;
        Owed unknown = *entry;

        for (size_t i = strv_length(entry->paths); i > 0; i--)
                strv_add(&before, FS_CONTENT_UNKNOWN);
        unknown.before = before;
        return join(root_fd, state_directory, &unknown, false, reterr);
}

int owed_remove(int root_fd, const char *state_directory, const char *component, Error *reterr)
{
        autofree char *path = entry_path(state_directory, component);

        return fs_remove_file(root_fd, path, reterr);
}

const Owed *owed_find(const OwedList *list, const char *component)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (streq(list->entries[i].component, component))
                        return &list->entries[i];
        return NULL;
}

/* Whatever cannot be read was written because a restart is owed: it is kept, by its name. */
static Owed entry_or_name(int root_fd, const char *directory, const char *name)
{
        autofree char *path = xasprintf("%s/%s" SUFFIX, directory, name);
        Owed owed = {};
        Error error = {};

        if (entry_read(root_fd, path, &owed, &error) >= 0)
                return owed;
        log_debug("%s; it is owed all the same", error.text);
        return (Owed){.component = xstrdup(name), .pass_id = xstrdup("")};
}

int owed_read(int root_fd, const char *state_directory, OwedList **ret, Error *reterr)
{
        autofree char *directory = xasprintf("%s/owed", state_directory);
        autoptr(OwedList) list = xcalloc(1, sizeof(*list));
        autostrv names = NULL;
        int r;

        r = json_list(root_fd, directory, &names, reterr);
        if (r < 0)
                return r;
        for (char **name = names; name && *name; name++) {
                list->entries = xreallocarray(list->entries, list->n + 1, sizeof(Owed));
                list->entries[list->n++] = entry_or_name(root_fd, directory, *name);
        }
        *ret = TAKE(list);
        return 0;
}

int owed_forget_undone(int root_fd, const char *state_directory, Error *reterr)
{
        autofree char *directory = xasprintf("%s/owed", state_directory);
        autostrv names = NULL;
        int r;

        r = json_list(root_fd, directory, &names, reterr);
        for (char **name = names; r >= 0 && name && *name; name++) {
                autofree char *path = xasprintf("%s/%s" SUFFIX, directory, *name);
                Owed storage = {};
                autoptr(Owed) owed = &storage;

                if (entry_read(root_fd, path, owed, NULL) >= 0 && !is_due(root_fd, owed))
                        r = fs_remove_file(root_fd, path, reterr);
        }
        return r;
}

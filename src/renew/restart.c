/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/restart.h"

#include "base/escape.h"
#include "base/log.h"

#define SUFFIX ".json"

static void owed_done(Owed *owed)
{
        free(owed->component);
        free(owed->pass_id);
        strv_free(owed->paths);
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
        return xcheck(json_pack("{s:o, s:o, s:o, s:o}", "component", json_escaped(owed->component),
                "since", json_time(owed->since), "pass_id", json_escaped(owed->pass_id), "paths",
                json_strv(owed->paths)));
}

json_t *owed_to_json(const OwedList *list)
{
        json_t *array = xcheck(json_array());

        for (size_t i = 0; list && i < list->n; i++)
                json_array_append_new(array, entry_to_json(&list->entries[i]));
        return array;
}

static int entry_read(int root_fd, const char *path, Owed *ret, Error *reterr)
{
        autoptr(json_t) json = NULL;
        Owed storage = {};
        autoptr(Owed) owed = &storage;
        const char *component, *pass_id;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        component = json_string_value(json_object_get(json, "component"));
        pass_id = json_string_value(json_object_get(json, "pass_id"));
        if (!component || !pass_id ||
                json_get_time(json_object_get(json, "since"), &owed->since) < 0 ||
                json_get_strv(json_object_get(json, "paths"), &owed->paths) < 0)
                return error_set(reterr, -EBADMSG, "'%s' is no entry of the ledger", path);
        owed->component = escape_text(component);
        owed->pass_id = escape_text(pass_id);
        *ret = storage;
        storage = (Owed){};
        return 0;
}

static void join_paths(Owed *owed, char *const *paths)
{
        for (; paths && *paths; paths++)
                if (!strv_contains(owed->paths, *paths))
                        strv_add(&owed->paths, *paths);
}

static int add_one(int root_fd, const char *directory, const Restart *restart, const char *pass_id,
        int64_t now, Error *reterr)
{
        const char *component = restart->component->entry->name;
        autofree char *name = escape_file_name(component);
        autofree char *path = xasprintf("%s/%s" SUFFIX, directory, name);
        autoptr(json_t) json = NULL;
        Owed storage = {};
        autoptr(Owed) owed = &storage;

        if (entry_read(root_fd, path, owed, NULL) < 0)
                owed->since = now;
        free(owed->component);
        free(owed->pass_id);
        owed->component = xstrdup(component);
        owed->pass_id = xstrdup(pass_id);
        join_paths(owed, restart->paths);
        json = entry_to_json(owed);
        return json_write_file(root_fd, path, json, 0600, reterr);
}

int owed_add(int root_fd, const char *state_directory, const Restart *restarts, size_t n_restarts,
        const char *pass_id, int64_t now, Error *reterr)
{
        autofree char *directory = xasprintf("%s/owed", state_directory);
        int r;

        r = n_restarts > 0 ? fs_make_directories(root_fd, directory, 0700, reterr) : 0;
        for (size_t i = 0; r >= 0 && i < n_restarts; i++)
                r = add_one(root_fd, directory, &restarts[i], pass_id, now, reterr);
        return r;
}

/* Whatever cannot be read was written because a restart is owed: it is kept, by its name. */
static Owed entry_or_name(int root_fd, const char *directory, const char *name)
{
        autofree char *path = xasprintf("%s/%s", directory, name);
        Owed owed = {};
        Error error = {};

        if (entry_read(root_fd, path, &owed, &error) >= 0)
                return owed;
        log_debug("%s; it is owed all the same", error.text);
        return (Owed){
                .component = xstrndup(name, strlen(name) - strlen(SUFFIX)), .pass_id = xstrdup("")};
}

int owed_read(int root_fd, const char *state_directory, OwedList **ret, Error *reterr)
{
        autofree char *directory = xasprintf("%s/owed", state_directory);
        autoptr(OwedList) list = xcalloc(1, sizeof(*list));
        autostrv names = NULL;
        int r;

        r = fs_list(root_fd, directory, &names, reterr);
        if (r < 0 && r != -ENOENT)
                return r;
        for (char **name = names; name && *name; name++) {
                size_t length = strlen(*name);

                if (**name == '.' || length <= strlen(SUFFIX) ||
                        !streq(*name + length - strlen(SUFFIX), SUFFIX))
                        continue;
                list->entries = xreallocarray(list->entries, list->n + 1, sizeof(Owed));
                list->entries[list->n++] = entry_or_name(root_fd, directory, *name);
        }
        *ret = TAKE(list);
        return 0;
}

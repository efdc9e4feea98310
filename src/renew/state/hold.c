/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/state/hold.h"

#include "base/escape.h"
#include "base/fs.h"
#include "base/log.h"

#define SUFFIX ".json"

static void hold_done(Hold *hold)
{
        free(hold->component);
        free(hold->reason);
        strv_free(hold->paths);
        strv_free(hold->old);
        *hold = (Hold){};
}

void hold_list_free(HoldList *list)
{
        if (!list)
                return;
        for (size_t i = 0; i < list->n; i++)
                hold_done(&list->holds[i]);
        free(list->holds);
        free(list);
}

static char *hold_path(const char *state_directory, const char *component)
{
        autofree char *name = escape_file_name(component);

        return xasprintf("%s/held/%s" SUFFIX, state_directory, name);
}

int hold_add(int root_fd, const char *state_directory, const Hold *hold, Error *reterr)
{
        autofree char *path = hold_path(state_directory, hold->component);
        autoptr(json_t) json = NULL;
        autostrv old = NULL;

        for (char **held = hold->paths; held && *held; held++)
                strv_take(&old, fs_content(root_fd, *held));
        json = xcheck(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "component",
                json_escaped(hold->component), "since", json_time(hold->since), "until",
                json_time(hold->until), "paths", json_strv(hold->paths), "old", json_strv(old),
                "reason", json_escaped(hold->reason)));
        return json_write_private(root_fd, path, json, reterr);
}

static int entry_read(int root_fd, const char *path, Hold *hold, Error *reterr)
{
        autoptr(json_t) json = NULL;
        const char *component, *reason;
        int r;

        r = json_read_file(root_fd, path, &json, reterr);
        if (r < 0)
                return r;
        component = json_string_value(json_object_get(json, "component"));
        reason = json_string_value(json_object_get(json, "reason"));
        if (!component || json_get_time(json_object_get(json, "since"), &hold->since) < 0 ||
                json_get_time(json_object_get(json, "until"), &hold->until) < 0 ||
                json_get_strv(json_object_get(json, "paths"), &hold->paths) < 0 ||
                json_get_strv(json_object_get(json, "old"), &hold->old) < 0 ||
                strv_length(hold->old) != strv_length(hold->paths))
                return error_set(reterr, -EBADMSG, "'%s' is no hold", path);
        hold->component = escape_text(component);
        hold->reason = escape_text(reason ? reason : "");
        return 0;
}

/* What cannot be read is known by the name of its file alone. */
static Hold entry_or_name(int root_fd, const char *directory, const char *name)
{
        autofree char *path = xasprintf("%s/%s" SUFFIX, directory, name);
        Hold hold = {};
        Error error = {};

        if (entry_read(root_fd, path, &hold, &error) >= 0)
                return hold;
        log_debug("%s; nothing is held back by it", error.text);
        hold_done(&hold);
        return (Hold){.component = xstrdup(name), .reason = xstrdup("its note cannot be read")};
}

int hold_read(int root_fd, const char *state_directory, HoldList **ret, Error *reterr)
{
        autofree char *directory = xasprintf("%s/held", state_directory);
        autoptr(HoldList) list = xcalloc(1, sizeof(*list));
        autostrv names = NULL;
        int r;

        r = json_list(root_fd, directory, &names, reterr);
        if (r < 0)
                return r;
        for (char **name = names; name && *name; name++) {
                list->holds = xreallocarray(list->holds, list->n + 1, sizeof(Hold));
                list->holds[list->n++] = entry_or_name(root_fd, directory, *name);
        }
        *ret = TAKE(list);
        return 0;
}

const Hold *hold_find_path(const HoldList *list, const char *path, int64_t now)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (list->holds[i].since <= now && now < list->holds[i].until &&
                        strv_contains(list->holds[i].paths, path))
                        return &list->holds[i];
        return NULL;
}

const Hold *hold_find(const HoldList *list, const char *component)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (streq(list->holds[i].component, component))
                        return &list->holds[i];
        return NULL;
}

/* Nobody knows what one that cannot be read has held. */
static bool is_settled(int root_fd, const Hold *hold, char *const *paths)
{
        for (size_t i = 0; hold->paths && hold->paths[i]; i++) {
                autofree char *now = fs_content(root_fd, hold->paths[i]);

                if ((!paths || strv_contains(paths, hold->paths[i])) && !streq(now, hold->old[i]))
                        return true;
        }
        return !hold->paths;
}

int hold_remove(int root_fd, const char *state_directory, const char *component, Error *reterr)
{
        autofree char *path = hold_path(state_directory, component);

        return fs_remove_file(root_fd, path, reterr);
}

int hold_settle(int root_fd, const char *state_directory, const char *component, char *const *paths,
        Error *reterr)
{
        autofree char *path = hold_path(state_directory, component);
        autoptr(HoldList) list = NULL;
        const Hold *hold;
        int r;

        r = hold_read(root_fd, state_directory, &list, reterr);
        if (r < 0)
                return r;
        hold = hold_find(list, component);
        return hold && is_settled(root_fd, hold, paths) ? fs_remove_file(root_fd, path, reterr) : 0;
}

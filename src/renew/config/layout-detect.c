/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/layout-detect.h"

#include "base/fs.h"
#include "renew/config/config-key.h"
#include "renew/config/layout-base.h"

FoundLayouts *found_layouts_new(void)
{
        return xcalloc(1, sizeof(FoundLayouts));
}

static void clear(FoundLayout *layout)
{
        free(layout->name);
        free(layout->origin);
        free(layout->base);
        settings_free(layout->settings);
        file_image_free(layout->file);
        strv_free(layout->supersedes);
}

void found_layouts_free(FoundLayouts *found)
{
        if (!found)
                return;
        for (size_t i = 0; i < found->n; i++)
                clear(&found->items[i]);
        free(found->items);
        free(found);
}

/* One more at the end, which takes what is in it. */
static void append(FoundLayouts *found, FoundLayout layout)
{
        found->items = xreallocarray(found->items, found->n + 1, sizeof(*found->items));
        found->items[found->n++] = layout;
}

char *layout_name(const char *path)
{
        const char *name = fs_basename(path), *dot = strrchr(name, '.');

        return dot && dot > name ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}

/* What it says of itself by this key of [layout], or the key's default. */
static int read_key(const Settings *settings, const char *name, Config *probe, Error *reterr)
{
        const ConfigKey *key = config_key_find(config_section_find("layout"), name);
        int r = 0;

        config_key_reset(key, probe);
        for (size_t i = 0; r >= 0 && i < settings->n; i++) {
                const Setting *setting = &settings->items[i];

                if (!streq(setting->section, "layout") || !streq(setting->key, name))
                        continue;
                if (setting->value[0])
                        r = config_key_read(key, setting, probe, reterr);
                else
                        config_key_reset(key, probe);
        }
        return r;
}

/* Its place among others. */
static int read_rank(FoundLayout *layout, Error *reterr)
{
        Config probe = {};
        int r;

        r = read_key(layout->settings, "Order", &probe, reterr);
        if (r >= 0)
                r = read_key(layout->settings, "Supersedes", &probe, reterr);
        layout->order = probe.layout.order;
        layout->supersedes = probe.layout.supersedes;
        return r;
}

/* Says of every path of a layout where it is on this host. BaseDirectory= of the configuration is
 * about the first. */
static int expand_base(
        int root_fd, FoundLayout *layout, bool is_first, const Settings *configured, Error *reterr)
{
        const Settings nothing = {};
        int r;

        r = layout_base_find(
                root_fd, layout->settings, is_first ? configured : &nothing, &layout->base, reterr);
        return r < 0 ? r : layout_base_expand(layout->settings, NULL, layout->base, reterr);
}

int found_layouts_add(FoundLayouts *found, const LayoutSearch *search, const char *name,
        const char *origin, Settings *settings, const Settings *configured, Error *reterr)
{
        append(found,
                (FoundLayout){
                        .name = xstrdup(name), .origin = xstrdup(origin), .settings = settings});
        return expand_base(
                search->root_fd, &found->items[found->n - 1], found->n == 1, configured, reterr);
}

static int compare_rank(const void *a, const void *b)
{
        const FoundLayout *x = a, *y = b;

        if (x->order != y->order)
                return x->order < y->order ? -1 : 1;
        return strcmp(x->name, y->name);
}

/* What [layout] says in the file of that name. A name that is masked everywhere has no settings. */
static int read_section(
        const LayoutSearch *search, const char *name, FoundLayout *layout, Error *reterr)
{
        int r;

        layout->settings->only_section = "layout";
        r = layers_find(search->layers, search->n_layers, name, &layout->file, reterr);
        if (r > 0)
                r = settings_parse_file(layout->settings, layout->file, reterr);
        return r < 0 ? r : read_rank(layout, reterr);
}

/* Reads the rest of one that fits. */
static int read_rest(FoundLayout *layout, Error *reterr)
{
        autoptr(FileImage) file = TAKE(layout->file);
        int r;

        settings_free(layout->settings);
        layout->settings = settings_new();
        r = settings_parse_file(layout->settings, file, reterr);
        return r < 0 ? r : layout_base_expand(layout->settings, NULL, layout->base, reterr);
}

/* All that are installed, in their order. */
static int read_all(const LayoutSearch *search, FoundLayouts *all, Error *reterr)
{
        autostrv names = NULL;
        int r;

        r = layers_list(search->layers, search->n_layers, &names, reterr);
        if (r < 0)
                return r;
        for (char **file = names; *file; file++) {
                append(all, (FoundLayout){.name = layout_name(*file), .settings = settings_new()});
                FoundLayout *layout = &all->items[all->n - 1];

                r = read_section(search, *file, layout, reterr);
                if (r < 0)
                        return r;
        }
        qsort(all->items, all->n, sizeof(*all->items), compare_rank);
        return 0;
}

/* The first setting of this key of [layout] with a path that exists on this host; NULL: none has.
 * Adds what was looked for. */
static int find_existing(int root_fd, const Settings *settings, const char *name,
        char ***looked_for, const Setting **ret_match, Error *reterr)
{
        const ConfigKey *key = config_key_find(config_section_find("layout"), name);

        for (size_t i = 0; i < settings->n; i++) {
                const Setting *setting = &settings->items[i];
                Config probe = {};
                int r;

                if (!streq(setting->section, "layout") || !streq(setting->key, name))
                        continue;
                if (!setting->value[0]) {
                        *ret_match = NULL;
                        continue;
                }
                r = config_key_read(key, setting, &probe, reterr);
                autostrv paths = *(char ***)config_member(key, &probe);
                if (r < 0)
                        return r;
                for (char **path = paths; !*ret_match && *path; path++) {
                        if (fs_exists(root_fd, *path))
                                *ret_match = setting;
                        if (!strv_contains(*looked_for, *path))
                                strv_add(looked_for, *path);
                }
        }
        return 0;
}

/* What says that the layout fits this host; NULL: it does not. Adds what was looked for. */
static int find_match(int root_fd, const Settings *settings, char ***looked_for,
        const Setting **ret_match, Error *reterr)
{
        const Setting *match = NULL, *obstacle = NULL;
        autostrv unwanted = NULL;
        int r;

        r = find_existing(root_fd, settings, "Detect", looked_for, &match, reterr);
        if (r >= 0)
                r = find_existing(root_fd, settings, "Unless", &unwanted, &obstacle, reterr);
        if (r < 0)
                return r;
        *ret_match = obstacle ? NULL : match;
        return 0;
}

static bool is_superseded(const FoundLayouts *found, const FoundLayout *layout)
{
        for (size_t i = 0; i < found->n; i++)
                if (strv_contains(found->items[i].supersedes, layout->name))
                        return true;
        return false;
}

static bool supersedes_all(const FoundLayout *layout, const FoundLayouts *found)
{
        for (size_t i = 0; i < found->n; i++)
                if (!strv_contains(layout->supersedes, found->items[i].name))
                        return false;
        return true;
}

static void remove_superseded(FoundLayouts *found, const FoundLayout *by)
{
        size_t n = 0;

        for (size_t i = 0; i < found->n; i++)
                if (strv_contains(by->supersedes, found->items[i].name))
                        clear(&found->items[i]);
                else
                        found->items[n++] = found->items[i];
        found->n = n;
}

/* Each for itself, where its base is what is configured, or else its own. One that has a base only
 * by being configured does not fit without. */
static int find_fitting(const LayoutSearch *search, const Settings *configured,
        FoundLayouts *fitting, Error *reterr)
{
        autoptr(FoundLayouts) all = found_layouts_new();
        int r;

        r = read_all(search, all, reterr);
        for (size_t i = 0; r >= 0 && i < all->n; i++) {
                FoundLayout *layout = &all->items[i];
                autostrv looked_for = NULL;
                const Setting *match = NULL;

                if (expand_base(search->root_fd, layout, true, configured, NULL) < 0)
                        continue;
                r = find_match(search->root_fd, layout->settings, &looked_for, &match, reterr);
                if (r < 0 || !match)
                        continue;
                append(fitting, *layout);
                *layout = (FoundLayout){};
        }
        return r;
}

static bool is_among(const FoundLayouts *found, const char *name)
{
        for (size_t i = 0; i < found->n; i++)
                if (streq(found->items[i].name, name))
                        return true;
        return false;
}

/* A directory that somebody has named does not say whose it is: where nothing but its files speaks
 * for several layouts, the first would get another one's. */
static int refuse_ambiguous_base(
        const LayoutSearch *search, const Settings *configured, Error *reterr)
{
        const Setting *base = settings_last(configured, "layout", "", "BaseDirectory");
        autoptr(FoundLayouts) with = found_layouts_new();
        autoptr(FoundLayouts) without = found_layouts_new();
        autostrv names = NULL;
        int r;

        if (!base || !base->value[0])
                return 0;
        r = find_fitting(search, configured, with, reterr);
        if (r >= 0)
                r = find_fitting(search, &(Settings){}, without, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < with->n; i++)
                if (!is_among(without, with->items[i].name) &&
                        !is_superseded(with, &with->items[i]))
                        strv_add(&names, with->items[i].name);
        if (strv_length(names) < 2)
                return 0;
        autofree char *origin = setting_origin(base), *list = strv_join(names, ", ");
        return error_set(reterr, -EINVAL,
                "%s: BaseDirectory=%s fits several layouts (%s); name the one it is for by "
                "--layout= or Layout= in [agent]",
                origin, base->value, list);
}

int layouts_detect(const LayoutSearch *search, const Settings *configured, FoundLayouts *found,
        char ***looked_for, Error *reterr)
{
        autoptr(FoundLayouts) all = found_layouts_new();
        int r;

        r = refuse_ambiguous_base(search, configured, reterr);
        if (r >= 0)
                r = read_all(search, all, reterr);
        for (size_t i = 0; r >= 0 && i < all->n; i++) {
                FoundLayout *layout = &all->items[i];
                bool is_first = supersedes_all(layout, found);
                const Setting *match = NULL;

                r = expand_base(search->root_fd, layout, is_first, configured, reterr);
                if (r >= 0)
                        r = find_match(
                                search->root_fd, layout->settings, looked_for, &match, reterr);
                if (r < 0 || !match || is_superseded(found, layout))
                        continue;
                layout->origin = setting_origin(match);
                r = read_rest(layout, reterr);
                if (r < 0)
                        break;
                remove_superseded(found, layout);
                append(found, *layout);
                *layout = (FoundLayout){};
        }
        return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/layout.h"

#include "base/fs.h"
#include "renew/config-key.h"
#include "renew/layer.h"
#include "renew/layout-base.h"

#define LAYERS_MAX      4
#define FALLBACK        "kubeadm"
#define HOW_TO_NAME_ONE "name one with --layout= or Layout= in [agent]"

/* Where layouts are looked for, and the host whose Detect= paths are tried. */
typedef struct Search {
        int root_fd;
        Layer layers[LAYERS_MAX];
        size_t n_layers;
} Search;

static void search_init(Search *search, int root_fd, int host_fd)
{
        const char *vendor = getenv("KUBE_RENEWD_LAYOUT_PATH");

        *search = (Search){.root_fd = root_fd,
                .layers = {{root_fd, "/etc/kube-renewd/layouts"},
                        {root_fd, "/run/kube-renewd/layouts"}},
                .n_layers = 2};
        if (!vendor) {
                vendor = PKGDATADIR "/layouts";
                search->layers[search->n_layers++] = (Layer){root_fd, vendor};
        }
        search->layers[search->n_layers++] = (Layer){host_fd, vendor};
}

/* "kubeadm" of "/etc/kube-renewd/layouts/kubeadm.conf" */
static char *layout_name(const char *path)
{
        const char *name = fs_basename(path), *dot = strrchr(name, '.');

        return dot && dot > name ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
}

/* Names of all layouts there are, for an error. The caller frees. */
static char *known_layouts(const Search *search)
{
        autostrv names = NULL;
        char *text = xstrdup("");

        if (layers_list(search->layers, search->n_layers, &names, NULL) < 0)
                return text;
        for (char **name = names; *name; name++) {
                autofree char *before = text, *layout = layout_name(*name);

                text = xasprintf("%s%s%s", before, *before ? ", " : "", layout);
        }
        return text;
}

static int no_layout(const Search *search, const char *what, Error *reterr)
{
        autofree char *known = known_layouts(search);

        if (!*known)
                return error_set(reterr, -ENOENT, "%s; none is installed in %s", what,
                        search->layers[search->n_layers - 1].directory);
        return error_set(reterr, -ENOENT, "%s; " HOW_TO_NAME_ONE " (there are: %s)", what, known);
}

/* The list comes last: it may be long, and an error is bounded. */
static int nothing_fits(const Search *search, char *const *looked_for, Error *reterr)
{
        autofree char *list = strv_join(looked_for, ", ");
        Error error = {};

        no_layout(search, "no layout fits this host", &error);
        return error_set(
                reterr, -ENODEV, "%s%s%s", error.text, list[0] ? "; it has none of " : "", list);
}

static int read_named(const Search *search, const char *name, const Setting *made_by,
        Settings *settings, Error *reterr)
{
        autofree char *file = xasprintf("%s.conf", name), *origin = NULL, *what = NULL;
        int r;

        r = layers_read(search->layers, search->n_layers, file, settings, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        origin = setting_origin(made_by);
        what = xasprintf("%s: there is no layout '%s'", origin, name);
        return no_layout(search, what, reterr);
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

/* Says of every path of a layout where it is on this host. */
static int expand_base(const Search *search, Settings *layout, const Settings *configured,
        char **ret_base, Error *reterr)
{
        autofree char *base = NULL;
        int r;

        r = layout_base_find(search->root_fd, layout, configured, &base, reterr);
        if (r >= 0)
                r = layout_base_expand(layout, base, reterr);
        if (r >= 0)
                *ret_base = TAKE(base);
        return r;
}

/* [agent] Layout=NAME, as if it had been written where the choice was made. */
static void note_choice(Settings *configured, const char *name, const Setting *made_by)
{
        Setting choice = {
                .section = xstrdup("agent"),
                .name = xstrdup(""),
                .key = xstrdup("Layout"),
                .value = xstrdup(name),
                .file = xstrdup(made_by->file),
                .line = made_by->line,
        };

        *settings_append(configured) = choice;
}

/* Tries every layout there is: at most one may fit. *ret stays NULL if none does. */
static int detect(const Search *search, Settings *configured, Settings **ret, char ***looked_for,
        Error *reterr)
{
        autoptr(Settings) found = NULL;
        autofree char *found_name = NULL;
        autostrv names = NULL;
        int r;

        r = layers_list(search->layers, search->n_layers, &names, reterr);
        if (r < 0)
                return r;
        for (char **file = names; *file; file++) {
                autoptr(Settings) settings = settings_new();
                autofree char *name = layout_name(*file), *base = NULL;
                const Setting *match = NULL;

                r = layers_read(search->layers, search->n_layers, *file, settings, reterr);
                if (r > 0)
                        r = expand_base(search, settings, configured, &base, reterr);
                if (r >= 0)
                        r = find_match(search->root_fd, settings, looked_for, &match, reterr);
                if (r < 0)
                        return r;
                if (match && found)
                        return error_set(reterr, -EINVAL,
                                "layouts '%s' and '%s' both fit this host; " HOW_TO_NAME_ONE,
                                found_name, name);
                if (!match)
                        continue;
                note_choice(configured, name, match);
                found = TAKE(settings);
                found_name = TAKE(name);
        }
        *ret = TAKE(found);
        return 0;
}

/* Reads the layout of that name, or in that file. */
static int read_choice(const Search *search, const char *layout, const Setting *made_by,
        Settings *configured, Settings **ret, Error *reterr)
{
        autoptr(Settings) settings = settings_new();
        autofree char *name = NULL;
        int r;

        if (strchr(layout, '/')) {
                name = layout_name(layout);
                r = settings_read(settings, search->root_fd, layout, reterr);
                if (r == -ENOENT) {
                        autofree char *origin = setting_origin(made_by);

                        error_prefix(reterr, r, "%s", origin);
                }
        } else {
                name = xstrdup(layout);
                r = read_named(search, layout, made_by, settings, reterr);
        }
        if (r < 0)
                return r;
        note_choice(configured, name, made_by);
        *ret = TAKE(settings);
        return 0;
}

static int choose(const Search *search, const ConfigOptions *options, Settings *configured,
        Settings **ret, Error *reterr)
{
        const Setting *named = settings_last(configured, "agent", "", "Layout");
        autostrv looked_for = NULL;
        int r;

        /* 1. By name: the command line before the configuration. */
        if (options->layout)
                return read_choice(search, options->layout,
                        &(Setting){.file = (char[]){"--layout"}}, configured, ret, reterr);
        if (named && named->value[0])
                return read_choice(search, named->value, named, configured, ret, reterr);

        /* 2. By looking. */
        r = detect(search, configured, ret, &looked_for, reterr);
        if (r < 0 || *ret)
                return r;
        if (options->layout_any)
                return read_choice(search, FALLBACK, &(Setting){.file = (char[]){"default"}},
                        configured, ret, reterr);
        return nothing_fits(search, looked_for, reterr);
}

int layout_choose(int root_fd, const ConfigOptions *options, Settings *configured, Settings **ret,
        Error *reterr)
{
        autoptr(Settings) layout = NULL;
        autofree char *base = NULL;
        Search search;
        int r;

        autofd int host_fd = fs_open_root("/", reterr);
        if (host_fd < 0)
                return host_fd;
        search_init(&search, root_fd, host_fd);

        r = choose(&search, options, configured, &layout, reterr);
        if (r >= 0)
                r = expand_base(&search, layout, configured, &base, reterr);
        if (r >= 0)
                r = layout_base_expand(configured, base, reterr);
        if (r >= 0)
                *ret = TAKE(layout);
        return r;
}

bool ca_has_token(const CaEntry *ca)
{
        return ca->key && ca->key[0] != '/';
}

const char *ca_key_path(const CaEntry *ca)
{
        return ca_has_token(ca) ? NULL : ca->key;
}

const CaEntry *layout_find_ca(const Layout *layout, const char *id)
{
        for (size_t i = 0; i < layout->n_cas; i++)
                if (streq(layout->cas[i].id, id))
                        return &layout->cas[i];
        return NULL;
}

const CredentialEntry *layout_find_credential(const Layout *layout, const char *name)
{
        for (size_t i = 0; i < layout->n_credentials; i++)
                if (streq(layout->credentials[i].name, name))
                        return &layout->credentials[i];
        return NULL;
}

const ComponentEntry *layout_find_component(const Layout *layout, const char *name)
{
        for (size_t i = 0; i < layout->n_components; i++)
                if (streq(layout->components[i].name, name))
                        return &layout->components[i];
        return NULL;
}

const CopyEntry *layout_find_copy(const Layout *layout, const char *name)
{
        for (size_t i = 0; i < layout->n_copies; i++)
                if (streq(layout->copies[i].name, name))
                        return &layout->copies[i];
        return NULL;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/layout.h"

#include "base/fs.h"
#include "renew/config/config-value.h"
#include "renew/config/layout-base.h"
#include "renew/config/layout-merge.h"

#define FALLBACK        "kubeadm"
#define HOW_TO_NAME_ONE "name one with --layout= or Layout= in [agent]"

static void search_init(LayoutSearch *search, int root_fd, int host_fd)
{
        const char *vendor = getenv("KUBE_RENEWD_LAYOUT_PATH");

        *search = (LayoutSearch){.root_fd = root_fd,
                .layers = {{root_fd, "/etc/kube-renewd/layouts"},
                        {root_fd, "/run/kube-renewd/layouts"}},
                .n_layers = 2};
        if (!vendor) {
                vendor = PKGDATADIR "/layouts";
                search->layers[search->n_layers++] = (Layer){root_fd, vendor};
        }
        search->layers[search->n_layers++] = (Layer){host_fd, vendor};
}

/* Names of all layouts there are, for an error. The caller frees. */
static char *known_layouts(const LayoutSearch *search)
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

static int no_layout(const LayoutSearch *search, const char *what, Error *reterr)
{
        autofree char *known = known_layouts(search);

        if (!*known)
                return error_set(reterr, -ENOENT, "%s; none is installed in %s", what,
                        search->layers[search->n_layers - 1].directory);
        return error_set(reterr, -ENOENT, "%s; " HOW_TO_NAME_ONE " (there are: %s)", what, known);
}

/* The list comes last: it may be long, and an error is bounded. */
static int nothing_fits(const LayoutSearch *search, char *const *looked_for, Error *reterr)
{
        autofree char *list = strv_join(looked_for, ", ");
        Error error = {};

        no_layout(search, "no layout fits this host", &error);
        return error_set(
                reterr, -ENODEV, "%s%s%s", error.text, list[0] ? "; it has none of " : "", list);
}

static int read_named(const LayoutSearch *search, const char *name, const char *origin,
        Settings *settings, Error *reterr)
{
        autofree char *file = xasprintf("%s.conf", name), *what = NULL;
        int r;

        r = layers_read(search->layers, search->n_layers, file, settings, reterr);
        if (r != 0)
                return r < 0 ? r : 0;
        what = xasprintf("%s: there is no layout '%s'", origin, name);
        return no_layout(search, what, reterr);
}

/* Reads the layout of that name, or in that file. */
static int read_choice(const LayoutSearch *search, const char *layout, const char *origin,
        const Settings *configured, FoundLayouts *found, Error *reterr)
{
        autoptr(Settings) settings = settings_new();
        autofree char *name = NULL;
        int r;

        if (strchr(layout, '/')) {
                name = layout_name(layout);
                r = settings_read(settings, search->root_fd, layout, reterr);
                if (r == -ENOENT)
                        error_prefix(reterr, r, "%s", origin);
        } else {
                name = xstrdup(layout);
                r = read_named(search, layout, origin, settings, reterr);
        }
        if (r < 0)
                return r;
        return found_layouts_add(found, search, name, origin, TAKE(settings), configured, reterr);
}

/* Reads the layouts of a list, in its order, each once. */
static int read_choices(const LayoutSearch *search, char *const *list, const char *origin,
        const Settings *configured, FoundLayouts *found, Error *reterr)
{
        autostrv names = NULL;
        int r = 0;

        for (; *list; list++)
                if (!strv_contains(names, *list))
                        strv_add(&names, *list);
        for (char **name = names; r >= 0 && *name; name++)
                r = read_choice(search, *name, origin, configured, found, reterr);
        return r;
}

/* What --layout= lists: a path may have blanks, so only commas part it. */
static char **split_at_commas(const char *text)
{
        char **words = NULL;

        for (;;) {
                size_t n = strcspn(text, ",");

                if (n > 0 || (!words && !text[n]))
                        strv_take(&words, xstrndup(text, n));
                if (!text[n])
                        return words;
                text += n + 1;
        }
}

/* The command line before the configuration; NULL: neither names any. *ret_origin: whose the list
 * is. The caller frees both. */
static char **find_names(
        const ConfigOptions *options, const Settings *configured, char **ret_origin)
{
        const Setting *named = settings_last(configured, "agent", "", "Layout");

        if (options->layout) {
                *ret_origin = xstrdup("--layout");
                return split_at_commas(options->layout);
        }
        if (!named || !named->value[0])
                return NULL;
        *ret_origin = setting_origin(named);
        return value_words(named->value);
}

static int choose(const LayoutSearch *search, const ConfigOptions *options,
        const Settings *configured, FoundLayouts *found, Error *reterr)
{
        autofree char *origin = NULL;
        autostrv names = find_names(options, configured, &origin);
        autostrv looked_for = NULL;
        int r;

        /* 1. By name. */
        if (names)
                return read_choices(search, names, origin, configured, found, reterr);

        /* 2. By looking. */
        r = layouts_detect(search, configured, found, &looked_for, reterr);
        if (r < 0 || found->n > 0)
                return r;
        if (options->layout_any)
                return read_choice(search, FALLBACK, "default", configured, found, reterr);
        return nothing_fits(search, looked_for, reterr);
}

/* Files may be called as they like, layouts may not; and two with one name could not be told apart.
 */
static int check_names(const FoundLayouts *found, Error *reterr)
{
        autostrv names = NULL;

        for (size_t i = 0; i < found->n; i++) {
                const FoundLayout *layout = &found->items[i];
                autofree char *name = NULL;

                if (value_layouts.read_text(layout->name, &name) < 0)
                        return error_set(reterr, -EINVAL,
                                "%s: '%s' is not %s; give the file another name", layout->origin,
                                layout->name, value_layouts.what);
                if (strv_contains(names, name))
                        return error_set(reterr, -EINVAL,
                                "%s: there are two layouts '%s'; give one of the files another "
                                "name",
                                layout->origin, name);
                strv_add(&names, name);
        }
        return 0;
}

/* [agent] Layout=NAME…, as if it had been written where the choice was made. */
static void note_choice(Settings *configured, const FoundLayouts *found)
{
        autostrv names = NULL;
        autostrv origins = NULL;

        for (size_t i = 0; i < found->n; i++) {
                strv_add(&names, found->items[i].name);
                if (!strv_contains(origins, found->items[i].origin))
                        strv_add(&origins, found->items[i].origin);
        }
        autofree char *file = strv_join(origins, ", ");
        *settings_append(configured) = (Setting){
                .section = shared_text_new("agent"),
                .name = shared_text_new(""),
                .key = shared_text_new("Layout"),
                .value = strv_join(names, " "),
                .file = shared_text_new(file),
        };
}

/* Says of every path of the configuration where it is: of an entry LAYOUT:NAME as that layout does,
 * of all others as the first one. */
static int expand_bases(Settings *configured, const FoundLayouts *found, Error *reterr)
{
        int r = 0;

        for (size_t i = found->n - 1; r >= 0 && i > 0; i--)
                r = layout_base_expand(
                        configured, found->items[i].name, found->items[i].base, reterr);
        return r < 0 ? r : layout_base_expand(configured, NULL, found->items[0].base, reterr);
}

int layout_choose(int root_fd, const ConfigOptions *options, Settings *configured, Settings **ret,
        Error *reterr)
{
        autoptr(FoundLayouts) found = found_layouts_new();
        LayoutSearch search;
        int r;

        autofd int host_fd = fs_open_root("/", reterr);
        if (host_fd < 0)
                return host_fd;
        search_init(&search, root_fd, host_fd);

        r = choose(&search, options, configured, found, reterr);
        if (r >= 0)
                r = check_names(found, reterr);
        if (r >= 0)
                r = expand_bases(configured, found, reterr);
        if (r < 0)
                return r;
        note_choice(configured, found);
        *ret = layouts_merge(found, configured);
        return 0;
}

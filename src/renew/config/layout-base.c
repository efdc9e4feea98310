/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/layout-base.h"

#include "base/fs.h"
#include "renew/config/config-key.h"

#define BLANKS " \t"
#define BASE   "%b"

int layout_base_find(
        int root_fd, const Settings *layout, const Settings *configured, char **ret, Error *reterr)
{
        const ConfigKey *key = config_key_find(config_section_find("layout"), "BaseDirectory");
        const Setting *setting = settings_last(configured, "layout", "", key->name);
        Config probe = {};
        int r;

        if (!setting)
                setting = settings_last(layout, "layout", "", key->name);
        if (!setting || !setting->value[0]) {
                *ret = NULL;
                return 0;
        }
        r = config_key_read(key, setting, &probe, reterr);
        autostrv directories = probe.layout.base_directories;
        if (r < 0)
                return r;
        for (char **directory = directories; *directory; directory++)
                if (fs_exists(root_fd, *directory)) {
                        *ret = xstrdup(*directory);
                        return 0;
                }
        *ret = xstrdup(directories[0]);
        return 0;
}

/* Does a path begin here that begins with it? */
static bool is_base(const char *value, const char *p)
{
        bool begins = p == value || strchr(BLANKS, p[-1]);
        char next = p[strlen(BASE)];

        return begins && (!next || next == '/' || strchr(BLANKS, next));
}

/* NULL: there is none in it. */
static const char *find_base(const char *value, const char *from)
{
        const char *p = from;

        while ((p = strstr(p, BASE)) && !is_base(value, p))
                p += strlen(BASE);
        return p;
}

static char *expand(const char *value, const char *base)
{
        char *text = xstrdup("");
        const char *rest = value, *p;

        while ((p = find_base(value, rest))) {
                autofree char *before = text;

                text = xasprintf("%s%.*s%s", before, (int)(p - rest), rest, base);
                rest = p + strlen(BASE);
        }
        autofree char *before = text;
        return xasprintf("%s%s", before, rest);
}

static bool takes_base(const Setting *setting, const char *layout)
{
        const ConfigSection *section = config_section_find(setting->section);
        const ConfigKey *key = section ? config_key_find(section, setting->key) : NULL;
        size_t length = layout ? strlen(layout) : 0;

        if (layout && !(starts_with(setting->name, layout) && setting->name[length] == ':'))
                return false;
        return key && key->type->takes_base;
}

int layout_base_expand(Settings *settings, const char *layout, const char *base, Error *reterr)
{
        for (size_t i = 0; i < settings->n; i++) {
                Setting *setting = &settings->items[i];
                autofree char *before = NULL, *origin = NULL;

                if (!takes_base(setting, layout) || !find_base(setting->value, setting->value))
                        continue;
                if (!base) {
                        origin = setting_origin(setting);
                        return error_set(reterr, -EINVAL,
                                "%s: %s=%s begins with %%b, but there is no BaseDirectory= in "
                                "[layout]; write it there, or the whole path here",
                                origin, setting->key, setting->value);
                }
                before = setting->value;
                setting->value = expand(before, base);
        }
        return 0;
}

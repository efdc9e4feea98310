/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/config-check.h"

#include "base/nearest-word.h"
#include "renew/config/config-key.h"

#define NAMES_MAX 32

static char *unknown_section(const char *name)
{
        const char *names[NAMES_MAX] = {NULL}, *nearest;
        size_t n = 0;

        for (const ConfigSection *section = config_sections; section->name; section++)
                names[n++] = section->name;
        nearest = nearest_word(name, names);
        if (nearest)
                return xasprintf(
                        "unknown section [%s], ignoring; did you mean [%s]?", name, nearest);
        return xasprintf("unknown section [%s], ignoring", name);
}

static char *unknown_key(const ConfigSection *section, const char *name)
{
        const char *names[NAMES_MAX] = {NULL}, *nearest;
        size_t n = 0;

        for (const ConfigSection *other = config_sections; other->name; other++)
                if (config_key_find(other, name))
                        return xasprintf("unknown key '%s' in [%s], ignoring; it belongs in [%s]",
                                name, section->name, other->name);
        for (const ConfigKey *key = section->keys; key->name; key++)
                names[n++] = key->name;
        nearest = nearest_word(name, names);
        if (nearest)
                return xasprintf("unknown key '%s' in [%s], ignoring; did you mean '%s'?", name,
                        section->name, nearest);
        return xasprintf("unknown key '%s' in [%s], ignoring", name, section->name);
}

/* What is wrong with the place of a setting, NULL if nothing is. The caller frees. */
static char *complain(const Setting *setting, bool in_layout, bool *ret_whole_section)
{
        const ConfigSection *section = config_section_find(setting->section);
        const ConfigKey *key = section ? config_key_find(section, setting->key) : NULL;

        *ret_whole_section = true;
        if (!section)
                return unknown_section(setting->section);
        if (in_layout && !section->in_layout)
                return xasprintf("[%s] has no place in a layout, ignoring; it belongs in "
                                 "kube-renewd.conf",
                        section->name);
        *ret_whole_section = false;
        if (!key)
                return unknown_key(section, setting->key);
        if (config_key_allowed(section, key, in_layout))
                return NULL;
        return xasprintf("'%s' of [%s] has no place in the configuration, ignoring; it belongs in "
                         "a layout",
                key->name, section->name);
}

void config_warn_unknown(Config *config, size_t n_layout)
{
        const Settings *settings = config->settings;
        const Setting *warned = NULL; /* of the section that is ignored as a whole */

        for (size_t i = 0; i < settings->n; i++) {
                const Setting *setting = &settings->items[i];
                autofree char *origin = NULL, *complaint = NULL;
                bool whole_section;

                if (warned && streq(warned->file, setting->file) &&
                        streq(warned->section, setting->section) &&
                        streq(warned->name, setting->name))
                        continue;
                complaint = complain(setting, i < n_layout, &whole_section);
                warned = complaint && whole_section ? setting : NULL;
                if (!complaint)
                        continue;
                origin = setting_origin(setting);
                strv_take(&config->warnings, xasprintf("%s: %s", origin, complaint));
        }
}

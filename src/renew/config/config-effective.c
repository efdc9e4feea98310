/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/config-key.h"

/* The key that clears this one where it is set; NULL if none does. */
static const char *cleared_by(const ConfigSection *section, const ConfigKey *key)
{
        for (const ConfigKey *other = section->keys; other->name; other++)
                if (other->clears && streq(other->clears, key->name))
                        return other->name;
        return NULL;
}

/* The setting that made a value what it is, in that section; NULL: nothing there did. */
static const Setting *find_origin(
        const Config *config, const ConfigSection *section, const ConfigKey *key, const char *name)
{
        const Setting *own = settings_last(config->settings, section->name, name, key->name);
        const char *rival = cleared_by(section, key);
        const Setting *cleared =
                rival ? settings_last(config->settings, section->name, name, rival) : NULL;

        /* Both are in one array: the higher address was read later. */
        if (cleared && cleared->value[0] && (!own || cleared > own))
                own = cleared;
        return own && own->value[0] ? own : NULL;
}

static EffectiveSetting effective(
        const Config *config, const ConfigSection *section, const ConfigKey *key, void *entry)
{
        const char *name = config_entry_name(section, entry);
        const Setting *origin = find_origin(config, section, key, name);

        if (!origin && key->is_inherited)
                origin = find_origin(config, config_section_find("renewal"), key, "");
        return (EffectiveSetting){
                .section = xstrdup(section->name),
                .name = xstrdup(name),
                .key = xstrdup(key->name),
                .value = value_write(key->type, config_member(key, entry), key->size),
                .origin = origin ? setting_origin(origin) : xstrdup("default"),
        };
}

EffectiveSetting *config_effective(const Config *config, size_t *ret_n)
{
        EffectiveSetting *settings = NULL;
        size_t n = 0;
        void *entry;

        for (const ConfigSection *section = config_sections; section->name; section++)
                for (size_t i = 0; (entry = config_entry(config, section, i)); i++)
                        for (const ConfigKey *key = section->keys; key->name; key++) {
                                settings = xreallocarray(settings, n + 1, sizeof(*settings));
                                settings[n++] = effective(config, section, key, entry);
                        }
        *ret_n = n;
        return settings;
}

void config_effective_free(EffectiveSetting *settings, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(settings[i].section);
                free(settings[i].name);
                free(settings[i].key);
                free(settings[i].value);
                free(settings[i].origin);
        }
        free(settings);
}

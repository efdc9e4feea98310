/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/config-place.h"

#include "base/nearest-word.h"

const Setting *config_find_setting(
        const Config *config, const char *section, const char *name, const char *key)
{
        const Settings *settings = config->settings;
        const Setting *found = key ? settings_last(settings, section, name, key) : NULL;

        for (size_t i = 0; !found && i < settings->n; i++)
                if (streq(settings->items[i].section, section) &&
                        streq(settings->items[i].name, name))
                        found = &settings->items[i];
        return found;
}

char *config_place(const Config *config, const char *section, const char *name, const char *key)
{
        const Setting *setting = config_find_setting(config, section, name, key);
        autofree char *origin = setting ? setting_origin(setting) : xstrdup("default");

        return xasprintf("%s: [%s%s%s]", origin, section, *name ? " " : "", name);
}

const char *config_section_of(const CredentialEntry *entry)
{
        return entry->is_kubeconfig ? "kubeconfig" : "certificate";
}

char *config_suggest(const char *word, const void *entries, size_t n, size_t size)
{
        const char **names = xcalloc(n + 1, sizeof(char *)), *nearest;

        for (size_t i = 0; i < n; i++) {
                const char *name = *(char *const *)((const char *)entries + i * size);

                names[i] = streq(name, word) ? "" : name;
        }
        nearest = nearest_word(word, names);
        free(names);
        return nearest ? xasprintf("; did you mean '%s'?", nearest) : xstrdup("");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/layout-merge.h"

#include "renew/config/config-key.h"

/* What is in force: the configuration is above the layouts. */
typedef struct Merge {
        const FoundLayouts *found;
        Settings *layouts, *configured;
        Settings *inherited; /* what entries have from [renewal] of their layout */
} Merge;

static const ConfigKey *find_key(const char *section_name, const char *name)
{
        const ConfigSection *section = config_section_find(section_name);

        return section ? config_key_find(section, name) : NULL;
}

/* Is it the default of a key that each certificate has, too? */
static bool is_policy(const Setting *setting)
{
        const ConfigKey *key = find_key("certificate", setting->key);

        return streq(setting->section, "renewal") && key && key->is_inherited;
}

static bool is_single(const Setting *setting)
{
        const ConfigSection *section = config_section_find(setting->section);

        return section && section->kind == SECTION_SINGLE;
}

static void replace(char **text, char *by)
{
        free(*text);
        *text = by;
}

static void rename_entry(Setting *setting, const char *layout)
{
        autofree char *name = xasprintf("%s:%s", layout, setting->name);

        shared_text_drop(setting->name);
        setting->name = shared_text_new(name);
}

/* Each word of a list of names. */
static char *prefix_words(const char *text, const char *layout)
{
        autostrv words = value_words(text);

        for (char **word = words; word && *word; word++)
                replace(word, xasprintf("%s:%s", layout, *word));
        return strv_join(words, " ");
}

static void add_prefix(Settings *settings, const char *layout)
{
        for (size_t i = 0; i < settings->n; i++) {
                Setting *setting = &settings->items[i];
                const ConfigKey *key = find_key(setting->section, setting->key);

                if (is_single(setting))
                        continue;
                if (setting->name[0])
                        rename_entry(setting, layout);
                if (key && key->type->names_entries)
                        replace(&setting->value, prefix_words(setting->value, layout));
        }
}

static bool is_entry(const Setting *setting)
{
        return !is_single(setting);
}

static bool is_common(const Setting *setting)
{
        return is_single(setting) && !is_policy(setting) &&
               !streq(setting->section, "service-account");
}

static bool is_no_policy(const Setting *setting)
{
        return !is_policy(setting);
}

static void move(Settings *to, Settings *from, bool (*wants)(const Setting *setting))
{
        size_t kept = 0;

        for (size_t i = 0; i < from->n; i++)
                if (wants(&from->items[i]))
                        *settings_append(to) = from->items[i];
                else
                        from->items[kept++] = from->items[i];
        from->n = kept;
}

static bool has_prefix(const char *name, const FoundLayout *layout)
{
        size_t length = strlen(layout->name);

        return starts_with(name, layout->name) && name[length] == ':';
}

/* What nobody else's name begins with is the first one's. */
static bool is_of(const Merge *merge, const FoundLayout *layout, const char *name)
{
        bool is_others = false;

        for (size_t i = 1; i < merge->found->n; i++)
                is_others |= has_prefix(name, &merge->found->items[i]);
        return layout == merge->found->items ? !is_others : has_prefix(name, layout);
}

/* The value that is in force before defaults come in; NULL: none. */
static const Setting *find_said(const Merge *merge, const Setting *entry, const char *key)
{
        const Setting *said = settings_last(merge->configured, entry->section, entry->name, key);

        if (!said)
                said = settings_last(merge->layouts, entry->section, entry->name, key);
        return said && said->value[0] ? said : NULL;
}

/* Two ways to say the same. */
static bool are_rivals(const ConfigKey *a, const ConfigKey *b)
{
        return (a->clears && streq(a->clears, b->name)) || (b->clears && streq(b->clears, a->name));
}

/* Does somebody above the layout's [renewal] say it, in either way? */
static bool is_overridden(const Merge *merge, const Setting *entry, const ConfigKey *key)
{
        const ConfigSection *section = config_section_find(entry->section);
        const Setting *setting;

        if (settings_last(merge->configured, "renewal", "", key->name))
                return true;
        for (const ConfigKey *other = section->keys; other->name; other++) {
                if (other != key && !are_rivals(other, key))
                        continue;
                setting = settings_last(merge->configured, "renewal", "", other->name);
                if (find_said(merge, entry, other->name) || (setting && setting->value[0]))
                        return true;
        }
        return false;
}

static void inherit(Merge *merge, const FoundLayout *layout, const Setting *entry)
{
        const ConfigSection *section = config_section_find(entry->section);

        for (const ConfigKey *key = section->keys; key->name; key++) {
                const Setting *setting = key->is_inherited ? settings_last(layout->settings,
                                                                     "renewal", "", key->name)
                                                           : NULL;

                if (!setting || !setting->value[0] || is_overridden(merge, entry, key))
                        continue;
                *settings_append(merge->inherited) = (Setting){
                        .section = shared_text_hold(entry->section),
                        .name = shared_text_hold(entry->name),
                        .key = shared_text_hold(setting->key),
                        .value = xstrdup(setting->value),
                        .file = shared_text_hold(setting->file),
                        .line = setting->line,
                };
        }
}

/* Every entry of a layout, and those that the configuration adds to it. */
static void inherit_all(Merge *merge, const FoundLayout *layout, const Settings *settings)
{
        for (size_t i = 0; i < settings->n; i++) {
                const Setting *setting = &settings->items[i];
                bool is_credential = streq(setting->section, "certificate") ||
                                     streq(setting->section, "kubeconfig");
                bool is_same = i > 0 && streq(setting[-1].name, setting->name) &&
                               streq(setting[-1].section, setting->section);

                if (is_credential && !is_same && is_of(merge, layout, setting->name))
                        inherit(merge, layout, setting);
        }
}

Settings *layouts_merge(FoundLayouts *found, Settings *configured)
{
        autoptr(Settings) inherited = settings_new();
        Merge merge = {.found = found,
                .layouts = settings_new(),
                .configured = configured,
                .inherited = inherited};

        if (found->n == 1) {
                settings_move(merge.layouts, found->items[0].settings);
                return merge.layouts;
        }

        /* 1. What stands for the whole host: of two, the later one counts. */
        for (size_t i = found->n - 1; i > 0; i--)
                move(merge.layouts, found->items[i].settings, is_common);

        /* 2. The entries. */
        move(merge.layouts, found->items[0].settings, is_no_policy);
        for (size_t i = 1; i < found->n; i++) {
                add_prefix(found->items[i].settings, found->items[i].name);
                move(merge.layouts, found->items[i].settings, is_entry);
        }

        /* 3. What is left: their defaults. */
        settings_index(merge.layouts);
        settings_index(configured);
        for (size_t i = 0; i < found->n; i++) {
                inherit_all(&merge, &found->items[i], merge.layouts);
                inherit_all(&merge, &found->items[i], configured);
        }
        settings_move(configured, inherited);
        return merge.layouts;
}

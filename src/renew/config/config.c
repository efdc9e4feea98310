/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/group.h"
#include "renew/config/config-check.h"
#include "renew/config/config-key.h"
#include "renew/config/config-place.h"
#include "renew/config/copy-find.h"
#include "renew/config/layer.h"
#include "renew/config/layout.h"

#include <ctype.h>
#include <limits.h>

#define MAIN_FILE "kube-renewd.conf"
/* Of each kind. */
#define CREDENTIALS_MAX 16384
#define ENTRIES_MAX     512

/* Back to the default: of an entry's policy that is what [renewal] says. */
static void reset(Config *config, const ConfigKey *key, void *entry)
{
        const ConfigSection *renewal = config_section_find("renewal");

        config_key_reset(key, entry);
        if (key->is_inherited)
                memcpy(config_member(key, entry),
                        config_member(config_key_find(renewal, key->name), config), key->size);
}

static void reset_section(Config *config, const ConfigSection *section, void *entry)
{
        for (const ConfigKey *key = section->keys; key->name; key++)
                reset(config, key, entry);
}

static Config *config_new(void)
{
        Config *config = xcalloc(1, sizeof(*config));

        config->settings = settings_new();
        for (const ConfigSection *section = config_sections; section->name; section++)
                if (section->kind == SECTION_SINGLE)
                        reset_section(config, section, config);
        return config;
}

void config_free(Config *config)
{
        void *entry;

        if (!config)
                return;
        for (const ConfigSection *section = config_sections; section->name; section++)
                for (size_t i = 0; (entry = config_entry(config, section, i)); i++) {
                        for (const ConfigKey *key = section->keys; key->name; key++)
                                value_clear(key->type, config_member(key, entry), key->size);
                        if (section->kind != SECTION_SINGLE)
                                free(*(char **)entry);
                }
        free(config->layout.cas);
        free(config->layout.credentials);
        free(config->layout.components);
        free(config->layout.copies);
        config_secrets_free(config->layout.publications, config->layout.n_publications);
        config_secrets_free(config->layout.fetches, config->layout.n_fetches);
        for (size_t i = 0; i < config->layout.n_copy_targets; i++)
                free(config->layout.copy_targets[i].path);
        free(config->layout.copy_targets);
        name_index_clear(&config->layout.credential_index);
        settings_free(config->settings);
        strv_free(config->warnings);
        free(config);
}

/* The main file of the highest layer, and then the drop-ins of all of them by name; --config=
 * stands for everything. */
static int read_files(int root_fd, const char *config_file, Settings *settings, Error *reterr)
{
        const Layer layers[] = {{root_fd, "/etc/kube-renewd"}, {root_fd, "/run/kube-renewd"},
                {root_fd, "/usr/lib/kube-renewd"}};
        const Layer drop_ins[] = {{root_fd, "/etc/kube-renewd/" MAIN_FILE ".d"},
                {root_fd, "/run/kube-renewd/" MAIN_FILE ".d"},
                {root_fd, "/usr/lib/kube-renewd/" MAIN_FILE ".d"}};
        autostrv names = NULL;
        int r;

        if (config_file) {
                r = settings_read(settings, root_fd, config_file, reterr);
                return r == -ENOENT ? error_prefix(reterr, r, "--config") : r;
        }
        r = layers_read(layers, ELEMENTSOF(layers), MAIN_FILE, settings, reterr);
        if (r < 0)
                return r;
        r = layers_list(drop_ins, ELEMENTSOF(drop_ins), &names, reterr);
        for (char **name = names; r >= 0 && name && *name; name++)
                r = layers_read(drop_ins, ELEMENTSOF(drop_ins), *name, settings, reterr);
        return r < 0 ? r : 0;
}

/* One more at the end of an array, zeroed. */
#define APPEND(array, n)                                                                           \
        ((array) = xreallocarray(array, (n) + 1, sizeof(*(array))),                                \
                memset(&(array)[n], 0, sizeof(*(array))), &(array)[(n)++])

static void *new_entry(Config *config, const ConfigSection *section, const char *name)
{
        Layout *layout = &config->layout;
        CredentialEntry *credential = NULL;
        void *entry;

        if (section->kind == SECTION_CA) {
                entry = APPEND(layout->cas, layout->n_cas);
        } else if (section->kind == SECTION_COMPONENT) {
                entry = APPEND(layout->components, layout->n_components);
        } else if (section->kind == SECTION_COPY) {
                entry = APPEND(layout->copies, layout->n_copies);
        } else if (section->kind == SECTION_PUBLISH) {
                entry = APPEND(layout->publications, layout->n_publications);
        } else if (section->kind == SECTION_FETCH) {
                entry = APPEND(layout->fetches, layout->n_fetches);
        } else {
                entry = credential = APPEND(layout->credentials, layout->n_credentials);
                credential->is_kubeconfig = section->kind == SECTION_KUBECONFIG;
                if (credential->is_kubeconfig)
                        credential->identity.usage = CERT_USAGE_CLIENT;
        }
        *(char **)entry = xstrdup(name);
        if (credential) {
                name_index_add(
                        &layout->credential_index, credential->name, layout->n_credentials - 1);
                layout->n_certificates += !credential->is_kubeconfig;
        }
        reset_section(config, section, entry);
        return entry;
}

/* What a setting is for: an entry that is there, or a new one. */
static int take_entry(Config *config, const ConfigSection *section, const Setting *setting,
        void **ret, Error *reterr)
{
        bool is_credential =
                section->kind == SECTION_CERTIFICATE || section->kind == SECTION_KUBECONFIG;
        size_t most = is_credential ? CREDENTIALS_MAX : ENTRIES_MAX;
        autofree char *origin = NULL;

        *ret = config_entry_find(config, section, setting->name);
        if (*ret)
                return 0;
        origin = setting_origin(setting);
        if (section->kind == SECTION_SINGLE)
                return error_set(reterr, -EINVAL, "%s: [%s %s] takes no name; write [%s]", origin,
                        section->name, setting->name, section->name);
        if (!setting->name[0])
                return error_set(reterr, -EINVAL, "%s: [%s] needs a name; write [%s NAME]", origin,
                        section->name, section->name);
        if (is_credential && layout_find_credential(&config->layout, setting->name))
                return error_set(reterr, -EINVAL,
                        "%s: '%s' is the name of a certificate and of a kubeconfig; choose another",
                        origin, setting->name);
        if (config_entry(config, section, most - 1))
                return error_set(reterr, -EINVAL, "%s: there are more than %zu sections [%s]",
                        origin, most, section->name);
        *ret = new_entry(config, section, setting->name);
        return 0;
}

static int apply(
        Config *config, const ConfigSection *section, const Setting *setting, Error *reterr)
{
        const ConfigKey *key = config_key_find(section, setting->key), *cleared;
        void *entry;
        int r;

        r = take_entry(config, section, setting, &entry, reterr);
        if (r < 0 || !key)
                return r;
        if (!setting->value[0]) {
                reset(config, key, entry);
                return 0;
        }
        r = config_key_read(key, setting, entry, reterr);
        if (r >= 0 && key->clears) {
                cleared = config_key_find(section, key->clears);
                value_clear(cleared->type, config_member(cleared, entry), cleared->size);
        }
        return r;
}

/* Section by section in the order of the table, so that [renewal] is complete before the first
 * certificate inherits from it, and certificates come before kubeconfigs. */
static int apply_all(Config *config, size_t n_layout, Error *reterr)
{
        const Settings *settings = config->settings;

        for (const ConfigSection *section = config_sections; section->name; section++)
                for (size_t i = 0; i < settings->n; i++) {
                        const Setting *setting = &settings->items[i];
                        const ConfigKey *key;
                        int r;

                        if (!streq(setting->section, section->name))
                                continue;
                        key = config_key_find(section, setting->key);
                        if (!config_key_allowed(section, key, i < n_layout))
                                continue;
                        r = apply(config, section, setting, reterr);
                        if (r < 0)
                                return r;
                }
        return 0;
}

/* By Order=; equals stay in the order of the files. */
static void sort_components(Layout *layout)
{
        for (size_t i = 1; i < layout->n_components; i++) {
                ComponentEntry moved = layout->components[i];
                size_t k = i;

                for (; k > 0 && layout->components[k - 1].order > moved.order; k--)
                        layout->components[k] = layout->components[k - 1];
                layout->components[k] = moved;
        }
}

/* The host's name in lower case, where that is one a node can have. */
static char *default_node_name(void)
{
        char name[HOST_NAME_MAX + 1] = "", *node_name = NULL;
        autofree char *wrong = NULL;

        if (gethostname(name, sizeof(name) - 1) < 0)
                return NULL;
        for (char *p = name; *p; p++)
                *p = (char)tolower((unsigned char)*p);
        if (value_read(&value_domain, name, &node_name, sizeof(node_name), &wrong) < 0)
                return NULL;
        return node_name;
}

/* Defaults that no table can hold. */
static void complete(Config *config)
{
        if (!config->host.node_name)
                config->host.node_name = default_node_name();
        for (size_t i = 0; i < config->layout.n_cas; i++)
                if (!config->layout.cas[i].name)
                        config->layout.cas[i].name = xstrdup(config->layout.cas[i].id);
        sort_components(&config->layout);
}

int config_interpret(Settings *layout, Settings *configured, Config **ret, Error *reterr)
{
        autoptr(Config) config = config_new();
        size_t n_layout = layout->n;
        int r;

        settings_move(config->settings, layout);
        settings_move(config->settings, configured);
        settings_index(config->settings);
        config_warn_unknown(config, n_layout);
        r = apply_all(config, n_layout, reterr);
        if (r < 0)
                return r;
        complete(config);
        r = config_check(config, reterr);
        if (r < 0)
                return r;
        *ret = TAKE(config);
        return 0;
}

/* A group that went with the package it came with, or that cannot be looked up tonight, must not
 * keep certificates from being renewed. */
static void find_reader_group(int root_fd, Config *config)
{
        autofree char *where = config_place(config, "alarms", "", "ReaderGroup");
        const char *group = config->reader_group;
        Error error = {};
        int r;

        config->reader_gid = GROUP_UNKNOWN;
        if (!group)
                return;
        r = group_find(root_fd, group, &config->reader_gid, &error);
        if (r == -ENOENT)
                strv_take(&config->warnings,
                        xasprintf("%s has ReaderGroup=%s, but there is no such group, so nobody "
                                  "new may read; 'groupadd --system %s' makes it",
                                where, group, group));
        else if (r < 0)
                strv_take(&config->warnings,
                        xasprintf("%s has ReaderGroup=%s, and nobody new may read: %s", where,
                                group, error.text));
}

int config_load(int root_fd, const ConfigOptions *options, Config **ret, Error *reterr)
{
        autoptr(Settings) configured = settings_new();
        autoptr(Settings) layout = NULL;
        autoptr(Config) config = NULL;
        int r;

        /* 1. What the administrator wrote. */
        r = read_files(root_fd, options->config_file, configured, reterr);

        /* 2. What describes this kind of host. */
        if (r >= 0)
                r = layout_choose(root_fd, options, configured, &layout, reterr);

        /* 3. What both mean, one above the other. */
        if (r >= 0)
                r = config_interpret(layout, configured, &config, reterr);

        /* 4. What only this host knows. */
        if (r >= 0) {
                find_reader_group(root_fd, config);
                copies_find(root_fd, config);
                *ret = TAKE(config);
        }
        return r == -EBADMSG ? -EINVAL : r;
}

int config_state_directory(int root_fd, const char *config_file, char **ret, Error *reterr)
{
        const ConfigKey *key = config_key_find(config_section_find("agent"), "StateDirectory");
        autoptr(Settings) configured = settings_new();
        const Setting *setting;
        Config config = {};
        int r;

        configured->skip_bad_lines = true;
        r = read_files(root_fd, config_file, configured, reterr);
        if (r < 0)
                return r;
        setting = settings_last(configured, "agent", "", key->name);
        if (!setting || !setting->value[0]) {
                *ret = xstrdup(CONFIG_STATE_DIRECTORY);
                return 0;
        }
        r = config_key_read(key, setting, &config, reterr);
        if (r < 0)
                return r;
        *ret = config.state_directory;
        return 0;
}

/* What the layout says, or nothing: a setting of the administrator may be what is wrong. */
static Config *read_layout(int root_fd, const ConfigOptions *options)
{
        const ConfigOptions any = {.layout = options->layout, .layout_any = true};
        autoptr(Settings) configured = settings_new();
        autoptr(Settings) none = settings_new();
        autoptr(Settings) layout = NULL;
        Config *config = NULL;
        int r;

        configured->skip_bad_lines = true;
        r = read_files(root_fd, options->config_file, configured, NULL);
        if (r >= 0)
                r = layout_choose(root_fd, &any, configured, &layout, NULL);
        if (r >= 0)
                r = config_interpret(layout, none, &config, NULL);
        return r < 0 ? config_new() : config;
}

Config *config_load_least(int root_fd, const ConfigOptions *options, bool *ret_guessed)
{
        Config *config = read_layout(root_fd, options);
        char *state_directory;
        int r;

        r = config_state_directory(root_fd, options->config_file, &state_directory, NULL);
        *ret_guessed = r < 0;
        if (r < 0)
                return config;
        free(config->state_directory);
        config->state_directory = state_directory;
        return config;
}

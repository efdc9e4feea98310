/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "configured.h"

#include <assert.h>

/* What is effective, written down as a layout and its configuration. */
static void write_down(const Config *config, FILE *layout, FILE *configured)
{
        size_t n;
        EffectiveSetting *settings = config_effective(config, &n);

        for (size_t i = 0; i < n; i++) {
                const EffectiveSetting *s = &settings[i];
                FILE *f = config_section_find(s->section)->in_layout ? layout : configured;

                fprintf(f, "[%s%s%s]\n", s->section, s->name[0] ? " " : "", s->name);
                if (s->value[0])
                        fprintf(f, "%s=%s\n", s->key, s->value);
        }
        config_effective_free(settings, n);
}

/* What `config` prints can be read again, and means the same. */
static void check_round_trip(const Config *config)
{
        char *texts[4] = {NULL};
        size_t size;

        for (int i = 0; i < 4; i += 2) {
                FILE *layout = open_memstream(&texts[i], &size);
                FILE *configured = open_memstream(&texts[i + 1], &size);
                Config *again = i > 0 ? config_of(texts[0], texts[1]) : NULL;

                write_down(again ? again : config, layout, configured);
                fclose(layout);
                fclose(configured);
                config_free(again);
        }
        assert(streq(texts[0], texts[2]));
        assert(streq(texts[1], texts[3]));
        for (int i = 0; i < 4; i++)
                free(texts[i]);
}

/* The meaning of a layout and a configuration: whatever is refused says why, whatever is accepted
 * is whole. A line "#configuration" ends the layout. */
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
        static const char border[] = "#configuration\n";
        const unsigned char *end = memmem(data, size, border, strlen(border));
        size_t n = end ? (size_t)(end - data) : size;
        autoptr(Settings) layout = settings_new();
        autoptr(Settings) configured = settings_new();
        autoptr(Config) config = NULL;
        Error error = {};

        if (settings_parse(layout, "layout", (const char *)data, n, NULL) < 0 ||
                settings_parse(configured, "configured", (const char *)data + n, size - n, NULL) <
                        0)
                return 0;
        if (config_interpret(layout, configured, &config, &error) < 0) {
                assert(error.text[0]);
                return 0;
        }
        for (size_t i = 0; i < config->layout.n_credentials; i++) {
                const CredentialEntry *entry = &config->layout.credentials[i];

                assert(entry->path);
                assert(entry->watch || (entry->ca && layout_find_ca(&config->layout, entry->ca)));
        }
        for (size_t i = 0; i < config->layout.n_copy_targets; i++) {
                const CopyTarget *target = &config->layout.copy_targets[i];

                assert(target->path && target->parts[0] && target->source->path);
                assert(!streq(target->path, target->parts[0]));
        }
        check_round_trip(config);
        return 0;
}

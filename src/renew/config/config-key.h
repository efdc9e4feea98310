/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one table of sections and keys: what each is called, which kind of value it has, where it is
 * kept, its default and its limits. Reading, the verb `config`, suggestions for unknown keys and
 * the checks of manual and default file all come from it.
 *
 *     section = config_section_find("renewal");
 *     key = config_key_find(section, "RenewBefore");
 *
 * Private to the configuration; everybody else uses the members of renew/config/config.h. */

#include "renew/config/config-value.h"
#include "renew/config/config.h"

typedef enum SectionKind {
        SECTION_SINGLE, /* kept in Config itself */
        SECTION_CA,
        SECTION_CERTIFICATE,
        SECTION_KUBECONFIG,
        SECTION_COMPONENT,
        SECTION_COPY,
        SECTION_PUBLISH,
        SECTION_FETCH,
} SectionKind;

typedef struct ConfigKey {
        const char *name;
        const ValueType *type;
        size_t offset, size;      /* of the member: in Config, or in the entry of a named section */
        const char *standard;     /* the default as it would be written; NULL: not set */
        const char *least, *most; /* limits of a number */
        const char *clears;       /* the key that this one replaces where it is set */
        bool is_inherited;        /* of an entry: the default is what [renewal] says */
        bool in_config;           /* may stand in the configuration, if its section may not */
} ConfigKey;

typedef struct ConfigSection {
        const char *name;
        SectionKind kind;
        bool in_config, in_layout; /* the files it may stand in */
        const ConfigKey *keys;     /* up to the one without name */
} ConfigSection;

/* Up to the one without name. */
extern const ConfigSection config_sections[];

const ConfigSection *config_section_find(const char *name);
const ConfigKey *config_key_find(const ConfigSection *section, const char *name);

/* May it stand there? key may be NULL: a key that is not known. */
bool config_key_allowed(const ConfigSection *section, const ConfigKey *key, bool in_layout);

/* Sets the member of `entry` back to the key's default. */
void config_key_reset(const ConfigKey *key, void *entry);

/* Sets the member of `entry` (the Config, or an entry) from a setting whose value is not empty.
 * -EINVAL "file:line: what, and what would be right". */
int config_key_read(
        const ConfigKey *key, const Setting *setting, void *entry, Error *reterr) MUST_USE;

/* config_load() without the files: what the settings of a layout, and those above it, mean. Takes
 * the settings out of both lists. For fuzzing too. */
int config_interpret(Settings *layout, Settings *configured, Config **ret, Error *reterr) MUST_USE;

/* What holds the members of a section: the Config itself, or its i-th entry; NULL beyond the last.
 */
void *config_entry(const Config *config, const ConfigSection *section, size_t i);

/* The entry "[section name]", NULL if there is none; the Config itself for "". */
void *config_entry_find(const Config *config, const ConfigSection *section, const char *name);

/* The name in "[section name]", "" for a section without. */
const char *config_entry_name(const ConfigSection *section, const void *entry);

static inline void *config_member(const ConfigKey *key, void *entry)
{
        return (char *)entry + key->offset;
}

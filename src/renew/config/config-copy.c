/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fs.h"
#include "base/path.h"
#include "renew/config/config-check.h"
#include "renew/config/config-place.h"
#include "renew/config/copy-find.h"

static int refuse(const Config *config, const CopyEntry *entry, const char *key, const char *text,
        Error *reterr)
{
        autofree char *where = config_place(config, "copy", entry->name, key);

        return error_set(reterr, -EINVAL, "%s %s", where, text);
}

static int find_source(const Config *config, const CopyEntry *entry, const char *name,
        const CredentialEntry **ret, Error *reterr)
{
        const Layout *layout = &config->layout;
        autofree char *suggestion = NULL, *text = NULL;

        *ret = layout_find_credential(layout, name);
        if (*ret)
                return 0;
        suggestion = config_suggest(
                name, layout->credentials, layout->n_credentials, sizeof(CredentialEntry));
        text = xasprintf(
                "names Source=%s, but there is no [certificate %s] and no [kubeconfig %s]%s", name,
                name, name, suggestion);
        return refuse(config, entry, "Source", text, reterr);
}

/* The second file of a source, NULL where it has but one. */
static const char *key_file(const CredentialEntry *source)
{
        return source->key && !streq(source->key, source->path) ? source->key : NULL;
}

/* Can this be had of that source, in the place that is given? */
static int check_content(
        const Config *config, const CopyEntry *entry, const CredentialEntry *source, Error *reterr)
{
        autofree char *text = NULL;

        if (!source->is_kubeconfig && !key_file(source) && entry->content >= COPY_KEY)
                text = xasprintf("takes a key from '%s', which has no key file of its own; write "
                                 "Content=file",
                        source->name);
        else if (key_file(source) && entry->path && !entry->key && entry->content == COPY_FILE)
                text = xasprintf("copies '%s', which is two files, to one Path=; write Key=, "
                                 "Directory=, or Content=certificate, key or bundle",
                        source->name);
        else if (entry->key && (!key_file(source) || !entry->path || entry->content != COPY_FILE))
                text = xasprintf("has Key=, but '%s' is copied to one file or to a directory; "
                                 "write Key= only beside the Path= of a certificate",
                        source->name);
        return text ? refuse(config, entry, "Content", text, reterr) : 0;
}

/* What is made, and has no name of its own. */
static const char *const suffixes[] = {
        [COPY_CERTIFICATE] = "crt",
        [COPY_KEY] = "key",
        [COPY_BUNDLE] = "pem",
        [COPY_BUNDLE_KEY_FIRST] = "pem",
};

/* The place of a file of that source. */
static char *target_path(const CopyEntry *entry, const CredentialEntry *source, const char *first,
        const char *second)
{
        if (entry->key && first == source->key)
                return xstrdup(entry->key);
        if (entry->path)
                return xstrdup(entry->path);
        if (!second && !copy_is_extract(entry, source))
                return path_join(entry->directory, fs_basename(first));
        return xasprintf("%s/%s.%s", entry->directory, source->name, suffixes[entry->content]);
}

const char *config_copy_key(const CopyTarget *target)
{
        if (!target->entry->path)
                return "Directory";
        return target->entry->key && target->parts[0] == target->source->key ? "Key" : "Path";
}

/* Is this file what another layout calls its own? */
static bool is_elsewhere(const Layout *layout, const CopyTarget *target)
{
        for (size_t i = 0; i < layout->n_copy_targets; i++)
                if (streq(layout->copy_targets[i].path, target->path) &&
                        !layout_is_same(layout->copy_targets[i].entry->name, target->entry->name))
                        return !copy_is_pattern(target->entry);
        return false;
}

/* Somebody has made an entry of its own of what a layout calls a copy; or another layout has it. */
static bool gives_way(const Config *config, const CopyTarget *target)
{
        const Layout *layout = &config->layout;
        const Setting *own =
                config_find_setting(config, "copy", target->entry->name, config_copy_key(target));

        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *other = &layout->credentials[i];

                if (!streq(other->path, target->path))
                        continue;
                return !layout_is_same(other->name, target->entry->name) ||
                       own < config_find_setting(config, config_section_of(other), other->name,
                                     other->is_kubeconfig ? "Path" : "Certificate");
        }
        return is_elsewhere(layout, target);
}

static void add_target(
        Config *config, const CopyTarget *base, const char *first, const char *second)
{
        Layout *layout = &config->layout;
        CopyTarget target = *base;

        target.path = target_path(base->entry, base->source, first, second);
        target.parts[0] = first;
        target.parts[1] = second;
        if (gives_way(config, &target)) {
                free(target.path);
                return;
        }
        layout->copy_targets =
                xreallocarray(layout->copy_targets, layout->n_copy_targets + 1, sizeof(CopyTarget));
        layout->copy_targets[layout->n_copy_targets++] = target;
}

static void add_targets(Config *config, const CopyEntry *entry, const CredentialEntry *source)
{
        const Layout *layout = &config->layout;
        size_t n = layout->n_copy_targets;
        const CopyTarget base = {.entry = entry,
                .source = source,
                .group = n > 0 ? layout->copy_targets[n - 1].group + 1 : 0};

        /* Whatever is made of a kubeconfig is made of one file. */
        switch (source->is_kubeconfig ? COPY_CERTIFICATE : entry->content) {
        case COPY_FILE:
                add_target(config, &base, source->path, NULL);
                if (key_file(source))
                        add_target(config, &base, source->key, NULL);
                return;
        case COPY_CERTIFICATE:
                add_target(config, &base, source->path, NULL);
                return;
        case COPY_KEY:
                add_target(config, &base, source->key, NULL);
                return;
        case COPY_BUNDLE:
                add_target(config, &base, source->path, source->key);
                return;
        case COPY_BUNDLE_KEY_FIRST:
                add_target(config, &base, source->key, source->path);
                return;
        }
}

static int check_copy(Config *config, const CopyEntry *entry, Error *reterr)
{
        const CredentialEntry *source = NULL;
        int r = 0;

        /* 1. Without a source it is switched off. */
        if (!entry->sources)
                return 0;

        /* 2. A place, and one that holds it all. */
        if (!entry->path && !entry->directory)
                return refuse(config, entry, NULL,
                        "has neither Path= nor Directory=; write the one that says where it is",
                        reterr);
        if (entry->path && entry->sources[1])
                return refuse(config, entry, "Source",
                        "has several names in Source= and one Path=; write Directory=", reterr);
        if (entry->path && copy_is_pattern(entry) && (entry->key || entry->create))
                return refuse(config, entry, "Path",
                        "has a pattern in Path=, which finds one file each that is there already; "
                        "write it without Key= and Create=",
                        reterr);

        /* 3. Its files. */
        for (char **name = entry->sources; r >= 0 && *name; name++) {
                r = find_source(config, entry, *name, &source, reterr);
                if (r >= 0)
                        r = check_content(config, entry, source, reterr);
                if (r >= 0)
                        add_targets(config, entry, source);
        }
        return r;
}

int config_check_copies(Config *config, Error *reterr)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < config->layout.n_copies; i++)
                r = check_copy(config, &config->layout.copies[i], reterr);
        return r;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "renew/config/config-check.h"

#include "base/nearest-word.h"
#include "renew/config/config-key.h"
#include "renew/config/config-place.h"
#include "renew/config/copy-find.h"
#include "renew/event/alarm-types.h"

#include <fnmatch.h>

/* "layout 'kubeadm'", for what it does not do. */
static char *layouts_text(const Layout *layout)
{
        autofree char *names = strv_join(layout->names, "' or '");

        return xasprintf("layout '%s'", names);
}

/* An override of what the layout does not have is the usual reason for an entry without a file. */
static int lacks(const Config *config, const char *section, const char *name, const char *key,
        const char *suggestion, Error *reterr)
{
        autofree char *where = config_place(config, section, name, NULL);
        autofree char *layouts = layouts_text(&config->layout);

        return error_set(reterr, -EINVAL, "%s has no %s=, and %s does not list it%s", where, key,
                layouts, suggestion);
}

/* What RequiredBy= and RenewedBy= name. */
static int check_component_name(const Config *config, const char *section, const char *name,
        const char *key, const char *component, Error *reterr)
{
        const Layout *layout = &config->layout;
        autofree char *where = NULL, *suggestion = NULL;

        if (!component || layout_find_component(layout, component))
                return 0;
        where = config_place(config, section, name, key);
        suggestion = config_suggest(
                component, layout->components, layout->n_components, sizeof(ComponentEntry));
        return error_set(reterr, -EINVAL, "%s names %s=%s, but there is no [component %s]%s", where,
                key, component, component, suggestion);
}

static int check_ca(const Config *config, const CaEntry *ca, Error *reterr)
{
        const Layout *layout = &config->layout;
        autofree char *suggestion =
                config_suggest(ca->id, layout->cas, layout->n_cas, sizeof(CaEntry));

        if (!ca->certificate)
                return lacks(config, "ca", ca->id, "Certificate", suggestion, reterr);
        return check_component_name(config, "ca", ca->id, "RequiredBy", ca->required_by, reterr);
}

static int check_superseded_by(const Config *config, const CredentialEntry *entry, Error *reterr)
{
        const Layout *layout = &config->layout;
        const char *section = config_section_of(entry), *other = entry->superseded_by;
        const CredentialEntry *found = other ? layout_find_credential(layout, other) : NULL;
        autofree char *where = NULL, *suggestion = NULL;

        if (!other || (found && found != entry && !found->is_kubeconfig))
                return 0;
        where = config_place(config, section, entry->name, "SupersededBy");
        suggestion = config_suggest(
                other, layout->credentials, layout->n_credentials, sizeof(CredentialEntry));
        return error_set(reterr, -EINVAL,
                "%s names SupersededBy=%s, but there is no other [certificate %s]%s", where, other,
                other, suggestion);
}

/* Nobody of us will ever write it. Which issuer it has is not known yet. */
static bool is_only_read(const CredentialEntry *entry)
{
        char **words = entry->issuer.words;

        return entry->watch ||
               (streq(words[0], issuer_kind_name(ISSUER_KIND_RESTART)) && !words[1]);
}

/* What an entry with a file must say about it. */
static int check_files(const Config *config, const CredentialEntry *entry, Error *reterr)
{
        const char *section = config_section_of(entry);
        autofree char *where = NULL;

        if (!entry->is_kubeconfig && !entry->key && !is_only_read(entry)) {
                where = config_place(config, section, entry->name, "Certificate");
                return error_set(reterr, -EINVAL,
                        "%s has no Key=; write the path of its private key, or Watch=yes", where);
        }
        if (entry->key && streq(entry->key, entry->path) && !is_only_read(entry)) {
                where = config_place(config, section, entry->name, "Key");
                return error_set(reterr, -EINVAL,
                        "%s has certificate and key in one file; that can only be watched: write "
                        "Watch=yes",
                        where);
        }
        if (entry->identity.common_name && entry->identity.usage == 0) {
                where = config_place(config, section, entry->name, "CommonName");
                return error_set(reterr, -EINVAL,
                        "%s has CommonName= but no Usage=; write Usage=server, Usage=client or "
                        "both",
                        where);
        }
        return 0;
}

static int check_credential(Config *config, CredentialEntry *entry, Error *reterr)
{
        const Layout *layout = &config->layout;
        const char *section = config_section_of(entry);
        int r;

        if (!entry->path) {
                autofree char *suggestion = config_suggest(entry->name, layout->credentials,
                        layout->n_credentials, sizeof(CredentialEntry));

                return lacks(config, section, entry->name,
                        entry->is_kubeconfig ? "Path" : "Certificate", suggestion, reterr);
        }
        r = check_files(config, entry, reterr);
        if (r >= 0)
                r = config_check_issuer(config, entry, reterr);
        if (r >= 0)
                r = check_component_name(
                        config, section, entry->name, "RequiredBy", entry->required_by, reterr);
        if (r >= 0)
                r = check_component_name(config, section, entry->name, "RenewedBy",
                        entry->issuer.renewed_by, reterr);
        if (r >= 0)
                r = check_superseded_by(config, entry, reterr);
        return r;
}

static int check_component(const Config *config, const ComponentEntry *entry, Error *reterr)
{
        autofree char *where = NULL;

        if (!entry->manifest != !entry->unit || (!entry->manifest && entry->restart_command))
                return 0;
        where = config_place(config, "component", entry->name, "Unit");
        if (!entry->unit)
                return error_set(reterr, -EINVAL,
                        "%s has neither Manifest=, Unit= nor RestartCommand=; write what runs it",
                        where);
        return error_set(reterr, -EINVAL, "%s has both Manifest= and Unit=; write only one", where);
}

/* A name or a file, and who has it. */
typedef struct Claim {
        const char *what; /* "name" or "file" */
        const char *value;
        const char *section, *name, *key;
} Claim;

typedef struct Claims {
        Claim *claims;
        size_t n;
} Claims;

static void add_claim(Claims *claims, Claim claim)
{
        if (!claim.value)
                return;
        claims->claims = xreallocarray(claims->claims, claims->n + 1, sizeof(Claim));
        claims->claims[claims->n++] = claim;
}

static int compare_claims(const void *a, const void *b)
{
        const Claim *x = a, *y = b;
        int order = strcmp(x->what, y->what);

        return order != 0 ? order : strcmp(x->value, y->value);
}

static void collect_claims(const Layout *layout, Claims *claims)
{
        for (size_t i = 0; i < layout->n_cas; i++) {
                const CaEntry *ca = &layout->cas[i];

                add_claim(claims, (Claim){"name", ca->name, "ca", ca->id, "Name"});
                add_claim(claims, (Claim){"file", ca->certificate, "ca", ca->id, "Certificate"});
                add_claim(claims, (Claim){"file", ca_key_path(ca), "ca", ca->id, "Key"});
        }
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];
                const char *section = config_section_of(entry);

                add_claim(claims, (Claim){"name", entry->name, section, entry->name, NULL});
                add_claim(claims, (Claim){"file", entry->path, section, entry->name,
                                          entry->is_kubeconfig ? "Path" : "Certificate"});
                if (entry->key && !streq(entry->key, entry->path))
                        add_claim(claims, (Claim){"file", entry->key, section, entry->name, "Key"});
        }
        for (size_t i = 0; i < layout->n_components; i++)
                add_claim(claims, (Claim){"file", layout->components[i].manifest, "component",
                                          layout->components[i].name, "Manifest"});
        for (size_t i = 0; i < layout->n_copy_targets; i++) {
                const CopyTarget *target = &layout->copy_targets[i];

                /* Of what a pattern finds, each is a copy of what it equals. */
                if (copy_is_pattern(target->entry))
                        continue;
                add_claim(claims, (Claim){"file", target->path, "copy", target->entry->name,
                                          config_copy_key(target)});
        }
        add_claim(
                claims, (Claim){"file", layout->service_account_key, "service-account", "", "Key"});
        add_claim(claims, (Claim){"file", layout->service_account_public_key, "service-account", "",
                                  "PublicKey"});
}

static int refuse_claims(const Config *config, const Claim *a, const Claim *b, Error *reterr)
{
        autofree char *first = NULL, *second = NULL;

        /* Settings are in one array: the one that was read later is to be changed. */
        if (config_find_setting(config, a->section, a->name, a->key) >
                config_find_setting(config, b->section, b->name, b->key))
                return refuse_claims(config, b, a, reterr);
        first = config_place(config, a->section, a->name, a->key);
        second = config_place(config, b->section, b->name, b->key);
        return error_set(reterr, -EINVAL, "%s has the same %s as %s: '%s'; %s", second, a->what,
                first, a->value,
                layout_is_same(a->name, b->name)
                        ? "choose another"
                        : "name the layout to be used with --layout= or Layout= in [agent]");
}

/* Rows are told apart by name, and a file is replaced for one reason only. */
static int check_unique(const Config *config, Error *reterr)
{
        Claims claims = {};
        int r = 0;

        collect_claims(&config->layout, &claims);
        qsort(claims.claims, claims.n, sizeof(Claim), compare_claims);
        for (size_t i = 1; r >= 0 && i < claims.n; i++)
                if (compare_claims(&claims.claims[i - 1], &claims.claims[i]) == 0)
                        r = refuse_claims(config, &claims.claims[i - 1], &claims.claims[i], reterr);
        free(claims.claims);
        return r;
}

static int check_alarms(const Config *config, Error *reterr)
{
        autofree char *where = NULL;

        if (config->ca_critical_before <= config->ca_expiring_before)
                return 0;
        where = config_place(config, "alarms", "", "CACriticalBefore");
        return error_set(reterr, -EINVAL,
                "%s has CACriticalBefore= longer than CAExpiringBefore=; write a shorter one",
                where);
}

/* Who asks for the lease: by default the administrator. */
static int check_cluster(Config *config, Error *reterr)
{
        ClusterEntry *cluster = &config->cluster;
        const CredentialEntry *found = config_administrator(config);
        autofree char *where = NULL;

        if (cluster->coordination == COORDINATION_NONE || cluster->kubeconfig)
                return 0;
        if (found) {
                cluster->kubeconfig = xstrdup(found->path);
                return 0;
        }
        where = config_place(config, "cluster", "", "Coordination");
        return error_set(reterr, -EINVAL,
                "%s has Coordination=lease, but nobody who could ask for it; write the path of a "
                "kubeconfig into Kubeconfig=",
                where);
}

static bool fits_a_type(const char *pattern)
{
        for (AlarmType type = 0; type < N_ALARM_TYPES; type++)
                if (fnmatch(pattern, alarm_type_info(type)->name, 0) == 0)
                        return true;
        return false;
}

/* A slip of the pen would let an alarm ring that somebody knows about, no more. */
static void warn_shelve(Config *config)
{
        const char *names[N_ALARM_TYPES + 1] = {NULL};

        for (AlarmType type = 0; type < N_ALARM_TYPES; type++)
                names[type] = alarm_type_info(type)->name;
        for (char **alarm = config->shelve; alarm && *alarm; alarm++) {
                autofree char *pattern = xstrndup(*alarm, strcspn(*alarm, "@"));
                autofree char *where = config_place(config, "alarms", "", "Shelve");
                const char *nearest = nearest_word(pattern, names);

                if (!fits_a_type(pattern))
                        strv_take(&config->warnings,
                                xasprintf("%s has Shelve=%s, but no type of alarm is called "
                                          "'%s'%s%s%s",
                                        where, *alarm, pattern, nearest ? "; did you mean '" : "",
                                        nearest ? nearest : "", nearest ? "'?" : ""));
        }
}

/* Nothing is loaded that nobody has named, so such a CA signs nothing. */
static void warn_tokens(Config *config)
{
        const Layout *layout = &config->layout;

        for (size_t i = 0; i < layout->n_cas && !config->pkcs11.modules; i++) {
                autofree char *where = config_place(config, "ca", layout->cas[i].id, "Key");

                if (ca_has_token(&layout->cas[i]))
                        strv_take(&config->warnings,
                                xasprintf("%s has its key in a token, but no library is named by "
                                          "which to reach it; set Module= in [pkcs11]",
                                        where));
        }
}

/* Whatever shows a certificate to others may be an API server, or etcd. */
static bool is_server(const Layout *layout, const ComponentEntry *component)
{
        for (size_t i = 0; i < layout->n_credentials; i++) {
                const CredentialEntry *entry = &layout->credentials[i];
                const char *renewed_by = entry->issuer.renewed_by;

                if ((entry->identity.usage & CERT_USAGE_SERVER) &&
                        (strv_contains(component->uses, entry->path) ||
                                (renewed_by && streq(renewed_by, component->name))))
                        return true;
        }
        return component->loopback_age > 0;
}

/* What is no static pod has no manifest to tell where it answers, and as whom. */
static void warn_turns(Config *config)
{
        const Layout *layout = &config->layout;

        for (size_t i = 0; i < layout->n_components; i++) {
                const ComponentEntry *component = &layout->components[i];
                autofree char *where = config_place(config, "cluster", "", "Coordination");

                if (config->cluster.coordination != COORDINATION_NONE && !component->manifest &&
                        component->restart != RESTART_NEVER && is_server(layout, component))
                        strv_take(&config->warnings,
                                xasprintf("%s has Coordination=lease: '%s', which is no static "
                                          "pod, waits for its turn, but nobody looks whether "
                                          "another API server is up, or etcd has a quorum "
                                          "without it",
                                        where, component->name));
        }
}

static int check_entries(Config *config, Error *reterr)
{
        const Layout *layout = &config->layout;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < layout->n_cas; i++)
                r = check_ca(config, &layout->cas[i], reterr);
        for (size_t i = 0; r >= 0 && i < layout->n_credentials; i++)
                r = check_credential(config, &layout->credentials[i], reterr);
        for (size_t i = 0; r >= 0 && i < layout->n_components; i++)
                r = check_component(config, &layout->components[i], reterr);
        if (r >= 0)
                r = config_check_copies(config, reterr);
        if (r >= 0)
                r = config_check_secrets(config, reterr);
        if (r < 0 || layout->n_cas + layout->n_credentials > 0)
                return r;
        autofree char *layouts = layouts_text(layout);
        return error_set(reterr, -EINVAL, "%s lists no certificate; there is nothing to look after",
                layouts);
}

/* Two ways to say it in one file. */
static void warn_policy(Config *config, const char *section, const char *name)
{
        const Settings *settings = config->settings;
        const Setting *before = settings_last(settings, section, name, "RenewBefore");
        const Setting *at = settings_last(settings, section, name, "RenewAt");
        autofree char *where = NULL;

        if (!before || !at || !before->value[0] || !at->value[0] || !streq(before->file, at->file))
                return;
        where = config_place(config, section, name, "RenewBefore");
        strv_take(&config->warnings,
                xasprintf(
                        "%s has RenewBefore= and RenewAt= (line %u), which exclude each other; the "
                        "later one counts",
                        where, at->line));
}

int config_check(Config *config, Error *reterr)
{
        const Layout *layout = &config->layout;
        int r;

        r = check_entries(config, reterr);
        if (r >= 0)
                r = check_unique(config, reterr);
        if (r >= 0)
                r = check_alarms(config, reterr);
        if (r >= 0)
                r = check_cluster(config, reterr);
        if (r < 0)
                return r;
        warn_shelve(config);
        warn_tokens(config);
        warn_turns(config);
        warn_policy(config, "renewal", "");
        for (size_t i = 0; i < layout->n_credentials; i++)
                warn_policy(config, config_section_of(&layout->credentials[i]),
                        layout->credentials[i].name);
        return 0;
}

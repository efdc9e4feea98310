/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/time-util.h"
#include "renew/config/config-check.h"
#include "renew/config/config-key.h"
#include "renew/config/config-place.h"

/* When it is due where nobody has said it: per cent of the lifetime, and seconds before its end, so
 * that a night may be missed. */
#define REQUESTED_DUE_AT       80
#define SELF_SIGNED_DUE_BEFORE (2 * DAY + 2 * HOUR)

static const struct {
        const char *lacks; /* where it is not configured; NULL: it always is */
        bool is_for_kubeconfigs;
} kinds[N_ISSUER_KINDS] = {
        [ISSUER_KIND_CA] = {"CA=", true},
        [ISSUER_KIND_SELF_SIGNED] = {NULL, false},
        [ISSUER_KIND_FILES] = {"SourceCertificate= and SourceKey=", false},
        [ISSUER_KIND_CSR] = {"SignerName=", true},
        [ISSUER_KIND_COMMAND] = {"IssuerCommand=", true},
        [ISSUER_KIND_EXTERNAL] = {NULL, true},
        [ISSUER_KIND_RESTART] = {"RenewedBy=", true},
};

/* What is of use to some issuers only. */
static const struct {
        const char *key;
        unsigned kinds;
} particular[] = {
        {"SourceCertificate", 1U << ISSUER_KIND_FILES},
        {"SourceKey", 1U << ISSUER_KIND_FILES},
        {"SignerName", 1U << ISSUER_KIND_CSR},
        {"RequestKubeconfig", 1U << ISSUER_KIND_CSR},
        {"ApproveWith", 1U << ISSUER_KIND_CSR},
        {"RequestTimeout", 1U << ISSUER_KIND_CSR | 1U << ISSUER_KIND_COMMAND},
        {"IssuerCommand", 1U << ISSUER_KIND_COMMAND},
        {"RenewedBy", 1U << ISSUER_KIND_RESTART},
        {"ExtraSANs", ~(1U << ISSUER_KIND_RESTART)},
        {"Validity", ~(1U << ISSUER_KIND_RESTART)},
        {"KeyAlgorithm", ~(1U << ISSUER_KIND_RESTART)},
        {"ReuseKey", ~(1U << ISSUER_KIND_RESTART)},
};

static IssuerKind find_kind(const char *word)
{
        IssuerKind kind = 0;

        while (!streq(issuer_kind_name(kind), word))
                kind++;
        return kind;
}

static bool is_configured(const CredentialEntry *entry, IssuerKind kind)
{
        switch (kind) {
        case ISSUER_KIND_CA:
                return entry->ca;
        case ISSUER_KIND_FILES:
                return entry->issuer.source_certificate;
        case ISSUER_KIND_CSR:
                return entry->issuer.signer_name;
        case ISSUER_KIND_COMMAND:
                return entry->issuer.command;
        case ISSUER_KIND_RESTART:
                return entry->issuer.renewed_by;
        default:
                return true;
        }
}

static bool is_said(const Config *config, const CredentialEntry *entry, const char *key)
{
        const Setting *setting =
                settings_last(config->settings, config_section_of(entry), entry->name, key);

        return setting && setting->value[0];
}

static int refuse(const Config *config, const CredentialEntry *entry, const char *key,
        const char *text, Error *reterr)
{
        autofree char *where = config_place(config, config_section_of(entry), entry->name, key);

        return error_set(reterr, -EINVAL, "%s %s", where, text);
}

static int check_ca_name(const Config *config, const CredentialEntry *entry, Error *reterr)
{
        const Layout *layout = &config->layout;
        autofree char *suggestion = NULL, *text = NULL;

        if (!entry->ca || layout_find_ca(layout, entry->ca))
                return 0;
        suggestion = config_suggest(entry->ca, layout->cas, layout->n_cas, sizeof(CaEntry));
        text = xasprintf(
                "names CA=%s, but there is no [ca %s]%s", entry->ca, entry->ca, suggestion);
        return refuse(config, entry, "CA", text, reterr);
}

static int check_words(const Config *config, const CredentialEntry *entry, Error *reterr)
{
        for (char **word = entry->issuer.words; *word; word++) {
                autofree char *text = NULL;

                if (!entry->is_kubeconfig || kinds[find_kind(*word)].is_for_kubeconfigs)
                        continue;
                text = xasprintf("has Issuer=%s, which no kubeconfig can have; write ca, csr, "
                                 "command, external or restart",
                        *word);
                return refuse(config, entry, "Issuer", text, reterr);
        }
        return 0;
}

/* Half of a pair would be a certificate without its key, or the other way round. What is taken over
 * is copied byte for byte: a key in the file of the certificate would come with it. */
static int check_source(const Config *config, const CredentialEntry *entry, Error *reterr)
{
        const IssuerEntry *issuer = &entry->issuer;

        if (issuer->source_certificate && !issuer->source_key)
                return refuse(config, entry, "SourceCertificate",
                        "has SourceCertificate= but no SourceKey=; write the path of its private "
                        "key",
                        reterr);
        if (issuer->source_key && !issuer->source_certificate)
                return refuse(config, entry, "SourceKey",
                        "has SourceKey= but no SourceCertificate=; write the path of the "
                        "certificate that it belongs to",
                        reterr);
        if (issuer->source_certificate &&
                (streq(issuer->source_certificate, entry->path) ||
                        (entry->key && streq(issuer->source_key, entry->key))))
                return refuse(config, entry, "SourceCertificate",
                        "has itself as its source; without SourceCertificate= and SourceKey= it is "
                        "what somebody else has put in place",
                        reterr);
        if (issuer->source_certificate && streq(issuer->source_certificate, issuer->source_key))
                return refuse(config, entry, "SourceKey",
                        "has certificate and key in one file at its source; write the paths of two "
                        "files",
                        reterr);
        return 0;
}

/* "SourceCertificate= and SourceKey=, or SignerName=" */
static char *all_that_lack(const CredentialEntry *entry)
{
        autostrv lacks = NULL;

        for (char **word = entry->issuer.words; *word; word++)
                strv_add(&lacks, kinds[find_kind(*word)].lacks);
        return strv_join(lacks, ", or ");
}

/* The first that is configured here: never a later one because an earlier one has failed. */
static int choose(const Config *config, CredentialEntry *entry, Error *reterr)
{
        char **words = entry->issuer.words;
        autofree char *said = NULL, *lacking = NULL, *text = NULL;

        for (char **word = words; *word; word++) {
                entry->issuer.kind = find_kind(*word);
                if (is_configured(entry, entry->issuer.kind))
                        return 0;
        }
        if (!words[1] && entry->issuer.kind == ISSUER_KIND_FILES) {
                entry->watch = true;
                return 0;
        }
        if (!words[1] && entry->issuer.kind == ISSUER_KIND_CA)
                return refuse(config, entry, "CA",
                        "has no CA=; write the name of the [ca] that signs it, or Watch=yes",
                        reterr);
        said = strv_join(words, " ");
        lacking = all_that_lack(entry);
        text = xasprintf("has Issuer=%s, but nothing that it needs; write %s", said, lacking);
        return refuse(config, entry, "Issuer", text, reterr);
}

static bool is_administrator(const CredentialEntry *entry)
{
        char *const *groups = entry->identity.organizations;

        return entry->is_kubeconfig && (strv_contains(groups, "system:masters") ||
                                               strv_contains(groups, "kubeadm:cluster-admins"));
}

const CredentialEntry *config_administrator(const Config *config)
{
        const Layout *layout = &config->layout;

        for (size_t i = 0; i < layout->n_credentials; i++)
                if (is_administrator(&layout->credentials[i]))
                        return &layout->credentials[i];
        return NULL;
}

/* Its own credentials, or those of the administrator. */
static int choose_who_asks(const Config *config, CredentialEntry *entry, Error *reterr)
{
        const Layout *layout = &config->layout;
        const CredentialEntry *found = entry->is_kubeconfig ? entry : NULL;

        if (entry->issuer.request_kubeconfig)
                return 0;
        for (size_t i = 0; !found && i < layout->n_credentials; i++)
                if (is_administrator(&layout->credentials[i]) &&
                        layout_is_same(layout->credentials[i].name, entry->name))
                        found = &layout->credentials[i];
        if (!found)
                return refuse(config, entry, "SignerName",
                        "has Issuer=csr, but nobody who could ask; write the path of a kubeconfig "
                        "into RequestKubeconfig=",
                        reterr);
        entry->issuer.request_kubeconfig = xstrdup(found->path);
        return 0;
}

static void warn(Config *config, const CredentialEntry *entry, const char *key, const char *why)
{
        autofree char *where = config_place(config, config_section_of(entry), entry->name, key);

        strv_take(&config->warnings,
                xasprintf("%s has %s=, which is of no use with %s", where, key, why));
}

/* What is of use to another word of Issuer= is there for the day on which the one in use goes. */
static void warn_useless(Config *config, const CredentialEntry *entry)
{
        autofree char *with = xasprintf("Issuer=%s", issuer_kind_name(entry->issuer.kind));
        unsigned listed = 0;

        for (char **word = entry->issuer.words; *word; word++)
                listed |= 1U << find_kind(*word);
        for (size_t i = 0; i < ELEMENTSOF(particular); i++)
                if (!(particular[i].kinds & listed) && is_said(config, entry, particular[i].key))
                        warn(config, entry, particular[i].key, with);
}

static bool says_when(const Settings *settings, const char *section, const char *name)
{
        const Setting *before = settings_last(settings, section, name, "RenewBefore");
        const Setting *at = settings_last(settings, section, name, "RenewAt");

        return (before && before->value[0]) || (at && at->value[0]);
}

static void set_defaults(const Config *config, CredentialEntry *entry)
{
        Policy *policy = &entry->policy;

        if (says_when(config->settings, "renewal", "") ||
                says_when(config->settings, config_section_of(entry), entry->name))
                return;
        if (entry->issuer.kind == ISSUER_KIND_SELF_SIGNED)
                policy->renew_before = SELF_SIGNED_DUE_BEFORE;
        else if (issuer_takes_requests(entry))
                policy->renew_at = REQUESTED_DUE_AT;
}

int config_check_issuer(Config *config, CredentialEntry *entry, Error *reterr)
{
        int r;

        /* 1. What is said must make sense. */
        r = check_ca_name(config, entry, reterr);
        if (r >= 0)
                r = check_words(config, entry, reterr);
        if (r >= 0)
                r = check_source(config, entry, reterr);
        if (r < 0)
                return r;

        /* 2. What somebody else renews has any issuer. */
        if (entry->watch) {
                if (is_said(config, entry, "Issuer"))
                        warn(config, entry, "Issuer", "Watch=yes");
                return 0;
        }

        /* 3. Who it is, and what follows from that. */
        r = choose(config, entry, reterr);
        if (r >= 0 && entry->issuer.kind == ISSUER_KIND_CSR)
                r = choose_who_asks(config, entry, reterr);
        if (r < 0)
                return r;
        warn_useless(config, entry);
        set_defaults(config, entry);
        return 0;
}
